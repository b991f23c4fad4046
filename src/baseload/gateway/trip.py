"""What follows one request from its first attempt to its last byte: records, metering, budgets, memory."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from baseload.gateway.calllog.meter import Meter, Metered
from baseload.gateway.calllog.records import End, Outcome, Purpose, Start, booked_nano
from baseload.gateway.calllog.segment import LogFull
from baseload.gateway.content import SKIPPED, Content
from baseload.gateway.decide.apply import Applied
from baseload.gateway.decide.decide import Decision
from baseload.gateway.decide.facts import Facts
from baseload.gateway.exchange import REFUSED, Again, Answer, Failure, Forward, Header, NotSent
from baseload.gateway.state.budgets import Hold
from baseload.gateway.upstreams.port import Asked, Sent

if TYPE_CHECKING:
    from baseload.gateway.core import Core

_BROKEN: Final[dict[str, Outcome]] = {"client": "client", "upstream": "upstream", "gateway": "gateway"}
_HEADS: Final = frozenset((b"content-type", b"content-encoding", b"request-id", b"anthropic-organization-id",
                           b"anthropic-workspace-id"))  # fmt: skip
_CACHED: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")
_INPUT: Final = ("input_tokens", *_CACHED)
_READ: Final = ("cache_read_input_tokens",)
_MOST_ID_CHARS: Final = 200
FAULT: Final = "gateway_fault"
"""Flag of an end whose figures were lost to a fault of ours."""
FULL: Final = "The gateway's call log cannot be written, and it is set to refuse calls it cannot log."


class Finished(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One attempt as it ended, for whoever watches: nothing of its text. `metered.usage` None = nothing is known."""

    start: Start
    end: End
    decision: Decision
    facts: Facts
    body: bytes  # as it was sent
    answer: bytes  # as it came, where it was kept; else b""

    def __repr__(self) -> str:
        return f"Finished({self.start.trip!r}, {self.end.outcome!r})"


