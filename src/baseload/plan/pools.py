"""Rate-limit pools: the one thing that ties the choices of workloads together.

Each route option draws a share of a pool's tokens a minute. A plan must fit every pool whose limit is declared; what a
pool carries today always fits. Workloads are separable otherwise, so the cheapest plan is found in two steps: each
workload's cheapest choice, and only where a pool then overflows a branch and bound over the workloads that draw on one.

The bound is Lagrangian: with a price on each pool's capacity every workload is free again, and what they then cost less
the price of the capacity is never more than the best plan. The search is exact unless it meets `MOST_NODES`; then the
best plan found is given with how far from the best it can be at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from baseload.levers.options import Menu
from baseload.plan.compose import Composed

FULL = 1_000_000
"""A pool's limit; draws are whole millionths of it, rounded up."""
MOST_NODES = 200_000
_ROUNDS = 60

Draws = Mapping[str, int]


class Candidate(NamedTuple):
    """One workload's cheapest choice on one route, and what it draws on which pool ("" = on none that is limited)."""

    composed: Composed
    pool: str
    draw: int

    @property
    def nano(self) -> int:
        return self.composed.nano


class Fitted(NamedTuple):
    """A choice for every workload within the pools. `gap_nano` is 0 when it is the cheapest there is."""

    chosen: dict[str, Composed]
    binding: tuple[str, ...]  # pools that kept some workload from its cheapest choice
    gap_nano: int


def candidates(menu: Menu, by_route: Mapping[int, Composed]) -> list[Candidate]:
    """The cheapest choice per route, today's first; those dearer than one that draws no more are left out."""
    found = []
    for route, composed in sorted(by_route.items()):
        option = menu.routes[route] if menu.routes else None
        limited = option is not None and option.headroom is not None and option.pool != ""
        pool = option.pool if option is not None and limited else ""
        draw = math.ceil(option.headroom * FULL) if option is not None and limited and option.headroom else 0
        found.append(Candidate(composed, pool if draw else "", draw))
    today = found[0]
    rest = [one for one in found[1:] if not any(_outdoes(other, one) for other in found)]
    return [today, *rest]


def fit(options: Mapping[str, Sequence[Candidate]]) -> Fitted:
    """The cheapest plan whose draws fit every pool. The first candidate of every workload is what it does today."""
    limits = _limits(options)
    free = {name: min(found, key=lambda one: one.composed) for name, found in options.items()}
    if not _overfull(free.values(), limits):
        return Fitted({name: one.composed for name, one in free.items()}, (), 0)
    tied = {name: found for name, found in options.items() if any(one.pool for one in found) and free[name].pool}
    held = [one for name, one in free.items() if name not in tied]
    search = _Search(tied, limits)
    found = search.run()
    chosen = {**{name: one.composed for name, one in free.items()}, **{n: one.composed for n, one in found.items()}}
    binding = {free[name].pool for name, one in found.items() if one != free[name]}
    bound = search.bound + sum(one.nano for one in held)
    gap = 0 if search.finished else sum(one.nano for one in chosen.values()) - bound
    return Fitted(chosen, tuple(sorted(binding)), max(0, gap))


def _outdoes(one: Candidate, other: Candidate) -> bool:
    """Cheaper or as cheap and earlier, on the same pool and no larger draw, or on none."""
    lighter = one.pool == "" or (one.pool == other.pool and one.draw <= other.draw)
    return lighter and one is not other and one.composed < other.composed


def _limits(options: Mapping[str, Sequence[Candidate]]) -> dict[str, int]:
    """Each pool's limit, or what it carries today where that is more: peaks of workloads do not all coincide."""
    today: dict[str, int] = {}
    for found in options.values():
        for one in found:
            if one.pool:
                today.setdefault(one.pool, 0)
        if found[0].pool:
            today[found[0].pool] += found[0].draw
    return {pool: max(FULL, draw) for pool, draw in today.items()}


def _overfull(chosen: Iterable[Candidate], limits: Draws) -> bool:
    draws: dict[str, int] = {}
    for one in chosen:
        if one.pool:
            draws[one.pool] = draws.get(one.pool, 0) + one.draw
    return any(draw > limits[pool] for pool, draw in draws.items())


