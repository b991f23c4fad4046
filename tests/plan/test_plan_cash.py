"""From list dollars to cash: worked by hand, in dollars a day so that every sum can be checked by eye."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planned_cases import USD

from baseload.plan.cash import CashYear, Commitment, Level, cash_year, effective_rate, fiscal_year
from baseload.values import NANO_PER_CENT, day_of_date


def day(text: str) -> int:
    return day_of_date(dt.date.fromisoformat(text))


A_YEAR = 365 * 100 * USD  # $100 a day at list
HALF = 365 * 50 * USD
TODAY = day("2026-12-01")  # 31 days to the end of a calendar year


def walk(
    commitment: Commitment | None = None, levels: tuple[Level, ...] = (Level(TODAY, HALF),), **other: object
) -> CashYear:
    given: dict[str, object] = {"as_of_day": TODAY, "commitment": commitment, **other}
    return cash_year(A_YEAR, levels, **given)  # type: ignore[arg-type]


def test_without_a_commitment_every_dollar_saved_is_cash() -> None:
    """31 days x $100 = $3,100 before; half of it after, at 80 % of list: $1,240 saved."""
    found = walk(rate=Decimal("0.8"))
    assert (found.list_saved_nano, found.effective_saved_nano) == (1_550 * USD, 1_240 * USD)
    assert found.cash_saved_nano == 1_240 * USD
    assert found.sentence == "Every dollar saved is cash."


def test_a_balance_that_outlasts_the_year_saves_no_cash_and_says_what_is_left() -> None:
    """$5,000 prepaid: $3,100 drawn before, $1,550 after. $1,550 more is left on 1 January."""
    found = walk(Commitment(balance_nano=5_000 * USD, ends_day=day("2027-06-01")))
    assert found.cash_saved_nano == 0
    assert (found.balance_before_nano, found.balance_after_nano) == (1_900 * USD, 3_450 * USD)
    assert found.sentence == (
        "No cash is saved this fiscal year: $1,550 more is left of the prepaid balance when the year ends."
    )


def test_a_balance_that_is_forfeited_inside_the_year_turns_savings_into_nothing() -> None:
    """$2,000 until 21 December: 20 days. Before, $2,000 drawn, nothing lost. After, $1,000 drawn and $1,000 lost.

    Then 11 days of cash: $1,100 before, $550 after.
    """
    found = walk(Commitment(balance_nano=2_000 * USD, ends_day=day("2026-12-21")))
    assert (found.forfeited_before_nano, found.forfeited_after_nano) == (0, 1_000 * USD)
    assert found.cash_saved_nano == 550 * USD
    assert found.sentence == "$550 of $1,550 saved is cash: $1,000 more of it is forfeited when the commitment ends."


def test_a_commitment_that_ends_with_the_year_forfeits_what_is_left() -> None:
    found = walk(Commitment(balance_nano=5_000 * USD, ends_day=day("2027-01-01")))
    assert (found.balance_after_nano, found.forfeited_after_nano) == (0, 3_450 * USD)


def test_cash_begins_when_the_balance_is_gone() -> None:
    """$1,000 prepaid lasts 10 days before and 20 after: $2,100 of cash before, $550 after."""
    found = walk(Commitment(balance_nano=1_000 * USD, ends_day=day("2027-06-01")))
    assert found.cash_saved_nano == 1_550 * USD
    assert (found.gone_before_day, found.gone_after_day) == (day("2026-12-11"), day("2026-12-21"))
    assert found.sentence == "Every dollar saved is cash."


def test_what_goes_beyond_the_balance_costs_the_overage_rate() -> None:
    """80 % of list inside: $2,480 and $1,240 charged. $1,240 prepaid: after, nothing beyond it. Before, half of the
    usage, $1,550 of list, goes beyond it at list."""
    found = walk(
        Commitment(balance_nano=1_240 * USD, ends_day=day("2027-06-01"), overage_rate=Decimal(1)), rate=Decimal("0.8")
    )
    assert found.cash_saved_nano == 1_550 * USD
    assert found.effective_saved_nano == (1_240 + 1_550 - 1_240) * USD


def test_savings_count_from_the_day_they_land() -> None:
    """Nothing for ten days, then half: 21 days x $50."""
    found = walk(levels=(Level(day("2026-12-11"), HALF),))
    assert found.cash_saved_nano == 1_050 * USD


def test_a_later_level_replaces_the_one_before_it() -> None:
    """10 days at $50, 21 days at $100."""
    found = walk(levels=(Level(TODAY, HALF), Level(day("2026-12-11"), A_YEAR)))
    assert found.cash_saved_nano == (500 + 2_100) * USD


def test_nothing_that_lands_after_the_year_counts() -> None:
    found = walk(levels=(Level(day("2027-01-01"), HALF),))
    assert found.cash_saved_nano == 0
    assert found.sentence == "Nothing lands before the fiscal year ends."


def test_months_are_charged_in_whole_cents() -> None:
    """$1 a year is 31/365 of a dollar in December: 8.49 cents, so 8; over January too (31 days) 16."""
    found = cash_year(USD, (Level(TODAY, USD),), as_of_day=TODAY, fiscal_start_month=2)
    assert [part.charge_before_nano for part in found.parts] == [8 * NANO_PER_CENT, 8 * NANO_PER_CENT]
    assert found.cash_saved_nano == 16 * NANO_PER_CENT


@pytest.mark.parametrize(
    ("at", "month", "start", "end"),
    [
        ("2026-11-22", 1, "2026-01-01", "2027-01-01"),
        ("2026-11-22", 12, "2025-12-01", "2026-12-01"),
        ("2026-11-22", 11, "2026-11-01", "2027-11-01"),
        ("2026-02-01", 2, "2026-02-01", "2027-02-01"),
        ("2026-01-31", 2, "2025-02-01", "2026-02-01"),
    ],
)
def test_a_fiscal_year_starts_on_the_first_of_its_month(at: str, month: int, start: str, end: str) -> None:
    found = fiscal_year(day(at), month)
    assert (found.start_day, found.end_day_exclusive) == (day(start), day(end))


def test_there_is_no_thirteenth_month() -> None:
    with pytest.raises(ValueError, match="month 13; expected 1 to 12"):
        fiscal_year(TODAY, 13)


def test_the_effective_rate_is_billed_over_list() -> None:
    assert effective_rate(80 * USD, 100 * USD) == Decimal("0.800000000")
    assert effective_rate(1, 3) == Decimal("0.333333333")
    assert effective_rate(5, 0) is None


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**16),
    st.integers(0, 10**15),
    st.integers(-40, 800),
    st.integers(1, 12),
    st.decimals(Decimal("0.05"), Decimal("1.2"), places=4),
)
def test_no_dollar_is_lost_between_balance_cash_and_forfeit(
    annual: int, balance: int, ends_in: int, month: int, rate: Decimal
) -> None:
    """What was prepaid is drawn, left or forfeited; and spending less never costs more cash."""
    commitment = Commitment(balance_nano=balance, ends_day=TODAY + ends_in)
    found = cash_year(
        annual,
        (Level(TODAY + 3, annual // 2),),
        as_of_day=TODAY,
        fiscal_start_month=month,
        rate=rate,
        commitment=commitment,
    )
    for charge, cash, left, lost in (
        ("charge_before_nano", "cash_before_nano", found.balance_before_nano, found.forfeited_before_nano),
        ("charge_after_nano", "cash_after_nano", found.balance_after_nano, found.forfeited_after_nano),
    ):
        drawn = sum(getattr(part, charge) - getattr(part, cash) for part in found.parts)
        assert drawn + left + lost == balance
    assert found.cash_saved_nano >= 0
    assert found.cash_saved_nano <= found.effective_saved_nano
