"""What each clause is worth: the least expected cost without it less the least expected cost with it.

value(c) = min_C E[cost(C; base)] - min_C E[cost(C; base + c)] on the same paths, sizes and seed (facts, commit.md 3a).
For a clause that the offer holds, base is the offer with that clause as in the market's first draft; for an ask, base
is the offer. Values do not add up: bundles are for `bundle`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

import msgspec

from baseload.commit.clauses import ZERO
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.worth import asks as ask_table
from baseload.commit.worth import draft
from baseload.commit.worth.asks import ASKS, ask_named, why_not
from baseload.commit.worth.interval import least, range_of
from baseload.commit.worth.options import Measure
from baseload.commit.worth.workshop import Question, Workshop

ASSUMED_WACC: Final = Decimal("0.10")
"""Cost of capital where payment is priced and the offer states none."""
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
    workshop = Workshop(contract, paths, seed, sizes, questions)
    found = [_worth(question, workshop) for question in questions]
    order = {name: place for place, name in enumerate((*draft.BY_NAME, *ask_table.BY_NAME))}
    return tuple(sorted(found, key=lambda one: (-round(one.value_usd, 2), order[one.clause])))


def _check(contract: Contract, paths: Paths) -> None:
    if paths.months < contract.term_months:
        raise CommitError("usage", f"{paths.months} months", f"at least the term, {contract.term_months} months")


def _questions(contract: Contract, paths: Paths, clauses: Sequence[str] | None) -> list[Question]:
    held = {clause.name: clause for clause in draft.held(contract)}
    if clauses is None:
        asked = [name for name in DEFAULT_ASKS if not why_not(ask_named(name), contract, paths)]
        return [*(_has(contract, clause) for clause in held.values()), *(_ask(contract, name) for name in asked)]
    return [_has(contract, held[name]) if name in held else _ask(contract, name) for name in dict.fromkeys(clauses)]


def _has(contract: Contract, clause: draft.Clause) -> Question:
    base = draft.without(contract, clause)
    fields = tuple(clause.draft)
    says = f"{draft.stated(contract, fields)}; first draft: {draft.stated(base, fields)}"
    base, variant = (_with_capital(one, clause.measure) for one in (base, contract))
    return Question(clause.name, "has", says, base, variant, clause.measure, "")


def _ask(contract: Contract, name: str) -> Question:
    ask = ask_named(name)
    base, variant = (_with_capital(one, ask.measure) for one in (contract, ask_table.apply(ask, contract)))
    return Question(name, "ask", ask.says, base, variant, ask.measure, ask.wording, ask.blend)


def _worth(question: Question, workshop: Workshop) -> ClauseWorth:
    before, after = workshop.sides(question)
    value = before.least_usd - after.least_usd
    drawn = least(workshop.weights, before.usd) - least(workshop.weights, after.usd)
    span = range_of(value, drawn)
    points = workshop.scale(question, before).worth(value)
    return ClauseWorth(
        clause=question.clause,
        kind=question.kind,
        says=question.says,
        value_usd=span.value,
        low_usd=span.low,
        high_usd=span.high,
        discount_points=points.points,
        points_beyond=points.beyond,
        at_fixed_usd=workshop.at_fixed(question, before),
        commit_usd_by_year=after.best_sizes,
        measure=question.measure,
        wording=question.wording,
    )


def _with_capital(contract: Contract, measure: Measure) -> Contract:
    """Present value needs a cost of capital: an assumed one where none is stated."""
    if measure == "npv" and contract.wacc == ZERO:
        return msgspec.structs.replace(contract, wacc=ASSUMED_WACC)
    return contract
