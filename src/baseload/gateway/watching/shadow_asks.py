"""The requests of shadow calls: made, bounded, sent, and told to the call log."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from baseload.gateway.calllog.meter import Meter
from baseload.gateway.calllog.records import End, Start
from baseload.gateway.calllog.segment import LogFull
from baseload.gateway.core import Core
from baseload.gateway.decide.facts import facts_of
from baseload.gateway.exchange import Forward, Header, Inbound
from baseload.gateway.trip import Finished
from baseload.gateway.upstreams.port import Asked, Sent
from baseload.gateway.watching.answers import message_in
from baseload.gateway.watching.cap import NAME, DayCap, Reserved
from baseload.gateway.watching.graded_by import judge_of
from baseload.gateway.watching.messages import Question
from baseload.gateway.watching.replay import Replay
from baseload.gateway.watching.shadow_pair import JUDGE, REFUSED, Ask, Pair
from baseload.gateway.wire.bare import BareTrip
from baseload.gateway.wire.fetch import Fetched, NotFetched

if TYPE_CHECKING:
    from baseload.gateway.batch.api import Result

JUDGE_TOKENS: Final = 4_096
"""As a trial's judge (`quality.trial.judging`): what it may write at most."""
_JUDGE_FRAME_BYTES: Final = 4_000
"""Of the judge's instructions, above a question of the company's own."""
_NOT_THE_MODEL: Final = frozenset((401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504, 529))
"""Statuses that say nothing of the candidate: such a call is not graded. A 400 is its failure, and scores 0."""

Fetch = Callable[[Forward], Awaitable[Fetched]]


class Asking:
    """Puts the questions of pairs, to the other model and to a judge, and books each."""

    def __init__(self, core: Core, cap: DayCap, fetch: Fetch) -> None:
        self._core = core
        self._cap = cap
        self._fetch = fetch

    # made

    def replay_ask(self, attempt: Finished, replay: Replay, *, batched: bool) -> Ask:
        most = self._core.most_nano(replay.facts, replay.model)
        start = self._start(attempt.start, replay.model, replay.side, most, batched=batched)
        return Ask(body=replay.body, start=msgspec.structs.replace(start, effort=replay.effort, changes=replay.changes))

    def judge_ask(self, pair: Pair, question: Question, *, batched: bool) -> Ask:
        """A question; its record names the workload and session of the pair, and none of its fingerprints."""
        core, body = self._core, bytes(question.body)
        facts = facts_of(Inbound(b"POST", b"/v1/messages", (), body, us=core.clock_us()), core.memo)
        of_pair = Start(
            seq=0, us=0, workload=pair.workload, policy_id=pair.policy_id, session_id=pair.session_id,
            max_tokens=facts.max_tokens, messages=1,
        )  # fmt: skip
        start = self._start(of_pair, facts.model, JUDGE, core.most_nano(facts, facts.model), batched=batched)
        return Ask(name=question.name, body=body, start=start)

    def judge_most_nano(self, grader: Mapping[str, Any], pair: Pair, *, batched: bool) -> int:
        """About the most both questions of a judge can cost, the coming answer taken for as long as the one that is
        here; 0 without a judge. They are reserved to the byte when it has come: this is whether the day has room."""
        judge = judge_of(grader)
        if not judge:
            return 0
        own = len(str(grader.get("question", "")))
        prompt = len(pair.request) + 2 * len(pair.served) + own + _JUDGE_FRAME_BYTES
        body = msgspec.json.encode({"model": judge, "max_tokens": JUDGE_TOKENS})
        facts = facts_of(Inbound(b"POST", b"/v1/messages", (), body, us=self._core.clock_us()), self._core.memo)
        most = self._core.most_nano(msgspec.structs.replace(facts, prompt_bytes=prompt), judge)
        return most if batched else 2 * most

    def _start(self, of: Start, model: str, arm: str, most_nano: int, *, batched: bool) -> Start:
        """Half of what it can cost at once where it goes by batch (anthropic-facts section 4)."""
        return msgspec.structs.replace(
            of,
            seq=0,
            us=self._core.clock_us(),
            model=model,
            sent_model="",
            attempt=1,
            purpose="shadow",
            tier="batch" if batched else "standard",
            effort="",
            stream=False,
            arm=arm,
            reason="shadow",
            changes=(),
            budgets=(NAME,),
            held_nano=(most_nano + 1) // 2 if batched else most_nano,
        )

    # sent and booked

    def batched(self, start: Start, result: Result | None) -> int:
        """Write the record of one request of a batch, start and end together; what it cost at most, nano-dollars."""
        core = self._core
        start = msgspec.structs.replace(start, seq=core.log.next_seq())
        if result is not None and result.message is not None:
            end, cost = self._metered(start, 200, bytes(result.message))
        elif result is not None:  # errored, expired and cancelled items are not billed
            cost = 0
            kind = result.error_type or result.kind
            end = End(seq=start.seq, us=core.clock_us(), outcome="error", error=kind, cost_nano=0)
        else:
            end, cost = End(seq=start.seq, us=core.clock_us(), outcome="upstream", error="gone"), None
        with contextlib.suppress(LogFull):  # it is paid already: its end brings it back, or counts it as missing
            core.log.append(start)
        core.log.append(end, start)
        return start.held_nano if cost is None else cost

    async def send(self, ask: Ask, reserved: Reserved, headers: tuple[Header, ...]) -> bytes | None:
        """The message one request brings, `REFUSED` for a 400, None where nothing is said of the model."""
        asked = Asked(b"POST", b"/v1/messages", headers, ask.body, ask.model, False, self._core.asks_for_keys)
        sent = self._core.upstreams.first(asked, BareTrip())
        start = msgspec.structs.replace(ask.start, seq=self._core.log.next_seq(), us=self._core.clock_us())
        fetched: Fetched | None = None
        cost: int | None = reserved.amount_nano  # unless it is known to be less
        try:
            if isinstance(sent, Sent) and self._logged(start):
                fetched = await self._fetch(sent.forward)
                end, cost = self._metered(start, fetched.status, fetched.body)
                self._core.log.append(end, start)
            else:
                cost = 0
        except NotFetched as fault:
            self._core.log.append(
                End(seq=start.seq, us=self._core.clock_us(), outcome="failed", error=fault.kind), start
            )
            cost = 0 if fault.kind == "connect" else reserved.amount_nano
        finally:
            self._cap.settle(reserved, reserved.amount_nano if cost is None else cost)
        if fetched is None or fetched.status in _NOT_THE_MODEL:
            return None
        message = message_in(fetched.body)
        if message is None:
            return REFUSED if fetched.status >= 400 else None
        return msgspec.json.encode(message)

    def _metered(self, start: Start, status: int, body: bytes) -> tuple[End, int | None]:
        """The end of a shadow call, and what it cost; None where that is not known."""
        meter = Meter()
        meter.data(body)
        metered = meter.metered()
        end = End(
            seq=start.seq,
            us=self._core.clock_us(),
            outcome="ok" if status < 400 else "error",
            status=status,
            usage=metered.usage,
            settled=metered.settled,
            message_id=metered.message_id,
            model=metered.model,
            stop_reason=metered.stop_reason,
            error=metered.error,
            flags=metered.flags,
        )
        cost = self._core.cost_nano(start, end)
        return msgspec.structs.replace(end, cost_nano=cost), cost

    def _logged(self, start: Start) -> bool:
        """A shadow call that could not be recorded is not made: nobody waits for it."""
        try:
            return self._core.log.append(start)
        except LogFull:
            return False


__all__ = ["Asking", "Fetch"]
