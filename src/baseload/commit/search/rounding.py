"""From the cheapest amounts to amounts that people sign: whole dollars, thousands where they cost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Final

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.search.descent import Score
from baseload.commit.search.family import Family

STEPS: Final = (1_000.0, 100.0, 10.0, 1.0)
"""Dollars, the coarsest first."""
NOISE: Final = 1e-6
"""Relative: rounding may raise the score by this much."""
_HIT: Final = 0.02
_CENT: Final = Decimal("0.01")


def by_year_usd(family: Family, chosen: Array) -> tuple[Decimal, ...]:
    """Rounded amounts as commitments by year: exact decimals."""
    return tuple(Decimal(f"{amount:.2f}").normalize() + 0 for amount in family.by_year(chosen[None])[0])


def rounded(family: Family, score: Score, chosen: Array) -> Array:
    """The amounts, (width,): the coarsest step whose score rises by no more than `NOISE`; whole dollars at any rate.

    An amount on a band floor stays on it, to the cent; so does a sum, where the band looks at all years together.
    """
    tried = np.array(list(_variants(family, chosen)))
    scores = score(family.by_year(tried))
    limit = float(score(family.by_year(chosen[None]))[0])
    limit += NOISE * abs(limit)
    good = np.flatnonzero(scores <= limit)
    best: Array = tried[int(good[0]) if len(good) else int(scores.argmin())]
    return best


def _variants(family: Family, chosen: Array) -> Iterator[Array]:
    """To the nearest, down and up, by each step; then the same with the sum held on its floor."""
    floors = [_cents(floor / family.key_of_one) for floor in (0.0, *family.floors)]
    sums = [_cents(floor / family.key_of_all) for floor in family.floors]
    held = next((one for one in sums if abs(one - chosen.sum()) < _HIT), None)
    for step in STEPS:
        for way in (np.round, np.floor, np.ceil):
            found = np.array([_to(way(amount / step) * step, amount, floors) for amount in chosen])
            if held is None or family.width == 1 or family.contract.band_key == "annual_commit":
                yield found
            else:
                rest = int(chosen.argmax())
                found[rest] = round(held - (found.sum() - found[rest]), 2)
                yield np.maximum(found, 0.0)


def _to(amount: float, before: float, floors: list[float]) -> float:
    return next((floor for floor in floors if abs(floor - before) < _HIT), amount)


def _cents(amount: float) -> float:
    return float((Decimal(repr(float(amount))) - Decimal("1e-9")).quantize(_CENT, rounding=ROUND_CEILING))
