"""A move of list prices on the contract already signed: what it costs, and which counter the contract allows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from baseload.commit.clauses import Band, Overage, PriceRule, Renewal, StepDown, Termination, Unused
from baseload.commit.contract import Contract
from baseload.commit.current import CurrentContract
from baseload.commit.impact.counters import Move, contract_impact
from baseload.commit.impact.document import ContractImpact, Counter

FIXED = PriceRule(rule="fixed_price")


def signed(remaining: int, **terms: Any) -> CurrentContract:
    """1,200 a year from 2026-03-01 at 20 %, 960 paid; six whole months are left on 2026-09-01."""
    given: dict[str, Any] = {
        "term_months": 12,
        "commit_usd_by_year": (Decimal(1_200),),
        "commit_basis": "list",
        "bands": (Band(from_usd=Decimal(0), discount=Decimal("0.20")),),
        "overage": Overage(rule="list"),
        "unused": Unused(rule="forfeit"),
    }
    return CurrentContract(
        terms=Contract(**{**given, **terms}),
        start=dt.date(2026, 3, 1),
        end=dt.date(2027, 3, 1),
        as_of=dt.date(2026, 9, 1),
        paid_usd=Decimal(960),
        remaining_usd=Decimal(remaining),
    )


def weighed(current: CurrentContract, index: float, newer: float = 0.0) -> ContractImpact:
    """100 list dollars a month before the move."""
    return contract_impact(current, Move(covered_usd=1_200, left_out_usd=0, price_index=index, new_model_share=newer))


def counter(found: ContractImpact, name: str) -> Counter:
    return next(one for one in found.counters if one.counter == name)


def test_a_cut_is_no_cash_while_the_balance_lasts_and_a_reforecast_is_the_counter() -> None:
    """600 left and 600 used becomes 300: half of the balance is lost; half of 600 back at 0.80 is 240."""
    found = weighed(signed(600), 0.5)
    assert (found.cash_before_usd, found.cash_after_usd, found.lost_after_usd) == ("0.00", "0.00", "300.00")
    fell = counter(found, "lower_of")
    assert (fell.allowed, fell.saves_usd) == (True, "0.00")  # off current list: the fall arrives, in the balance
    asked = counter(found, "reforecast")
    assert (asked.allowed, asked.saves_usd) == (False, "240.00")
    assert "may reduce the part of the Committed Amount that is not drawn yet by up to 50.0 %" in asked.wording
    assert counter(found, "re_open").saves_usd == "240.00"


def test_a_fixed_price_misses_a_cut_beyond_the_balance() -> None:
    """Nothing left: 600 of usage at list before; after the cut 300 at list, whatever the rule."""
    found = weighed(signed(0, price_rule=FIXED), 0.5)
    assert (found.cash_before_usd, found.cash_after_usd) == ("600.00", "300.00")
    fell = counter(found, "lower_of")
    assert not fell.allowed
    assert "lower of that published" in fell.wording


def test_a_fixed_price_under_a_balance_draws_as_at_signature_and_asking_for_lower_of_says_what_it_costs() -> None:
    """400 left: fixed draws 100 a month, 200 of work runs over, now at half: 100. Lower-of draws 300 in all: 0."""
    found = weighed(signed(400, price_rule=FIXED), 0.5)
    assert found.cash_after_usd == "100.00"
    assert counter(found, "lower_of").saves_usd == "100.00"


def test_a_rise_is_kept_out_by_a_held_price_and_else_has_to_be_asked_for() -> None:
    """300 left, list up by half: 900 of usage. Off current list 600 run over. Held, 300 of 600 do, at 1.5: 450."""
    loose = weighed(signed(300), 1.5)
    assert (loose.cash_before_usd, loose.cash_after_usd) == ("300.00", "600.00")
    assert (counter(loose, "lower_of").allowed, counter(loose, "lower_of").saves_usd) == (False, "150.00")
    held = weighed(signed(300, price_rule=PriceRule(rule="lower_of")), 1.5)
    assert held.cash_after_usd == "450.00"
    assert (counter(held, "lower_of").allowed, counter(held, "lower_of").saves_usd) == (True, "150.00")
    assert held.counters[0].allowed  # rights first


def test_a_hold_that_is_over_is_no_right() -> None:
    over = signed(300, price_rule=FIXED, hold_months=6)
    assert not counter(weighed(over, 1.5), "lower_of").allowed


def test_substitution_keeps_newer_models_at_the_price_of_those_they_replace() -> None:
    """All usage on newer models, list up by half, 300 left: same discount 600 over, substituted 450."""
    asked = counter(weighed(signed(300, price_rule=FIXED), 1.5, newer=1.0), "substitution")
    assert (asked.allowed, asked.saves_usd) == (False, "150.00")
    right = signed(300, price_rule=FIXED, new_model_rule="family_substitution")
    kept = counter(weighed(right, 1.5, newer=1.0), "substitution")
    assert (kept.allowed, kept.saves_usd) == (True, "150.00")
    assert "100 % of the usage" in kept.says


def test_a_step_down_still_ahead_is_a_right_with_its_dollars() -> None:
    """A quarter of 600 back at 0.80."""
    right = signed(600, step_down=StepDown(windows=(8,), share=Decimal("0.25")))
    found = counter(weighed(right, 0.5), "reforecast")
    assert (found.allowed, found.saves_usd, found.wording) == (True, "120.00", "")
    assert "months 8" in found.clause


def test_what_re_opens_a_contract_is_named() -> None:
    """A rise: 600 run over at list, at the committed rate 480."""
    closed = counter(weighed(signed(300), 1.5), "re_open")
    assert (closed.allowed, closed.saves_usd) == (False, "120.00")
    leave = signed(
        300, termination=Termination(month=9, share=Decimal("0.5")), renewal=Renewal(auto=True, notice_days=90)
    )
    found = counter(weighed(leave, 1.5), "re_open")
    assert found.allowed
    assert "termination in month 9 for 50 % of the rest; renews by itself unless stopped by 2026-12-01" in found.clause


def test_without_a_move_nothing_changes() -> None:
    found = weighed(signed(600), 1.0)
    assert found.cash_before_usd == found.cash_after_usd
    assert found.list_change == 0


@pytest.mark.parametrize("index", [0.2, 0.9, 1.1, 3.0])
@pytest.mark.parametrize("remaining", [0, 300, 600, 1_200])
def test_no_counter_is_worth_less_than_nothing(index: float, remaining: int) -> None:
    found = weighed(signed(remaining), index, newer=0.3)
    assert min(float(one.saves_usd) for one in found.counters) >= 0
    assert {one.counter for one in found.counters} == {"lower_of", "reforecast", "substitution", "re_open"}


def test_what_is_asked_for_is_what_is_priced_and_worded() -> None:
    """600 left, 400 used: a third is never used. 33.3 % of 600 back at 0.80 is 159.84, and nothing lies in the past."""
    found = counter(weighed(signed(600), 2 / 3), "reforecast")
    assert (found.saves_usd, found.says.count("33.3 %"), found.wording.count("33.3 %")) == ("159.84", 1, 1)
    assert "seventh month" not in found.wording
    assert f"with effect from {signed(600).as_of}" in found.wording
    nothing = counter(weighed(signed(0), 1.0), "reforecast")
    assert (nothing.saves_usd, nothing.wording) == ("0.00", "")
    assert "nothing would be left unused" in nothing.says
