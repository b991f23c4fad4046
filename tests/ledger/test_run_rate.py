"""The run rate: 28 complete days x 365/28, and what it admits about itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from baseload.ledger.run_rate import annualised, complete_window, run_rate
from baseload.values import Window

USD = 1_000_000_000


def window(days: int, start: int = 100) -> Window:
    return Window(start_day=start, end_day_exclusive=start + days)


def test_the_run_rate_is_the_last_28_complete_days_as_a_year() -> None:
    # 40 days at 10 USD, the last 28 at 20 USD: 28 x 20 = 560; 560 x 365 / 28 = 7,300
    daily = {100 + day: (20 if day >= 12 else 10) * USD for day in range(40)}
    found = run_rate(daily, window(40))
    assert found.annual_nano == 7_300 * USD
    assert found.window == Window(start_day=112, end_day_exclusive=140)
    assert (found.low_nano, found.high_nano) == (7_300 * USD, 7_300 * USD)  # every week alike
    assert found.observed_nano == (12 * 10 + 28 * 20) * USD


def test_under_14_complete_days_there_is_only_the_observed_total() -> None:
    found = run_rate({100 + day: USD for day in range(13)}, window(13))
    assert found.annual_nano is None
    assert found.observed_nano == 13 * USD
    assert "13 complete days" in found.why_null


def test_a_missing_day_counts_as_zero_and_is_listed() -> None:
    daily = {100 + day: 28 * USD for day in range(28) if day != 5}
    found = run_rate(daily, window(28))
    assert found.gaps == (105,)
    assert found.annual_nano == annualised(27 * 28 * USD, 28)


def test_a_handful_of_days_with_data_is_no_year() -> None:
    found = run_rate({100: USD, 127: USD}, window(28))
    assert found.annual_nano is None
    assert found.why_null == "only 2 of the last 28 complete days have data; it needs 14"


def test_tokens_without_a_price_leave_no_figure_that_is_too_low() -> None:
    daily = {100 + day: USD for day in range(28)}
    tokens = dict.fromkeys(daily, 1_000)
    assert run_rate(daily, window(28), tokens=tokens, unpriced={100: 140}).annual_nano is not None  # 0.5 % exactly
    found = run_rate(daily, window(28), tokens=tokens, unpriced={100: 1_000})
    assert found.annual_nano is None
    assert found.why_null.startswith("3.6 % of the tokens")  # 1,000 of 28,000
    nothing = run_rate({}, window(28), tokens=tokens, unpriced=tokens)
    assert nothing.annual_nano is None


def test_an_interval_needs_four_whole_weeks() -> None:
    found = run_rate({100 + day: USD for day in range(21)}, window(21))
    assert found.annual_nano == 365 * USD
    assert (found.low_nano, found.high_nano) == (None, None)


def test_an_incident_day_is_listed_as_an_outlier_among_its_own_kind_of_day() -> None:
    # days 102 and 103 are a Saturday and Sunday (1970-01-01 was a Thursday: (day + 3) % 7 >= 5)
    daily = {100 + day: (3 if (100 + day + 3) % 7 >= 5 else 10) * USD for day in range(28)}
    daily[110] *= 4
    assert run_rate(daily, window(28)).outlier_days == (110,)


def test_the_first_and_last_day_of_a_call_export_are_taken_as_cut() -> None:
    assert complete_window(range(100, 131), [], as_of_day=500) == Window(start_day=101, end_day_exclusive=130)


def test_whole_day_buckets_count_once_the_day_is_over() -> None:
    assert complete_window([], range(100, 131), as_of_day=130) == Window(start_day=100, end_day_exclusive=130)


def test_no_days_at_all_is_no_window() -> None:
    assert complete_window([], [], as_of_day=500) is None
    assert complete_window([100, 101], [], as_of_day=500) is None


def test_the_trend_reads_the_line_at_its_end_and_90_days_need_90() -> None:
    # weekly totals rise by 7 USD a week from 7: week k (0-based) is 7 + 7k; the line at k = 25.5 is 185.5 a week
    daily = {100 + day: (1 + day // 7) * USD for day in range(182)}
    found = run_rate(daily, window(182))
    trend = {alternative.name: alternative.annual_nano for alternative in found.alternatives}
    assert abs(trend["6-month trend"] - 185.5 * 365 / 7 * USD) < USD
    short = run_rate({100 + day: USD for day in range(60)}, window(60))
    assert [alternative.annual_nano for alternative in short.alternatives] == [None, None]


@given(st.lists(st.integers(1, 10**13), min_size=28, max_size=60))
def test_the_interval_holds_the_estimate_when_weeks_are_whole(values: list[int]) -> None:
    daily = {100 + day: value for day, value in enumerate(values)}
    found = run_rate(daily, window(len(values)))
    assert found.annual_nano is not None
    assert found.low_nano is not None
    assert found.high_nano is not None
    slack = 1 + found.annual_nano // 10**9
    assert found.low_nano - slack <= found.annual_nano <= found.high_nano + slack
