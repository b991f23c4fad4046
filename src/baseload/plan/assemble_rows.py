"""One workload's row of the plan document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType

from baseload.levers.batch.clock import BatchClock
from baseload.levers.cache.report import WorkloadCache
from baseload.levers.route.status import status_of
from baseload.plan.cents import Row, cents_text, nearest_cent
from baseload.plan.choice import LEVERS, TODAY, route_of
from baseload.plan.compose import standings
from baseload.plan.document import (
    MarkPart,
    PlanWorkload,
    RejectedPart,
    RewritePart,
    ScenarioChoice,
    ShapleyPart,
    StepPart,
)
from baseload.plan.finding_out import Moves
from baseload.plan.parts import batch_part, cents_part, choice_part, finding_out_part, grade_shares, share
from baseload.plan.pictures import anatomy_part, clock_part
from baseload.plan.planned import Planned
from baseload.plan.portfolio import WorkloadPlan
from baseload.plan.rejected import rejected
from baseload.plan.rounding import half_even
from baseload.plan.span import Span


def workload_row(
    plan: WorkloadPlan,
    scenarios: Mapping[str, Planned],
    savings: Mapping[str, Span],
    row: Row,
    *,
    rank: int,
    share_of_bill: float | None,
    effective_cents: int | None,
    year: Fraction,
    names: Mapping[str, str],
    anatomy: WorkloadCache | None = None,
    clock: BatchClock | None = None,
    trials: Moves = MappingProxyType({}),
) -> PlanWorkload:
    """The row of one workload: `row` is its expected plan in cents, `savings` what it saves in each scenario, in cents
    too, `year` the factor from the window's dollars. `trials` are those of moves whose answer is open."""
    planned = scenarios["expected"]
    route, cache = planned.route, planned.cache
    trial = trials.get((planned.workload.id, planned.choice.route))
    return PlanWorkload(
        id=planned.workload.id,
        name=planned.workload.name,
        owner=planned.workload.owner,
        rank=rank,
        as_billed_usd=cents_text(row.billed),
        share=share_of_bill,
        today=choice_part(planned, TODAY, names),
        choice=choice_part(planned, planned.choice, names),
        standings=tuple(standings(plan.pricer, planned.choice)),
        optimized=cents_part(row.left_span),
        saving=cents_part(row.saving_span),
        saving_share=share(row.saving, row.billed),
        effective_saving_usd=None if effective_cents is None else cents_text(effective_cents),
        steps=tuple(_steps(planned, row)),
        shapley=tuple(ShapleyPart(lever=lever, saving_usd=cents_text(row.shapley[lever])) for lever in LEVERS),
        grade_mix=grade_shares(planned.cost_by_grade, row.optimized),
        scenarios=tuple(
            ScenarioChoice(
                name=name,
                choice=choice_part(other, other.choice, names),
                saving=cents_part(savings[name]),
            )
            for name, other in scenarios.items()
        ),
        rejected=tuple(_rejected(plan, planned, row, year, trials)),
        verdict=route.verdict,
        verdict_id=route.verdict_id,
        rewrites=tuple(RewritePart(feature=one.feature, action=one.action) for one in route.rewrites),
        marks=tuple(MarkPart(section=mark.section, after=mark.after, ttl=mark.ttl) for mark in cache.marks)
        if cache
        else (),
        move_after_prefix=cache.move_after_prefix if cache else (),
        batch=batch_part(planned.menu.batch),
        notes=tuple(_notes(planned)),
        cache=anatomy_part(anatomy),
        clock=clock_part(clock),
        status=status_of(route.verdict, route.verdict_grade) if planned.choice.route else "",
        finding_out=finding_out_part(trial, planned.workload.id, route),
    )


def _steps(planned: Planned, row: Row) -> Iterator[StepPart]:
    taken = {step.lever: step for step in planned.steps}
    for lever in LEVERS:
        step = taken.get(lever)
        yield StepPart(lever=lever, saving=cents_part(row.step_span(lever)), grade=step.grade if step else "")


def _rejected(plan: WorkloadPlan, planned: Planned, row: Row, year: Fraction, trials: Moves) -> Iterator[RejectedPart]:
    """Alternatives, their cost on the row's own basis: as far from the plan's cost as the exact figures are."""
    chosen = plan.pricer.at(planned.choice)
    for one in rejected(plan.pricer, planned.choice, plan.best_by_route):
        option = planned.menu.routes[one.route] if one.route else None
        trial = trials.get((planned.workload.id, one.route)) if one.route else None
        more = None if one.nano is None else nearest_cent(half_even((one.nano - chosen) * year))
        yield RejectedPart(
            lever=one.lever,
            candidate=one.candidate,
            cost_usd=None if more is None else cents_text(row.optimized + more),
            more_usd=None if more is None else cents_text(more),
            reason=one.reason,
            status=status_of(option.verdict, option.verdict_grade) if option else "",
            verdict_id=option.verdict_id if option else "",
            finding_out=finding_out_part(trial, planned.workload.id, option) if option else None,
        )


def _notes(planned: Planned) -> Iterator[str]:
    """What the chosen options say about themselves."""
    menu, choice = planned.menu, planned.choice
    yield from filter(None, (menu.fixes[index].note for index in choice.fixes))
    if choice.route:
        yield from filter(None, (route_of(choice, menu).note,))
    if planned.cache is not None and planned.cache.note:
        yield planned.cache.note
    if choice.batch and menu.batch is not None and menu.batch.note:
        yield menu.batch.note
