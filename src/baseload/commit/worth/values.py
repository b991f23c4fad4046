"""What each clause is worth: the least expected cost without it less the least expected cost with it.

value(c) = min_C E[cost(C; base)] - min_C E[cost(C; base + c)] on the same paths, sizes and seed (facts, commit.md 3a).
For a clause that the offer holds, base is the offer with that clause as in the market's first draft; for an ask, base
is the offer. Values do not add up: bundles are for `bundle`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.clauses import ZERO, Overage
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.worth import asks as ask_table
from baseload.commit.worth import draft
from baseload.commit.worth.asks import ASKS, ask_named, why_not
from baseload.commit.worth.interval import least, range_of, weights
from baseload.commit.worth.options import Measure, has_rights
from baseload.commit.worth.points import PointScale, thin_rows
from baseload.commit.worth.sizes import COARSE, FEW, FINE, sizes_for
from baseload.commit.worth.table import Table, cost_table, is_yearly, usd_of

ASSUMED_WACC: Final = Decimal("0.10")
"""Cost of capital where payment is priced and the offer states none."""
AT_LIST: Final = Overage(rule="list")
COMMITTED: Final = Overage(rule="committed")
DEFAULT_ASKS: Final = tuple(ask.name for ask in ASKS if ask.name != "overage_retro")
"""Re-rating is asked for by name alone: as the ledger reads it, it needs no commitment at all."""


class ClauseWorth(msgspec.Struct, frozen=True, kw_only=True):
    """One clause on these paths. Dollars over all months of the paths, positive = it saves the buyer money.

    `kind` has: the offer holds it, against the first draft; ask: it could. `measure` cost is cash, npv present value at
    `wacc`. `low_usd` to `high_usd` is the 90 % bootstrap interval. `discount_points` is the change of every discount
    that is worth as much, `points_beyond` where that lies outside what was looked at. `at_fixed_usd`: at the offer's
    stated size, else at the best one without the clause. `commit_usd_by_year`: the best size with it, in the offer's
    basis.
    """

    clause: str
    kind: Literal["has", "ask"]
    says: str
    value_usd: float
    low_usd: float
    high_usd: float
    discount_points: float
    points_beyond: bool
    at_fixed_usd: float
    commit_usd_by_year: tuple[Decimal, ...]
    measure: Measure = "cost"
    wording: str = ""


class _Question(NamedTuple):
    """A clause as two contracts; with `blend` the variant costs the mean of it with overage at list and committed."""

    clause: str
    kind: Literal["has", "ask"]
    says: str
    base: Contract
    variant: Contract
    measure: Measure
    wording: str
    blend: bool = False


def clause_values(
    contract: Contract,
    paths: Paths,
    *,
    seed: int = 0,
    clauses: Sequence[str] | None = None,
    sizes: Sequence[Sequence[Decimal]] = (),
) -> tuple[ClauseWorth, ...]:
    """The worth of each clause, the dearest first.

    `clauses`: names of held clauses (`draft.CLAUSES`) or of asks (`asks.ASKS`); None = every one that can be priced
    here. `sizes` in the offer's basis are looked at beside the usual ones, such as an optimum already found. Raises
    CommitError on an unknown name, an ask the offer cannot hold, and paths shorter than the term.
    """
    _check(contract, paths)
    questions = _questions(contract, paths, clauses)
    workshop = _Workshop(contract, paths, seed, sizes, questions)
    found = [workshop.worth(question) for question in questions]
    order = {name: place for place, name in enumerate((*draft.BY_NAME, *ask_table.BY_NAME))}
    return tuple(sorted(found, key=lambda one: (-round(one.value_usd, 2), order[one.clause])))


def _check(contract: Contract, paths: Paths) -> None:
    if paths.months < contract.term_months:
        raise CommitError("usage", f"{paths.months} months", f"at least the term, {contract.term_months} months")


def _questions(contract: Contract, paths: Paths, clauses: Sequence[str] | None) -> list[_Question]:
    held = {clause.name: clause for clause in draft.held(contract)}
    if clauses is None:
        asked = [name for name in DEFAULT_ASKS if not why_not(ask_named(name), contract, paths)]
        return [*(_has(contract, clause) for clause in held.values()), *(_ask(contract, name) for name in asked)]
    return [_has(contract, held[name]) if name in held else _ask(contract, name) for name in dict.fromkeys(clauses)]


def _has(contract: Contract, clause: draft.Clause) -> _Question:
    base = draft.without(contract, clause)
    fields = tuple(clause.draft)
    says = f"{draft.stated(contract, fields)}; first draft: {draft.stated(base, fields)}"
    return _Question(clause.name, "has", says, base, contract, clause.measure, "")


def _ask(contract: Contract, name: str) -> _Question:
    ask = ask_named(name)
    variant = ask_table.apply(ask, contract)
    return _Question(name, "ask", ask.says, contract, variant, ask.measure, ask.wording, ask.blend)


class _Workshop:
    """Tables and random weights that several clauses share."""

    def __init__(
        self,
        contract: Contract,
        paths: Paths,
        seed: int,
        sizes: Sequence[Sequence[Decimal]],
        questions: Sequence[_Question],
    ) -> None:
        self._contract, self._paths = contract, paths
        extra = [[float(amount) for amount in size] for size in sizes]
        others = [one for question in questions for one in (question.base, question.variant)]
        self._fine = sizes_for(contract, paths, FINE, extra, others)
        own = self._table(contract, self._fine, "cost") if is_yearly(contract, paths, "cost") else None
        best = [] if own is None else [own.sizes[own.best].tolist()]
        self._coarse = (
            self._few(others, extra)
            if has_rights(contract)
            else sizes_for(contract, paths, COARSE, [*extra, *best], others)
        )
        self._weights = weights(paths.count, seed)
        self._tables: dict[tuple[Contract, Measure, bool], Table] = {}
        self._scales: dict[tuple[Contract, Measure, bool], PointScale] = {}

    def _few(self, others: Sequence[Contract], extra: Sequence[Sequence[float]]) -> Array:
        """Where every size is run several times: the best sizes of the offer, and some of every magnitude."""
        sizes = sizes_for(self._contract, self._paths, FEW, extra, others)
        table = self._table(self._contract, sizes, "cost")
        few: Array = sizes[thin_rows(table)]
        return few

    def worth(self, question: _Question) -> ClauseWorth:
        base, variant = (_with_capital(one, question.measure) for one in (question.base, question.variant))
        yearly = all(is_yearly(one, self._paths, question.measure) for one in (base, variant))
        before = self._cached(base, question.measure, yearly)
        after = (self._half_way if question.blend else self._cached)(variant, question.measure, yearly)
        value = before.least_usd - after.least_usd
        drawn = least(self._weights, before.usd) - least(self._weights, after.usd)
        span = range_of(value, drawn)
        points = self._scale(base, question.measure, yearly).worth(value)
        return ClauseWorth(
            clause=question.clause,
            kind=question.kind,
            says=question.says,
            value_usd=span.value,
            low_usd=span.low,
            high_usd=span.high,
            discount_points=points.points,
            points_beyond=points.beyond,
            at_fixed_usd=self._at_fixed(base, variant, question.blend, question.measure, before),
            commit_usd_by_year=after.best_sizes,
            measure=question.measure,
            wording=question.wording,
        )

    def _at_fixed(self, base: Contract, variant: Contract, blend: bool, measure: Measure, before: Table) -> float:
        """At the stated size, else at the best one without the clause."""
        sizes = before.sizes[before.best][None, :]
        if self._contract.commit_usd_by_year:
            sizes = np.array([[float(amount) for amount in self._contract.commit_usd_by_year]])
        rules = (AT_LIST, COMMITTED) if blend else (variant.overage,)
        with_it = [draft.replaced(variant, {"overage": rule}) for rule in rules]
        costs = [float(usd_of(one, sizes, self._paths, measure).mean()) for one in (base, *with_it)]
        return costs[0] - sum(costs[1:]) / len(with_it)

    def _cached(self, contract: Contract, measure: Measure, yearly: bool) -> Table:
        key = (contract, measure, yearly)
        if key not in self._tables:
            self._tables[key] = self._table(contract, self._fine if yearly else self._coarse, measure)
        return self._tables[key]

    def _half_way(self, contract: Contract, measure: Measure, yearly: bool) -> Table:
        """Overage half way: what exceeds the balance does not depend on its price, so cost is the mean of the two."""
        at_list, committed = (
            self._cached(msgspec.structs.replace(contract, overage=rule), measure, yearly)
            for rule in (AT_LIST, COMMITTED)
        )
        return msgspec.structs.replace(at_list, contract=contract, usd=(at_list.usd + committed.usd) / 2)

    def _scale(self, contract: Contract, measure: Measure, yearly: bool) -> PointScale:
        key = (contract, measure, yearly)
        if key not in self._scales:
            self._scales[key] = PointScale(self._cached(*key), self._paths, measure)
        return self._scales[key]

    def _table(self, contract: Contract, sizes: Array, measure: Measure) -> Table:
        return cost_table(contract, sizes, self._paths, measure)


def _with_capital(contract: Contract, measure: Measure) -> Contract:
    """Present value needs a cost of capital: an assumed one where none is stated."""
    if measure == "npv" and contract.wacc == ZERO:
        return msgspec.structs.replace(contract, wacc=ASSUMED_WACC)
    return contract
