"""How often the end of a request is read again, and when: counted, never guessed for long.

A request is known by its kind: what it ends with, how it stands to the one before it, how long it is. For each kind
two things are counted in tokens: what became of the part that was new, and how much of the whole was wanted again after
five minutes but within the hour. Until enough is counted the figures lean on PRIOR, which says what coding sessions do
(docs/decisions/cache-planner.md); its weight is that of a few requests of a kind.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

import msgspec

from baseload.levers.cache.price import TTL_1H_US, TTL_5M_US
from baseload.levers.cache.trace import EndsWith


class Step(IntEnum):
    """How a request stands to the lane's requests before it; `BESIDE` means within BESIDE_US of the one before."""

    FIRST = 0
    GOES_ON = 1  # from the end of the one before it
    RETURNS = 2  # to an earlier place
    PARTS = 3  # from all that is known
    RETURNS_BESIDE = 4
    PARTS_BESIDE = 5


BESIDE_US: Final = 8_000_000
"""A request that does not go on from one so recent is sent beside it, by another caller or agent."""
SHORT_TOKENS: Final = 8_000
LONG_TOKENS: Final = 140_000
_SIZES: Final = 3
_MET: Final = frozenset({Step.GOES_ON, Step.RETURNS, Step.RETURNS_BESIDE})
KINDS: Final = len(EndsWith) * len(Step) * _SIZES
_FIRST_KNOWN: Final = EndsWith.TOOL_RESULT * len(Step) * _SIZES
"""Kinds before it are of requests that do not say what they end with."""


def kind_of(ends_with: int, prompt_tokens: int, step: Step) -> int:
    """The kind of a request, from what is known when it is sent; 0 to KINDS - 1."""
    size = (prompt_tokens >= SHORT_TOKENS) + (prompt_tokens >= LONG_TOKENS)
    return (int(ends_with) * len(Step) + step) * _SIZES + size


class Again(NamedTuple):
    """Chances of what happens next, per token: wanted again within five minutes (soon), or only after that and within
    the hour (later); of the part that was new, and of the whole prompt.
    """

    new_soon: float
    new_later: float
    whole_soon: float
    whole_later: float


class Prior(NamedTuple):
    """What is believed of a kind before anything is counted."""

    starts: Again
    goes_on: Again
    requests: float  # the weight, in requests of the kind


PRIOR: Final = Prior(starts=Again(0.70, 0.05, 0.70, 0.04), goes_on=Again(0.85, 0.03, 0.85, 0.04), requests=4.0)
MEMORY: Final = 512
"""Requests of a kind after which what was counted is halved: what traffic did long ago says less of it."""


class Reuse(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted, in tokens by kind; all zero before anything was."""

    requests: tuple[int, ...]
    new: tuple[int, ...]
    new_soon: tuple[int, ...]
    new_later: tuple[int, ...]
    whole: tuple[int, ...]
    whole_soon: tuple[int, ...]
    whole_later: tuple[int, ...]


class ReuseCounts:
    """The counts while they grow. Everything added is the past of whoever asks."""

    def __init__(self, start: Reuse | None = None) -> None:
        self.requests, self.new, self.new_soon, self.new_later, self.whole, self.whole_soon, self.whole_later = (
            [0] * KINDS if start is None else list(getattr(start, name)) for name in Reuse.__struct_fields__
        )
        self.proven = any(self.new_soon) or any(self.new_later)

    def believes(self, kind: int) -> bool:
        """Whether there is a reason to write for a kind before it was counted.

        Something was wanted again, here or where the counts were learnt, or the request says what it ends with, as
        those of coding sessions do (PRIOR).
        """
        return self.proven or kind >= _FIRST_KNOWN

    def sent(self, kind: int, new_tokens: int, whole_tokens: int, *, first: bool = True) -> None:
        """Tokens of a request of this kind that were or might have been wanted again; `first`: the first of it."""
        if first:
            if self.requests[kind] >= MEMORY:
                self._halve(kind)
            self.requests[kind] += 1
        self.new[kind] += new_tokens
        self.whole[kind] += whole_tokens

    def _halve(self, kind: int) -> None:
        rows = (self.new, self.new_soon, self.new_later, self.whole, self.whole_soon, self.whole_later)
        for row in (self.requests, *rows):
            row[kind] //= 2

    def returned(self, kind: int, new_tokens: int, whole_tokens: int, gap_us: int) -> None:
        """Its end was wanted again after this time; beyond the hour it is as if it never was."""
        self.proven = self.proven or gap_us <= TTL_1H_US
        if gap_us <= TTL_5M_US:
            self.new_soon[kind] += new_tokens
            self.whole_soon[kind] += whole_tokens
        elif gap_us <= TTL_1H_US:
            self.new_later[kind] += new_tokens
            self.whole_later[kind] += whole_tokens

    def again(self, kind: int) -> Again:
        """The chances of a kind: what was counted, leaning on the prior."""
        prior = PRIOR.goes_on if kind // _SIZES % len(Step) in _MET else PRIOR.starts
        seen = self.requests[kind]
        new, whole = _weight(self.new[kind], seen), _weight(self.whole[kind], seen)
        all_new, all_whole = self.new[kind] + new, self.whole[kind] + whole
        return Again(
            new_soon=(self.new_soon[kind] + new * prior.new_soon) / all_new,
            new_later=(self.new_later[kind] + new * prior.new_later) / all_new,
            whole_soon=(self.whole_soon[kind] + whole * prior.whole_soon) / all_whole,
            whole_later=(self.whole_later[kind] + whole * prior.whole_later) / all_whole,
        )

    def frozen(self) -> Reuse:
        """The counts as a record that can be kept."""
        return Reuse(
            requests=tuple(self.requests),
            new=tuple(self.new),
            new_soon=tuple(self.new_soon),
            new_later=tuple(self.new_later),
            whole=tuple(self.whole),
            whole_soon=tuple(self.whole_soon),
            whole_later=tuple(self.whole_later),
        )


def _weight(tokens: int, requests: int) -> float:
    """The prior's tokens: those of its requests at the kind's mean length; 1 where nothing was counted."""
    return PRIOR.requests * tokens / requests if tokens else 1.0
