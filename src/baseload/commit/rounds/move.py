"""What a round changed: term by term, in the dollars of the buyer's own demand."""

from __future__ import annotations

from typing import Literal

import msgspec

from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.worth.draft import stated
from baseload.commit.worth.offers import compare
from baseload.commit.worth.parts import TERMS


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One term as it was and as it is. `earned_usd`: what that is worth to the buyer; null where nothing was priced."""

    term: str
    before: str
    after: str
    earned_usd: str | None = None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """From one offer to the next: positive = earned for the buyer, negative = what the buyer gave.

    Dollars are expected cash over the longer of the two terms, on the same paths: at the `best` size of each, or at the
    `stated` ones where both state one. Low and high: 90 % over paths. Parts sum to the whole, to the cent of rounding.
    """

    earned_usd: str
    low_usd: str
    high_usd: str
    at: Literal["best", "stated"]
    parts: tuple[Change, ...]
    demand: str  # digest of the demand file
    paths: int
    seed: int


def changes(before: Contract, after: Contract) -> tuple[Change, ...]:
    """The terms that differ, as an offer's file writes them."""
    return tuple(
        Change(term=term, before=stated(before, fields), after=stated(after, fields))
        for term, fields in TERMS.items()
        if any(getattr(before, field) != getattr(after, field) for field in fields)
    )


def move(before: Contract, after: Contract, paths: Paths, *, demand: str = "", seed: int = 0) -> Move:
    """Price the way from one offer to the next. Raises CommitError on paths shorter than the longer term."""
    at: Literal["best", "stated"] = "stated" if before.commit_usd_by_year and after.commit_usd_by_year else "best"
    found = compare([("before", before), ("after", after)], paths, seed=seed, at=at)
    dearer = found.offers[1]
    sign = 1.0 if dearer.name == "before" else -1.0  # dearer before = earned since
    ends = sorted((sign * dearer.more_usd.low, sign * dearer.more_usd.high))
    return Move(
        earned_usd=_usd(sign * dearer.priced.mean_usd - sign * found.offers[0].priced.mean_usd),
        low_usd=_usd(ends[0]),
        high_usd=_usd(ends[1]),
        at=at,
        parts=tuple(
            Change(
                term=part.name,
                before=stated(before, part.fields),
                after=stated(after, part.fields),
                earned_usd=_usd(sign * part.usd),
            )
            for part in dearer.parts
        ),
        demand=demand,
        paths=paths.count,
        seed=seed,
    )


def _usd(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}"
