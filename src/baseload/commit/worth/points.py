"""Discount points: by how many points every discount would have to move for the same expected cost.

min over sizes of E[cost(C; d + delta)] is priced at a few shifts and read in between size by size: exact where cost is
a straight line in the discount (list basis), close to it elsewhere. Discounts stay within 0 and 95 %.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.commit.arrays import Array
from baseload.commit.clauses import ZERO, Band
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.worth.options import Measure
from baseload.commit.worth.table import Table, is_yearly, usd_of

SHIFTS: Final = (-0.20, -0.08, 0.0, 0.12, 0.30)
"""Looked at; beyond the ends there is no figure."""
_MOST: Final = Decimal("0.95")
_STEPS: Final = 60
_BEST, _SPREAD = 6, 14


class Points(msgspec.Struct, frozen=True, kw_only=True):
    """`points` of discount (1 = one percentage point); `beyond`: the true figure lies outside what was looked at."""

    points: float
    beyond: bool


def shifted(contract: Contract, shift: float) -> Contract:
    """Every discount moved by `shift` (0.01 = one point), none below 0. Dollars below the first discount keep none."""
    delta, extra = Decimal(repr(shift)), contract.prepay_discount
    bands = tuple(
        Band(from_usd=band.from_usd, discount=_moved(band.discount, delta, extra))
        if band.discount or band.from_usd
        else band
        for band in contract.bands
    )
    return msgspec.structs.replace(contract, bands=bands)


def _moved(discount: Decimal, delta: Decimal, extra: Decimal) -> Decimal:
    return min(max(discount + delta, ZERO), max(_MOST - extra, discount))


def thin_rows(base: Table) -> NDArray[np.int64]:
    """Rows to look at where each is dear: the best ones, and some of every size for what a shift makes of them."""
    order = np.argsort(base.sizes.sum(axis=1), kind="stable")
    best = np.argsort(base.means, kind="stable")[:_BEST]
    return np.unique(np.concatenate([order[:: max(len(order) // _SPREAD, 1)], best]))


class PointScale:
    """How the least expected cost of one offer falls as its discounts rise."""

    def __init__(self, base: Table, paths: Paths, measure: Measure = "cost") -> None:
        self._contract, self._paths, self._measure = base.contract, paths, measure
        thin = thin_rows(base) if not is_yearly(base.contract, paths, measure) else np.arange(len(base.sizes))
        self._sizes, self._now = base.sizes[thin], base.means[thin]
        self._means = np.array([self._at(shift) for shift in SHIFTS])

    def _at(self, shift: float) -> Array:
        if shift == 0:
            return self._now
        moved = shifted(self._contract, shift)
        means: Array = usd_of(moved, self._sizes, self._paths, self._measure).mean(axis=1)
        return means

    def cost_at(self, shift: float) -> float:
        """The least expected cost with every discount moved by `shift`."""
        right = int(np.clip(np.searchsorted(SHIFTS, shift, side="right"), 1, len(SHIFTS) - 1))
        start, end = SHIFTS[right - 1], SHIFTS[right]
        part = (shift - start) / (end - start)
        return float((self._means[right - 1] * (1 - part) + self._means[right] * part).min())

    def worth(self, usd: float) -> Points:
        """The shift that saves `usd`; negative where dollars are lost."""
        aim = self.cost_at(0.0) - usd
        low, high = SHIFTS[0], SHIFTS[-1]
        if self.cost_at(high) > aim:
            return Points(points=high * 100, beyond=True)
        if self.cost_at(low) < aim:
            return Points(points=low * 100, beyond=True)
        for _ in range(_STEPS):
            middle = (low + high) / 2
            if self.cost_at(middle) > aim:
                low = middle
            else:
                high = middle
        return Points(points=round(high * 100, 6) + 0.0, beyond=False)
