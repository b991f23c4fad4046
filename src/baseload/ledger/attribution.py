"""Dividing whole numbers among rows exactly: the arithmetic under `ledger.scope`.

Every column is settled by itself, in integers: what rows get adds up to what their group was given, no row gets more
than it asked for, nothing is negative. Groups are int64 codes; a few dozen numpy passes settle any number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Columns: TypeAlias = dict[str, Ints]

_EXACT_FLOAT: Final = float(1 << 53)
_TABLE_ROWS: Final = 1 << 20


class Groups:
    """Rows by group code, so that any number of columns can be summed and shared over it."""

    def __init__(self, codes: Ints, count: int) -> None:
        self.codes = codes
        self.count = count

    @cached_property
    def _sorted(self) -> tuple[Ints, Ints, Ints]:
        """Row order by group, the first place of each group in it, and the groups present."""
        order = np.argsort(self.codes, kind="stable")
        ordered = self.codes[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        return order, starts, ordered[starts]

    def sums(self, values: Ints) -> Ints:
        """The exact total of each group; 0 for a group without rows."""
        if float(np.abs(values).sum(dtype=np.float64)) < _EXACT_FLOAT:  # every partial sum is exact
            return np.bincount(self.codes, weights=values, minlength=self.count).astype(np.int64)
        order, starts, present = self._sorted
        totals = np.zeros(self.count, dtype=np.int64)
        totals[present] = np.add.reduceat(values[order], starts)
        return totals

    def share(self, values: Ints, given: Ints, *, grow: bool = False) -> Ints:
        """`given` of each group divided among its rows in proportion to `values` (all >= 0).

        The parts add up to `given` exactly; rounding goes to the first rows of a group. No part exceeds its value,
        unless `grow` allows it. A group whose values are all 0 gives nothing, whatever it was given.
        """
        totals = self.sums(values)
        given = np.where(totals > 0, given if grow else np.minimum(given, totals), 0)
        ratio = np.divide(given, totals, out=np.zeros(self.count), where=totals > 0)
        parts = np.floor(values * ratio[self.codes]).astype(np.int64)
        if not grow:
            parts = np.minimum(parts, values)
        missing = given - self.sums(parts)
        while missing.any():
            open_rows = values > 0 if grow else values > parts
            parts += self._firsts(open_rows, missing) - self._firsts(parts > 0, -missing)
            missing = given - self.sums(parts)
        return parts

    def _firsts(self, wanted: NDArray[np.bool_], counts: Ints) -> Ints:
        """1 for the first `counts` wanted rows of each group, else 0."""
        chosen = np.zeros(len(self.codes), dtype=np.int64)
        if (counts > 0).any():
            order, starts, present = self._sorted
            ordered = wanted[order]
            place = np.cumsum(ordered)
            before = np.zeros(self.count, dtype=np.int64)
            before[present] = (place - ordered)[starts]
            codes = self.codes[order]
            chosen[order] = ordered & (place - before[codes] <= counts[codes])
        return chosen


def codes_of(keys: Sequence[Ints]) -> tuple[Ints, int]:
    """One dense code per distinct combination of key columns (each >= 0), and how many there are."""
    dense, count = _dense(keys[0])
    for key in keys[1:]:
        dense, count = _dense(dense * (int(key.max(initial=0)) + 1) + key)
    return dense, count


def _dense(codes: Ints) -> tuple[Ints, int]:
    """Codes renumbered without gaps, in order; by a table where that is small, else by sorting."""
    highest = int(codes.max(initial=0))
    if highest > _TABLE_ROWS + 8 * len(codes):
        found, dense = np.unique(codes, return_inverse=True)
        return dense.astype(np.int64), len(found)
    present = np.zeros(highest + 1, dtype=bool)
    present[codes] = True
    places = np.cumsum(present, dtype=np.int64)
    return places[codes] - 1, int(places[-1]) if len(codes) else 0


class Names(NamedTuple):
    """What rows are matched by; each is an int64 column over all rows, 0 where the row does not say."""

    workspace: Ints
    api_key: Ints
    product: Ints


LEVELS: tuple[tuple[str, ...], ...] = (("workspace", "api_key"), ("api_key",), ("workspace",), ("product",), ())
"""Finest first: a row is matched at the first level whose names both sides say, in the same words."""


class Side(NamedTuple):
    """Everything a statement encloses rows by. Arrays run over all rows; `rows` picks the statement's own."""

    rows: Ints
    cell: Ints  # account, day (or period) and model
    series: Ints  # the cell without its day
    rate: Ints  # tier, speed, geo and band: rows of one rate are matched before others of their cell
    names: Names


class Demand:
    """Columns while a statement is filled: what each inner row asks and got, what each statement row has left.

    `asked` and `got` run over the inner rows, `left` and `unknown` over the statement's rows. A column in `unknown` is
    not said by the statement rows marked True: those limit nothing and keep their value.
    """

    def __init__(
        self,
        values: Mapping[str, Ints],
        columns: Sequence[str],
        inner: Ints,
        statement: Ints,
        unknown: Mapping[str, NDArray[np.bool_]],
    ) -> None:
        self.asked: Columns = {name: values[name][inner] for name in columns}
        self.got: Columns = {name: np.zeros(len(inner), dtype=np.int64) for name in columns}
        self.left: Columns = {name: values[name][statement] for name in columns}
        self.unknown = unknown


