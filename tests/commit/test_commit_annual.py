"""Yearly totals price a contract as the months do, where no clause looks inside the year."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from commit_making import LADDER, contract, contracts, usages
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from baseload.commit.annual import annual_cost, why_not_annual, year_cost
from baseload.commit.clauses import Channel, PriceRule, RollCondition, TrueForward, Unused
from baseload.commit.contract import Contract
from baseload.commit.paths import paths_of
from baseload.commit.refusal import CommitError
from baseload.commit.simulate import simulate


@settings(max_examples=120, deadline=None)
@given(data=st.data(), one=contracts())
def test_yearly_totals_cost_what_the_months_do(data: st.DataObject, one: Contract) -> None:
    unused = one.unused if one.unused.rule in ("forfeit", "refund") else replace(
        one.unused, rule="roll", months=12, share=Decimal("0.5")
    )  # fmt: skip
    one = replace(one, period="year", unused=unused, roll_condition=None, true_forward=None, credits_usd=Decimal(0))
    assert why_not_annual(one) == ""
    sizes = np.array(data.draw(st.lists(
        st.lists(st.integers(0, 3_000), min_size=one.years, max_size=one.years), min_size=1, max_size=3
    )), dtype=float)  # fmt: skip
    usage = data.draw(usages(one.term_months, 3))
    yearly = np.stack([part.sum(axis=1) for part in np.split(usage, range(12, one.term_months, 12), axis=1)], axis=1)
    found = annual_cost(one, yearly, sizes)
    for size, row in zip(sizes, found, strict=True):
        sized = replace(one, commit_usd_by_year=tuple(Decimal(int(commit)) for commit in size))
        assert row == pytest.approx(simulate(sized, paths_of(usage)).cost_usd, rel=1e-9, abs=1e-6)


def test_years_that_do_not_touch_are_priced_one_by_one() -> None:
    one = contract(0, 0, bands=LADDER)
    usage, sizes = np.array([[700.0, 1_500.0]]), np.array([[500.0, 1_000.0]])
    parts = [year_cost(one, usage[:, year], sizes[:, year]) for year in (0, 1)]
    assert parts[0].tolist() == [[450 + 200]]
    assert parts[1].tolist() == [[800 + 500]]
    assert annual_cost(one, usage, sizes).tolist() == [[1_950]]


def test_the_order_of_rolled_and_new_dollars_reaches_the_third_year() -> None:
    """As by the month: year 1 leaves 600 of 1,000; years of 1,000 and 1,600 need no more, or 600 at list."""
    one = contract(0, 0, 0, unused=Unused(rule="roll", months=12))
    usage, sizes = np.array([[400.0, 1_000.0, 1_600.0]]), np.array([[1_000.0] * 3])
    assert annual_cost(one, usage, sizes).tolist() == [[2_400]]
    assert annual_cost(replace(one, roll_order="new_first"), usage, sizes).tolist() == [[3_000]]


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"period": "quarter"}, "period quarter"),
        ({"period": "term"}, "period term"),
        ({"unused": Unused(rule="credit")}, "unused credit"),
        ({"unused": Unused(rule="roll", months=6)}, "unused roll for other than 12 months"),
        (
            {"unused": Unused(rule="roll", months=12), "roll_condition": RollCondition(renew_at_least=Decimal(1))},
            "roll_condition",
        ),
        ({"credits_usd": Decimal(1)}, "credits_usd"),
        ({"true_forward": TrueForward(share=Decimal(1))}, "true_forward"),
        (
            {"channel": Channel(name="aws", shadow_value=Decimal("0.1"), cloud_commit_usd_per_year=Decimal(100))},
            "channel",
        ),
    ],
)
def test_what_yearly_totals_cannot_price_is_refused(terms: dict, reason: str) -> None:
    one = contract(1, 1, **terms)
    assert why_not_annual(one) == reason
    with pytest.raises(CommitError, match=reason):
        annual_cost(one, np.zeros((1, 2)), np.zeros((1, 2)))


def test_the_price_rule_does_not_matter_while_prices_stay() -> None:
    one = contract(500, price_rule=PriceRule(rule="lower_of"))
    assert annual_cost(one, np.array([[700.0]]), np.array([[500.0]])).tolist() == [[600.0]]
    with pytest.raises(CommitError, match="1 years in both"):
        annual_cost(one, np.zeros((1, 2)), np.zeros((1, 1)))
