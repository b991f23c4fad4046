"""Small parts of the plan document: spans, grades, choices and batches as it writes them."""

from __future__ import annotations

from collections.abc import Mapping

from baseload.levers.options import BatchOutcome, RouteOption
from baseload.levers.route.finding_out import FindingOut, trial_plan_command
from baseload.plan.baseline import GRADES
from baseload.plan.cents import cents_text, divided, nearest_cent
from baseload.plan.choice import TODAY, Choice, levers_of, route_of
from baseload.plan.document import BatchPart, ChoicePart, FindingOutPart, GradeShare, SpanPart, WindowPart
from baseload.plan.planned import Planned
from baseload.plan.rejected import fix_name
from baseload.plan.span import Span
from baseload.values import Grade, Window, iso_day


def span_part(span: Span) -> SpanPart:
    """A span of nano-dollars in whole cents, on its own: no column is to add up."""
    return cents_part(span.each(nearest_cent))


def cents_part(cents: Span) -> SpanPart:
    """A span that is in cents already."""
    return SpanPart(low_usd=cents_text(cents.low), likely_usd=cents_text(cents.likely), high_usd=cents_text(cents.high))


def grade_shares(by_grade: Mapping[Grade, int], whole_cents: int) -> tuple[GradeShare, ...]:
    """Nano-dollars by grade as parts of a figure in cents, strongest first. Shares are of the sum of all sizes."""
    cents = divided({grade: by_grade[grade] for grade in GRADES if by_grade.get(grade)}, whole_cents)
    size = sum(map(abs, cents.values()))
    return tuple(
        GradeShare(grade=grade, usd=cents_text(amount), share=abs(amount) / size if size else None)
        for grade, amount in cents.items()
    )


def window_part(window: Window) -> WindowPart:
    return WindowPart(
        start=iso_day(window.start_day), end_exclusive=iso_day(window.end_day_exclusive), days=window.days
    )


def choice_part(planned: Planned, choice: Choice, names: Mapping[str, str]) -> ChoicePart:
    """A choice of a workload; with `TODAY`, what it does now."""
    route = route_of(choice, planned.menu)
    return ChoicePart(
        fixes=tuple(fix_name(planned.menu.fixes[index]) for index in choice.fixes),
        model=route.model,
        model_name=names.get(route.model, route.model),
        effort=route.effort,
        moves_from=() if choice == TODAY else planned.moves_from,
        cache=choice.cache,
        batch=choice.batch,
        levers=levers_of(choice, planned.menu),
    )


def batch_part(outcome: BatchOutcome | None) -> BatchPart | None:
    if outcome is None:
        return None
    return BatchPart(**{name: getattr(outcome, name) for name in BatchPart.__struct_fields__})


def finding_out_part(found: FindingOut | None, workload: str, option: RouteOption) -> FindingOutPart | None:
    """What finding out about one move costs."""
    return None if found is None else trial_part(found, trial_plan_command(workload, option.model, option.effort))


def trial_part(found: FindingOut, command: str) -> FindingOutPart:
    """A planned trial; `command` plans it in full."""
    usd = found.usd
    return FindingOutPart(
        calls=found.calls,
        horizon=found.horizon,
        margin=found.margin,
        bar_is_set=found.bar_is_set,
        judged=found.judged,
        transport=found.transport,
        low_usd=f"{usd.low:f}",
        likely_usd=f"{usd.likely:f}",
        high_usd=f"{usd.high:f}",
        payback_months=None if found.payback_months is None else f"{found.payback_months:f}",
        command=command,
    )


def share(part_cents: int, whole_cents: int) -> float | None:
    """A part of a whole; None of nothing."""
    return part_cents / whole_cents if whole_cents else None
