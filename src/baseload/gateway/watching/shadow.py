"""Shadow calls: of a paired session one call is answered by the other model too, and the two answers are graded.

Out of the caller's path: the call has been answered before its shadow is made. Under a dollar cap a UTC day, reserved
before sending; what does not fit is not sent. One call a session, the first that can be paired: calls of a session are
not independent. A caller's credential is used at once or not at all; batches go with the gateway's own key.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from baseload.gateway.calllog.meter import Meter, Metered
from baseload.gateway.calllog.records import End, Start
from baseload.gateway.calllog.segment import LogFull
from baseload.gateway.core import Core
from baseload.gateway.decide.state import RouteKey
from baseload.gateway.exchange import Forward
from baseload.gateway.state.faults import StateDown
from baseload.gateway.trip import Finished, Metering
from baseload.gateway.upstreams.port import Asked, Sent
from baseload.gateway.watching.answers import message_in
from baseload.gateway.watching.cap import NAME, DayCap, Reserved
from baseload.gateway.watching.child import Child, ChildFault
from baseload.gateway.watching.messages import Difference, Grade
from baseload.gateway.watching.replay import Replay, error_message, headers_of, replay_of
from baseload.gateway.wire.bare import BareTrip
from baseload.gateway.wire.fetch import Fetched, NotFetched
from baseload.usage.normal import call_id
from baseload.vault.data_use import DataUse, Transport, replay_refusal

MOST_WAITING: Final = 200
MOST_SESSIONS: Final = 20_000
AT_ONCE: Final = 4
_NOT_THE_MODEL: Final = frozenset((401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504, 529))
"""Statuses that say nothing of the candidate: such a call is not graded. A 400 is its failure, and scores 0."""
log = logging.getLogger("baseload.gateway.shadow")

Fetch = Callable[[Forward], Awaitable[Fetched]]


class Graded(NamedTuple):
    """What became of a pair: `d` None = not graded. `replayed_stop` is the candidate's, "" where it was the one served
    or failed."""

    key: RouteKey
    d: float | None
    replayed_stop: str
    grader: str


class Pair(NamedTuple):
    """One call and its shadow on the way."""

    attempt: Finished
    forward: Forward
    replay: Replay

    @property
    def key(self) -> RouteKey:
        return self.attempt.decision.workload, self.attempt.decision.policy_id


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a shadow needs to know of the project: `data_use` and the bar's grader by workload id, and its folder."""

    data_use: Mapping[str, DataUse] = {}
    graders: Mapping[str, dict[str, Any]] = {}
    folder: str = ""
    zero_data_retention: bool = False


class Batches(Protocol):
    """Where pairs go that may wait (`shadow_batch.ShadowBatches`)."""

    def add(self, pair: Pair, reserved: Reserved, start: Start) -> None: ...

    async def close(self) -> None: ...


