"""The exact optimum where no dollar passes from one year to the next.

Between two band floors a path's cost is two straight lines in the commitment that meet where its usage just fills it:
three prices a path give the mean of all paths at every kink at once, and the least of them is the optimum. Where
the bands look at all years together, each band is solved by itself: its years' means are convex, so that dollars go to
the year where the next one saves most.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from baseload.commit.annual import year_step
from baseload.commit.arrays import Array
from baseload.commit.bands import DiscountArrays, discount_arrays_at
from baseload.commit.contract import Contract
from baseload.commit.search.family import Family, fills

_SAME: Final = 1e-10
"""Relative: means closer than this are the same, and the smaller commitment is taken."""
_NONE: Final[Array] = np.zeros(1)


class Line(NamedTuple):
    """Mean cost at ascending commitments, a straight line between them."""

    points: Array
    means: Array
    slopes: Array  # from each point to the next


class Found(NamedTuple):
    """The cheapest amounts, (width,), and how many sizes they were compared with."""

    chosen: Array
    compared: int


def is_stateless(family: Family) -> bool:
    """Does this module solve it? Not where dollars or excess pass on, nor marginal bands over all years together.

    Under marginal bands the price of an unused dollar is an average: what is given back for it bends the lines.
    """
    contract = family.contract
    if contract.band_mode == "marginal" and (contract.unused.rule == "refund" or contract.shortfall_rate == "list"):
        return False
    if contract.years == 1:
        return True
    if (contract.unused.rule == "roll" and contract.unused.share) or contract.carry_forward.share:
        return False
    return contract.band_key == "annual_commit" or family.width == 1 or contract.band_mode == "all_units"


def exact(family: Family) -> Found:
    """The least mean cost. Of equal ones the smallest commitment."""
    if family.contract.band_key == "annual_commit" or family.width == 1:
        parts = [_one_amount(family, place) for place in range(family.width)]
        compared = np.prod([float(part.compared) for part in parts])
        return Found(np.concatenate([part.chosen for part in parts]), int(compared))
    return _by_band(family)


def _one_amount(family: Family, place: int) -> Found:
    """One free amount, over the bands."""
    usage, count, per_key = family.filled_by(place), len(family.usage), family.key_of_one
    starts = family.fixed_points(place)
    ends = np.append(starts[1:], max(float(family.tops[place]), float(starts[-1])) + 1)
    found: list[tuple[float, float]] = []
    compared = 0
    for start, end in zip(starts, ends, strict=True):
        line = line_of(family.contract, usage, count, start * per_key, (start, end), per_key)
        points, means = line.points[:-1], line.means[:-1]  # the end has the next band's price
        best = _first_least(means)
        found.append((float(means[best]), float(points[best])))
        compared += len(points)
    least = _first_least(np.array([mean for mean, _ in found]))
    return Found(np.array([found[least][1]]), compared)


def _first_least(means: Array) -> int:
    least = float(means.min())
    return int(np.argmax(means <= least + _SAME * abs(least)))


def line_of(
    contract: Contract, usage: Array, count: int, floor: float, span: tuple[float, float], per_key: float
) -> Line:
    """Mean cost of a year (of all years, where `usage` holds several per path) over a span inside one band."""
    low, high = span
    kink = np.clip(_fill_at(contract, usage, floor, per_key), low, high)
    amounts = np.stack([np.full_like(kink, low), kink, np.full_like(kink, high)])
    paid = year_step(contract, usage, amounts, _NONE, _NONE, _discounts(contract, floor, amounts * per_key)).paid
    before, after = _slope(paid[:2], kink - low), _slope(paid[1:], high - kink)
    order = np.argsort(kink, kind="stable")
    points = np.concatenate([[low], kink[order], [high]])
    lengths = np.diff(points)
    slopes = before.sum() + np.concatenate([[0.0], np.cumsum(after[order] - before[order])])
    means = paid[0].sum() + np.concatenate([[0.0], np.cumsum(slopes * lengths)])
    real = lengths > 0
    kept = np.concatenate([[True], real])
    return Line(points[kept], means[kept] / count, slopes[real] / count)


def _slope(paid: Array, width: Array) -> Array:
    slope: Array = np.divide(paid[1] - paid[0], width, out=np.zeros_like(width), where=width > 0)
    return slope


def _fill_at(contract: Contract, usage: Array, floor: float, per_key: float) -> Array:
    """The kink of each usage in the band that begins at `floor`."""
    if contract.commit_basis == "net" and contract.band_mode == "all_units":
        filled: Array = usage * (1 - discount_arrays_at(contract, np.array([floor])).committed)
        return filled
    found: Array = fills(contract, usage, per_key)[0]
    return found


def _discounts(contract: Contract, floor: float, keys: Array) -> DiscountArrays:
    """The band that begins at `floor`, up to its very end."""
    band = discount_arrays_at(contract, np.array([floor]))
    if contract.band_mode == "all_units":
        return band
    return band._replace(committed=discount_arrays_at(contract, keys).committed)


def _by_band(family: Family) -> Found:
    """All-units bands over all years together: each band by itself, the cheapest of them."""
    floors = np.concatenate([[0.0], family.floors])
    ends = np.append(floors[1:], np.inf)
    found: list[tuple[float, Array]] = []
    compared = 0
    for floor, end in zip(floors, ends, strict=True):
        span = floor / family.key_of_all, end / family.key_of_all
        lines = [_year_line(family, year, floor, span[0]) for year in range(family.width)]
        compared += int(np.prod([float(len(line.points)) for line in lines]))
        found.append(_share_out(lines, *span))
    best = _first_least(np.array([mean for mean, _ in found]))
    return Found(found[best][1], compared)


def _year_line(family: Family, year: int, floor: float, reach: float) -> Line:
    high = max(float(family.tops[year]), reach) + 1
    return line_of(family.contract, family.usage[:, year], len(family.usage), floor, (0.0, high), family.key_of_all)


def _share_out(lines: list[Line], least: float, end: float) -> tuple[float, Array]:
    """The cheapest amounts whose sum lies from `least` to below `end`; infinite where a higher band is cheaper.

    A sum at its end is never the answer: the same amounts cost no more in the band above.
    """
    slopes = np.concatenate([line.slopes for line in lines])
    lengths = np.concatenate([np.diff(line.points) for line in lines])
    owner = np.repeat(np.arange(len(lines)), [len(line.points) - 1 for line in lines])
    order = np.argsort(slopes, kind="stable")
    reached = np.cumsum(lengths[order])
    scale = max(float(np.abs(slopes).max()), 1e-300)
    wanted = float(lengths[slopes < -_SAME * scale].sum())
    total = max(wanted, least)
    if total >= end:
        return float("inf"), np.zeros(len(lines))
    taken = np.clip(total - (reached - lengths[order]), 0.0, lengths[order])
    mean = sum(float(line.means[0]) for line in lines) + float(taken @ slopes[order])
    return mean, np.bincount(owner[order], weights=taken, minlength=len(lines)).astype(np.float64)
