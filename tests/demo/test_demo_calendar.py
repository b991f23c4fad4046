"""When the demo company works; dates checked against a calendar by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from baseload.demo.calendar import EU_OFFICE, OFFICE, clock_us, day_factor, is_holiday, is_month_end, next_month
from baseload.demo.company import Volume
from baseload.values import HOUR_US, day_of_date


def day(text: str) -> int:
    return day_of_date(dt.date.fromisoformat(text))


def volume(**changed: float) -> Volume:
    return Volume(per_day=100, week=OFFICE, hours=EU_OFFICE, **changed)


@pytest.mark.parametrize(
    "date",
    [
        "2026-05-25",  # Memorial Day: last Monday of May
        "2026-06-19",  # Juneteenth
        "2026-07-03",  # Independence Day falls on a Saturday, kept on Friday
        "2026-09-07",  # Labor Day: first Monday of September
        "2026-10-12",  # second Monday of October
        "2026-11-11",  # Veterans Day
        "2026-11-26",  # Thanksgiving: fourth Thursday of November
        "2021-12-31",  # New Year 2022 falls on a Saturday
    ],
)
def test_us_holidays_are_kept_when_the_government_keeps_them(date: str) -> None:
    assert is_holiday(day(date))


@pytest.mark.parametrize("date", ["2026-07-04", "2026-05-18", "2026-11-19", "2026-12-24"])
def test_other_days_are_not_holidays(date: str) -> None:
    assert not is_holiday(day(date))


def test_the_last_three_working_days_of_a_month_are_its_end() -> None:
    # 31 May 2026 is a Sunday, so the last working days are Wednesday 27 to Friday 29
    found = [date for date in range(25, 32) if is_month_end(day(f"2026-05-{date}"))]
    assert found == [27, 28, 29]


def test_december_is_followed_by_january() -> None:
    assert next_month(day("2026-12-31")) == day("2027-01-01")


def test_growth_runs_back_from_the_last_day() -> None:
    grown = volume(growth=0.1)
    end = day("2026-11-20")  # the last day is Thursday the 19th, whose weekday factor is 1
    assert day_factor(grown, end - 1, end, incident_day=0) == pytest.approx(1.0)
    # 30 days earlier is Tuesday 20 October, whose weekday factor is 1.06
    assert day_factor(grown, end - 31, end, incident_day=0) == pytest.approx(1.06 / 1.1)


def test_a_launch_is_a_step() -> None:
    launched = volume(launched=30, pilot=0.1)
    end = day("2026-11-20")
    before, after = (day_factor(launched, end - back, end, incident_day=0) for back in (31, 30))
    # Tuesday 20 October is still pilot (1.06 x 0.1), Wednesday 21 October is not (1.04)
    assert (before, after) == (pytest.approx(0.106), pytest.approx(1.04))


def test_the_incident_multiplies_only_its_own_day() -> None:
    hit = volume(incident=3.0)
    end = day("2026-11-20")
    assert day_factor(hit, end - 1, end, incident_day=end - 1) == pytest.approx(3.0)
    assert day_factor(hit, end - 1, end, incident_day=end - 2) == pytest.approx(1.0)


def test_the_clock_follows_the_profile() -> None:
    # all work between 01:00 and 03:00, twice as much in the first hour
    profile = (0.0, 2.0, 1.0) + (0.0,) * 21
    moments = clock_us(profile, np.array([0.0, 1 / 3, 2 / 3, 5 / 6]))
    assert (moments / HOUR_US).tolist() == pytest.approx([1.0, 1.5, 2.0, 2.5], abs=1e-6)
