"""Contracts one after the other: bridge then sign, route first, renew; and the founding example."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from commit_making import LADDER, contract, even, monthly

from baseload.commit.clauses import Bridge, PriceRule, Renewal, RollCondition, Unused
from baseload.commit.founding import founding_contract, founding_paths, order_table, ramping_paths
from baseload.commit.legs import Leg, bridge_of, forfeits, renewed, simulate_legs
from baseload.commit.refusal import CommitError
from baseload.commit.simulate import simulate


@pytest.mark.parametrize("years", [1, 2, 3])
def test_the_founding_example(years: int) -> None:
    """2M list at 20 % is 1.6M cash a year; 0.8M used makes that 2.00 dollars for a list dollar, every year."""
    one = founding_contract(Decimal(2_000_000), 12 * years)
    found = simulate(one, founding_paths(years))
    assert found.cost_usd[0] == pytest.approx(1_600_000 * years)
    assert found.effective_rate[0] == pytest.approx(2.0)
    assert found.lost[0] == pytest.approx(1_200_000 * years)


def test_route_first_then_commit_against_commit_first_on_the_same_paths() -> None:
    """2M a year falls to 0.8M over three months, in steps of 33,333 a month from 166,667.

    Year 1 lists 166,667 + 133,333 + 100,000 + 9 x 66,667 = 1,000,000. Commit first: 1.6M a year. Route first: those
    400,000 on demand, then 0.8 x 600,000 = 480,000; each later year 0.8 x 800,000 = 640,000.
    """
    rows = {(row.years, row.order): row for row in order_table(ramping_paths(3))}
    costs = {key: row.cost_usd for key, row in rows.items()}
    assert costs == {
        (1, "commit first"): 1_600_000, (1, "route first"): 880_000, (1, "on demand"): 1_000_000,
        (2, "commit first"): 3_200_000, (2, "route first"): 1_520_000, (2, "on demand"): 1_800_000,
        (3, "commit first"): 4_800_000, (3, "route first"): 2_160_000, (3, "on demand"): 2_600_000,
    }  # fmt: skip
    assert rows[1, "commit first"].unused_usd == 1_000_000
    assert rows[1, "route first"].effective_rate == 0.88
    assert rows[1, "route first"].committed_cash_usd == 480_000


def test_months_without_a_contract_are_on_demand() -> None:
    """Three months at 100, then 100 a month of 1,200 at 20 %: 300 + 960, discounted at 21 % from each due date."""
    found = simulate_legs([Leg(contract=contract(1_200), start=3)], monthly(*[100.0] * 15), wacc=0.21)
    month = 1.21 ** (-1 / 12)
    assert found.cost_usd[0] == pytest.approx(300 + 960)
    assert found.npv_usd[0] == pytest.approx(100 * (month + month**2 + month**3) + 960 * month**3)
    assert found.effective_rate[0] == pytest.approx(1_260 / 1_500)


def test_a_renewal_that_is_large_enough_draws_what_rolled() -> None:
    """400 of 1,000 left; into a renewal of 1,000 without a gap they roll, into 900 or after a gap they do not."""
    unused = {"unused": Unused(rule="roll", months=12), "roll_condition": RollCondition(renew_at_least=Decimal(1))}
    first = Leg(contract=contract(1_000, **unused), start=0)
    usage = even(600, 1_400)
    assert simulate_legs([first, Leg(contract=contract(1_000), start=12)], usage).cost_usd[0] == pytest.approx(1_600)
    assert simulate_legs([first, Leg(contract=contract(900), start=12)], usage).cost_usd[0] == pytest.approx(2_020)
    later = monthly(*[50.0] * 12, 0.0, *[1_400 / 12] * 12)
    assert simulate_legs([first, Leg(contract=contract(1_000), start=13)], later).cost_usd[0] == pytest.approx(2_000)


def test_a_price_held_from_a_later_signature_is_that_months() -> None:
    """List doubles in month 12; signed then, a fixed price holds the doubled one; signed before, the first."""
    index = np.array([[1.0] * 12 + [2.0] * 12])
    fixed = contract(1_200, price_rule=PriceRule(rule="fixed_price"))
    usage = even(1_200, 2_400, price_index=index)
    assert simulate_legs([Leg(contract=fixed, start=12)], usage).cost_usd[0] == pytest.approx(1_200 + 960 + 1_200)
    before = Leg(contract=fixed, start=12, signed_then=False)
    assert simulate_legs([before], usage).cost_usd[0] == pytest.approx(1_200 + 960)


def test_a_bridge_is_a_short_contract_at_its_own_discount() -> None:
    """3 months, 300 at 8 %; 400 used: 276 + 100."""
    bridge = Bridge(term_months=3, discount=Decimal("0.08"), commit_usd=Decimal(300), resign="frozen")
    one = bridge_of(contract(1_200, bands=LADDER, bridge=bridge))
    assert simulate(one, monthly(100, 100, 200)).cost_usd[0] == pytest.approx(276 + 100)
    with pytest.raises(CommitError, match="bridge: missing"):
        bridge_of(contract(1))


def test_a_renewal_under_its_cap() -> None:
    """0.8 may rise by 5 % to 0.84; at least 80 % of the last year's 1,000. Without a cap the next term is at list."""
    renewal = Renewal(auto=True, rate_cap=Decimal("0.05"), commit_floor=Decimal("0.8"))
    one = renewed(contract(500, 1_000, renewal=renewal))
    assert one.commit_usd_by_year == (800, 800)
    assert simulate(one, even(800, 800)).cost_usd[0] == pytest.approx(0.84 * 1_600)
    assert renewed(contract(500)).bands[0].discount == 0


def test_legs_that_overlap_or_reach_too_far_are_refused() -> None:
    one = contract(1)
    with pytest.raises(CommitError, match="legs: months 6 to 18; expected inside 12 to 24"):
        simulate_legs([Leg(contract=one, start=0), Leg(contract=one, start=6)], even(1, 1))
    with pytest.raises(CommitError, match="legs: months 13 to 25"):
        simulate_legs([Leg(contract=one, start=13)], even(1, 1))


def test_the_base_of_every_unused_clause_forfeits() -> None:
    rolling = contract(1, unused=Unused(rule="roll"), roll_condition=RollCondition(renew_at_least=Decimal(1)))
    assert forfeits(rolling) == contract(1)
