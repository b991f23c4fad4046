"""What the stages found about a plan, gathered for its document: the input of `assemble.build`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from baseload.levers.batch.clock import BatchClock
from baseload.levers.cache.report import WorkloadCache
from baseload.levers.route.alone import Alone
from baseload.plan.adoption import Adoption
from baseload.plan.baseline import Baseline
from baseload.plan.cash import CashYear
from baseload.plan.document import BookPart
from baseload.plan.finding_out import Moves
from baseload.plan.planned import Planned
from baseload.plan.portfolio import Portfolio
from baseload.quality.trial.together import Together
from baseload.values import Problem, Window


class PlanFacts(NamedTuple):
    """Everything `plan` computed, as the stages' own records.

    `planned` has one list per rule set of `portfolio.SCENARIOS`, by name, each in the order of the portfolio and scaled
    like `bill_nano`: to a year where `is_year`, else the window's own dollars (`planned_under(window_days=365)`).
    `bill_nano` is the whole bill on that basis, `routing_alone` in the window's dollars. `baseline`, `adoption` and
    `cash` are None where there is no year, `effective_rate` where no bill says what a list dollar costs.
    `anatomies` and `clocks` are drawn for the workloads, by id, that have one. `finding_out` has the moves whose answer
    is open.
    """

    title: str
    as_of: str
    price_book: BookPart
    prices_of: str
    window: Window
    is_year: bool
    why_not_a_year: str
    bill_nano: int
    portfolio: Portfolio
    routing_alone: Alone
    planned: Mapping[str, Sequence[Planned]]
    baseline: Baseline | None
    adoption: Adoption | None
    cash: CashYear | None
    effective_rate: Decimal | None
    model_names: Mapping[str, str]
    problems: Sequence[Problem]
    anatomies: Mapping[str, WorkloadCache] = MappingProxyType({})
    clocks: Mapping[str, BatchClock] = MappingProxyType({})
    finding_out: Moves = MappingProxyType({})
    together: Sequence[tuple[Together, str]] = ()  # which trials stand together, and in words