class Metering:
    """The trip of one request. Records: a start before each attempt, an end before its last byte goes on."""

    __slots__ = (
        "_asked", "_attempt", "_content", "_core", "_cost_nano", "_first_us", "_heads", "_hold", "_kept",
        "_meter", "_name", "_original", "_over", "_start", "_status", "applied", "decision", "facts", "purpose", "sent",
    )  # fmt: skip

    def __init__(
        self,
        core: Core,
        facts: Facts,
        decision: Decision,
        applied: Applied,
        asked: Asked,
        hold: Hold | None,
        name: str,
        original: bytes = b"",
    ) -> None:
        """`original` is the body as its caller wrote it, for an upstream that refuses what became of it."""
        self._core = core
        self.facts = facts
        self.decision = decision
        self.applied = applied
        self._asked = asked
        self._hold = hold
        self._name = name
        self._original = original
        self.sent: Sent | None = None
        self.purpose: Purpose = "serve"
        self._attempt = 0
        self._start: Start | None = None
        self._content: Content | None = None
        self._meter: Meter | None = None
        self._heads: dict[bytes, bytes] = {}
        self._status = 0
        self._first_us: int | None = None
        self._kept: list[bytes] | None = None  # of the answer, where it is wanted whole
        self._over = False
        self._cost_nano = 0

    def __repr__(self) -> str:
        return f"Metering({self._name})"

    # the seam

    def sending(self) -> None:
        """Write the start record. A log that cannot be written counts the call as missing, or refuses it: NotSent."""
        core = self._core
        self._attempt += 1
        self._meter, self._status, self._first_us, self._heads = None, 0, None, {}
        try:
            self._start = core.start_of(self, self._attempt, self._hold, self._name)
        except Exception:  # noqa: BLE001 - the record says less then, and is there all the same
            core.faults += 1
            self._start = self._bare_start()
        if self._attempt == 1 and self.facts.kind == "messages" and core.content.has_time():
            core.content.later(self._look, core.soon)
        try:
            core.log.append(self._start)
        except LogFull:
            self._start = None
            self._over = True
            self._settle(0, last=True)
            if self.sent is not None:
                core.upstreams.answered(self.sent, 0)
            raise NotSent(FULL) from None

    def head(self, status: int, headers: tuple[Header, ...]) -> tuple[Header, ...]:
        found = self._heads
        for name, value in headers:
            low = name.lower()
            if low in _HEADS:
                found[low] = value
        self._status = status
        self._meter = Meter(found.get(b"content-type", b""), found.get(b"content-encoding", b""))
        self._kept = [] if status == 200 and self._core.keeps(self) else None
        if self._core.observes:
            return ()
        return _added(self.applied.served_as or self.facts.model, self.decision.reason)

    def data(self, chunk: bytes) -> None:
        if self._first_us is None:
            self._first_us = self._core.clock_us()
        if self._meter is not None:
            self._meter.data(chunk)
        if self._kept is not None:
            self._kept.append(chunk)

    def end(self) -> None:
        self._ended("ok" if self._status < 400 else "error", last=True)

    def failed(self, failure: Failure) -> Forward | Again | None:
        self._status = failure.status
        if failure.status in REFUSED and not self.applied.is_original:
            return self._as_written(failure)
        sent = self.sent
        again = None
        if sent is not None:
            again = self._core.upstreams.again(self._asked, sent, self._attempt, failure, self)
        if failure.kind != "status":
            self._ended("failed", last=again is None, error=failure.kind)
        elif again is not None:
            self.head(failure.status, failure.headers)
            self.data(failure.body)
            self._ended("error", last=False)
        if again is None:
            return None
        self.sent, how = again
        return how

    def _as_written(self, failure: Failure) -> Forward | None:
        """The upstream refuses what we made of the request: its caller's own goes out, and its session stays there."""
        self.head(failure.status, failure.headers)
        self.data(failure.body)
        self._ended("error", last=False)
        core, facts = self._core, self.facts
        self.applied = Applied(body=self._original, served_as=facts.model)
        self.decision = msgspec.structs.replace(self.decision, reason="refused-upstream")
        self._asked = self._asked._replace(body=self._original, model=facts.model)
        if self.decision.workload and facts.readable:
            asked = self.decision.asked
            core.sessions.note(self.decision.workload, facts.session, asked=asked, model=asked, now_us=facts.now_us)
        sent = core.upstreams.first(self._asked, self)
        if isinstance(sent, Answer):
            return None
        self.sent = sent
        return sent.forward

    def broken(self, who: Literal["client", "upstream", "gateway"]) -> None:
        self._ended(_BROKEN[who], last=True)

    # inside

    def _bare_start(self) -> Start:
        """What the books need of a start."""
        core, hold = self._core, self._hold
        return Start(
            seq=core.log.next_seq(),
            us=core.clock_us(),
            model=self.facts.model,
            trip=self._name,
            attempt=self._attempt,
            reason=FAULT,
            budgets=tuple(lease.place.budget for lease in hold.leases) if hold is not None else (),
            period=hold.period if hold is not None else "",
            held_nano=hold.amount_nano if hold is not None else 0,
        )

    def _look(self) -> None:
        """Work out what the request is like while the upstream has it."""
        if not self._over:
            try:
                self._content = self._core.content.work_out(self._asked.body)
            except Exception:  # noqa: BLE001 - the call is logged without it; the error's text may quote the prompt
                self._core.faults += 1

    def _ended(self, outcome: Outcome, *, last: bool, error: str = "") -> None:
        start = self._start
        if start is None or self._over:
            self._settle(0, last)
            self._let_go(last)
            return
        self._over = last
        core = self._core
        metered, end, cost = self._read(start, outcome, error)
        if cost is not None:
            end = msgspec.structs.replace(end, cost_nano=cost)
        core.log.append(end, start)
        self._start = None
        self._settle(cost if cost is not None else booked_nano(start, end), last)
        if self.sent is not None:
            core.upstreams.answered(self.sent, self._status if outcome in ("ok", "error") else 0)
        self._let_go(last)
        kept, self._kept = self._kept, None
        if last and metered.usage is not None:
            self._remember(start, metered, metered.usage)
        if core.watchers:
            answer = b"".join(kept) if kept is not None else b""
            core.finished(
                Finished(
                    start=start, end=end, decision=self.decision, facts=self.facts, body=self._asked.body, answer=answer
                )
            )

    def _read(self, start: Start, outcome: Outcome, error: str) -> tuple[Metered, End, int | None]:
        """What the answer used and cost. A fault of ours costs the figures, never the record."""
        core = self._core
        try:
            metered = self._meter.metered() if self._meter is not None else Metered()
            end = self._end_of(start, metered, outcome, error)
            if end.usage is not None and not end.settled:
                seen, most = core.seen_nano(start, end), core.most_nano_of(start, end)
                return metered, msgspec.structs.replace(end, seen_nano=seen, most_nano=most), None
            return metered, end, core.cost_nano(start, end)
        except Exception:  # noqa: BLE001 - what it was is not told: its text may quote the answer
            core.faults += 1
            now_us = max(core.clock_us(), start.us)
            end = End(seq=start.seq, us=now_us, outcome=outcome, status=self._status, error=error, flags=(FAULT,))
            return Metered(), end, None

    def _end_of(self, start: Start, metered: Metered, outcome: Outcome, error: str) -> End:
        heads, content, flags, first_us = self._heads, self._content, metered.flags, self._first_us
        request_hash = features = cues = prefix = ""
        if content is not None:
            usage = metered.usage or {}
            request_hash, features, cues = content.request_hash, content.request_features, content.task_cues
            prefix = content.prefix.text(_sum(usage, _INPUT), _sum(usage, _CACHED))
        elif self.facts.kind == "messages":
            flags = (*flags, SKIPPED)
        began_us = start.us  # a clock that was set back makes no call end before it began
        return End(
            seq=start.seq,
            us=max(self._core.clock_us(), began_us),
            outcome=outcome,
            status=self._status,
            first_us=first_us if first_us is None or first_us > began_us else began_us,
            usage=metered.usage,
            settled=metered.settled,
            message_id=metered.message_id,
            request_id=_named(heads, b"request-id"),
            model=metered.model,
            stop_reason=metered.stop_reason,
            error=error or metered.error,
            flags=flags,
            workspace=_named(heads, b"anthropic-workspace-id"),
            account=_named(heads, b"anthropic-organization-id"),
            prefix_blocks=prefix,
            request_hash=request_hash,
            request_features=features,
            task_cues=cues,
        )

    def _settle(self, cost_nano: int, last: bool) -> None:
        """Every attempt is paid; what is left of the hold goes back after the last one."""
        self._cost_nano += cost_nano
        if last and self._hold is not None:
            self._core.budgets.settle(self._hold, self._cost_nano)
            self._hold = None

    def _let_go(self, last: bool) -> None:
        """The forward holds this trip: with the circle broken, the request and its body are freed at once."""
        if last:
            self.sent = None

    def _remember(self, start: Start, metered: Metered, usage: dict[str, object]) -> None:
        core, workload = self._core, self.decision.workload
        if workload and self.facts.session:
            core.sessions.answered(workload, self.facts.session, _sum(usage, _CACHED))
        if core.online is not None and self.applied.ticket is not None:
            begins = max(self._first_us or 0, start.us)
            core.online.answered(self.applied.ticket, begins, metered.stop_reason, _sum(usage, _READ))


@lru_cache(maxsize=1024)
def _added(model: str, reason: str) -> tuple[Header, ...]:
    """What an answer says beside the upstream's own: who served it, and why."""
    return ((b"x-baseload-model", model.encode("latin-1", "replace")), (b"x-baseload-reason", reason.encode()))


def _named(heads: dict[bytes, bytes], name: bytes) -> str:
    value = heads.get(name)
    return value.decode("latin-1")[:_MOST_ID_CHARS] if value is not None else ""


def _sum(usage: dict[str, object], names: tuple[str, ...]) -> int:
    return sum([value for name in names if isinstance(value := usage.get(name), int) and value > 0])
