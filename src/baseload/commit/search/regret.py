"""What each path would have cost if it had been known, and how an appetite for risk weighs what is missed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.search.family import Family, Ramp, family_of, fills
from baseload.commit.search.pricing import Pricer, YearlyPricer, pricer_of

TAIL: Final = 0.1
"""CVaR at 90 %: the mean of the worst tenth."""
_SWEEPS: Final = 3
_HALVINGS: Final = 8
_SHARES: Final = (0.4, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.3, 1.5, 2.0)
_FEW: Final = 3


def path_optima(contract: Contract, paths: Paths, *, ramp: Ramp = "free") -> Array:
    """Least cost of each path in the same contract family: each path sized by itself, knowing itself, (paths,).

    Exact where years do not touch: every kink and band floor is tried. Elsewhere the best of those and of ever smaller
    steps around it, so at most too high. Rights are not used. Raises CommitError as `simulate` does.
    """
    family = family_of(contract, paths, ramp)
    return known_optima(family, pricer_of(contract, paths))


def known_optima(family: Family, pricer: Pricer) -> Array:
    """`path_optima` of a family on a pricer's paths."""
    own = _OwnSizes(family, pricer)
    shared = not isinstance(pricer, YearlyPricer) or _passes_on(family.contract)
    for start in _starts(family) if family.width > 1 else ():
        own.offer(start)
    for start in _shared_starts(family) if shared else ():
        own.offer(start)
    fixed = [_amounts(family, place) for place in range(family.width)]
    for _ in range(_SWEEPS if family.width > 1 else 1):
        for place, amounts in enumerate(fixed):
            for amount in amounts:
                own.offer_one(place, amount)
    if shared:
        _refine(own, family)
    return own.cost


class _OwnSizes:
    """The best size of each path so far."""

    def __init__(self, family: Family, pricer: Pricer) -> None:
        self._family, self._pricer = family, pricer
        self.chosen = np.zeros((len(family.usage), family.width))
        self.cost = pricer.own(family.by_year(self.chosen))

    def offer(self, chosen: Array) -> None:
        """Take it where it is cheaper."""
        chosen = np.maximum(chosen, 0.0)
        cost = self._pricer.own(self._family.by_year(chosen))
        better = cost < self.cost
        self.chosen = np.where(better[:, None], chosen, self.chosen)
        self.cost = np.where(better, cost, self.cost)

    def offer_one(self, place: int, amount: Array | float) -> None:
        changed = self.chosen.copy()
        changed[:, place] = amount
        self.offer(changed)


def _amounts(family: Family, place: int) -> list[Array | float]:
    """What one amount may be: 0, a band floor, what the path's own usage of a year fills."""
    years = range(family.contract.years) if family.width == 1 else [place]
    filled = [row for year in years for row in fills(family.contract, family.usage[:, year], family.key_of_one)]
    return [*(float(floor) for floor in family.fixed_points(place)), *filled]


def _starts(family: Family) -> Iterator[Array]:
    """Usage of all years filled at one band, topped up in one year so that the sum reaches a floor."""
    for filled in fills(family.contract, family.usage, family.key_of_one):
        yield filled
        if family.contract.band_key != "annual_commit":
            for floor in family.floors / family.key_of_all:
                for place in range(family.width):
                    yield _raised(filled, place, np.maximum(floor - filled.sum(axis=1), 0.0))


def _shared_starts(family: Family) -> Iterator[Array]:
    """Where dollars outlive their year: one year's commitment carries other years' usage, or all years share evenly."""
    for filled in fills(family.contract, family.usage, family.key_of_one):
        for share in _SHARES:
            yield np.repeat(filled.mean(axis=1, keepdims=True) * share, family.width, axis=1)
        for carriers in _carriers(family.width) if family.width > 1 else ():
            pooled = np.zeros_like(filled)
            for year, carrier in enumerate(carriers):
                pooled[:, carrier] += filled[:, year]
            plain = carriers == tuple(range(family.width))
            yield pooled
            yield from _near_floors(family, pooled, down=plain)


def _near_floors(family: Family, chosen: Array, *, down: bool) -> Iterator[Array]:
    """The same with every choice of amounts raised to the band floor above, or lowered to the one below."""
    if family.contract.band_key != "annual_commit" or family.width > _FEW:
        return
    floors = np.concatenate([[0.0], family.floors])
    place = np.searchsorted(floors, chosen)
    above = np.maximum(chosen, floors[np.minimum(place, len(floors) - 1)])
    below = floors[np.maximum(place - 1, 0)]
    ways = [chosen, above, below] if down else [chosen, above]
    for way in product(range(len(ways)), repeat=family.width):
        yield np.stack([ways[one][:, year] for year, one in enumerate(way)], axis=1)


def _carriers(years: int) -> Iterator[tuple[int, ...]]:
    """Which year's commitment carries each year: any for short terms, a neighbour's for long ones."""
    if years <= _FEW:
        yield from product(range(years), repeat=years)
    for year in range(years - 1 if years > _FEW else 0):
        for first, second in ((year, year + 1), (year + 1, year)):
            yield tuple(first if place == second else place for place in range(years))


def _raised(chosen: Array, place: int, more: Array) -> Array:
    changed = chosen.copy()
    changed[:, place] += more
    return changed


def _passes_on(contract: Contract) -> bool:
    return contract.years > 1 and (contract.unused.rule == "roll" or bool(contract.carry_forward.share))


def _refine(own: _OwnSizes, family: Family) -> None:
    """Steps down and up in each amount, halved round by round."""
    step = np.maximum(family.usage.mean(axis=1), 1.0) / 4
    for _ in range(_HALVINGS):
        for place in range(family.width):
            for sign in (-1, 1):
                own.offer_one(place, own.chosen[:, place] + sign * step)
        step = step / 2


def cvar(regret: Array) -> Array:
    """Mean of the worst tenth of the last axis; a path at the edge counts in part."""
    count = regret.shape[-1]
    tail = TAIL * count
    whole = int(np.ceil(tail - 1e-9))
    worst = np.sort(np.partition(regret, count - whole, axis=-1)[..., count - whole :], axis=-1)
    found: Array = (worst.sum(axis=-1) - worst[..., 0] * (whole - tail)) / tail
    return found
