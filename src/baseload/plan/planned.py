"""One workload as the plan leaves it, in annual list dollars: what the baseline, the policy and the sheets read."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

import msgspec

from baseload.ledger.run_rate import YEAR_DAYS
from baseload.levers.options import CacheOutcome, Menu, RouteOption
from baseload.levers.summary import weakest
from baseload.plan.choice import TODAY, Choice, Lever, levers_of, route_of
from baseload.plan.cost import Pricer
from baseload.plan.rounding import half_even, largest_remainder
from baseload.plan.span import Span
from baseload.plan.waterfall import graded_cost, waterfall
from baseload.values import Grade, Workload

CodingAgent = Literal["", "claude_code", "claude_code_subagent"]
"""Workloads that people run from their own machines: settings decide their model, and no code of the company does."""


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One lever's part of the saving, priced on top of the ones before it; the likely parts add to the whole.

    `grade` is the weakest of what it rests on. Bounds of steps do not add to bounds of the whole.
    """

    lever: Lever
    saving: Span
    grade: Grade


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What a workload is, could do, was chosen to do, and what that is worth; money is annual nano-dollars.

    `billed_nano` is its likely cost as billed, `saving` the whole saving with its joint bounds. The `by_grade` parts
    add to the cost before (`billed_nano`) and after (`billed_nano - saving.likely`). `moves_from` are the models whose
    calls a route moves: a workload may run on several, and the cheap ones stay.
    """

    workload: Workload
    menu: Menu
    choice: Choice
    billed_nano: int
    saving: Span
    steps: tuple[PlannedStep, ...]
    billed_by_grade: Mapping[Grade, int]
    cost_by_grade: Mapping[Grade, int]
    moves_from: tuple[str, ...] = ()
    coding_agent: CodingAgent = ""

    @property
    def today(self) -> RouteOption:
        """The model and effort it mostly runs on as billed."""
        return route_of(TODAY, self.menu)

    @property
    def route(self) -> RouteOption:
        """The model and effort chosen; today's where the plan moves neither."""
        return route_of(self.choice, self.menu)

    @property
    def cache(self) -> CacheOutcome | None:
        """The cache outcome chosen, on the model chosen; None where the marks of today stay or it has none there."""
        if self.choice.cache == "as_billed":
            return None
        wanted = (self.choice.cache, self.route.model)
        return next((one for one in self.menu.caches if (one.policy, one.model) == wanted), None)


def planned_of(
    workload: Workload, pricer: Pricer, choice: Choice, *, window_days: int, coding_agent: CodingAgent = ""
) -> Planned:
    """The plan of one workload as a year: its window's figures x 365 / `window_days`, parts still adding up."""
    year = Fraction(YEAR_DAYS, window_days)
    billed = half_even(pricer.at(TODAY) * year)
    after = half_even(pricer.at(choice) * year)
    return Planned(
        workload=workload,
        menu=pricer.menu,
        choice=choice,
        billed_nano=billed,
        saving=_annual_span(pricer.saving(choice), year, billed - after),
        steps=_steps(pricer, choice, year, billed - after),
        billed_by_grade=_annual_grades(graded_cost(pricer, TODAY), year, billed),
        cost_by_grade=_annual_grades(graded_cost(pricer, choice), year, after),
        moves_from=tuple(
            sorted({part.placed.position.key.model for part in pricer.parts(choice) if part.placed.moved})
        ),
        coding_agent=coding_agent,
    )


def _steps(pricer: Pricer, choice: Choice, year: Fraction, whole_nano: int) -> tuple[PlannedStep, ...]:
    """The levers that are taken, in order, their likely parts adding to the whole."""
    taken = levers_of(choice, pricer.menu)
    steps = [step for step in waterfall(pricer, choice) if step.lever in taken]
    likely = largest_remainder([step.saving.likely * year for step in steps], whole_nano) if steps else []
    return tuple(
        PlannedStep(lever=step.lever, saving=_annual_span(step.saving, year, nano), grade=weakest(step.by_grade))
        for step, nano in zip(steps, likely, strict=True)
    )


def _annual_span(span: Span, year: Fraction, likely: int) -> Span:
    low, high = half_even(span.low * year), half_even(span.high * year)
    return Span(low=min(low, likely), likely=likely, high=max(high, likely))


def _annual_grades(by_grade: Mapping[Grade, int], year: Fraction, whole_nano: int) -> dict[Grade, int]:
    parts = largest_remainder([nano * year for nano in by_grade.values()], whole_nano) if by_grade else []
    return dict(zip(by_grade, parts, strict=True))
