"""The size that suits one contract, searched for: what ramps alone would miss.

A right may suit a shape that no ramp has: all in the first year where unused dollars roll on, a floor in one year and
an amount between floors in the next. So every contract's own optimum joins the sizes that all are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, Final

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.search.descent import Score, Trials, descend
from baseload.commit.search.family import Family, family_of
from baseload.commit.search.monthly import first_looks
from baseload.commit.search.optimum import optimum
from baseload.commit.search.pricing import YearlyPricer
from baseload.commit.search.rounding import rounded
from baseload.commit.search.segments import is_stateless
from baseload.commit.worth.options import UP_STEPS, Measure, has_rights
from baseload.commit.worth.sizes import in_basis, in_list, year_shares
from baseload.commit.worth.table import is_yearly, usd_of

YEARLY_PATHS: Final = 400
"""Paths of a search where dollars pass from year to year; steps on all paths follow. Where none pass: all paths."""
MONTHLY_PATHS: Final = 150
"""Paths of a search by the month: enough for the rule by which rights are used."""
TRIALS: Final = 60
"""Sizes tried on thin paths beyond the first looks, beside a coarse search that uses no right."""
TRIALS_OF_RIGHTS: Final = 60
_YEARLY_TRIALS: Final = 200
_CHOICES: Final = 3
_FIRST_STEPS: Final = (1 / 8, 1 / 32)
_FINEST: Final = 1 / 1_024
_SCALES: Final = (0.88, 0.95, 1.05, 1.12)
_FEW_SCALES: Final = (0.94, 1.06)
_ONE_YEAR: Final = (0.94, 1.06)
_WITH_RIGHTS: Final = (1.0, 1.08, 1.18)
"""Of the best size without rights: who may step down or leave signs more."""
_NO_RIGHTS: Final[dict[str, Any]] = {"step_down": None, "step_down_band": "keep", "step_up": None, "termination": None}
_LEAST_SCALE: Final = 0.6
_OVER: Final = 1 + 1e-6
_LONGEST_MIXED: Final = 3


def thinned(paths: Paths, most: int) -> Paths:
    """Every n-th path, at most `most` of them."""
    step = -(-paths.count // most)
    parts: dict[str, Array | None] = {}
    for name in paths.__struct_fields__:
        array: Array | None = getattr(paths, name)
        parts[name] = array if array is None or array.shape[0] == 1 else array[::step]
    return msgspec.structs.replace(paths, **parts)


def suited(
    contract: Contract,
    paths: Paths,
    measure: Measure = "cost",
    looks: Array | None = None,
) -> Array:
    """Sizes in list dollars, (a few, years): the best one first, then the best of other choices of bands met.

    Exact where yearly totals price it and no dollar passes on, a search on thin paths elsewhere. `looks` are sizes in
    list dollars to begin with, where it is priced by the month.
    """
    contract = msgspec.structs.replace(contract, commit_usd_by_year=())
    if is_yearly(contract, paths, measure):
        found = _yearly(contract, paths)
    else:
        found = _monthly(contract, thinned(paths, MONTHLY_PATHS), measure, looks)
    return np.array([in_list(contract, size.tolist()) for size in found]) + 0.0


def _yearly(contract: Contract, paths: Paths) -> Array:
    family = family_of(contract, paths, "free")
    stateless = is_stateless(family)
    best = optimum(contract, paths if stateless else thinned(paths, YEARLY_PATHS)).commit_usd_by_year
    start = np.array([[float(amount) for amount in best]])
    if stateless or paths.count <= YEARLY_PATHS:
        return start
    score = YearlyPricer(contract, paths).means
    return _stepped(family, score, start, _FIRST_STEPS[1:], _YEARLY_TRIALS)


def _monthly(contract: Contract, paths: Paths, measure: Measure, looks: Array | None) -> Array:
    family = family_of(contract, paths, "free")

    def score(sizes: Array) -> Array:
        found: Array = usd_of(contract, sizes, paths, measure).mean(axis=1)
        return found

    starts = [first_looks(family) if looks is None else in_basis(contract, looks)]
    if not has_rights(contract):
        coarse = optimum(contract, paths, objective=measure).commit_usd_by_year
        starts.append(np.array([[float(amount) for amount in coarse]]))
    elif is_yearly(plain := _without_rights(contract), paths, "cost"):
        coarse = optimum(plain, paths).commit_usd_by_year
        starts.append(np.multiply.outer(_WITH_RIGHTS, [float(amount) for amount in coarse]))
    if contract.step_up:
        starts += [_stepping_onto_floors(family, size) for size in starts[-1][:1]]
    most = TRIALS_OF_RIGHTS if has_rights(contract) else TRIALS
    return _stepped(family, score, np.unique(np.vstack(starts), axis=0), _FIRST_STEPS, most)


def _without_rights(contract: Contract) -> Contract:
    found: Contract = msgspec.structs.replace(contract, **_NO_RIGHTS)
    return found


def _stepping_onto_floors(family: Family, size: Array) -> Array:
    """The size, scaled so that a step up takes a year onto a band floor: what it costs jumps there."""
    found = [size]
    for step in UP_STEPS:
        stepped = size + step * size.mean()
        scales = np.divide.outer(family.floors, stepped[stepped > 0]).ravel()
        within = scales[(scales >= _LEAST_SCALE) & (scales <= 1 / _LEAST_SCALE)]
        found += [size * scale * _OVER for scale in within]
    return np.array(found)


def _stepped(family: Family, score: Score, starts: Array, first_steps: tuple[float, ...], most: int) -> Array:
    """Steps from the best of the starts; in the contract's basis, the best one rounded as people sign it."""
    trials = Trials(family, score, len(starts) + most)
    trials.scores(starts)
    for first in first_steps:
        for start in trials.best(_CHOICES):
            descend(family, trials, start, family.tops * first, np.maximum(family.tops * _FINEST, 0.5))
    best = rounded(family, score, trials.cheapest())
    return np.vstack([best[None], *(one[None] for one in trials.best(_CHOICES))])


