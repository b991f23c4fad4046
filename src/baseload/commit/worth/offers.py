"""Offers on equal terms: the same paths, months, cost of capital and list-dollar sizes for each.

Each offer is priced at the size that suits it best, and at its stated one where it states one. Months after a shorter
term are on demand at list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Literal

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.worth.interval import Range, range_of, weights
from baseload.commit.worth.options import has_rights
from baseload.commit.worth.parts import Part, parts_between
from baseload.commit.worth.points import Points, PointScale
from baseload.commit.worth.sizes import COARSE, FEW, FINE, in_list, list_floors, list_sizes, rated_ramps
from baseload.commit.worth.suited import around, closely_around, on_floors, suited
from baseload.commit.worth.table import Table, amounts, cost_table, is_yearly, stated_table, usd_of

Offered = tuple[str, Contract]
MOST_OFFERS: Final = 12
_SPREAD: Final = 7


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """One offer at one size. Arrays (paths,), all dollars over the common months."""

    commit_usd_by_year: tuple[Decimal, ...]
    cost_usd: Array
    npv_usd: Array

    @property
    def mean_usd(self) -> float:
        return float(self.cost_usd.mean())


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One offer. `best` is at the size that suits it; `stated` at its own, None where it has none.

    Against the first-ranked offer, at the sizes ranked by: `more_usd` with its 90 % interval on paired paths;
    `points`: how far this offer's discounts would have to rise to cost as much as the first; `parts` sum to `more_usd`.
    """

    name: str
    contract: Contract
    best: Priced
    stated: Priced | None
    ranked: Literal["best", "stated"]
    more_usd: Range
    points: Points
    parts: tuple[Part, ...]

    @property
    def priced(self) -> Priced:
        """At the size it is ranked by."""
        return self.stated if self.ranked == "stated" and self.stated is not None else self.best


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Offers, the cheapest first. `on_demand_usd` (paths,) is list over the same months."""

    offers: tuple[Compared, ...]
    months: int
    wacc: Decimal
    on_demand_usd: Array
    list_usd: Array


class _Market:
    """What all offers share: paths, floors, stated sizes; and what was priced already."""

    def __init__(self, contracts: Sequence[Contract], paths: Paths) -> None:
        self.paths, self._contracts = paths, contracts
        self._floors = tuple(sorted({floor for contract in contracts for floor in list_floors(contract)}))
        self._extra = [
            (one.term_months, in_list(one, [float(amount) for amount in one.commit_usd_by_year]))
            for one in contracts
            if one.commit_usd_by_year
        ]
        yearly = all(is_yearly(one, paths, "cost") for one in contracts)
        rights = any(has_rights(one) for one in contracts)
        self._yearly = yearly
        self._points = FINE if yearly else FEW if rights else COARSE
        self._found: dict[Contract, Table] = {}
        self._shared: dict[int, Array] = {}

    def open(self, contract: Contract) -> Table:
        """At every size that any offer of this term is looked at."""
        contract = _unsized(contract)
        if contract not in self._found:
            self._found[contract] = cost_table(contract, self._sizes(contract.term_months), self.paths)
        return self._found[contract]

    def _sizes(self, term: int) -> Array:
        """Usual sizes, stated ones, and the one that suits each offer of this term, with what is near it."""
        if term not in self._shared:
            extra = [size for months, size in self._extra if months == term]
            extra += rated_ramps(self._contracts, self.paths, term)
            usual = list_sizes(self.paths, term, self._floors, self._points, extra)
            alike = dict.fromkeys(_unsized(one) for one in self._contracts if one.term_months == term)
            found = [self._near(suited(one, self.paths, looks=usual), term) for one in alike]
            self._shared[term] = np.unique(np.concatenate([usual, *found]), axis=0)
        return self._shared[term]

    def _near(self, sizes: Array, term: int) -> Array:
        if not self._yearly:
            return closely_around(sizes)
        mixed = on_floors(sizes[0], self._floors)
        return np.concatenate([sizes, around(sizes[:1], term), mixed])

    def mixed(self, ends: Sequence[Table]) -> Callable[[Contract], float]:
        """Least expected cost of mixtures of two offers: at sizes of the offers, and where it is quick at their own.

        Where mixtures run month by month: the best sizes of both, and some of every magnitude beside them.
        """
        sizes = {term: self._mixed_sizes([end for end in ends if end.contract.term_months == term]) for term in
                 {end.contract.term_months for end in ends}}  # fmt: skip
        known = {end.contract: end.least_usd for end in ends}

        def cost(contract: Contract) -> float:
            if contract not in known:
                rows = sizes[contract.term_months]
                if self._yearly and is_yearly(contract, self.paths, "cost"):
                    rows = np.concatenate([rows, suited(contract, self.paths)])
                known[contract] = cost_table(contract, rows, self.paths).least_usd
            return known[contract]

        return cost

    def _mixed_sizes(self, tables: Sequence[Table]) -> Array:
        return tables[0].list_sizes if self._yearly else _some(tables)

    def exact(self, ends: Sequence[Contract]) -> int:
        """How many terms may be averaged over all orders: fewer where a mixture takes long."""
        if any(has_rights(one) for one in ends):
            return 2
        return 5 if all(is_yearly(one, self.paths, "cost") for one in ends) else 4

    def stated(self, contract: Contract) -> Table:
        """At its own size."""
        if contract not in self._found:
            self._found[contract] = stated_table(contract, self.paths)
        return self._found[contract]

    def priced(self, table: Table, place: int) -> Priced:
        later = usd_of(table.contract, table.sizes[place][None, :], self.paths, "npv")
        return Priced(commit_usd_by_year=amounts(table.sizes[place]), cost_usd=table.usd[place], npv_usd=later[0])


def compare(
    offers: Sequence[Offered],
    paths: Paths,
    *,
    seed: int = 0,
    wacc: Decimal | None = None,
    at: Literal["best", "stated"] = "best",
    explain: bool = True,
) -> Comparison:
    """Rank offers by expected cash over the longest term.

    `wacc` None = the highest that an offer states. `at` stated: rank at stated sizes, which every offer must have.
    `explain` False leaves `points` and `parts` out, which take the longest. Raises CommitError on fewer than one or
    more than twelve offers, a name twice, and paths shorter than the longest term.
    """
    months = _check(offers, paths, at)
    capital = wacc if wacc is not None else max(contract.wacc for _, contract in offers)
    equal = [(name, msgspec.structs.replace(contract, wacc=capital)) for name, contract in offers]
    cut = paths.first(months)
    market = _Market([contract for _, contract in equal], cut)
    priced = [_priced(name, contract, market, at) for name, contract in equal]
    order = sorted(range(len(priced)), key=lambda place: (round(priced[place].priced.mean_usd, 6), place))
    first = priced[order[0]]
    drawn = weights(cut.count, seed)
    ranked = tuple(_against(priced[place], first, market, drawn, at, explain) for place in order)
    listed = cut.list_usd.sum(axis=1)
    return Comparison(offers=ranked, months=months, wacc=capital, on_demand_usd=listed, list_usd=listed)


def _check(offers: Sequence[Offered], paths: Paths, at: str) -> int:
    if not 1 <= len(offers) <= MOST_OFFERS:
        raise CommitError("offers", f"{len(offers)} offers", f"1 to {MOST_OFFERS}")
    names = [name for name, _ in offers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CommitError("offers", twice[0], "a name for each offer, each once")
    for name, contract in offers:
        if at == "stated" and not contract.commit_usd_by_year:
            raise CommitError("commit_usd_by_year", "missing", "a stated size in every offer", where=name)
    months = max(contract.term_months for _, contract in offers)
    if paths.months < months:
        raise CommitError("usage", f"{paths.months} months", f"at least the longest term, {months} months")
    return months


def _priced(name: str, contract: Contract, market: _Market, at: Literal["best", "stated"]) -> Compared:
    table = market.open(contract)
    stated = market.priced(market.stated(contract), 0) if contract.commit_usd_by_year else None
    return Compared(
        name=name,
        contract=contract,
        best=market.priced(table, table.best),
        stated=stated,
        ranked=at,
        more_usd=Range(0.0, 0.0, 0.0),
        points=Points(points=0.0, beyond=False),
        parts=(),
    )


def _against(
    offer: Compared,
    first: Compared,
    market: _Market,
    drawn: Array,
    at: Literal["best", "stated"],
    explain: bool,
) -> Compared:
    """The offer beside the first: difference, points and parts."""
    if offer is first:
        return offer
    more = offer.priced.mean_usd - first.priced.mean_usd
    paired: Array = drawn @ (offer.priced.cost_usd - first.priced.cost_usd)
    found = msgspec.structs.replace(offer, more_usd=range_of(more, paired))
    if not explain:
        return found
    ends = [one.contract if at == "stated" else _unsized(one.contract) for one in (first, offer)]
    tables = [market.stated(one) if at == "stated" else market.open(one) for one in ends]
    cost = market.mixed(tables) if at == "best" else lambda one: market.stated(one).least_usd
    parts = parts_between(ends[0], ends[1], cost, exact=market.exact(ends))
    return msgspec.structs.replace(
        found, points=PointScale(tables[1], market.paths).worth(more), parts=_summing(parts, more)
    )


def _some(tables: Sequence[Table]) -> Array:
    """The best size of each, and some of every magnitude."""
    best = [table.list_sizes[table.best] for table in tables]
    every = tables[0].list_sizes
    order = np.argsort(every.sum(axis=1), kind="stable")
    spread = every[order[:: max(len(order) // _SPREAD, 1)]]
    return np.unique(np.concatenate([np.array(best), spread]), axis=0)


def _unsized(contract: Contract) -> Contract:
    return msgspec.structs.replace(contract, commit_usd_by_year=())


def _summing(parts: tuple[Part, ...], total: float) -> tuple[Part, ...]:
    """The same parts with the last bits of floating point put on the largest."""
    if not parts:
        return parts
    rest = total - float(np.sum([part.usd for part in parts]))
    return (parts[0]._replace(usd=parts[0].usd + rest), *parts[1:])
