"""From good sizes to better ones: ever smaller steps, and every band floor on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Final

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.search.family import Family

Score = Callable[[Array], Array]
"""(sizes, years) -> (sizes,): less is better, infinite is not allowed."""
_GAIN: Final = 1e-10


class Trials:
    """Sizes already scored, each once, up to a budget."""

    def __init__(self, family: Family, score: Score, budget: int) -> None:
        self._family, self._score, self._budget = family, score, budget
        self._known: dict[bytes, float] = {}

    @property
    def count(self) -> int:
        return len(self._known)

    @property
    def spent(self) -> bool:
        return self.count >= self._budget

    def scores(self, chosen: Array) -> Array:
        """(sizes, width) -> (sizes,). Beyond the budget unknown sizes are infinite."""
        chosen = np.round(chosen, 2) + 0.0
        keys = [row.tobytes() for row in chosen]
        fresh = {key: row for key, row in zip(keys, chosen, strict=True) if key not in self._known}
        asked = list(fresh)[: max(0, self._budget - self.count)]
        if asked:
            found = self._score(self._family.by_year(np.stack([fresh[key] for key in asked])))
            self._known |= dict(zip(asked, found.tolist(), strict=True))
        return np.array([self._known.get(key, np.inf) for key in keys])

    def best(self, most: int) -> list[Array]:
        """The best of those scored, one for each choice of bands, the best first."""
        rows = sorted((value, tuple(np.frombuffer(key))) for key, value in self._known.items())
        found: dict[tuple[int, ...], Array] = {}
        for _, row in rows:
            if len(found) < most:
                found.setdefault(self._family.bands_of(np.array(row)), np.array(row))
        return list(found.values())

    def cheapest(self) -> Array:
        """The best of those scored; of equal ones the smallest commitment."""
        least = min(self._known.values())
        limit = least + _GAIN * abs(least)
        rows = (np.frombuffer(key) for key, value in self._known.items() if value <= limit)
        return min(rows, key=lambda row: (float(row.sum()), tuple(row)))


def descend(family: Family, trials: Trials, start: Array, step: Array, least: Array) -> Array:
    """The best size that steps from `start` reach; steps halve from `step` to `least`, (width,) each."""
    at, value = start, float(trials.scores(start[None])[0])
    while bool((step >= least).any()) and not trials.spent:
        around = moves(family, at, step)
        values = trials.scores(around)
        best = int(values.argmin())
        if values[best] < value - _GAIN * abs(value):
            at, value = around[best], float(values[best])
        else:
            step = step / 2
    return at


def moves(family: Family, at: Array, step: Array) -> Array:
    """One amount down or up, one against another, all together; to the floors next to each, or of the sum; swapped."""
    unit = np.diag(step)
    along = [at - unit, at + unit]
    if family.width > 1:
        along += [at - step, at + step, *(at + unit[one] - unit[other] for one, other in _pairs(family.width))]
    if family.width > 1 and family.dollars_last:
        along += [_swapped(at, year) for year in range(family.width - 1)]
    along += [_with(at, place, floor) for place in range(family.width) for floor in _next_floors(family, at, place)]
    return np.unique(np.clip(np.vstack(along), 0.0, None), axis=0)


def _pairs(width: int) -> Sequence[tuple[int, int]]:
    """Every two years of a short term, neighbours of a long one."""
    every = list(permutations(range(width), 2))
    return every if width <= 3 else [pair for pair in every if abs(pair[0] - pair[1]) == 1]


def _next_floors(family: Family, at: Array, place: int) -> Array:
    """Amounts of one year at which it, or the sum of all, reaches the band floor below or above."""
    if family.contract.band_key == "annual_commit" or family.width == 1:
        floors = np.concatenate([[0.0], family.floors / family.key_of_one])
    else:
        floors = np.concatenate([[0.0], family.floors / family.key_of_all - (at.sum() - at[place])])
    below, above = floors[floors < at[place] - 0.005], floors[floors > at[place] + 0.005]
    near: Array = np.maximum(np.concatenate([below[-1:], above[:1]]), 0.0)
    return near


def _swapped(at: Array, year: int) -> Array:
    changed = at.copy()
    changed[[year, year + 1]] = at[[year + 1, year]]
    return changed


def _with(at: Array, place: int, amount: float) -> Array:
    changed = at.copy()
    changed[place] = amount
    return changed
