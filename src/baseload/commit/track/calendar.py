"""Days of a contract: month steps, contract months and years, daily shares of monthly amounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.current import months_between
from baseload.demand.months import days_in_month


class Span(NamedTuple):
    """Days from `start` until, not including, `end`."""

    start: dt.date
    end: dt.date

    @property
    def days(self) -> int:
        return (self.end - self.start).days


def month_of(day: dt.date) -> int:
    """The calendar month, as `demand.months` counts."""
    return day.year * 12 + day.month - 1


def first_day(month: int) -> dt.date:
    return dt.date(month // 12, month % 12 + 1, 1)


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day of a later month, or that month's last where it has none.

    >>> add_months(dt.date(2027, 1, 31), 1)
    datetime.date(2027, 2, 28)
    """
    month = month_of(day) + months
    return first_day(month).replace(day=min(day.day, days_in_month(month)))


def period_under_way(terms: Contract, start: dt.date, day: dt.date) -> Span:
    """The test period that `day` lies in: the contract year, or the whole term where that is what is tested."""
    if terms.period == "term":
        return Span(start, add_months(start, terms.term_months))
    first = months_between(start, day) // MONTHS_PER_YEAR * MONTHS_PER_YEAR
    last = min(first + MONTHS_PER_YEAR, terms.term_months)
    return Span(add_months(start, first), add_months(start, last))


def year_under_way(terms: Contract, start: dt.date, year: int) -> Span:
    """Contract year `year`, the first being 0."""
    last = min((year + 1) * MONTHS_PER_YEAR, terms.term_months)
    return Span(add_months(start, year * MONTHS_PER_YEAR), add_months(start, last))


def contract_months(start: dt.date, span: Span) -> tuple[Span, ...]:
    """The contract months of a span that begins and ends with one."""
    first, last = months_between(start, span.start), months_between(start, span.end)
    return tuple(Span(add_months(start, month), add_months(start, month + 1)) for month in range(first, last))


def spread(by_month: Mapping[int, float], span: Span) -> Array:
    """Dollars a day of a span, each calendar month spread evenly over its days; NaN where a month is not there."""
    days = [span.start + dt.timedelta(days=place) for place in range(span.days)]
    months = [month_of(day) for day in days]
    return np.array([by_month.get(month, np.nan) / days_in_month(month) for month in months], dtype=np.float64)


def spread_paths(paths: Array, first_month: int, span: Span) -> Array:
    """`spread` for (paths, months) whose month 0 is `first_month`: (paths, days). The span must lie inside them."""
    months = [month_of(span.start + dt.timedelta(days=place)) for place in range(span.days)]
    days = np.array([days_in_month(month) for month in months], dtype=np.float64)
    found: Array = paths[:, np.array(months, dtype=np.int64) - first_month] / days
    return found
