"""The questions to put to the vendor, ranked by how many dollars hang on the answer.

An open term is priced at each of its values, every other open term at its middle: the swing is the dearest less the
cheapest of the least expected costs. Each value has its own best size, so the size too has a range.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np

from baseload.commit.asks.files import open_terms
from baseload.commit.asks.ranges import Draft, shown
from baseload.commit.asks.wording import FOR_COUNSEL, QUESTIONS, Clause
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.worth.offers import compare
from baseload.demand.draws import stream
from baseload.values import Problem

SCHEMA: Final = "baseload.commit.questions/1"
PATHS: Final = 300
"""Each open term is priced at each of its values: many contracts, fewer paths."""
STRESS_MONTH: Final = 6
CUT_SHARE, CUT = 0.3, 0.7
RISE_SHARE, RISE = 0.2, 1.2
METER_SHARE, METER = 0.3, 1.2
"""What price and metering terms are looked at with: from month 6 on, list prices 30 % lower on three paths in ten and
20 % higher on two; 20 % more tokens for the same work on three in ten. Assumptions: nobody knows them."""
_STRESSED: Final = {
    "price_rule": "assumes list prices from month 6: 30 % lower with a chance of 3 in 10, 20 % higher with 2 in 10",
    "metering_freeze": "assumes 20 % more tokens for the same work from month 6, with a chance of 3 in 10",
}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One value of an open term: the least expected cost over the longest term looked at, and the size that has it."""

    value: str
    expected_cost_usd: str
    commit_usd_by_year: tuple[str, ...]


class QuestionRow(msgspec.Struct, frozen=True, kw_only=True):
    """`swing_usd` and the answers' dollars are null and absent without demand. `says`: what its dollars assume."""

    key: str
    question: str
    wants: str
    values: tuple[str, ...]
    answers: tuple[Answer, ...]
    swing_usd: str | None
    says: str
    clauses: tuple[Clause, ...]


class SizeRange(msgspec.Struct, frozen=True, kw_only=True):
    """Best commitments of the first contract year over all answers, each in the dollars of its own `commit_basis`."""

    low_usd: str
    middle_usd: str
    high_usd: str


class QuestionsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Questions, the dearest first where they are ranked. `sizes` is null without demand."""

    schema: str
    ranked: bool
    says: str
    for_counsel: str
    questions: tuple[QuestionRow, ...]
    sizes: SizeRange | None
    known: tuple[str, ...]
    dropped: tuple[str, ...]
    seed: int
    problems: tuple[Problem, ...] = ()


def questions(
    draft: Draft, paths: Paths | None = None, *, seed: int = 0, problems: tuple[Problem, ...] = ()
) -> QuestionsDocument:
    """Every open term as a question. Without `paths` they stand in the order in which they are asked."""
    rows = []
    firsts: list[Decimal] = []
    for key in open_terms(draft):
        row, sizes = _row(draft, key, paths, seed)
        rows.append(row)
        firsts += sizes
    if paths is not None:
        rows.sort(key=lambda row: -Decimal(row.swing_usd or "0"))
    return QuestionsDocument(
        schema=SCHEMA,
        ranked=paths is not None,
        says=_says(len(rows), paths is not None),
        for_counsel=FOR_COUNSEL,
        questions=tuple(rows),
        sizes=_sizes(draft, paths, firsts),
        known=tuple(draft.known),
        dropped=draft.dropped,
        seed=seed,
        problems=problems,
    )


def longest_term(draft: Draft) -> int:
    """Months that paths must have: the longest term any value leads to."""
    span = draft.unknown.get("term_months")
    terms = [str(value) for value in span.values] if span else [str(draft.known["term_months"])]
    return max(int(term) for term in terms)


def stressed(paths: Paths, key: str, seed: int) -> Paths:
    """The paths with the price or metering moves that a question about them is looked at with."""
    if key not in _STRESSED:
        return paths
    order = stream(seed, "stress", key).permutation(paths.count) / paths.count
    late = np.arange(paths.months) >= STRESS_MONTH
    shares = ((CUT_SHARE, CUT), (RISE_SHARE, RISE)) if key == "price_rule" else ((METER_SHARE, METER),)
    factor = np.ones((paths.count, paths.months))
    start = 0.0
    for share, move in shares:
        chosen = (order >= start) & (order < start + share)
        factor[np.ix_(chosen, late)] = move
        start += share
    name = "price_index" if key == "price_rule" else "metering"
    before = getattr(paths, name)
    moved: dict[str, Any] = {name: factor if before is None else before * factor}
    return msgspec.structs.replace(paths, list_usd=paths.list_usd * factor, **moved)


def _row(draft: Draft, key: str, paths: Paths | None, seed: int) -> tuple[QuestionRow, list[Decimal]]:
    asked, span = QUESTIONS[key], draft.unknown[key]
    offers = [(shown(value), draft.at({key: place}).contract) for place, value in enumerate(span.values)]
    answers, sizes = _priced(offers, stressed(paths, key, seed), seed) if paths is not None else ((), [])
    costs = [Decimal(answer.expected_cost_usd) for answer in answers]
    row = QuestionRow(
        key=key,
        question=asked.question,
        wants=asked.wants,
        values=tuple(name for name, _ in offers),
        answers=answers,
        swing_usd=f"{max(costs) - min(costs):.2f}" if costs else None,
        says=_STRESSED.get(key, "") if paths is not None else "not ranked: needs --demand",
        clauses=asked.clauses,
    )
    return row, sizes if key not in _STRESSED else []


def _priced(offers: list[tuple[str, Contract]], paths: Paths, seed: int) -> tuple[tuple[Answer, ...], list[Decimal]]:
    """Each offer at the size that suits it, over the months of all paths that the longest of them has."""
    names = [f"{place}" for place in range(len(offers))]
    found = compare([(name, one) for name, (_, one) in zip(names, offers, strict=True)], paths, seed=seed)
    by_name: Mapping[str, Any] = {offer.name: offer.best for offer in found.offers}
    best = [by_name[name] for name in names]
    answers = tuple(
        Answer(
            value=value,
            expected_cost_usd=f"{float(one.npv_usd.mean() if found.wacc else one.mean_usd):.2f}",
            commit_usd_by_year=tuple(f"{amount:.2f}" for amount in one.commit_usd_by_year),
        )
        for (value, _), one in zip(offers, best, strict=True)
    )
    return answers, [one.commit_usd_by_year[0] for one in best]


def _sizes(draft: Draft, paths: Paths | None, firsts: list[Decimal]) -> SizeRange | None:
    if paths is None:
        return None
    middle = compare([("middle", draft.at().contract)], paths).offers[0].best.commit_usd_by_year[0]
    every = [*firsts, middle]
    return SizeRange(low_usd=f"{min(every):.2f}", middle_usd=f"{middle:.2f}", high_usd=f"{max(every):.2f}")


def _says(count: int, ranked: bool) -> str:
    if not count:
        return "every term is stated: nothing to ask"
    if not ranked:
        return "in the order they are asked: without --demand nobody knows which costs most"
    return "ranked by the dollars between the best and the worst answer, other open terms at their middle"
