"""Demand files: what is read, what is said, what is refused."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.demand.history import DemandError
from baseload.demand.months import days_in_month, month_text, parse_month
from baseload.demand.series import read_demand

MONTHLY = "month,list_usd\n2026-01,100\n2026-02,110.5\n2026-03,121\n"


def read(text: str, **options: object):
    return read_demand(text.encode(), "demand.csv", **options)


def codes(problems) -> list[str]:
    return [problem.code for problem in problems]


def test_a_monthly_file_is_read_as_it_stands():
    history, problems = read(MONTHLY)
    assert month_text(history.first_month) == "2026-01"
    assert month_text(history.next_month) == "2026-04"
    assert history.usd.tolist() == [[100.0, 110.5, 121.0]]
    assert problems == []


def test_rows_may_come_in_any_order_with_spaces_blank_lines_and_a_mark():
    history, _ = read("\ufeff Month , list_usd\n\n2026-02, 2\n2026-01 ,1\n")
    assert history.usd.tolist() == [[1.0, 2.0]]


def test_daily_rows_sum_to_months_and_cut_months_are_left_out_and_said():
    # January from the 31st and March to the 2nd are cut; February 2026 has 28 days of 10 dollars
    days = ["2026-01-31", *(f"2026-02-{day:02d}" for day in range(1, 29)), "2026-03-01", "2026-03-02"]
    history, problems = read("date,list_usd\n" + "".join(f"{day},10\n" for day in days))
    assert history.usd.tolist() == [[280.0]]
    assert [(one.code, one.value) for one in problems] == [("partial-month", "2026-01"), ("partial-month", "2026-03")]


def test_days_without_a_row_count_as_zero_and_are_said():
    days = [f"2026-02-{day:02d}" for day in range(1, 29) if day not in (10, 11)]
    history, problems = read("date,list_usd\n" + "".join(f"{day},10\n" for day in days))
    assert history.usd.tolist() == [[260.0]]
    assert codes(problems) == ["days-without-demand"]


def test_dates_that_are_all_the_first_of_a_month_are_months():
    history, problems = read("date,list_usd\n2026-01-01,5\n2026-02-01,6\n")
    assert history.usd.tolist() == [[5.0, 6.0]]
    assert codes(problems) == ["dates-read-as-months"]


def test_the_month_that_is_not_over_is_left_out_and_said():
    history, problems = read(MONTHLY, as_of=dt.date(2026, 3, 20))
    assert history.months == 2
    assert [(one.code, one.value) for one in problems] == [("partial-month", "2026-03")]


def test_workloads_are_series_of_their_own_and_late_ones_have_no_past():
    history, problems = read("month,workload,list_usd\n2026-01,a,1\n2026-02,a,2\n2026-02,b,30\n")
    assert history.names == ("a", "b")
    assert np.isnan(history.usd[1, 0])
    assert history.total.tolist() == [1.0, 32.0]
    assert problems == []


def test_a_workload_missing_a_month_that_others_have_is_said():
    text = "month,workload,list_usd\n2026-01,a,1\n2026-02,a,2\n2026-03,a,2\n2026-01,b,3\n2026-03,b,3\n"
    _, problems = read(text)
    assert [(one.code, one.value) for one in problems] == [("workload-without-month", "b")]


def test_a_zero_in_between_is_unknown_and_at_the_end_the_workload_is_over():
    text = "month,workload,list_usd\n2026-01,a,1\n2026-02,a,0\n2026-03,a,3\n2026-01,b,5\n2026-02,b,5\n2026-03,b,0\n"
    history, problems = read(text)
    assert history.names == ("a",)
    assert np.isnan(history.usd[0, 1])
    assert sorted(codes(problems)) == ["workload-ended", "zero-month", "zero-month"]


def test_unknown_columns_are_named():
    _, problems = read("month,list_usd,owner\n2026-01,1,me\n")
    assert [(one.code, one.value) for one in problems] == [("column-ignored", "owner")]


def test_a_missing_month_is_an_error_unless_it_may_be_bridged():
    text = "month,list_usd\n2026-01,1\n2026-03,3\n"
    with pytest.raises(DemandError, match="2026-02 is missing"):
        read(text)
    history, problems = read(text, bridge_missing=True)
    assert np.isnan(history.usd[0, 1])
    assert [(one.code, one.value) for one in problems] == [("missing-month", "2026-02")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("month,list_usd\n2026-01,-5\n", "row 2: list_usd -5; expected not negative"),
        ("month,list_usd\n2026-01,1\n2026-01,2\n", r"row 3: 2026-01 again \(first in row 2\)"),
        ("date,list_usd\n2026-01-02,1\n2026-01-02,2\n", "row 3: 2026-01-02 again"),
        ("month,list_usd,currency\n2026-01,1,USD\n2026-02,1,eur\n", "row 3: currency 'EUR'; every row must be USD"),
        ("month,list_usd\n2026-01,€5\n", "row 2: list_usd '€5'; expected plain US dollars"),
        ('month,list_usd\n2026-01,"1,000"\n', "row 2: list_usd '1,000'; expected plain US dollars"),
        ("month,list_usd\n2026-01,nan\n", "expected plain US dollars"),
        ("month,list_usd\n2026-01,\n", "row 2: list_usd ''"),
        ("month,list_usd\n2026-01,1000000001\n", "expected at most 1,000,000,000"),
        ("month,list_usd\n2026-13,1\n", "row 2: month '2026-13'; expected YYYY-MM, 2000 to 2099"),
        ("month,list_usd\n0999-01,1\n", "expected YYYY-MM, 2000 to 2099"),
        ("month,list_usd\n٢٠٢٦-01,1\n", "expected YYYY-MM"),
        ("date,list_usd\n2026-02-30,1\n", "row 2: date '2026-02-30'; expected YYYY-MM-DD"),
        ("date,list_usd\n20260201,1\n", "expected YYYY-MM-DD"),
        ("month,list_usd\n2026-01\n", "row 2: 1 values under 2 columns"),
        ("month,usd\n2026-01,1\n", "expected month,list_usd or date,list_usd"),
        ("month,date,list_usd\n2026-01,2026-01-01,1\n", "expected month,list_usd or date,list_usd"),
        ("month,list_usd\n", "no row below the header"),
        ("", "expected month,list_usd or date,list_usd"),
        ("month,list_usd\n2026-01,1\n2026-02,0\n", "last month is 0"),
        ('month,list_usd\n2026-01,"1\n', "line"),
    ],
)
def test_what_cannot_be_right_is_an_error_with_its_row_value_and_rule(text: str, said: str):
    with pytest.raises(DemandError, match=said):
        read(text)


def test_a_file_that_is_not_utf8_says_so():
    with pytest.raises(DemandError, match="UTF-8"):
        read_demand(b"month,list_usd\n2026-01,\xff\n", "demand.csv")


def test_a_mostly_empty_daily_month_is_no_daily_file():
    with pytest.raises(DemandError, match="2 days with a row"):
        read("date,list_usd\n2026-02-01,1\n2026-02-28,1\n")


def test_too_many_workloads_are_refused():
    rows = "".join(f"2026-01,w{place},1\n" for place in range(201))
    with pytest.raises(DemandError, match="more than 200 workloads"):
        read("month,workload,list_usd\n" + rows)


@given(st.text(max_size=200) | st.text(alphabet='month,list_ud2026-01.\n"', max_size=120))
@settings(max_examples=150, deadline=None)
def test_no_text_gives_anything_but_a_history_or_a_demand_error(text: str):
    for body in (text, "month,list_usd\n" + text):
        try:
            history, _ = read_demand(body.encode("utf-8", "surrogatepass"), "demand.csv")
        except DemandError:
            continue
        assert history.months >= 1


def test_months_know_their_days():
    assert [days_in_month(parse_month(text)) for text in ("2023-02", "2024-02", "2026-04", "2026-12")] == [
        28,
        29,
        30,
        31,
    ]
    assert month_text(parse_month("2026-12") + 1) == "2027-01"


def test_a_workload_known_only_in_the_month_that_is_not_over_is_left_out() -> None:
    rows = "".join(f"2026-{month:02d},100,a\n" for month in range(1, 9))
    history, problems = read_demand(
        f"month,list_usd,workload\n{rows}2026-09,10,b\n".encode(), "d.csv", as_of=dt.date(2026, 9, 10)
    )
    assert (history.names, history.months) == (("a",), 8)
    assert {"partial-month", "workload-ended"} <= {problem.code for problem in problems}