class _Node(NamedTuple):
    taken: tuple[Candidate, ...]
    drawn: dict[str, int]
    nano: int
    reduced: int


class _Search:
    """Branch and bound over the workloads that draw on a pool, the widest range of costs first."""

    def __init__(self, options: Mapping[str, Sequence[Candidate]], limits: Draws) -> None:
        self.names = sorted(options, key=lambda name: (-_stakes(options[name]), name))
        self.finished = True
        self._limits = limits
        self._prices = _prices([options[name] for name in self.names], limits)
        self._options = [sorted(options[name], key=self._reduced) for name in self.names]
        least = [self._reduced(found[0]) for found in self._options]
        self._rest = [sum(least[place:]) for place in range(len(least) + 1)]
        self._capacity = sum(price * limits[pool] for pool, price in self._prices.items())
        self.bound = max(self._rest[0] - self._capacity, sum(min(one.nano for one in found) for found in self._options))
        self._best = [options[name][0] for name in self.names]
        self._best_nano = sum(one.nano for one in self._best)
        self._needed = {pool: _needed(self._options, pool) for pool in limits}

    def run(self) -> dict[str, Candidate]:
        """The cheapest choices that fit; today's are the first that do."""
        stack = [_Node((), dict.fromkeys(self._limits, 0), 0, 0)]
        for _ in range(MOST_NODES):
            if not stack:
                return dict(zip(self.names, self._best, strict=True))
            node = stack.pop()
            if node.reduced + self._rest[len(node.taken)] - self._capacity >= self._best_nano:
                continue
            if len(node.taken) < len(self._options):
                stack += reversed(list(self._children(node)))
            elif node.nano < self._best_nano:
                self._best, self._best_nano = list(node.taken), node.nano
        self.finished = not stack
        return dict(zip(self.names, self._best, strict=True))

    def _children(self, node: _Node) -> Iterator[_Node]:
        """The node with one more workload decided, least reduced cost first."""
        place = len(node.taken)
        for one in self._options[place]:
            drawn = node.drawn
            if one.pool:
                if drawn[one.pool] + one.draw > self._room(one.pool, place):
                    continue
                drawn = {**drawn, one.pool: drawn[one.pool] + one.draw}
            yield _Node((*node.taken, one), drawn, node.nano + one.nano, node.reduced + self._reduced(one))

    def _room(self, pool: str, place: int) -> int:
        """A pool's limit less the least the workloads still to come must draw on it."""
        return self._limits[pool] - self._needed[pool][place + 1]

    def _reduced(self, one: Candidate) -> int:
        return one.nano + (self._prices[one.pool] * one.draw if one.pool else 0)


def _needed(options: Sequence[Sequence[Candidate]], pool: str) -> list[int]:
    """The least the workloads from each place on must draw on a pool together."""
    needed = [0]
    for found in reversed(options):
        needed.append(needed[-1] + min(one.draw if one.pool == pool else 0 for one in found))
    return needed[::-1]


def _stakes(found: Sequence[Candidate]) -> int:
    return max(one.nano for one in found) - min(one.nano for one in found)


def _prices(options: Sequence[Sequence[Candidate]], limits: Draws) -> dict[str, int]:
    """Nano-dollars per millionth of each pool that make the Lagrangian bound high: a subgradient search, whole numbers.

    Any prices of 0 or more give a valid bound; better ones only make the search shorter.
    """
    prices = dict.fromkeys(limits, 0)
    best, best_bound = dict(prices), None
    step = max((_stakes(found) for found in options), default=0) / FULL
    for round_ in range(_ROUNDS):
        chosen = [min(found, key=lambda one: one.nano + prices.get(one.pool, 0) * one.draw) for found in options]
        drawn = dict.fromkeys(limits, 0)
        for one in chosen:
            if one.pool:
                drawn[one.pool] += one.draw
        bound = sum(one.nano for one in chosen) + sum(prices[pool] * (drawn[pool] - limits[pool]) for pool in limits)
        if best_bound is None or bound > best_bound:
            best, best_bound = dict(prices), bound
        for pool, limit in limits.items():
            over = (drawn[pool] - limit) / limit
            prices[pool] = max(0, round(prices[pool] + step * over / (1 + round_ / 8)))
    return best
