"""One call for the other model: the caller's own request made anew, and what its answer says."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from baseload.gateway.decide.apply import apply
from baseload.gateway.decide.decide import Decision
from baseload.gateway.decide.facts import Facts, facts_of
from baseload.gateway.decide.fit import Capabilities
from baseload.gateway.decide.memo import Memo
from baseload.gateway.exchange import Forward, Header, Inbound
from baseload.gateway.trip import Finished
from baseload.gateway.watching.signals import was_moved

Side = Literal["candidate", "incumbent"]
_LEFT_OUT: Final = frozenset((b"accept-encoding", b"content-length", b"idempotency-key", b"content-encoding"))


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent to the model that did not serve. Holds a prompt: the repr shows none of it."""

    side: Side  # whose answer this brings
    model: str
    effort: str
    body: bytes
    facts: Facts
    changes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Replay({self.side!r}, {self.model!r}, {len(self.body)} bytes)"


def replay_of(attempt: Finished, forward: Forward, memo: Memo, capabilities: Capabilities) -> Replay | None:
    """The request its caller wrote, whole and not streamed, for the other model; None where that does not take it."""
    members = {name: raw for name, raw in attempt.facts.members.items() if name != "stream"}
    body = msgspec.json.encode(members)
    headers = tuple(header for header in forward.headers if header[0].lower() == b"anthropic-beta")
    facts = facts_of(Inbound(b"POST", b"/v1/messages", headers, body, us=attempt.facts.now_us), memo)
    decision = attempt.decision
    if was_moved(attempt):
        return Replay(side="incumbent", model=attempt.facts.model, effort=facts.effort, body=body, facts=facts)
    wanted = Decision(
        reason="candidate",
        workload=decision.workload,
        model=decision.candidate if decision.candidate != decision.asked else "",
        effort=decision.candidate_effort,
    )
    applied = apply(body, facts, wanted, capabilities)
    if applied.refusals or applied.is_original:
        return None
    return Replay(
        side="candidate",
        model=applied.served_as,
        effort=decision.candidate_effort or facts.effort,
        body=applied.body,
        facts=facts,
        changes=tuple(change.action for change in applied.changes),
    )


def headers_of(forward: Forward) -> tuple[Header, ...]:
    """The headers of the call that was served, for an answer that comes whole and as it is."""
    kept = tuple(header for header in forward.headers if header[0].lower() not in _LEFT_OUT)
    return (*kept, (b"accept-encoding", b"identity"))


__all__ = ["Replay", "Side", "headers_of", "replay_of"]
