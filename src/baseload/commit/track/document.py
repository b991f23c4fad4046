"""What `baseload commit track` found, as one document: the same input and seed give the same bytes."""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.bands import discounts_at, key_of_year
from baseload.commit.contract import MONTHS_PER_YEAR
from baseload.commit.current import CurrentContract, months_between
from baseload.commit.refusal import CommitError
from baseload.commit.track.alert import Alert, Plan, alert_of, forecast_plan
from baseload.commit.track.calendar import Span, contract_months, year_under_way
from baseload.commit.track.dates import Deadline, deadlines
from baseload.commit.track.outlook import Future, Outlook, future_of, history_of_days, outlook_of
from baseload.commit.track.peak import PeakWatch, peak_watch
from baseload.commit.track.standing import Standing, standing_of, units
from baseload.commit.track.usage import Daily
from baseload.values import Problem

SCHEMA: Final = "baseload.commit.track/1"
_CENT: Final = 0.005
_LATE_DAYS: Final = {"day": 7, "week": 14, "month": 62}


class BurnRow(msgspec.Struct, frozen=True, kw_only=True):
    """One contract month of the test period, dollars of the contract's basis, running totals at its end.

    Months that are not over have `drawn_usd` so far, and the totals projected: one path in ten below low, one above
    high. `planned_usd` is null where no path was planned. The row `stated` is no month: what the contract's file says
    was drawn beyond the usage (negative: less), before the month of that file's day, so that all totals add up.
    """

    kind: Literal["month", "stated"] = "month"
    month: str  # its first day; of `stated` the day of the file
    drawn_usd: str
    total_usd: str | None  # drawn or exceeded; null once the month is not over
    straight_usd: str
    planned_usd: str | None
    low_usd: str | None
    likely_usd: str | None
    high_usd: str | None


class TrackDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars are of `commit_basis` unless said otherwise; days are UTC, ends exclusive."""

    schema: str
    contract: str
    commit_basis: str
    start: str
    end: str
    as_of: str
    known_until: str  # the day after the last of the usage
    period_start: str
    period_end: str
    balance_usd: str  # drawn + remaining of the period
    drawn_usd: str
    remaining_usd: str
    excess_usd: str
    straight_usd: str  # drawn by now, had it been drawn evenly
    ahead_usd: str  # drawn and exceeded beyond the straight line; negative = behind it
    cash_per_usd: float  # what one dollar of unused commitment was paid with
    months: tuple[BurnRow, ...]
    outlook: Outlook
    alert: Alert
    true_forward: PeakWatch | None
    dates: tuple[Deadline, ...]
    seed: int
    problems: tuple[Problem, ...]


def track(
    current: CurrentContract,
    usage: Daily,
    *,
    before: Daily | None = None,
    planned: Plan | None = None,
    as_of: dt.date | None = None,
    seed: int = 0,
    problems: tuple[Problem, ...] = (),
) -> TrackDocument:
    """Everything there is to watch on one day.

    `before` is usage before the contract (rows of `usage` before its start are added to it). `planned` is the path
    signed on; without it what `before` made one expect. Raises CommitError.
    """
    early = usage if usage.first < current.start else None
    standing, found = standing_of(current, usage, as_of)
    known = usage.until(standing.through)
    parts = tuple(
        part.until(current.start) for part in (before, early) if part is not None and part.first < current.start
    )
    today = as_of or standing.through
    history = history_of_days((*parts, known), standing.through)
    if history is None:
        raise CommitError("usage", f"until {standing.through}", "one whole month, with --demand before the contract")
    future = future_of(history, Span(standing.through, standing.period.end), seed=seed)
    plan = planned or forecast_plan(history_of_days(parts, current.start), current.end, seed=seed)
    noise_from = parts[-1] if parts else None
    year = min(months_between(current.start, standing.through), current.terms.term_months - 1) // MONTHS_PER_YEAR
    discount = float(discounts_at(current.terms, key_of_year(current.terms, year)).committed)
    used = standing.drawn_usd + standing.excess_usd
    return TrackDocument(
        schema=SCHEMA,
        contract=current.terms.name,
        commit_basis=current.terms.commit_basis,
        start=current.start.isoformat(),
        end=current.end.isoformat(),
        as_of=today.isoformat(),
        known_until=standing.through.isoformat(),
        period_start=standing.period.start.isoformat(),
        period_end=standing.period.end.isoformat(),
        balance_usd=_usd(standing.balance_usd),
        drawn_usd=_usd(standing.drawn_usd),
        remaining_usd=_usd(standing.remaining_usd),
        excess_usd=_usd(standing.excess_usd),
        straight_usd=_usd(standing.straight_usd),
        ahead_usd=_usd(used - standing.straight_usd),
        cash_per_usd=round(1 - discount, 6) if current.terms.commit_basis == "list" else 1.0,
        months=tuple(_rows(standing, known, future, plan)),
        outlook=outlook_of(standing, future),
        alert=alert_of(known, noise_from, plan, year_under_way(current.terms, current.start, year)),
        true_forward=peak_watch(standing, known, future),
        dates=deadlines(current, today),
        seed=seed,
        problems=(*problems, *found, *_late(usage, standing, as_of)),
    )


def _rows(standing: Standing, daily: Daily, future: Future, plan: Plan) -> list[BurnRow]:
    current, period = standing.current, standing.period
    known = units(current.terms, current.start, Span(period.start, standing.through),
                  daily.between(period.start, standing.through))  # fmt: skip
    drawn = units(current.terms, current.start, future.span, future.usd).cumsum(axis=1)
    planned = units(current.terms, current.start, period, plan.daily(period)).cumsum()
    shift = standing.drawn_usd + standing.excess_usd - float(known.sum())  # what the file's balance says beyond usage
    rows: list[BurnRow] = []
    for month in contract_months(current.start, period):
        first, last = (month.start - period.start).days, (month.end - period.start).days
        over = month.end <= standing.through
        low, likely, high = (None, None, None) if over else _ahead(standing, drawn, last - len(known))
        rows.append(
            BurnRow(
                month=month.start.isoformat(),
                drawn_usd=_usd(float(known[first:last].sum())),
                total_usd=_usd(float(known[:last].sum()) + (shift if current.as_of < month.end else 0.0))
                if over
                else None,
                straight_usd=_usd(standing.balance_usd * last / period.days),
                planned_usd=None if np.isnan(planned[last - 1]) else _usd(float(planned[last - 1])),
                low_usd=low,
                likely_usd=likely,
                high_usd=high,
            )
        )
    if abs(shift) >= _CENT:
        before = sum(month.end <= current.as_of for month in contract_months(current.start, period))
        rows.insert(before, _stated(standing, shift, rows[before - 1].total_usd if before else None))
    return rows


def _stated(standing: Standing, shift: float, total_before: str | None) -> BurnRow:
    """The difference between the balance that the file states and the one that usage leaves."""
    day, period = standing.current.as_of, standing.period
    return BurnRow(
        kind="stated",
        month=day.isoformat(),
        drawn_usd=_usd(shift),
        total_usd=_usd(float(total_before or 0) + shift),
        straight_usd=_usd(standing.balance_usd * (day - period.start).days / period.days),
        planned_usd=None,
        low_usd=None,
        likely_usd=None,
        high_usd=None,
    )


def _ahead(standing: Standing, drawn: Array, days: int) -> tuple[str, str, str]:
    so_far = standing.drawn_usd + standing.excess_usd
    low, likely, high = np.quantile(so_far + drawn[:, days - 1], (0.1, 0.5, 0.9))
    return _usd(low), _usd(likely), _usd(high)


def _usd(value: float) -> str:
    return f"{float(value):.2f}"


def _late(usage: Daily, standing: Standing, as_of: dt.date | None) -> list[Problem]:
    """Usage that stops long before today, or goes on after it."""
    if as_of is None:
        return []
    if usage.end > as_of:
        said = "Usage from the day of --as-of on is left out"
        return [_problem("usage-after-as-of", said, f"until {usage.end}", str(as_of))]
    if (as_of - usage.end).days > _LATE_DAYS[usage.grain] and standing.through < standing.current.end:
        said = "Usage ends before the day of --as-of: everything since is projected"
        return [_problem("usage-ends-before-as-of", said, f"until {usage.end}", f"usage until {as_of}")]
    return []


def _problem(code: str, message: str, value: str, expected: str) -> Problem:
    return Problem(source="track", file="", row=0, code=code, message=message, value=value, expected=expected)
