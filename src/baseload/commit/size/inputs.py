"""What the size rests on, each input as a knob: its low, base and high value, its grade, and what turning it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
from msgspec.structs import replace

from baseload.commit.arrays import Array
from baseload.commit.band_sets import BAND_SETS, CONSERVATIVE, OPTIMISTIC
from baseload.commit.clauses import Band
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.size.amounts import percent
from baseload.commit.size.demand import Demand
from baseload.commit.size.document import InputGrade
from baseload.demand.fit import PathSettings
from baseload.demand.paths import drift_months

Turn = Callable[[Contract, Paths, float], tuple[Contract, Paths]]
POINTS: Final = 0.02
"""How far a round of negotiation may move a quoted discount: an assumption."""
_MOST_POINTS: Final = 0.6
EIGHTY: Final = 1.2816
"""Standard deviations of an 80 % interval."""
PRICE_CUT: Final = 0.30
CUT_MONTH: Final = 6
"""A cut of list prices half-way through the first year: an assumption (commit.md 1b: one was 67 %)."""


class Knob(NamedTuple):
    """`turn(contract, paths, value)` is the case with the input at `value`; at `base` it is the case itself.

    `floor` and `ceiling` bound where a flip is looked for, by `probe` where that is not `turn`. `ends`: what low and
    high are called, where they are no numbers.
    """

    name: str
    grade: InputGrade
    unit: str
    low: float
    base: float
    high: float
    floor: float
    ceiling: float
    turn: Turn
    ends: tuple[str, str] | None = None
    probe: Turn | None = None

    def named(self, value: float) -> str:
        """A value as people read it."""
        if self.ends is not None and value in (self.low, self.high):
            return self.ends[0] if value == self.low else self.ends[1]
        if self.name == "bands":
            return f"{100 * value:+.1f} points {self.unit}"
        if self.name == "savings":
            return f"{percent(value - 1)} of the way from expected to all" if value > 1 else f"{percent(value)} of them"
        places = 1 if 0 < abs(value) < 0.1 else 0
        sign = "+" if value > 0 and self.name == "growth" else ""
        return f"{sign}{percent(value, places)} {self.unit}".strip()


def knobs(contract: Contract, demand: Demand) -> tuple[Knob, ...]:
    """The inputs that apply, in a fixed order."""
    found = [_bands(contract), _growth(demand)]
    if demand.savings:
        found.append(_savings(demand))
    found.append(_price_cut())
    if demand.ends is not None and demand.ends.unknown_usd > 0:
        found.append(_scope(demand))
    return tuple(found)


def are_assumed(contract: Contract) -> bool:
    """The offer's bands are one of the sets that ship as assumptions."""
    return any(contract.bands == one.bands for one in BAND_SETS)


def _bands(contract: Contract) -> Knob:
    """Every discount lower or higher; where the bands are a shipped set, the others of them.

    A flip is looked for among lower discounts alone: a set is no number of points, and more discount makes no size
    dearer.
    """
    if not are_assumed(contract):
        return Knob("bands", "stated", "of discount", -POINTS, 0.0, POINTS, -_MOST_POINTS, 0.0, _shift)

    def turn(offer: Contract, paths: Paths, value: float) -> tuple[Contract, Paths]:
        if value:
            offer = replace(offer, bands=(CONSERVATIVE if value < 0 else OPTIMISTIC).bands)
        return offer, paths

    low, high = (f"the {one.name} set, from {one.from_usd:,.0f} on" for one in (CONSERVATIVE, OPTIMISTIC))
    return Knob(
        "bands", "assumed", "of discount", -POINTS, 0.0, POINTS, -_MOST_POINTS, 0.0, turn, (low, high), probe=_shift
    )


def _shift(contract: Contract, paths: Paths, points: float) -> tuple[Contract, Paths]:
    """Every discount so much higher, never below 0."""
    bands = tuple(
        Band(from_usd=one.from_usd, discount=min(max(one.discount + _decimal(points), Decimal(0)), Decimal("0.95")))
        if one.discount
        else one
        for one in contract.bands
    )
    return replace(contract, bands=bands), paths


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(value, 9)))


def _growth(demand: Demand) -> Knob:
    """Monthly growth against what the paths have: 80 % of what is uncertain about their drift."""
    width = EIGHTY * demand.growth_sd
    grade: InputGrade = "assumed" if demand.history is None else "simulated"

    def turn(contract: Contract, paths: Paths, value: float) -> tuple[Contract, Paths]:
        return contract, times(paths, np.exp(value * drift_months(paths.months, PathSettings())))

    return Knob("growth", grade, "a month", -width, 0.0, width, -0.25, width, turn)


def _savings(demand: Demand) -> Knob:
    """Which savings arrive: 0 none, 1 as expected, 2 all in full; in between a part of the way."""
    none, expected, every = (demand.scenarios[name].list_usd for name in ("none", "expected", "all"))
    grade: InputGrade = "replayed" if all(one.proven for one in demand.savings) else "assumed"

    def turn(contract: Contract, paths: Paths, value: float) -> tuple[Contract, Paths]:
        left = none + value * (expected - none) if value <= 1 else expected + (value - 1) * (every - expected)
        return contract, times(paths, _ratio(left[:, : paths.months], expected[:, : paths.months]))

    ends = ("none land", "all land in full")
    return Knob("savings", grade, "0 none, 1 expected, 2 all", 0.0, 1.0, 2.0, 0.0, 2.0, turn, ends)


def _price_cut() -> Knob:
    def turn(contract: Contract, paths: Paths, value: float) -> tuple[Contract, Paths]:
        factor = np.where(np.arange(paths.months) >= CUT_MONTH, 1 - value, 1.0)[None, :]
        index = paths.price_index if paths.price_index is not None else np.ones((1, paths.months))
        return contract, replace(times(paths, factor), price_index=index * factor if value else paths.price_index)

    return Knob(
        "price_cut", "assumed", f"off list prices from month {CUT_MONTH} on", 0.0, 0.0, PRICE_CUT, 0.0, 0.95, turn
    )


def _scope(demand: Demand) -> Knob:
    """How much of what nobody knows to be covered is."""
    ends = demand.ends
    if ends is None:
        raise ValueError("a demand without ends has no unknown scope")
    least, most = ends.least.list_usd, ends.most.list_usd

    def turn(contract: Contract, paths: Paths, value: float) -> tuple[Contract, Paths]:
        left = (least + value * (most - least))[:, : paths.months]
        return contract, times(paths, _ratio(left, demand.expected.list_usd[:, : paths.months]))

    base = 0.0 if demand.expected is ends.least else 1.0
    return Knob("scope_unknown", "assumed", "of the unknown covered", 0.0, base, 1.0, 0.0, 1.0, turn)


def times(paths: Paths, factor: Array) -> Paths:
    """The same paths with every month's dollars times a factor."""
    outside = None if paths.outside_usd is None else paths.outside_usd * factor
    return replace(paths, list_usd=paths.list_usd * factor, outside_usd=outside)


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)


def turned(contract: Contract, paths: Paths, turns: Sequence[tuple[Knob, float]]) -> tuple[Contract, Paths]:
    """Several inputs at once."""
    for knob, value in turns:
        contract, paths = knob.turn(contract, paths, value)
    return contract, paths
