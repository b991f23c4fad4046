"""For every move of every workload whose answer is open: what finding out costs, and when the saving pays it back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from baseload.levers.options import RouteOption
from baseload.levers.route.finding_out import FindingOut, finding_out
from baseload.levers.route.status import WORTH_FINDING_OUT, status_of
from baseload.plan.choice import TODAY, Choice
from baseload.plan.portfolio import LOW_EFFORT, OUT_OF_REACH, TWO_STEPS, Portfolio, WorkloadPlan
from baseload.prices.book import PriceBook
from baseload.project_bars import BarTable
from baseload.quality.trial.planning_cost import Factors
from baseload.values import NANO_PER_USD

DAYS_A_MONTH: Final = Decimal(365) / 12
_UNTIL_TRIED: Final = frozenset({LOW_EFFORT, OUT_OF_REACH, TWO_STEPS})

Moves = Mapping[tuple[str, int], FindingOut]
"""(workload id, place of the route in its menu) -> its trial."""


def open_moves(
    portfolio: Portfolio,
    bars: Mapping[str, BarTable],
    book: PriceBook,
    day: int,
    *,
    window_days: int,
    zero_data_retention: bool = False,
) -> dict[tuple[str, int], FindingOut]:
    """The trials of all not tested, not shown, invalid, or tried against a stand-in; `bars` are by workload id.

    A move saves what the cheapest plan with it costs less than the cheapest plan without, in the window's dollars.
    """
    found = {}
    for plan in portfolio.workloads:
        for place, option in enumerate(plan.pricer.menu.routes):
            if not is_open(option):
                continue
            trial = finding_out(
                plan.pricer.positions,
                option.model,
                bars.get(plan.workload.id),
                book,
                day,
                effort=option.effort,
                output=Factors(option.output_low, option.output_likely, option.output_high),
                saving_a_month_usd=_saving(plan, place) * DAYS_A_MONTH / window_days,
                zero_data_retention=zero_data_retention,
            )
            if trial is not None:
                found[plan.workload.id, place] = trial
    return found


def is_open(option: RouteOption) -> bool:
    """Whether a trial could still say something: no verdict decides it, and nothing but the want of one forbids it."""
    if option.today or not _UNTIL_TRIED.issuperset(option.excluded_by):
        return False
    return status_of(option.verdict, option.verdict_grade) in WORTH_FINDING_OUT


def _saving(plan: WorkloadPlan, place: int) -> Decimal:
    """Dollars of the window that the move is worth beside all other levers."""
    return Decimal(plan.pricer.at(_best(plan, 0)) - plan.pricer.at(_best(plan, place))) / NANO_PER_USD


def _best(plan: WorkloadPlan, place: int) -> Choice:
    """The cheapest choice on a route; where none was looked for, the route with nothing else changed."""
    composed = plan.best_by_route.get(place)
    return composed.choice if composed else msgspec.structs.replace(TODAY, route=place)
