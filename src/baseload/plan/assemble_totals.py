"""The totals of the plan document: waterfall, Shapley values, rule sets side by side, routing alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from baseload.levers.route.alone import CLAIM, Alone, Saving
from baseload.levers.summary import weakest
from baseload.plan.cents import Effective, Table, cents_text, column_in_cents
from baseload.plan.choice import LEVERS, TODAY, Lever
from baseload.plan.document import (
    EffectivePart,
    PlanTotals,
    RoutingAlonePart,
    RoutingGradePart,
    RoutingPart,
    ScenarioPart,
    ShapleyPart,
    SpanPart,
    WaterfallPart,
)
from baseload.plan.facts import PlanFacts
from baseload.plan.parts import cents_part, grade_shares, share, span_part
from baseload.plan.planned import Planned
from baseload.plan.portfolio import SCENARIOS
from baseload.plan.rounding import half_even
from baseload.plan.span import Span, total
from baseload.plan.words import dollars
from baseload.values import NANO_PER_CENT, Grade

TITLES: Mapping[Lever, str] = {
    "fix": "Waste removed",
    "effort": "Less effort",
    "route": "A cheaper model",
    "cache": "Prompt caching",
    "batch": "Batch processing",
}
_SCENARIOS: Mapping[str, str] = {
    "expected": "Every change nobody has ruled out. Assumed parts are in it and say so.",
    "edited": "What may be switched on once the owners of prompts have moved text in them, and checked the answers.",
    "deployable": "What may be switched on without a trial, an edit of a prompt or anybody's word.",
    "conservative": "Only savings that were measured or shown to hold.",
}


def totals_part(facts: PlanFacts, table: Table, effective: Effective | None, year: Fraction) -> PlanTotals:
    saved = _saved_by_grade(facts.planned["expected"], table)
    return PlanTotals(
        as_billed_usd=cents_text(table.total.billed),
        unplanned_usd=cents_text(table.unplanned),
        optimized=cents_part(table.total.left_span),
        saving=cents_part(table.total.saving_span),
        saving_share=share(table.total.saving, table.total.billed),
        saving_grade=weakest(saved) if saved else "",
        saving_mix=grade_shares(saved, table.total.saving),
        effective=None if effective is None else _effective(effective, facts.effective_rate),
        waterfall=tuple(_waterfall(facts.planned["expected"], table)),
        shapley=tuple(ShapleyPart(lever=lever, saving_usd=cents_text(table.total.shapley[lever])) for lever in LEVERS),
        scenarios=tuple(_scenarios(facts, table)),
        routing_alone=_routing_alone(facts.routing_alone, year),
    )


def _saved_by_grade(planned: Sequence[Planned], table: Table) -> dict[Grade, int]:
    return _summed(
        {step.grade: row.steps[step.lever] * NANO_PER_CENT}
        for one, row in zip(planned, table.rows, strict=True)
        for step in one.steps
    )


def _effective(found: Effective, rate: Decimal | None) -> EffectivePart:
    return EffectivePart(
        rate=str(rate),
        as_billed_usd=cents_text(found.billed),
        optimized_usd=cents_text(found.billed - found.saving),
        saving_usd=cents_text(found.saving),
    )


def _waterfall(planned: Sequence[Planned], table: Table) -> Iterator[WaterfallPart]:
    left = table.total.billed
    billed = _summed(one.billed_by_grade for one in planned)
    billed["measured"] = billed.get("measured", 0) + table.unplanned * NANO_PER_CENT
    yield _level("as_billed", "At list price", left, billed)
    for lever in LEVERS:
        steps = [
            (step, row)
            for one, row in zip(planned, table.rows, strict=True)
            for step in one.steps
            if step.lever == lever
        ]
        cents = table.total.steps[lever]
        left -= cents
        by_grade = _summed({step.grade: row.steps[lever] * NANO_PER_CENT} for step, row in steps)
        yield WaterfallPart(
            name=lever,
            title=TITLES[lever],
            saving=cents_part(table.total.step_span(lever)),
            after_usd=cents_text(left),
            grade=weakest(by_grade) if by_grade else "",
            by_grade=grade_shares(by_grade, cents),
            note=_stand_in(lever, planned, table),
        )
    after = _summed(one.cost_by_grade for one in planned)
    after["measured"] = after.get("measured", 0) + table.unplanned * NANO_PER_CENT
    yield _level("optimized", "Optimized", left, after)


def _stand_in(lever: Lever, planned: Sequence[Planned], table: Table) -> str:
    """What of a move's saving held against a stand-in alone; "" where none did."""
    if lever not in ("effort", "route"):
        return ""
    cents = sum(
        row.steps[lever]
        for one, row in zip(planned, table.rows, strict=True)
        if one.choice.route and one.route.verdict == "holds" and not one.route.proven
    )
    return f"{dollars(cents * NANO_PER_CENT)} of it held against a stand-in: no model answered" if cents else ""


def _level(name: str, title: str, cents: int, by_grade: Mapping[Grade, int]) -> WaterfallPart:
    parts = grade_shares(by_grade, cents)
    found: list[Grade] = [grade for grade, nano in by_grade.items() if nano]
    grade = weakest(found)
    return WaterfallPart(name=name, title=title, saving=None, after_usd=cents_text(cents), grade=grade, by_grade=parts)


def _summed(parts: Iterable[Mapping[Grade, int]]) -> dict[Grade, int]:
    found: dict[Grade, int] = {}
    for part in parts:
        for grade, nano in part.items():
            found[grade] = found.get(grade, 0) + nano
    return found


def scenario_savings(facts: PlanFacts, table: Table) -> dict[str, list[Span]]:
    """What each workload saves in each scenario, in cents that add to the scenario's whole."""
    return {
        name: [row.saving_span for row in table.rows]
        if name == "expected"
        else column_in_cents([one.saving for one in planned])
        for name, planned in facts.planned.items()
    }


def _scenarios(facts: PlanFacts, table: Table) -> Iterator[ScenarioPart]:
    savings = scenario_savings(facts, table)
    for rules in SCENARIOS:
        planned = facts.planned[rules.name]
        saving = total(savings[rules.name])
        yield ScenarioPart(
            name=rules.name,
            sentence=_SCENARIOS[rules.name],
            saving=cents_part(saving),
            saving_share=share(saving.likely, table.total.billed),
            workloads=sum(one.choice != TODAY for one in planned),
            pools=facts.portfolio.binding[rules.name],
        )


def _routing_alone(alone: Alone, year: Fraction) -> RoutingAlonePart:
    def saving(found: Saving) -> SpanPart:
        span = Span(low=found.low, likely=found.likely, high=found.high)
        return span_part(span.each(lambda nano: half_even(nano * year)))

    parts = []
    for known, found in (("shown to hold", alone.proven), ("shown to hold or assumed", alone.all_assumed)):
        low, likely, high = found.shares(alone.spend_nano)
        part = RoutingPart(known=known, saving=saving(found), low_share=low, likely_share=likely, high_share=high)
        parts.append(part)
    return RoutingAlonePart(
        claim_low_share=CLAIM[0],
        claim_high_share=CLAIM[1],
        sentence=alone.sentence(),
        workloads=len(alone.moved),
        parts=tuple(parts),
        by_grade=tuple(RoutingGradePart(grade=grade, saving=saving(found)) for grade, found in alone.by_grade),
    )
