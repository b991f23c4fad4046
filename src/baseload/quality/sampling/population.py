"""The calls a trial may choose from, named by a query and fixed by a hash before anything is drawn."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from baseload.errors import UsageError
from baseload.values import Call

LENGTHS: Final = ((1_000, "1k"), (4_000, "4k"), (16_000, "16k"), (64_000, "64k"))
"""Upper bounds (inclusive) of the prompt lengths that strata keep apart, in tokens."""


class Stratum(NamedTuple):
    """Calls that are alike: prompt length x type x tool use x stop reason."""

    length: str  # "1k", "4k", "16k", "64k", "more"
    kind: str
    tools: bool
    stop_reason: str

    @property
    def text(self) -> str:
        return "|".join((self.length, self.kind, "tools" if self.tools else "no tools", self.stop_reason or "?"))


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One call that can be replayed. A call without a session is a session of its own. `weight` counts its repeats."""

    call_id: str
    session: str
    stratum: Stratum
    start_us: int
    request_hash: str = ""
    weight: int = 1


class Population(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn from. `left_out` counts calls that are not in it, by reason: never silently."""

    query: str
    members: tuple[Member, ...]
    sha256: str
    left_out: dict[str, int] = {}

    @property
    def calls(self) -> int:
        """With repeats."""
        return sum(member.weight for member in self.members)

    @property
    def sessions(self) -> int:
        return len({member.session for member in self.members})


def population(
    calls: Iterable[Call], *, query: str, kind: str = "", in_vault: Collection[str] = frozenset()
) -> Population:
    """The calls that a trial could replay: single, answered, with a body somewhere. Raises UsageError on an id twice.

    `kind` is the type of all of them where a workload is of one, "" = by the task cues of each call. `in_vault` are the
    calls whose bodies a vault holds.
    """
    left_out: Counter[str] = Counter()
    members: list[Member] = []
    for call in calls:
        reason = _unfit(call, in_vault)
        if reason:
            left_out[reason] += 1
        else:
            members.append(member_of(call, kind))
    return fixed(members, query=query, left_out=dict(left_out))


def fixed(members: Sequence[Member], *, query: str, left_out: dict[str, int] | None = None) -> Population:
    """A population of members, in an order and with a hash that do not depend on the order given."""
    ordered = tuple(sorted(members, key=lambda member: member.call_id))
    twice = next((a.call_id for a, b in pairwise(ordered) if a.call_id == b.call_id), "")
    if twice:
        raise UsageError(f"call {twice[:40]} stands twice in the population; expected each call once")
    listed = [[m.call_id, m.session, m.stratum.text, m.start_us, m.request_hash, m.weight] for m in ordered]
    digest = hashlib.sha256(msgspec.json.encode([query, listed])).hexdigest()
    return Population(query=query, members=ordered, sha256=digest, left_out=left_out or {})


def session_of(call: Call) -> str:
    """A call without a session is one of its own."""
    return call.session_id or call.call_id


def member_of(call: Call, kind: str = "") -> Member:
    return Member(
        call_id=call.call_id,
        session=session_of(call),
        stratum=Stratum(
            length=length_of(call.prompt_tokens),
            kind=kind or call.task_cues,
            tools=bool(call.tools_fp),
            stop_reason=call.stop_reason,
        ),
        start_us=call.start_us,
        request_hash=call.request_hash,
    )


def length_of(prompt_tokens: int) -> str:
    """The length class of a prompt.

    >>> length_of(1_000), length_of(1_001), length_of(2_000_000)
    ('1k', '4k', 'more')
    """
    return next((name for most, name in LENGTHS if prompt_tokens <= most), "more")


def _unfit(call: Call, in_vault: Collection[str]) -> str:
    if call.grain != "call":
        return "a bucket, no call"
    if call.requests == 0 or (call.http_status or 200) >= 400:
        return "not answered"
    return "" if call.body_ref or call.call_id in in_vault else "no body recorded"
