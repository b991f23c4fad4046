"""One workload under every cache policy on one model: the figures behind a line of `baseload cache`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from baseload.levers.cache.judge import Sums
from baseload.levers.cache.marking import Plan, cheapest
from baseload.levers.cache.prompts import Requests
from baseload.levers.cache.sessions import per_request
from baseload.levers.cache.structure import Structure
from baseload.levers.cache.workload import (
    Prepared,
    decided_instead,
    input_prices,
    marks_of,
    moved_of,
    note_of,
    policies_of,
    prepared,
)
from baseload.levers.options import CacheMark
from baseload.prices.book import PriceBook
from baseload.values import Problem, Table


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """`policies` is empty where the calls do not tell: `note` says why.

    `per_request` is the plan that decides request by request, where that is worth a gateway.
    """

    model: str
    judged: Requests
    policies: dict[str, Sums]
    plan: Plan
    structure: Structure | None
    marks: tuple[CacheMark, ...]
    moved: tuple[str, ...]
    note: str
    problems: tuple[Problem, ...]

    @property
    def judged_calls(self) -> int:
        return len(self.judged) if self.policies else 0


def study_of(rows: Table, book: PriceBook, day: int, *, model: str = "", train_share: float = 0.5) -> Study:
    """A workload's rows of `cache_calls_sql` on `model`, else on the latest of its models that has a price."""
    ready = prepared(rows, book, train_share)
    name, prices = next(
        ((name, found) for name in _models(ready, model) if (found := input_prices(book, name, day))), ("", None)
    )
    if prices is None or not ready.judge or not ready.learner or not ready.structure:
        note = ready.withheld.everything or "no price for its models"
        return Study(
            model=name,
            judged=ready.judged,
            policies={},
            plan=Plan(),
            structure=ready.structure,
            marks=(),
            moved=(),
            note=note,
            problems=ready.problems,
        )
    plan = cheapest(ready.learner, prices)
    policies: dict[str, Sums] = {}
    for policy, chosen in policies_of(ready, ready.judge, plan).items():
        policies[policy] = ready.judge.sums(prices, chosen)
        if policy == "none":
            policies["as_billed"] = ready.judge.as_billed(prices)
    decided = decided_instead(ready.learner, per_request(ready.learner, ready.judge), prices, plan)
    if decided is not None:
        policies["per_request"] = decided
    return Study(
        model=name,
        judged=ready.judged,
        policies=policies,
        plan=plan,
        structure=ready.structure,
        marks=marks_of(plan, ready.structure),
        moved=moved_of(plan, ready.structure),
        note=note_of(ready),
        problems=ready.problems,
    )


def _models(ready: Prepared, asked: str) -> Sequence[str]:
    """The model asked for, else those of the calls, latest first."""
    if asked:
        return [asked]
    latest = dict.fromkeys(reversed(ready.calls.model.tolist()))
    return [ready.calls.models[index] for index in latest]
