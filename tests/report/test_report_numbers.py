"""How figures read: never more than they say, never zero for missing."""

from __future__ import annotations

import doctest
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseload.report import numbers


def test_the_examples_in_the_module_hold() -> None:
    assert doctest.testmod(numbers).failed == 0


@pytest.mark.parametrize(
    ("amount", "places", "text"),
    [
        ("1234567.895", 0, "$1,234,568"),
        ("1234567.895", 2, "$1,234,567.90"),  # half to even: …89|5 goes to the even …90
        ("0.5", 0, "<$1"),  # half to even would say $0, and it is not nothing
        ("0.51", 0, "$1"),
        ("-0.2", 0, "−<$1"),
        ("-0.004", 2, "−<$0.01"),
        ("0", 0, "$0"),
        ("0.00", 2, "$0.00"),
        ("-1999.5", 0, "−$2,000"),
    ],
)
def test_dollars_are_rounded_half_even_and_a_real_amount_never_reads_as_zero(
    amount: str, places: int, text: str
) -> None:
    assert numbers.usd(amount, places) == text


def test_missing_money_is_a_dash_and_not_zero() -> None:
    assert numbers.usd(None) == numbers.usd_range(None, "1") == numbers.usd_each(None) == numbers.count(None) == "—"


@pytest.mark.parametrize(("total", "places"), [("9999.99", 2), ("10000", 0), ("-25000", 0), ("0", 2)])
def test_cents_are_shown_only_while_they_matter(total: str, places: int) -> None:
    assert numbers.places_for(total) == places


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1234.5", "$1,234.50"), ("0.1", "$0.10"), ("0.00012345", "$0.0001234"), ("0", "$0.00"), ("-0.5", "−$0.50")],
)
def test_cost_per_inference_keeps_four_digits(amount: str, text: str) -> None:
    assert numbers.usd_each(amount) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (9_999, "9,999"),
        (10_000, "10.00\xa0k"),
        (999_999_999, "1.000\xa0B"),
        (-123_456, "−123.5\xa0k"),
        (7_000_000_000_000, "7.000\xa0T"),
    ],
)
def test_large_counts_keep_four_digits(number: int, text: str) -> None:
    assert numbers.compact(number) == text


def test_a_tiny_share_is_not_zero_percent() -> None:
    assert numbers.share(0.0004) == "<0.1\xa0%"
    assert numbers.share(0.0006) == "0.1\xa0%"
    assert numbers.share(-0.018) == "−1.8\xa0%"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**12), max_value=10**12))
def test_shown_dollars_are_within_half_a_unit_of_the_exact_amount(amount: Decimal) -> None:
    text = numbers.usd(f"{amount:f}", 2)
    if "<" in text:
        assert 0 < abs(amount) <= Decimal("0.005")
        return
    shown = Decimal(text.replace("−", "-").replace("$", "").replace(",", ""))
    assert abs(shown - amount) <= Decimal("0.005")


def test_neighbouring_days_read_as_one_run_and_many_runs_are_counted() -> None:
    every_other = [f"2026-10-{day:02d}" for day in range(1, 31, 2)]  # fifteen days, fifteen runs

    assert numbers.day_runs(every_other, most=2) == "2026-10-01, 2026-10-03 and 13\xa0days more"
    assert numbers.day_runs([]) == ""