class _Step(NamedTuple):
    """Rows of one level: positions within inner and statement rows, and the group of each."""

    within: Ints
    outside: Ints
    inner_groups: Groups
    statement_groups: Groups


def enclose(inner: Ints, side: Side, demand: Demand, floating: NDArray[np.bool_]) -> Ints:
    """Fill `side` with the `inner` rows: names that both sides say first, equal rates first within them.

    All `inner` rows must lie in cells of the statement. Rows marked in `floating` (over all rows) come from a sample:
    their day-to-day noise is calibrated away (see `_calibrate`). Returns the level each inner row matched at.
    """
    matched = np.full(len(inner), len(LEVELS), dtype=np.int64)
    for place, level in enumerate(LEVELS):
        names = [getattr(side.names, field) for field in level]
        within, outside = _level_codes(inner, side, names)
        hit = (matched == len(LEVELS)) & (within >= 0) & np.isin(within, outside[outside >= 0])
        if not hit.any():
            continue
        matched[hit] = place
        places = np.flatnonzero(hit), np.flatnonzero(outside >= 0)
        keys = (side.cell, *names)
        if floating[inner[hit]].any():
            _calibrate(inner, side, places, keys, (side.series, *names), demand, floating)
        _fill(_step(inner, side, places, (*keys, side.rate)), demand)
        _fill(_step(inner, side, places, keys), demand)
    return matched


def _level_codes(inner: Ints, side: Side, names: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Codes of (cell, names) for inner and statement rows alike; -1 where a row does not say a name."""
    within, outside, _ = _joint(inner, side.rows, (side.cell, *names))
    for name in names:
        within[name[inner] == 0] = -1
        outside[name[side.rows] == 0] = -1
    return within, outside


def _joint(first: Ints, second: Ints, keys: Sequence[Ints]) -> tuple[Ints, Ints, int]:
    rows = np.concatenate([first, second])
    codes, count = codes_of([key[rows] for key in keys])
    return codes[: len(first)], codes[len(first) :], count


def _step(inner: Ints, side: Side, places: tuple[Ints, Ints], keys: Sequence[Ints]) -> _Step:
    within, outside, count = _joint(inner[places[0]], side.rows[places[1]], keys)
    return _Step(*places, Groups(within, count), Groups(outside, count))


def _fill(step: _Step, demand: Demand) -> None:
    """Give each group what it still asks for, as far as the statement's rows of the group still have it."""
    for column, asked in demand.asked.items():
        wants = asked[step.within] - demand.got[column][step.within]
        if not wants.any():
            continue
        has = demand.left[column][step.outside]
        unlimited = _unlimited(column, step, demand)
        total = step.inner_groups.sums(wants)
        taken = np.where(unlimited, total, np.minimum(total, step.statement_groups.sums(has)))
        if taken.any():
            demand.got[column][step.within] += step.inner_groups.share(wants, taken)
            demand.left[column][step.outside] -= step.statement_groups.share(has, np.where(unlimited, 0, taken))


def _unlimited(column: str, step: _Step, demand: Demand) -> NDArray[np.bool_]:
    unknown = demand.unknown.get(column)
    if unknown is None:
        return np.zeros(step.statement_groups.count, dtype=bool)
    limits: NDArray[np.bool_] = step.statement_groups.sums(unknown[step.outside].astype(np.int64)) > 0
    return limits


def _calibrate(
    inner: Ints,
    side: Side,
    places: tuple[Ints, Ints],
    keys: Sequence[Ints],
    series: Sequence[Ints],
    demand: Demand,
    floating: NDArray[np.bool_],
) -> None:
    """Bring sampled rows to their day's control total times the share of it that the whole sample explains.

    A 1-in-N sample times N misses single days by chance in both directions; taking the lesser of sample and control
    day by day would call the chance "unattributed". So the share is pooled over all days of the series on which the
    sample has rows, min(1, sample / control), and each of these days gets control x share. Full logs come first.
    """
    step = _step(inner, side, places, keys)
    codes, count = step.inner_groups.codes, step.inner_groups.count
    pooled, pools = codes_of([key[inner[step.within]] for key in series])
    pool_of = np.zeros(count, dtype=np.int64)
    pool_of[codes] = pooled
    loose = floating[inner[step.within]]
    sampled = step.within[loose]
    drawn, full = Groups(codes[loose], count), Groups(codes[~loose], count)
    for column, asked in demand.asked.items():
        sample = drawn.sums(asked[sampled])
        control = step.statement_groups.sums(demand.left[column][step.outside])
        room = np.maximum(control - full.sums(asked[step.within[~loose]]), 0)
        limited = (sample > 0) & ~_unlimited(column, step, demand)
        pool = Groups(pool_of[limited], pools)
        explained, available = pool.sums(sample[limited]), pool.sums(room[limited])
        share = np.minimum(np.divide(explained, available, out=np.zeros(pools), where=available > 0), 1.0)
        goal = np.where(limited, np.rint(room * share[pool_of]).astype(np.int64), sample)
        asked[sampled] = drawn.share(asked[sampled], goal, grow=True)
    floating[inner[sampled]] = False
