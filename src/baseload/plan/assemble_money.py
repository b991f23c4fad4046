"""The baseline, the cash and the adoption of a plan as its document writes them."""

from __future__ import annotations

from decimal import Decimal

from baseload.levers.route.status import status_of
from baseload.plan.adoption import Adoption, Shipped
from baseload.plan.baseline import Baseline, Figure
from baseload.plan.cash import CashYear
from baseload.plan.cents import Table, cents_text, column_in_cents, nearest_cent
from baseload.plan.document import (
    AdoptionPart,
    BaselinePart,
    CashPart,
    ChangePart,
    FigurePart,
    WeekPart,
)
from baseload.plan.parts import cents_part, grade_shares, span_part, window_part
from baseload.plan.span import Span
from baseload.values import iso_day


def baseline_part(found: Baseline | None, table: Table) -> BaselinePart | None:
    if found is None:
        return None
    return BaselinePart(
        as_billed=_figure(found.as_billed, table.total.billed),
        optimized=_figure(found.optimized, table.total.optimized),
        conservative=_figure(found.conservative, nearest_cent(found.conservative.nano)),
    )


def _figure(figure: Figure, cents: int) -> FigurePart:
    return FigurePart(
        usd=cents_text(cents),
        low_usd=None if figure.low_nano is None else cents_text(min(cents, nearest_cent(figure.low_nano))),
        high_usd=None if figure.high_nano is None else cents_text(max(cents, nearest_cent(figure.high_nano))),
        grade=figure.grade,
        mix=grade_shares({part.grade: part.nano for part in figure.mix}, cents),
        mix_sentence=figure.mix_text,
        note=figure.note,
    )


def cash_part(found: CashYear | None) -> CashPart | None:
    if found is None:
        return None
    return CashPart(
        window=window_part(found.window),
        effective_rate=str(found.effective_rate),
        list_saved_usd=_usd(found.list_saved_nano),
        effective_saved_usd=_usd(found.effective_saved_nano),
        cash_saved_usd=_usd(found.cash_saved_nano),
        balance_before_usd=_usd(found.balance_before_nano),
        balance_after_usd=_usd(found.balance_after_nano),
        forfeited_before_usd=_usd(found.forfeited_before_nano),
        forfeited_after_usd=_usd(found.forfeited_after_nano),
        gone_before=None if found.gone_before_day is None else iso_day(found.gone_before_day),
        gone_after=None if found.gone_after_day is None else iso_day(found.gone_after_day),
        sentence=found.sentence,
    )


def adoption_part(found: Adoption | None) -> AdoptionPart | None:
    if found is None:
        return None
    return AdoptionPart(
        capacity_days_per_week=_number(found.pace.capacity_days_per_week),
        realization=_number(found.pace.realization),
        trial_weeks=found.pace.trial_weeks,
        changes=tuple(map(_change, found.changes, column_in_cents([one.change.saving for one in found.changes]))),
        weeks=tuple(
            WeekPart(
                week=week.week,
                run_rate=span_part(week.run_rate),
                saved=span_part(week.saved),
                remaining=span_part(week.remaining),
                shipped=week.shipped,
            )
            for week in found.weeks
        ),
    )


def _change(shipped: Shipped, saving: Span) -> ChangePart:
    change = shipped.change
    return ChangePart(
        rank=shipped.rank,
        workload=change.workload,
        workload_name=change.name,
        owner=change.owner,
        lever=change.lever,
        saving=cents_part(saving),
        grade=change.grade,
        kinds=change.kinds,
        person_days=_number(change.person_days),
        saving_per_week_of_work_usd=_usd(change.nano_per_week_of_work),
        needs_trial=change.needs_trial,
        ships_in_week=shipped.week,
        status=status_of(change.verdict, change.verdict_grade) if change.verdict else "",
        verdict_id=change.verdict_id,
    )


def _usd(nano: int) -> str:
    return cents_text(nearest_cent(nano))


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"
