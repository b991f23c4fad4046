"""Bundles: what several clauses are worth together, and what each adds to that, averaged over all orders (Shapley).

Parts sum to the bundle exactly. Every one of the 2^n sets is priced on the same paths at the same few sizes: the best
ones of nothing, of everything and of asks alone, each searched for. So the bundle and nothing have their own optima,
and what lies between is at least as good as it looks. Where many sets must be run month by month, every n-th path
stands for all and a set is priced at the sizes of its own dearest asks: the bundle and its parts are those of these
paths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import factorial
from typing import Final

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.worth.asks import Ask, apply, ask_named
from baseload.commit.worth.draft import replaced
from baseload.commit.worth.options import Measure
from baseload.commit.worth.sizes import COARSE, sizes_for
from baseload.commit.worth.suited import suited, thinned
from baseload.commit.worth.table import Table, cost_table, is_yearly

MOST_CLAUSES: Final = 8
_MANY: Final = 4
"""Asks beyond which sets that are run month by month are run on fewer paths and sizes."""
_FEWER_PATHS: Final = 400
_FEWER_SIZES: Final = 3


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """`value_usd` together; `parts_usd` by ask, which sum to it; `alone_usd` each by itself."""

    value_usd: float
    parts_usd: dict[str, float]
    alone_usd: dict[str, float]


def bundle(contract: Contract, paths: Paths, names: Sequence[str], *, measure: Measure = "cost") -> Bundle:
    """Asks together. Raises CommitError beyond eight, on two asks of one clause and on unknown names."""
    asks = [ask_named(name) for name in names]
    _check(asks)
    whole = _granted(contract, asks, frozenset(range(len(asks))))
    many = len(asks) > _MANY and not is_yearly(whole, paths, measure)
    paths = thinned(paths, _FEWER_PATHS) if many else paths
    sets = [frozenset(chosen) for size in range(len(asks) + 1) for chosen in combinations(range(len(asks)), size)]
    sizes = _Sizes(contract, paths, asks, measure, many=many)
    worth = {chosen: _least(contract, asks, chosen, paths, sizes.of(chosen), measure) for chosen in sets}
    nothing = worth[frozenset()]
    saved = {chosen: nothing - cost for chosen, cost in worth.items()}
    parts = shapley(len(asks), lambda chosen: saved[chosen])
    return Bundle(
        value_usd=saved[frozenset(range(len(asks)))],
        parts_usd={ask.name: part for ask, part in zip(asks, parts, strict=True)},
        alone_usd={ask.name: saved[frozenset([place])] for place, ask in enumerate(asks)},
    )


def shapley(count: int, worth: Callable[[frozenset[int]], float]) -> list[float]:
    """What each of `count` players adds to `worth`, averaged over all orders.

    >>> shapley(2, lambda who: 10.0 * len(who) - (4.0 if len(who) == 2 else 0.0))
    [8.0, 8.0]
    """
    found = []
    for player in range(count):
        others = [other for other in range(count) if other != player]
        total = 0.0
        for size in range(count):
            share = factorial(size) * factorial(count - size - 1) / factorial(count)
            for chosen in combinations(others, size):
                before = frozenset(chosen)
                total += share * (worth(before | {player}) - worth(before))
        found.append(total)
    return found


def _check(asks: Sequence[Ask]) -> None:
    if not 1 <= len(asks) <= MOST_CLAUSES:
        raise CommitError("clauses", f"{len(asks)} asks", f"1 to {MOST_CLAUSES} in one bundle")
    seen: dict[str, str] = {}
    for ask in asks:
        if ask.clause in seen:
            raise CommitError("clauses", ask.name, f"one ask of {ask.clause}, {seen[ask.clause]} is another")
        seen[ask.clause] = ask.name


def _granted(contract: Contract, asks: Sequence[Ask], chosen: frozenset[int]) -> Contract:
    for place in sorted(chosen):
        contract = replaced(contract, asks[place].change(contract))
    return contract


def _least(
    contract: Contract, asks: Sequence[Ask], chosen: frozenset[int], paths: Paths, sizes: Array, measure: Measure
) -> float:
    return cost_table(_granted(contract, asks, chosen), sizes, paths, measure).least_usd


class _Sizes:
    """The best sizes of nothing, of everything, and of asks alone: of all, with `many` of those in the set."""

    def __init__(self, contract: Contract, paths: Paths, asks: Sequence[Ask], measure: Measure, *, many: bool) -> None:
        every = sizes_for(contract, paths, COARSE)
        whole = _granted(contract, asks, frozenset(range(len(asks))))
        self._ends = [_best(one, every, paths, measure, search=True) for one in (contract, whole)]
        alone = [apply(ask, contract) for ask in asks]
        self._alone = [
            _best(one, every, paths, measure, search=not many or is_yearly(one, paths, measure)) for one in alone
        ]
        self._many = many

    def of(self, chosen: frozenset[int]) -> Array:
        """List-dollar sizes at which a set is priced."""
        places = sorted(chosen if self._many else range(len(self._alone)), key=lambda one: self._alone[one].least_usd)
        rows = [self._alone[place] for place in (places[:_FEWER_SIZES] if self._many else places)]
        return np.unique(np.concatenate([table.list_sizes for table in (*self._ends, *rows)]), axis=0)


def _best(contract: Contract, every: Array, paths: Paths, measure: Measure, *, search: bool) -> Table:
    """The row of the size that suits a set; of `every` alone where it is not searched."""
    sizes = np.concatenate([every, suited(contract, paths, measure, every)]) if search else every
    table = cost_table(contract, np.unique(sizes, axis=0), paths, measure)
    return table.row(table.best)
