"""Reading usage day by day."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from baseload.commit.refusal import CommitError
from baseload.commit.track.usage import read_daily


def rows(*lines: str, header: str = "date,list_usd") -> bytes:
    return "\n".join((header, *lines, "")).encode()


def test_days_are_read_as_they_are() -> None:
    found, problems = read_daily(rows("2026-01-01,10", "2026-01-02,20"))

    assert (found.first, found.end, found.grain) == (dt.date(2026, 1, 1), dt.date(2026, 1, 3), "day")
    assert found.usd.tolist() == [10.0, 20.0]
    assert problems == []


def test_a_week_is_spread_over_its_seven_days() -> None:
    found, _ = read_daily(rows("2026-01-05,70", "2026-01-12,140"))

    assert (found.grain, found.end) == ("week", dt.date(2026, 1, 19))
    assert np.allclose(found.usd, [10.0] * 7 + [20.0] * 7)


def test_a_month_is_spread_over_its_days() -> None:
    found, _ = read_daily(rows("2026-01,310", "2026-02,280", header="month,list_usd"))

    assert (found.grain, len(found.usd)) == ("month", 59)
    assert np.allclose(found.usd, 10.0)


def test_first_days_of_months_are_months_and_said() -> None:
    found, problems = read_daily(rows("2026-01-01,310", "2026-02-01,280"))

    assert found.grain == "month"
    assert [problem.code for problem in problems] == ["dates-read-as-months"]


def test_workloads_of_a_day_are_added() -> None:
    found, _ = read_daily(rows("2026-01-01,a,10", "2026-01-01,b,5", header="date,workload,list_usd"))

    assert found.usd.tolist() == [15.0]


def test_a_day_without_a_row_counts_as_nothing_and_is_said() -> None:
    found, problems = read_daily(rows("2026-01-01,10", "2026-01-02,10", "2026-01-04,10"))

    assert found.usd.tolist() == [10.0, 10.0, 0.0, 10.0]
    assert [(problem.code, problem.value) for problem in problems] == [("days-without-usage", "1")]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (rows("2026-01-01,-5"), "row 2, list_usd: -5; expected plain US dollars, 0 to"),
        (rows("2026-01-01,nan"), "row 2, list_usd: nan"),
        (rows("2026-01-01,$5"), "row 2, list_usd: $5"),
        (rows("2026-13-01,5"), "row 2, date: 2026-13-01; expected YYYY-MM-DD"),
        (rows("2026-01-01,5", "2026-01-01,6"), "row 3, date: 2026-01-01; expected each once"),
        (rows("2026-01-01,5,EUR", header="date,list_usd,currency"), "row 2, currency: EUR; expected USD"),
        (rows("2026-01-01,5", header="day,list_usd"), "header: day,list_usd; expected date,list_usd or month,list_usd"),
        (rows("2026-01,5", "2026-03,5", header="month,list_usd"), "month: 2026-02 is missing; expected every month"),
        (rows("2026-01-01,5", "2026-01-31,5", "2026-02-28,5"), "3 of 59 days; expected a row for every day"),
        (rows("2026-01-01,5", "2026-01-03,5", "2026-01-05,5"), "a row every 2 days; expected a row every day"),
        (rows(), "no row; expected a row for every day"),
    ],
)
def test_what_cannot_be_right_is_refused_with_row_value_and_rule(data: bytes, said: str) -> None:
    with pytest.raises(CommitError) as refused:
        read_daily(data)

    assert said in str(refused.value)
