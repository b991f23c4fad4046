"""Shadow calls: of a paired session one call is answered by the other model too, and the two answers are graded.

Out of the caller's path: the call has been answered before its shadow is made. Under a dollar cap a UTC day, reserved
before sending, a judge's questions included; what does not fit is not sent. One call a session, the first that can be
paired: calls of a session are not independent. A caller's credential is used at once or not at all; batches go with
the gateway's own key. What could not be asked is not graded: only what was seen of the candidate counts against it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from baseload.gateway.core import Core
from baseload.gateway.decide.state import RouteKey
from baseload.gateway.exchange import Forward, Header
from baseload.gateway.state.faults import StateDown
from baseload.gateway.trip import Finished, Metering
from baseload.gateway.watching.answers import message_in
from baseload.gateway.watching.cap import DayCap, Reserved
from baseload.gateway.watching.child import Child, ChildFault
from baseload.gateway.watching.differing import Differing
from baseload.gateway.watching.graded_by import SIGNALS, judge_of
from baseload.gateway.watching.messages import NOT_MADE, Difference, Grade
from baseload.gateway.watching.replay import Replay, headers_of, replay_of
from baseload.gateway.watching.shadow_asks import Asking, Fetch
from baseload.gateway.watching.shadow_pair import REFUSED, Ask, Pair
from baseload.usage.normal import call_id
from baseload.vault.data_use import DataUse, Transport, replay_refusal

MOST_WAITING: Final = 200
MOST_SESSIONS: Final = 20_000
AT_ONCE: Final = 4
_BETAS: Final = b"anthropic-beta"
OVER: Final = "over the cap"
log = logging.getLogger("baseload.gateway.shadow")


class Graded(NamedTuple):
    """What became of a pair: `d` None = not graded. `replayed_stop` is the candidate's, "" where it was the one served
    or failed."""

    key: RouteKey
    d: float | None
    replayed_stop: str
    grader: str


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a shadow needs to know of the project: `data_use` and the bar's grader by workload id, and its folder.

    `wrong_most`: of workloads whose truths live calls lack, how often the incumbent is wrong at most (`differing`).
    `ungraded`: workloads whose grader cannot be made, so that no pair of theirs is bought.
    """

    data_use: Mapping[str, DataUse] = {}
    graders: Mapping[str, dict[str, Any]] = {}
    wrong_most: Mapping[str, float] = {}
    ungraded: frozenset[str] = frozenset()
    folder: str = ""
    zero_data_retention: bool = False

    def grader(self, workload: str) -> dict[str, Any]:
        """Where a workload has no bar: what is free to see of every answer."""
        return self.graders.get(workload) or SIGNALS


