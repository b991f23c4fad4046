"""Every combination of yearly sizes, where dollars pass from one year to the next.

A tree by year: what a year hands on is worked out once for all that follow it, so that only the last year is priced
for every combination. Single precision: it only has to say in which cell to look closer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, cast

import numpy as np

from baseload.commit.annual import Step, year_step
from baseload.commit.arrays import Array
from baseload.commit.bands import DiscountArrays, discount_arrays_at
from baseload.commit.contract import Contract
from baseload.commit.search.family import Family, fills

COMBINATIONS: Final = 47**3
MOST_PATHS: Final = 2_000
"""More paths than these are thinned evenly for the grid, and all looked at afterwards."""
_LEAST_POINTS: Final = 9


class Branch(NamedTuple):
    """Sizes of the years so far, what they cost in the mean and what they hand on; a row each."""

    sizes: Array  # (rows, years so far)
    means: Array  # (rows,)
    rolled: Array  # (rows, paths), single precision
    excess: Array


class Cells(NamedTuple):
    """The best combinations, the best first, (cells, years); the distance of neighbours on each axis; all compared."""

    best: Array
    spacing: Array
    compared: int


def points_per_year(years: int) -> int:
    """As many as fill `COMBINATIONS`."""
    return int(COMBINATIONS ** (1 / years) + 1e-9)


def has_grid(family: Family) -> bool:
    """Few enough years for a grid worth its name, and a discount that does not move inside its band."""
    contract = family.contract
    total_key = contract.band_key != "annual_commit"
    fits = points_per_year(family.width) >= max(_LEAST_POINTS, len(family.floors) + 4)
    return family.width > 1 and fits and not (total_key and contract.band_mode == "marginal")


def axis_of(family: Family, place: int, points: int) -> Array:
    """Amounts of one year: 0, band floors in reach, what fills at even steps of probability, even steps of dollars."""
    fixed = family.fixed_points(place)
    room = max(2, points - len(fixed))
    even, steps = room // 3, room - room // 3
    usage = family.filled_by(place)
    likely = np.quantile(fills(family.contract, usage, family.key_of_one).ravel(), np.linspace(0.01, 0.99, steps))
    spread = np.linspace(0, family.tops[place], even + 2)[1:-1]
    return np.unique(np.concatenate([fixed, likely, spread]))


def grid(family: Family, contract: Contract, kept: int) -> Cells:
    """The best `kept` combinations by mean cost. `contract` has no carve-outs: `family.usage` is what it rates."""
    thin = np.unique(np.linspace(0, len(family.usage) - 1, min(len(family.usage), MOST_PATHS)).round().astype(int))
    usage = _short(family.usage[thin])
    axes = [axis_of(family, place, points_per_year(family.width)) for place in range(family.width)]
    found: list[tuple[float, tuple[float, ...]]] = []
    for band in _bands(family):
        for sizes, means in _leaves(family, contract, usage, axes, band):
            near = np.argsort(means, kind="stable")[:kept]
            found += [(float(means[row]), tuple(sizes[row])) for row in near]
        found = sorted(found)[:kept]
    spacing = np.array([float(axis[-1]) / len(axis) for axis in axes])
    return Cells(np.array([row for _, row in found]), spacing, int(np.prod([len(axis) for axis in axes])))


class Band(NamedTuple):
    """A band over the sum of all years; None where each year has its own."""

    discounts: DiscountArrays
    from_sum: float
    to_sum: float


def _bands(family: Family) -> list[Band | None]:
    if family.contract.band_key == "annual_commit":
        return [None]
    floors = np.concatenate([[0.0], family.floors])
    ends = np.append(floors[1:], np.inf)
    return [
        Band(_single(discount_arrays_at(family.contract, np.array([[floor]]))),
             floor / family.key_of_all * (1 - 1e-12), end / family.key_of_all * (1 - 1e-12))
        for floor, end in zip(floors, ends, strict=True)
    ]  # fmt: skip


def _short(values: Array) -> Array:
    """The same in single precision."""
    return cast("Array", values.astype(np.float32))


def _single(discounts: DiscountArrays) -> DiscountArrays:
    return DiscountArrays(*(_short(part) for part in discounts))


def _leaves(
    family: Family, contract: Contract, usage: Array, axes: list[Array], band: Band | None
) -> Iterator[tuple[Array, Array]]:
    """Sizes of all years and their mean costs, in parts."""
    nothing = _short(np.zeros((1, len(usage))))
    branch = Branch(np.zeros((1, 0)), np.zeros(1), nothing, nothing)
    for year in range(family.width - 1):
        branch = _grown(contract, np.ascontiguousarray(usage[:, year]), branch, axes[year], band)
    last = np.ascontiguousarray(usage[:, -1])
    for row in range(len(branch.sizes)):
        amounts = _in_band(axes[-1], float(branch.sizes[row].sum()), band)
        if len(amounts):
            step = _step(contract, last, amounts, branch.rolled[row], branch.excess[row], band)
            sizes = np.column_stack([np.repeat(branch.sizes[row : row + 1], len(amounts), axis=0), amounts])
            yield sizes, branch.means[row] + step.paid.mean(axis=1)


def _in_band(axis: Array, others: float, band: Band | None) -> Array:
    if band is None:
        return axis
    return axis[(axis + others >= band.from_sum) & (axis + others < band.to_sum)]


def _grown(contract: Contract, usage: Array, branch: Branch, axis: Array, band: Band | None) -> Branch:
    """One year more on every row."""
    steps = [
        _step(contract, usage, axis, branch.rolled[row], branch.excess[row], band) for row in range(len(branch.sizes))
    ]
    shape = (len(axis), len(usage))
    return Branch(
        np.column_stack([np.repeat(branch.sizes, len(axis), axis=0), np.tile(axis, len(branch.sizes))]),
        np.concatenate([mean + step.paid.mean(axis=1) for mean, step in zip(branch.means, steps, strict=True)]),
        np.concatenate([np.broadcast_to(step.rolled, shape) for step in steps]),
        np.concatenate([np.broadcast_to(step.excess, shape) for step in steps]),
    )


def _step(contract: Contract, usage: Array, axis: Array, rolled: Array, less: Array, band: Band | None) -> Step:
    amounts = axis[:, None]
    discounts = band.discounts if band else _single(discount_arrays_at(contract, amounts))
    return year_step(contract, usage, _short(amounts), rolled, less, discounts)
