"""Callers that wait with their connection open: woken when their answer is here, or when waiting ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final, Literal

import msgspec

from baseload.gateway.batch.carry import Carried, Synchronous
from baseload.gateway.batch.events import PING, events, failure
from baseload.gateway.batch.intents import Queue
from baseload.gateway.batch.queue import QueueThread
from baseload.gateway.batch.records import Call, Stored, Wants, said_of
from baseload.gateway.batch.rules import SECOND_US
from baseload.gateway.batch.seal import Sealer
from baseload.gateway.exchange import Answer, Way
from baseload.gateway.state.faults import StateDown
from baseload.gateway.wire.answer import error_answer, error_event
from baseload.gateway.wire.client import Client

SYNTHESIZED: Final = (b"x-baseload-synthesized", b"batch")
HELD: Final = (b"x-baseload-synthesized", b"held")
"""Of a stream, whose head goes out before anybody knows what its answer will come by: a comment in it says so then."""
_BY_BATCH: Final = b": x-baseload-synthesized: batch\n\n"
_BY_SPILL: Final = b": x-baseload-synthesized: spill\n\n"
OPEN: Final[tuple[Wants, ...]] = ("waiting", "again")
_AGAIN_S: Final = 1.0
_PINGS_A_TIMEOUT: Final = 3


class Held:
    """The held callers of one replica."""

    def __init__(
        self,
        queue: Queue,
        thread: QueueThread,
        sealer: Sealer,
        synchronous: Synchronous,
        client: Client,
        *,
        replica_id: str,
        clock_us: Callable[[], int],
        ping_s: float,
    ) -> None:
        self._queue = queue
        self._thread = thread
        self._sealer = sealer
        self._synchronous = synchronous
        self._client = client
        self._replica_id = replica_id
        self._clock_us = clock_us
        self._ping_s = ping_s
        self._waiting: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    async def wake(self) -> None:
        """Look for what is here for this replica's callers. Raises StateDown."""
        if self._waiting:
            for item_id in await self._thread(self._queue.awake, self._replica_id):
                event = self._waiting.get(item_id)
                if event is not None:
                    event.set()

    async def whole(self, item_id: str, call: Call, trip: str, due_us: int) -> Way:
        """A silent caller's answer; at the end of waiting, its way to the upstream."""
        try:
            stored = await self._answer(item_id, due_us)
            if stored is None:
                return await self._synchronous.way(call, trip, "spill")
            await self._step(item_id, "told", ("ready",))
        except asyncio.CancelledError:
            self._later(self._step(item_id, "orphan", ("waiting", "again", "ready", "spilling")))
            raise
        return answer_of(stored)

    async def stream(self, item_id: str, call: Call, trip: str, due_us: int) -> AsyncIterator[bytes]:
        """A streaming caller's events: pings until its answer is here. Ended early, the call is an orphan."""
        every_s = self._ping_s
        if call.facts.client_timeout_s is not None:
            every_s = min(every_s, call.facts.client_timeout_s / _PINGS_A_TIMEOUT)
        waiting = asyncio.ensure_future(self._answer(item_id, due_us))
        done = False
        try:
            yield PING
            while not waiting.done():
                await asyncio.wait((waiting,), timeout=every_s)
                if not waiting.done():
                    yield PING
            stored = waiting.result()
            yield _BY_SPILL if stored is None else _BY_BATCH
            if stored is None:
                async for piece in self._spilled(call, trip, every_s):
                    yield piece
            elif stored.status == 200:
                for piece in events(msgspec.json.decode(stored.body)):
                    yield piece
            else:
                yield failure(stored.body)
            done = True
        finally:
            waiting.cancel()
            if done:
                self._later(self._step(item_id, "told", ("ready", "spilling")))
            else:
                self._later(self._step(item_id, "orphan", ("waiting", "again", "ready", "spilling")))

    async def sent(self, call: Call, trip: str) -> Stored:
        """A ticket sent synchronously, its answer whole."""
        way = await self._synchronous.way(call, trip, "spill", stream=False)
        if isinstance(way, Answer):
            return stored_of(way)
        carried = Carried(self._client, call, way)
        body = b"".join([piece async for piece in carried.pieces()])
        if not carried.whole:
            return stored_of(error_answer(502, "The upstream gave no answer."))
        request_id = carried.header(b"request-id").decode("latin-1")
        said = {name: value.decode("latin-1") for name, value in carried.added}
        return Stored(
            status=carried.status, body=body, synthesized=False, request_id=request_id,
            model=said.get(b"x-baseload-model", ""), reason=said.get(b"x-baseload-reason", ""),
        )  # fmt: skip

    def orphan(self, item_id: str) -> None:
        """Its caller is gone before it was told anything."""
        self._later(self._step(item_id, "orphan", ("waiting", "again", "ready", "spilling")))

    async def close(self) -> None:
        """Every caller is an orphan: the same request, sent again, takes its place."""
        with contextlib.suppress(StateDown):
            await self._thread(self._queue.orphan, self._replica_id, self._clock_us())
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # inside

    async def _answer(self, item_id: str, due_us: int) -> Stored | None:
        """The answer once it is here; None = waiting is over, and the call is ours to send. Outlasts a store's fall."""
        event = self._waiting[item_id] = asyncio.Event()
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), max(0.0, (due_us - self._clock_us()) / SECOND_US))
                try:
                    found = await self._look(item_id, due_us)
                except StateDown:
                    if self._clock_us() >= due_us:
                        return None
                    await asyncio.sleep(_AGAIN_S)
                    continue
                if found != "wait":
                    return found
                event.clear()
        finally:
            del self._waiting[item_id]

    async def _look(self, item_id: str, due_us: int) -> Stored | Literal["wait"] | None:
        seen = await self._thread(self._queue.seen, item_id)
        if seen is not None and seen.wants == "ready" and seen.answer:
            return self._sealer.open(seen.answer, item_id + "/answer", Stored)
        if seen is not None and seen.wants == "waiting" and self._clock_us() < due_us:
            return "wait"
        if seen is None or seen.wants not in OPEN or await self._step(item_id, "spilling", OPEN):
            await self._thread(self._queue.count, "spilled")
            return None
        if self._clock_us() < due_us:
            return "wait"  # its answer came this very moment
        seen = await self._thread(self._queue.seen, item_id)
        if seen is not None and seen.wants == "ready" and seen.answer:
            return self._sealer.open(seen.answer, item_id + "/answer", Stored)
        return None  # another replica took it for dead

    async def _spilled(self, call: Call, trip: str, every_s: float) -> AsyncIterator[bytes]:
        """The upstream's own stream, byte for byte, after our pings."""
        way = await self._synchronous.way(call, trip, "spill")
        if isinstance(way, Answer):
            yield failure(way.body)
            return
        carried = Carried(self._client, call, way)
        pieces = carried.pieces()
        kept: list[bytes] = []
        last = b""
        async for piece in _pinged(pieces, every_s):
            if piece is None:
                if not carried.status:
                    yield PING
            elif carried.status == 200:
                last = piece
                yield piece
            else:
                kept.append(piece)
        if kept:
            yield failure(b"".join(kept))
        elif not carried.whole:
            yield error_event("The upstream broke off.", last)

    async def _step(self, item_id: str, to: Wants, since: tuple[Wants, ...]) -> bool:
        return await self._thread(self._queue.step, item_id, to, since, self._clock_us(), of=self._replica_id)

    def _later(self, step: Coroutine[Any, Any, bool]) -> None:
        async def quietly() -> None:
            with contextlib.suppress(StateDown, RuntimeError):  # found again as a dead replica's
                await step

        task = asyncio.ensure_future(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def stored_of(answer: Answer, *, synthesized: bool = False) -> Stored:
    """An answer of our own as it is kept, with the id its caller will be told."""
    request_id = next((value for name, value in answer.headers if name == b"request-id"), b"").decode("latin-1")
    return Stored(status=answer.status, body=answer.body, synthesized=synthesized, request_id=request_id)


def answer_of(stored: Stored) -> Answer:
    """A stored answer to a caller that does not stream."""
    headers = [(b"content-type", b"application/json"), *said_of(stored.model, stored.reason)]
    if stored.synthesized:
        headers.append(SYNTHESIZED)
    if stored.request_id:
        headers.append((b"request-id", stored.request_id.encode("latin-1", "replace")))
    return Answer(stored.status, tuple(headers), stored.body)


async def _pinged(pieces: AsyncIterator[bytes], every_s: float) -> AsyncIterator[bytes | None]:
    """The pieces, and None whenever none has come for a while."""
    following = asyncio.ensure_future(anext(pieces, b""))
    try:
        while True:
            await asyncio.wait((following,), timeout=every_s)
            if not following.done():
                yield None
                continue
            piece = following.result()
            if not piece:
                return
            yield piece
            following = asyncio.ensure_future(anext(pieces, b""))
    finally:
        if not following.done():
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()