class Batches(Protocol):
    """Where pairs go that may wait (`shadow_batch.ShadowBatches`)."""

    @property
    def can_send(self) -> bool: ...

    async def add(self, pair: Pair, asks: tuple[Ask, ...], reserved: Reserved, *, version: str, betas: str) -> None: ...


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
        self.asking = Asking(core, cap, fetch)
        self._grader = grader
        self._transport: Transport = transport
        self._kept: dict[int, Forward] = {}  # by the identity of a request's facts: how it went upstream
        self._paired: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._waiting: deque[tuple[Finished, Forward]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._graded: list[Graded] = []
        self._differing: dict[RouteKey, Differing] = {}

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

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._running:
            await asyncio.gather(*tuple(self._running), return_exceptions=True)

    # what batches ask

    async def graded(self, pair: Pair, *, batched: bool) -> tuple[tuple[Ask, ...], Reserved] | None:
        """Grade a pair; the questions its judge must be asked first, with the money for them, or None: it is done."""
        found = await self._difference(pair)
        if not found.questions:
            self._done(pair, found)
            return None
        asks = tuple(self.asking.judge_ask(pair, question, batched=batched) for question in found.questions)
        reserved = await self._reserve(sum(ask.start.held_nano for ask in asks))
        if reserved is None:
            self._done(pair, Difference(reason=OVER))
            return None
        return asks, reserved

    # inside

    def _refusal(self, workload: str) -> str:
        """Why a workload's calls are not paired; "" = they may be."""
        if workload in self.setup.ungraded:
            return "its grader cannot be made"
        use = self.setup.data_use.get(workload, "none")
        return replay_refusal(use, recorded_on="anthropic", sent_to="anthropic", transport="synchronous")

    def _batched(self, workload: str) -> bool:
        use = self.setup.data_use.get(workload, "none")
        can = self.batches is not None and self.batches.can_send and self.core.asks_for_keys
        return can and self._transport == "batch" and not replay_refusal(
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
        core, workload = self.core, attempt.decision.workload
        replay = replay_of(attempt, forward, core.memo, core.capabilities)
        if replay is None:
            self.outcomes["not for this model"] += 1
            return
        grader = self.setup.grader(workload)
        judge = judge_of(grader)
        if judge and self._same_model(judge, attempt.decision.candidate):
            self.outcomes["not graded: the judge is the candidate"] += 1
            return
        batched = self._batched(workload)
        pair, ask = _pair_of(attempt, replay), self.asking.replay_ask(attempt, replay, batched=batched)
        most = ask.start.held_nano
        judged = self.asking.judge_most_nano(grader, pair, batched=batched)
        reserved = await self._reserve(most + judged) if most else None  # an answer nobody can judge is not bought
        if reserved is None:
            self.outcomes[OVER] += 1
            return
        self.cap.lower(reserved, most)
        ask = msgspec.structs.replace(ask, start=msgspec.structs.replace(ask.start, period=reserved.day))
        if batched and self.batches is not None:
            await self._into_batch(pair, ask, reserved, forward)
            return
        headers = headers_of(forward)
        found = await self.asking.send(ask, reserved, headers)
        if found is None or (found == REFUSED and pair.side == "incumbent"):
            self.outcomes["not answered"] += 1
            return
        await self._grade(msgspec.structs.replace(pair, replayed=found), headers)

    async def _into_batch(self, pair: Pair, ask: Ask, reserved: Reserved, forward: Forward) -> None:
        assert self.batches is not None  # noqa: S101 - the caller looked
        heads = {name.lower(): value.decode("latin-1") for name, value in forward.headers}
        try:
            await self.batches.add(
                pair, (ask,), reserved,
                version=heads.get(b"anthropic-version", "2023-06-01"), betas=heads.get(_BETAS, ""),
            )  # fmt: skip
        except StateDown:
            self.cap.settle(reserved, 0)
            self.outcomes["not submitted"] += 1

    async def _grade(self, pair: Pair, headers: tuple[Header, ...]) -> None:
        """Grade at once, the judge asked one question after the other."""
        questions = await self.graded(pair, batched=False)
        if questions is None:
            return
        asks, reserved = questions
        parts = self.cap.split(reserved, [ask.start.held_nano for ask in asks])
        replies: dict[str, bytes] = {}
        plain = tuple(header for header in headers if header[0].lower() != _BETAS or _is_bearer(headers))
        for ask, part in zip(asks, parts, strict=True):
            reply = await self.asking.send(ask, part, plain) if len(replies) == parts.index(part) else None
            if reply is not None and reply != REFUSED:
                replies[ask.name] = reply
            self.cap.settle(part, 0)  # where it was not sent
        if len(replies) < len(asks):
            self._done(pair, Difference(reason="the judge did not answer"))
            return
        pair = msgspec.structs.replace(pair, replies=replies)
        self._done(pair, await self._difference(pair))

    async def _difference(self, pair: Pair) -> Difference:
        """What the watching process makes of the two answers."""
        if not pair.served or not pair.replayed:
            return Difference(reason="unreadable")
        ours, theirs = (pair.replayed, pair.served) if pair.side == "candidate" else (pair.served, pair.replayed)
        ask = Grade(
            grader=self.setup.grader(pair.workload),
            folder=self.setup.folder,
            call_id=pair.call_id,
            request=msgspec.Raw(pair.request),
            candidate=msgspec.Raw(ours),
            incumbent=msgspec.Raw(theirs),
            replies={name: msgspec.Raw(reply) for name, reply in pair.replies.items()},
        )
        try:
            return await self._grader.ask(ask, Difference)
        except ChildFault as fault:
            return Difference(reason=f"grader: {fault}")

    async def _reserve(self, nano: int) -> Reserved | None:
        try:
            return await self.cap.reserve(nano, self.core.clock_us())
        except StateDown:
            return None

    def _same_model(self, one: str, other: str) -> bool:
        book = self.core.book
        return (book.resolve(one) or one) == (book.resolve(other) or other)

    def _done(self, pair: Pair, found: Difference) -> None:
        if found.d is None:
            name = f"not graded: {found.reason[:60]}"
        else:
            name = "graded" if found.how != "form" else f"graded by form{': ' if found.reason else ''}{found.reason}"
        self.outcomes[name] += 1
        if found.reason == NOT_MADE and pair.workload not in self.setup.ungraded:
            self.setup = msgspec.structs.replace(self.setup, ungraded=self.setup.ungraded | {pair.workload})
            log.error("shadow calls of %s end: its bar's grader cannot be made", pair.workload)
        self._graded.append(Graded(pair.key, self._counted(pair, found), pair.replayed_stop, found.grader))

    def _counted(self, pair: Pair, found: Difference) -> float | None:
        differing = self._differing.get(pair.key)
        if differing is None:
            differing = self._differing[pair.key] = Differing(self.setup.wrong_most.get(pair.workload))
        before = differing.is_loss
        d = differing.d(found)
        if differing.is_loss and not before:
            log.warning("shadow calls of %s differ more often than the incumbent can be wrong", pair.workload)
        return d


def _pair_of(attempt: Finished, replay: Replay) -> Pair:
    served = message_in(attempt.answer)
    return Pair(
        workload=attempt.decision.workload,
        policy_id=attempt.decision.policy_id,
        session_id=attempt.facts.session,
        side=replay.side,
        call_id=call_id(message_id=attempt.end.message_id, request_id=attempt.end.request_id),
        request=replay.body,
        served=b"" if served is None else msgspec.json.encode(served),
    )


def _is_bearer(headers: tuple[Header, ...]) -> bool:
    """A caller's token of that kind is taken with its beta only."""
    return any(name.lower() == b"authorization" for name, _ in headers)


__all__ = ["Batches", "Graded", "Setup", "ShadowDesk"]
