"""Bridge, savings and forecast as the parts of the document: formatting and joining only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from baseload.plan.close.bills import Account
from baseload.plan.close.bridge import Bridge, Move
from baseload.plan.close.document import (
    AccountCover,
    AccountPart,
    CoverPart,
    ForecastPart,
    MonthBill,
    MovePart,
    SavingPart,
    SavingsPart,
)
from baseload.plan.close.forecast import Forecast
from baseload.plan.close.months import Covered
from baseload.plan.close.promises import Promises
from baseload.plan.close.savings import Saving
from baseload.values import Grade, iso_day, usd_text


def ratio(value: Decimal) -> float:
    """A ratio to four decimals: a number that every JSON writer writes alike, because it is under a hash."""
    return float(round(value, 4)) + 0.0  # never -0.0


def cover_part(found: Covered) -> CoverPart:
    return CoverPart(
        month=found.month,
        start=iso_day(found.window.start_day),
        end_exclusive=iso_day(found.window.end_day_exclusive),
        days=found.window.days,
        days_with_data=len(found.days),
        first_day=iso_day(found.days[0]) if found.days else "",
        last_day=iso_day(found.days[-1]) if found.days else "",
        missing_days=tuple(iso_day(day) for day in found.missing),
        accounts=tuple(
            AccountCover(
                channel=channel,
                account=account,
                days_with_data=len(days),
                first_day=iso_day(days[0]),
                last_day=iso_day(days[-1]),
            )
            for (channel, account), days in found.owners.items()
            if len(days) < len(found.days)
        ),
    )


def account_parts(month: str, found: Iterable[Account]) -> tuple[AccountPart, ...]:
    return tuple(
        AccountPart(
            month=month,
            channel=account.owner[0],
            account=account.owner[1],
            basis=account.basis,
            bill_usd=usd_text(account.bill_nano),
            list_usd=usd_text(account.list_nano),
            paid_ratio=ratio(account.paid),
            paid_from=account.paid_from,
            usage_usd=usd_text(account.usage_nano),
            **{f"{name}_usd": usd_text(nano) for name, nano in account.parts.items()},
        )
        for account in found
    )


def move_part(move: Move) -> MovePart:
    return MovePart(
        id=move.workload.id,
        name=move.workload.name,
        owner=move.workload.owner,
        state=move.state,
        volume_in=move.unit,
        from_usd=usd_text(move.before_nano),
        to_usd=usd_text(move.after_nano),
        difference_usd=usd_text(move.after_nano - move.before_nano),
        calls_from=move.calls_before,
        calls_to=move.calls_after,
        usd_per_call_from=_each(move.before_nano, move.calls_before),
        usd_per_call_to=_each(move.after_nano, move.calls_after),
        effects={name: usd_text(nano) for name, nano in move.effects.items()},
    )


def savings_part(found: Iterable[Saving], promises: Promises, bridge: Bridge) -> SavingsPart:
    """The savings; what a list dollar cost turns them into paid ones, by workload."""
    rows = list(found)
    paid = {move.workload.id: (move.after_nano, move.list_after_nano) for move in bridge.moves}
    named = [row for row in rows if row.promise]
    planned = sum(row.planned_nano or 0 for row in named)
    realised = sum(row.realised_nano for row in named)
    missing = sum(row.before_nano is None for row in named)
    return SavingsPart(
        plan_id=promises.plan_id,
        plan_window_start=iso_day(promises.window.start_day),
        plan_window_end_exclusive=iso_day(promises.window.end_day_exclusive),
        planned_usd=usd_text(planned),
        realised_usd=usd_text(realised),
        outside_usd=usd_text(sum(row.realised_nano for row in rows if not row.promise)),
        realised_paid_usd=usd_text(sum(_paid(row, paid) for row in named)),
        realization=ratio(Decimal(realised) / planned) if planned else None,
        grade=_grade(rows),
        note=f"{missing} of {len(named)} planned workloads have no usage in the plan's window or in this month."
        if missing
        else "",
        workloads=tuple(_saving_part(row) for row in rows),
    )


def _saving_part(row: Saving) -> SavingPart:
    return SavingPart(
        id=row.workload.id,
        name=row.workload.name,
        planned_usd=None if row.planned_nano is None else usd_text(row.planned_nano),
        realised_usd=usd_text(row.realised_nano),
        realization=ratio(Decimal(row.realised_nano) / row.planned_nano) if row.planned_nano else None,
        before_usd_per_call=_each(row.before_nano, row.calls),
        now_usd_per_call=_each(row.now_nano, row.calls),
        effects={name: usd_text(nano) for name, nano in row.effects.items()},
        note="" if row.before_nano is not None else "No usage in the plan's window, or none in this month.",
    )


def _paid(row: Saving, paid: dict[str, tuple[int, int]]) -> int:
    charged, listed = paid.get(row.workload.id, (0, 0))
    return round(Decimal(row.realised_nano) * charged / listed) if listed else 0


def _grade(rows: Iterable[Saving]) -> Grade:
    return "simulated" if any("tokenizer" in row.effects for row in rows) else "measured"


def forecast_part(found: Forecast, savings: Iterable[Saving], list_nano: int) -> ForecastPart:
    """`list_nano` is the month's list dollars: what the plan's missing part is a share of."""
    bills = tuple(
        MonthBill(month=name, bill_usd=usd_text(nano), basis=basis) for name, (nano, basis) in found.bills.items()
    )
    lands = _if_plan_lands(found, list(savings), list_nano)
    return ForecastPart(
        fiscal_year_start=iso_day(found.year.start_day),
        fiscal_year_end_exclusive=iso_day(found.year.end_day_exclusive),
        months=bills,
        missing_months=found.missing,
        so_far_usd=usd_text(found.so_far_nano),
        remaining_days=found.remaining.days,
        remaining_usd=_usd(found.remaining_nano),
        year_usd=_year(found, found.remaining_nano),
        low_usd=_year(found, found.low_nano),
        high_usd=_year(found, found.high_nano),
        if_plan_lands_usd=_year(found, lands),
        bill_per_list_dollar=ratio(found.per_list_dollar),
        why_null=found.why_null,
        note="; ".join(_forecast_notes(found)),
    )


def _if_plan_lands(found: Forecast, rows: list[Saving], list_nano: int) -> int | None:
    """The rest of the year if all that the plan has not realised yet were realised from tomorrow on."""
    named = [row for row in rows if row.planned_nano is not None]
    if not named or not list_nano or found.remaining_nano is None:
        return None
    missing = sum(max((row.planned_nano or 0) - row.realised_nano, 0) for row in named)
    return found.remaining_nano - round(Decimal(found.remaining_nano) * missing / list_nano)


def _forecast_notes(found: Forecast) -> Iterator[str]:
    if found.missing:
        yield f"no data of {', '.join(found.missing)}: not in the year's figure"
    estimated = [name for name, (_, basis) in found.bills.items() if basis == "estimated"]
    if estimated:
        yield f"no invoice of {', '.join(estimated)}: list price times the last invoiced month's bill per list dollar"


def _year(found: Forecast, rest: int | None) -> str | None:
    return None if rest is None else usd_text(found.so_far_nano + rest)


def _usd(nano: int | None) -> str | None:
    return None if nano is None else usd_text(nano)


def _each(nano: int | None, calls: int | None) -> str | None:
    return usd_text(round(Decimal(nano) / calls)) if nano is not None and calls else None