def around(sizes: Array, term_months: int) -> Array:
    """The sizes and what is near them: scaled, one year moved, flat, dollars drawn a year early, all in the first."""
    return np.unique(np.round(np.concatenate([_near(size, term_months) for size in sizes])), axis=0)


def closely_around(sizes: Array) -> Array:
    """The sizes, and the first a little smaller and larger: where every one is dear."""
    return np.unique(np.concatenate([sizes, *(np.round(sizes[:1] * scale) for scale in _FEW_SCALES)]), axis=0)


def on_floors(size: Array, floors: Sequence[float]) -> Array:
    """One size with every choice of years moved to the band floor below or above: of long terms, one year at a time."""
    known = np.array([0.0, *sorted(set(floors))])
    near = [[amount, *known[known < amount][-1:], *known[known > amount][:1]] for amount in size.tolist()]
    if len(size) <= _LONGEST_MIXED:
        return np.array(list(product(*near)))
    alone = [[*size[:year], floor, *size[year + 1 :]] for year, choices in enumerate(near) for floor in choices]
    return np.unique(np.array(alone), axis=0)


def _near(size: Array, term_months: int) -> Array:
    years = len(size)
    found = [size, *(size * scale for scale in _SCALES)]
    if years > 1:
        shares = year_shares(term_months)
        found += [size.sum() * shares / shares.sum(), size.sum() * np.eye(years)[0]]
        for year in range(years):
            found += [np.where(np.arange(years) == year, size * scale, size) for scale in _ONE_YEAR]
        found += [_early(size, year) for year in range(years - 1)]
    return np.array(found)


def _early(size: Array, year: int) -> Array:
    """What the next year commits is committed in `year`."""
    moved = size.copy()
    moved[year] += moved[year + 1]
    moved[year + 1] = 0.0
    return moved
