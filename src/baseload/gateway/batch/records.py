"""What the queue keeps of a call, and of the batch it went in."""

from __future__ import annotations

import secrets
from typing import Literal, NamedTuple

import msgspec

from baseload.gateway.batch.rules import Mode, Times
from baseload.gateway.decide.apply import Applied
from baseload.gateway.decide.decide import Decision
from baseload.gateway.decide.facts import Facts, facts_of
from baseload.gateway.decide.memo import Memo
from baseload.gateway.exchange import Header, Inbound
from baseload.levers.options import CacheMark
from baseload.quality.rewrite_thinking import Change

Wants = Literal["waiting", "again", "ready", "spilling", "told", "orphan", "left"]
"""What the caller's side is at. `again`: its item failed and it goes synchronously. `ready`: its answer is here.
`told`: it has it. `orphan`: its connection is gone, and the same request takes its place; `left`: it was called off."""
SentState = Literal["queued", "out", "settled", "never"]
"""What the upstream's side is at. `never`: it will not be in a batch."""
_SECRETS = frozenset((b"authorization", b"x-api-key", b"cookie", b"proxy-authorization"))


class Call(NamedTuple):
    """One request as the door gives it."""

    inbound: Inbound
    facts: Facts
    decision: Decision
    applied: Applied

    def __repr__(self) -> str:
        return f"Call({self.facts!r})"


class Kept(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Everything needed to send and to record a call later. Sealed at rest; a caller's credential is never in it."""

    trip: str
    us: int
    target: bytes
    headers: tuple[Header, ...]
    body: bytes  # as it goes upstream
    api_key: str  # as records name it
    asked_model: str
    asked_effort: str
    decision: Decision
    served_as: str
    changes: tuple[Change, ...]
    marks: tuple[CacheMark, ...]

    def __repr__(self) -> str:
        return f"Kept({self.trip!r})"


class Stored(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The answer to a call. `synthesized`: it came by a batch. `model` and `reason`: which was asked, and why; "" where
    none was."""

    status: int
    body: bytes
    synthesized: bool
    request_id: str = ""
    model: str = ""
    reason: str = ""

    def __repr__(self) -> str:
        return f"Stored({self.status}, {len(self.body)} bytes)"


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it enters the queue. `same` is equal for equal requests of one key; `idem` the caller's own name."""

    item_id: str
    group: str
    mode: Mode
    replica_id: str
    key_id: str
    idem: str
    same: str
    workload: str
    created_us: int
    times: Times
    size: int
    kept: str  # sealed
    budgets: tuple[str, ...] = ()
    held_nano: int = 0

    def __repr__(self) -> str:
        return f"Item({self.item_id}, {self.mode})"


class Seen(NamedTuple):
    """An item as it stands. `answer` is sealed."""

    item_id: str
    key_id: str
    mode: Mode
    wants: Wants
    sent: SentState
    created_us: int
    due_us: int
    ends_us: int
    answer: str | None
    workload: str


class Member(NamedTuple):
    """An item in a batch."""

    item_id: str
    kept: str
    wants: Wants
    ends_us: int
    budgets: tuple[str, ...]
    held_nano: int


class Intent(NamedTuple):
    """One batch: written down before it is submitted. `batch_id` "" = nobody knows whether it exists."""

    intent_id: str
    group: str
    state: str
    batch_id: str
    items: int
    intent_us: int
    sent_us: int
    cancelled: bool

    def custom_id(self, item_id: str) -> str:
        return f"{item_id}-{self.intent_id}"


class Group(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What all calls of one batch share: where and with which key it goes, and the headers of its making.

    `credential` is a keyed fingerprint.
    """

    upstream: str
    credential: str
    version: str
    betas: str

    @property
    def text(self) -> str:
        return msgspec.json.encode(self).decode()


def group_of(text: str) -> Group:
    return msgspec.json.decode(text, type=Group)


def new_item_id() -> str:
    """Random: whoever has not been given it cannot guess it."""
    return "bt_" + secrets.token_hex(12)


def new_intent_id() -> str:
    return secrets.token_hex(8)


def said_of(model: str, reason: str) -> tuple[Header, ...]:
    """What an answer says of who served it, as the answers that did not wait do; nothing where nobody was asked."""
    if not model:
        return ()
    return ((b"x-baseload-model", model.encode("latin-1", "replace")), (b"x-baseload-reason", reason.encode()))


def kept_of(call: Call, trip: str) -> Kept:
    inbound, facts, decision, applied = call
    return Kept(
        trip=trip,
        us=inbound.us,
        target=inbound.target,
        headers=tuple(header for header in inbound.headers if header[0].lower() not in _SECRETS),
        body=applied.body,
        api_key=facts.who.api_key,
        asked_model=facts.model,
        asked_effort=facts.effort,
        decision=decision,
        served_as=applied.served_as,
        changes=applied.changes,
        marks=applied.marks,
    )


def call_of(kept: Kept, memo: Memo) -> Call:
    """The call again, in whatever process."""
    inbound = Inbound(b"POST", kept.target, kept.headers, kept.body, us=kept.us)
    facts = msgspec.structs.replace(
        facts_of(inbound, memo, kept.api_key), model=kept.asked_model, effort=kept.asked_effort
    )
    applied = Applied(body=kept.body, served_as=kept.served_as, changes=kept.changes, marks=kept.marks)
    return Call(inbound, facts, kept.decision, applied)