class ShadowDesk:
    """Takes pairs from the data path, sends them a few at a time, and gathers their grades for the next tick."""

    def __init__(
        self,
        core: Core,
        cap: DayCap,
        fetch: Fetch,
        grader: Child,
        *,
        transport: Transport,
        batches: Batches | None = None,
    ) -> None:
        self.core = core
        self.cap = cap
        self.setup = Setup()
        self.outcomes: Counter[str] = Counter()  # of pairs, by what became of them
        self.batches = batches
        self._fetch = fetch
        self._grader = grader
        self._transport: Transport = transport
        self._kept: dict[int, Forward] = {}  # by the identity of a request's facts: how it went upstream
        self._paired: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._waiting: deque[tuple[Finished, Forward]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._graded: list[Graded] = []

    def __repr__(self) -> str:
        return f"ShadowDesk({len(self._waiting)} waiting)"

    # on the data path

    def keeps(self, trip: Metering) -> bool:
        """Whether a request's answer is wanted: of a paired session that was not paired yet, and may be."""
        decision = trip.decision
        if not decision.paired or self.cap.cap_nano <= 0 or len(self._waiting) + len(self._kept) >= MOST_WAITING:
            return False
        if self._refusal(decision.workload) or (decision.workload, trip.facts.session) in self._paired:
            return False
        if trip.sent is None or trip.sent.platform != "anthropic":
            return False  # other platforms' requests are signed for one model
        self._kept[id(trip.facts)] = trip.sent.forward
        return True

    def offer(self, attempt: Finished, *, use: bool) -> None:
        """An attempt ended. `use` false: it says nothing of its route."""
        forward = self._kept.pop(id(attempt.facts), None)
        if forward is None or not use or not attempt.answer:
            return
        session = (attempt.decision.workload, attempt.facts.session)
        if session in self._paired:
            return
        self._paired[session] = None
        if len(self._paired) > MOST_SESSIONS:
            self._paired.popitem(last=False)
        self._waiting.append((attempt, forward))
        self._go_on()

    # beside it

    def drain(self) -> list[Graded]:
        """What was graded since the last time."""
        found, self._graded = self._graded, []
        return found

    async def close(self) -> None:
        """End what is under way: its cost is not known any more, and its reservation counts as spent."""
        self._waiting.clear()
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self.batches is not None:
            await self.batches.close()

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._running:
            await asyncio.gather(*tuple(self._running), return_exceptions=True)

    async def grade(self, pair: Pair, message: dict[str, Any]) -> None:
        """Grade the replayed answer beside the one that was served."""
        served = message_in(pair.attempt.answer)
        spec = self.setup.graders.get(pair.attempt.decision.workload)
        if served is None or spec is None:
            self._done(pair, Difference(reason="no grader" if spec is None else "unreadable"), message)
            return
        ours, theirs = (message, served) if pair.replay.side == "candidate" else (served, message)
        try:
            found = await self._grader.ask(
                Grade(
                    grader=spec,
                    folder=self.setup.folder,
                    call_id=call_id(message_id=pair.attempt.end.message_id, request_id=pair.attempt.end.request_id),
                    request=msgspec.Raw(pair.replay.body),
                    candidate=msgspec.Raw(msgspec.json.encode(ours)),
                    incumbent=msgspec.Raw(msgspec.json.encode(theirs)),
                ),
                Difference,
            )
        except ChildFault as fault:
            found = Difference(reason=f"grader: {fault}")
        self._done(pair, found, message)

    # inside

    def _refusal(self, workload: str) -> str:
        """Why a workload's calls are not paired; "" = they may be."""
        use = self.setup.data_use.get(workload, "none")
        return replay_refusal(use, recorded_on="anthropic", sent_to="anthropic", transport="synchronous")

    def _batched(self, workload: str) -> bool:
        use = self.setup.data_use.get(workload, "none")
        wanted = self._transport == "batch" and self.batches is not None and self.core.asks_for_keys
        return wanted and not replay_refusal(
            use, recorded_on="anthropic", sent_to="anthropic", transport="batch",
            zero_data_retention=self.setup.zero_data_retention,
        )  # fmt: skip

    def _go_on(self) -> None:
        while self._waiting and len(self._running) < AT_ONCE:
            attempt, forward = self._waiting.popleft()
            task = asyncio.get_running_loop().create_task(self._pair(attempt, forward))
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.outcomes["fault"] += 1
            log.error("a shadow call failed: %s", type(task.exception()).__name__)
        if not task.cancelled():
            self._go_on()

    async def _pair(self, attempt: Finished, forward: Forward) -> None:
        core = self.core
        replay = replay_of(attempt, forward, core.memo, core.capabilities)
        if replay is None:
            self.outcomes["not for this model"] += 1
            return
        pair = Pair(attempt, forward, replay)
        most = core.most_nano(replay.facts, replay.model)
        try:
            reserved = await self.cap.reserve(most, core.clock_us()) if most else None
        except StateDown:
            reserved = None
        if reserved is None:
            self.outcomes["over the cap"] += 1
            return
        batched = self._batched(attempt.decision.workload)
        start = self._start(pair, reserved, batched=batched)
        if batched and self.batches is not None:
            self.batches.add(pair, reserved, start)
            return
        await self._send(pair, reserved, start)

    async def _send(self, pair: Pair, reserved: Reserved, start: Start) -> None:
        headers = headers_of(pair.forward)
        asked = Asked(
            b"POST", b"/v1/messages", headers, pair.replay.body, pair.replay.model, False, self.core.asks_for_keys
        )
        sent = self.core.upstreams.first(asked, BareTrip())
        fetched: Fetched | None = None
        cost: int | None = reserved.amount_nano  # unless it is known to be less
        try:
            if isinstance(sent, Sent) and self._logged(start):
                fetched = await self._fetch(sent.forward)
                cost = self.ended(start, fetched.status, fetched.body)
            else:
                cost = 0
        except NotFetched as fault:
            self.core.log.append(End(seq=start.seq, us=self.core.clock_us(), outcome="failed", error=fault.kind), start)
            cost = 0 if fault.kind == "connect" else reserved.amount_nano
        finally:
            self.cap.settle(reserved, reserved.amount_nano if cost is None else cost)
        if fetched is None or fetched.status in _NOT_THE_MODEL:
            self.outcomes["not answered"] += 1
            return
        await self.grade(pair, message_in(fetched.body) or error_message(fetched.status))

    def ended(self, start: Start, status: int, body: bytes, *, tier: str = "") -> int | None:
        """Write the end of a shadow call; what it cost, None where that is not known."""
        meter = Meter()
        meter.data(body)
        metered: Metered = meter.metered()
        end = End(
            seq=start.seq,
            us=self.core.clock_us(),
            outcome="ok" if status < 400 else "error",
            status=status,
            usage=metered.usage,
            settled=metered.settled,
            message_id=metered.message_id,
            model=metered.model,
            stop_reason=metered.stop_reason,
            error=metered.error,
            flags=(*metered.flags, *((tier,) if tier else ())),
        )
        cost = self.core.cost_nano(start, end)
        self.core.log.append(msgspec.structs.replace(end, cost_nano=cost), start)
        return cost

    def _logged(self, start: Start) -> bool:
        """A shadow call that could not be recorded is not made: nobody waits for it."""
        try:
            return self.core.log.append(start)
        except LogFull:
            return False

    def _start(self, pair: Pair, reserved: Reserved, *, batched: bool) -> Start:
        served, replay = pair.attempt.start, pair.replay
        return msgspec.structs.replace(
            served,
            seq=self.core.log.next_seq(),
            us=self.core.clock_us(),
            model=replay.model,
            sent_model="",
            attempt=1,
            purpose="shadow",
            tier="batch" if batched else "standard",
            effort=replay.effort,
            stream=False,
            arm=replay.side,
            reason="shadow",
            changes=replay.changes,
            budgets=(NAME,),
            period=reserved.day,
            held_nano=reserved.amount_nano,
        )

    def _done(self, pair: Pair, found: Difference, message: dict[str, Any]) -> None:
        self.outcomes["graded" if found.d is not None else f"not graded: {found.reason[:60]}"] += 1
        stop = message.get("stop_reason") if pair.replay.side == "candidate" else None
        self._graded.append(Graded(pair.key, found.d, stop if isinstance(stop, str) else "", found.grader))


__all__ = ["Batches", "Graded", "Pair", "Setup", "ShadowDesk"]
