"""When a company works: weekdays, hours, holidays, month ends, growth, a launch, an incident."""

from __future__ import annotations

import datetime as dt
from functools import cache

import numpy as np
from numpy.typing import NDArray

from baseload.demo.company import Volume
from baseload.values import HOUR_US, date_of_day, day_of_date

OFFICE = (1.04, 1.06, 1.04, 1.0, 0.86, 0.06, 0.05)
SUPPORT = (1.14, 1.06, 1.01, 0.98, 0.94, 0.55, 0.46)
CONSUMER = (1.0, 0.98, 0.99, 1.0, 1.05, 1.12, 1.06)
NIGHTLY = (0.25, 1.0, 1.03, 1.04, 1.02, 0.98, 0.15)  # the night after each working day
MONDAYS = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def _profile(text: str) -> tuple[float, ...]:
    """Weights of the 24 UTC hours, from midnight."""
    return tuple(float(weight) for weight in text.split())


US_OFFICE = _profile(".2 .1 .05 0 0 0 0 .05 .1 .2 .4 .7 1.6 3.2 5 6 5.6 5.2 5.8 6 5.2 3.6 1.4 .5")
EU_OFFICE = _profile(".1 0 0 0 .1 .5 1.8 4.4 6 6.2 5.8 4.2 4.6 5.8 5.6 4.4 2.4 1 .6 .4 .3 .2 .2 .1")
AROUND_THE_CLOCK = _profile("2 1.6 1.3 1.1 1 1.1 1.5 2.4 3.4 4 4.2 4.4 5 6 6.6 6.8 6.4 6 5.8 5.6 5.2 4.4 3.4 2.6")
EVENINGS = _profile("4 3 2 1.2 .8 .6 .6 .8 1.2 1.6 2 2.6 3.4 4 4.2 4.4 4.8 5.4 6.2 7 7.4 7.2 6.4 5.2")
AT_ONE = _profile("0 6 7 3" + 20 * " 0")  # a scheduled run that starts at 01:00 UTC and drains its queue
AT_THREE = _profile("0 0 0 5 1" + 19 * " 0")


def is_holiday(day: int) -> bool:
    """True on a US federal holiday as observed; they thin office work, not consumers."""
    date = date_of_day(day)
    return date in _holidays(date.year) or date in _holidays(date.year + 1)


@cache
def _holidays(year: int) -> frozenset[dt.date]:
    fixed = [_observed(dt.date(year, month, day)) for month, day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))]
    floating = [
        _nth(year, 1, 0, 3),
        _nth(year, 2, 0, 3),
        _last_monday(year, 5),
        _nth(year, 9, 0, 1),
        _nth(year, 10, 0, 2),
        _nth(year, 11, 3, 4),
    ]
    return frozenset(fixed + floating)


def _observed(date: dt.date) -> dt.date:
    """A Saturday's holiday is kept on Friday, a Sunday's on Monday."""
    return date + dt.timedelta(days={5: -1, 6: 1}.get(date.weekday(), 0))


def _nth(year: int, month: int, weekday: int, nth: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _last_monday(year: int, month: int) -> dt.date:
    after = date_of_day(next_month(day_of_date(dt.date(year, month, 1))))
    return after - dt.timedelta(days=(after.weekday() - 1) % 7 + 1)


def is_month_end(day: int) -> bool:
    """True on the last three Monday-to-Friday days of a month."""
    date = date_of_day(day)
    left = sum(date_of_day(other).weekday() < 5 for other in range(day, next_month(day)))
    return date.weekday() < 5 and left <= 3


def next_month(day: int) -> int:
    """The first day of the month after the one `day` lies in."""
    date = date_of_day(day)
    return day_of_date(dt.date(date.year + date.month // 12, date.month % 12 + 1, 1))


def day_factor(volume: Volume, day: int, end_day: int, incident_day: int) -> float:
    """What multiplies `per_day` on a day, before its noise. `end_day` is exclusive."""
    months = (day - end_day + 1) / 30
    factor = volume.week[date_of_day(day).weekday()] * float((1 + volume.growth) ** months)
    if is_holiday(day):
        factor *= volume.holiday
    if is_month_end(day):
        factor *= volume.month_end
    if volume.launched and day < end_day - volume.launched:
        factor *= volume.pilot
    return factor * (volume.incident if day == incident_day else 1.0)


def clock_us(hours: tuple[float, ...], quantiles: NDArray[np.float64]) -> NDArray[np.int64]:
    """Microseconds after midnight at which these shares of a day's calls have come, for a daily profile."""
    edges = np.concatenate(([0.0], np.cumsum(hours)))
    return (np.interp(quantiles, edges / edges[-1], np.arange(25)) * HOUR_US).astype(np.int64)
