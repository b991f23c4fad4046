"""Shadow calls by Message Batches, at half the price: gathered, submitted together, their results graded as they come.

With the gateway's own key only. What waits is in memory: a process that ends leaves results nobody reads, whose cost
stands in the call log as not known and under the cap as spent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from baseload.gateway.calllog.records import End, Start
from baseload.gateway.calllog.segment import LogFull
from baseload.gateway.core import Core
from baseload.gateway.exchange import Forward, Header
from baseload.gateway.upstreams.port import Asked, Sent
from baseload.gateway.watching.cap import Reserved
from baseload.gateway.watching.replay import body_object, error_message
from baseload.gateway.watching.shadow import Pair, ShadowDesk
from baseload.gateway.wire.bare import BareTrip
from baseload.gateway.wire.fetch import Fetched, NotFetched

GATHER_S: Final = 60.0
POLL_S: Final = 30.0
MOST_ITEMS: Final = 500
GIVE_UP_S: Final = 90_000.0
"""A batch ends within 24 hours; an hour later it is not asked for any more."""
_PATH: Final = b"/v1/messages/batches"
_KEPT: Final = frozenset((b"anthropic-version", b"anthropic-beta", b"x-api-key", b"authorization", b"content-type"))
log = logging.getLogger("baseload.gateway.shadow")


class _Batch(msgspec.Struct):
    id: str
    processing_status: str = ""


class _Result(msgspec.Struct):
    custom_id: str
    result: dict[str, Any]


class _Item(msgspec.Struct):
    pair: Pair
    reserved: Reserved
    start: Start


class ShadowBatches:
    """Items gathered for `gather_s`, batches asked for every `poll_s`."""

    def __init__(
        self,
        core: Core,
        fetch: Callable[[Forward], Awaitable[Fetched]],
        *,
        gather_s: float = GATHER_S,
        poll_s: float = POLL_S,
    ) -> None:
        self.desk: ShadowDesk | None = None
        self._core = core
        self._fetch = fetch
        self._gather_s = gather_s
        self._poll_s = poll_s
        self._gathered: list[_Item] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, pair: Pair, reserved: Reserved, start: Start) -> None:
        if not self._gathered:
            task = asyncio.get_running_loop().create_task(self._later())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._gathered.append(_Item(pair, reserved, start))

    async def close(self) -> None:
        """Stop asking. What was submitted counts as spent."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for item in self._gathered:
            self._desk.cap.settle(item.reserved, 0)

    # inside

    @property
    def _desk(self) -> ShadowDesk:
        if self.desk is None:
            raise LookupError("no desk")
        return self.desk

    async def _later(self) -> None:
        await asyncio.sleep(self._gather_s)
        items, self._gathered = self._gathered, []
        for place in range(0, len(items), MOST_ITEMS):
            await self._batch(items[place : place + MOST_ITEMS])

    async def _batch(self, items: list[_Item]) -> None:
        """One batch from its submission to its last grade."""
        sent = {f"shadow-{number}": item for number, item in enumerate(items) if self._logged(item)}
        rest = dict(sent)
        try:
            batch = await self._submitted(sent)
            if batch is None:
                for item in sent.values():
                    self._failed(item, "not submitted", cost_nano=0)
                return
            if await self._ended(batch, items[0]):
                for result in await self._results(batch, items[0]):
                    if result.custom_id in rest:
                        await self._take(rest.pop(result.custom_id), result.result)
        except (NotFetched, msgspec.MsgspecError):
            log.error("a batch of shadow calls cannot be read")
        finally:
            for item in rest.values():  # maybe paid: the reservation counts as spent
                self._desk.cap.settle(item.reserved, item.reserved.amount_nano)

    def _logged(self, item: _Item) -> bool:
        try:
            if self._core.log.append(item.start):
                return True
        except LogFull:
            pass
        self._desk.cap.settle(item.reserved, 0)
        return False

    async def _submitted(self, items: dict[str, _Item]) -> _Batch | None:
        if not items:
            return None
        requests = [{"custom_id": name, "params": body_object(item.pair.replay.body)} for name, item in items.items()]
        first = next(iter(items.values()))
        answer = await self._asked(b"POST", _PATH, first, msgspec.json.encode({"requests": requests}))
        if answer is None or answer.status != 200:
            return None
        return msgspec.json.decode(answer.body, type=_Batch)

    async def _ended(self, batch: _Batch, item: _Item) -> bool:
        for _ in range(int(GIVE_UP_S / max(self._poll_s, 0.01))):
            await asyncio.sleep(self._poll_s)
            try:
                answer = await self._asked(b"GET", _PATH + b"/" + batch.id.encode(), item)
            except NotFetched:
                continue
            if answer is None or answer.status != 200:
                continue
            if msgspec.json.decode(answer.body, type=_Batch).processing_status == "ended":
                return True
        return False

    async def _results(self, batch: _Batch, item: _Item) -> list[_Result]:
        answer = await self._asked(b"GET", _PATH + b"/" + batch.id.encode() + b"/results", item)
        if answer is None or answer.status != 200:
            return []
        return [msgspec.json.decode(line, type=_Result) for line in answer.body.splitlines() if line.strip()]

    async def _take(self, item: _Item, result: dict[str, Any]) -> None:
        message = result.get("message")
        if result.get("type") == "succeeded" and isinstance(message, dict):
            cost = self._desk.ended(item.start, 200, msgspec.json.encode(message))
            self._desk.cap.settle(item.reserved, item.reserved.amount_nano if cost is None else cost)
            await self._desk.grade(item.pair, message)
            return
        error = result.get("error")
        kind = error.get("error", {}).get("type", "") if isinstance(error, dict) else ""
        self._failed(item, str(result.get("type"))[:20], cost_nano=0)
        if kind == "invalid_request_error":  # the candidate does not take it: its failure, which scores 0
            await self._desk.grade(item.pair, error_message(400))

    def _failed(self, item: _Item, error: str, *, cost_nano: int) -> None:
        end = End(seq=item.start.seq, us=self._core.clock_us(), outcome="failed", error=error, cost_nano=cost_nano)
        self._core.log.append(end, item.start)
        self._desk.cap.settle(item.reserved, cost_nano)
        self._desk.outcomes["not answered"] += 1

    async def _asked(self, method: bytes, target: bytes, item: _Item, body: bytes = b"") -> Fetched | None:
        headers: tuple[Header, ...] = tuple(h for h in item.pair.forward.headers if h[0].lower() in _KEPT)
        way = self._core.upstreams.first(Asked(method, target, headers, body, "", False, True), BareTrip())
        return await self._fetch(way.forward) if isinstance(way, Sent) else None
