"""The guard asks the past that the contract would have met: inside it, after the savings, in the year committed."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from size_making import contract, document, drawn, offer, own_paths, steady

from baseload.commit.size.demand import Ends
from baseload.commit.size.guard import break_even_usd, guard, past_of
from baseload.commit.size.shown import saving as shown_saving
from baseload.commit.size.terms import break_even_utilization
from baseload.commit.size.text import text_of
from baseload.demand.history import history_of
from baseload.demand.savings import Saving

HALF_OUTSIDE = [{"name": "claude_code", "usage_share": "0.5"}]
PILOT = history_of([3e3, 5e3, 9e3, 16e3, 28e3, 50e3], "2026-05")


def saving(likely: float, **more: object) -> Saving:
    return Saving(**{"name": "routing", "low": likely, "likely": likely, "high": likely, "ramp_months": 0.0, **more})


@pytest.mark.parametrize("share", ["0.15", "0.5", "0.9"])
def test_what_is_carved_out_leaves_the_break_even_share_of_the_commitment_where_it_was(share):
    carved = contract(100_000, carve_outs=[{"name": "claude_code", "usage_share": share}])
    assert break_even_utilization(carved) == pytest.approx(0.8)


def test_a_carve_out_does_not_switch_the_guard_off():
    found = document(offer("0.30", carve_outs=HALF_OUTSIDE), drawn(PILOT))
    assert found.guard.holds is False
    assert found.recommended.decision == "do_not_commit"
    assert "50 % that are carved out" in found.guard.says
    refused = next(one for one in found.alternatives if one.name == "refused_by_guard")
    # 70 % of it must be drawn, by half of what is spent; three digits and cents apart
    assert float(found.guard.break_even_usd) == pytest.approx(float(refused.commit_usd_by_year[0]) * 0.7 * 2, abs=0.02)


def test_a_commitment_that_no_use_makes_pay_does_not_pass():
    below = contract(100_000, bands=[{"from_usd": "500000", "discount": "0.2"}])
    assert break_even_utilization(below) == pytest.approx(1.0)  # no discount: every dollar must be used
    all_outside = contract(100_000, carve_outs=[{"name": "x", "usage_share": "1"}])
    assert break_even_usd(all_outside) == float("inf")
    found = guard(all_outside, drawn(steady(), count=20))
    assert (found.holds, found.break_even_usd) == (False, None)
    assert "No use of it" in found.says


def test_no_commitment_is_asked_of_nothing():
    found = guard(contract(0), drawn(steady(), count=20))
    assert (found.holds, found.break_even_usd, found.says) == (None, None, "There is no commitment to guard.")


def test_a_first_year_without_a_commitment_leaves_the_guard_to_the_next():
    ramp = contract(discount="0.20", term_months="24").sized(0, 10_000_000)
    found = guard(ramp, drawn(steady(), term=24, count=20))
    assert found.holds is False
    assert "year 2 pays from 8,000,000" in found.says


def test_the_past_counts_net_of_the_savings_that_are_pending():
    # 1.2M were spent, a commitment of 1.25M at 20 % off pays from 1.0M on; half is about to go, little of it comes back
    history = history_of(np.full(24, 100_000.0), "2025-01")
    gone = saving(0.5, probability=1.0, proven=True)
    plain, pending = (drawn(history, savings=one, count=50) for one in ((), [gone]))
    one = contract(1_250_000)
    assert past_of(plain, one).net_usd == pytest.approx(1_200_000)
    assert guard(one, plain).holds is True
    none, expected = (pending.scenarios[name].list_usd.sum() for name in ("none", "expected"))
    assert 0.5 <= expected / none < 0.65
    said = guard(one, pending)
    assert said.holds is False
    assert said.last_12_months_usd == "1200000.00"
    assert float(said.last_12_months_net_usd) == pytest.approx(1_200_000 * expected / none, abs=0.01)
    assert "1,200,000 were spent in the last 12 months (" in said.says
    assert "without the pending savings as expected)" in said.says


def test_of_the_past_only_what_is_covered_counts():
    demand = drawn(history_of(np.full(24, 100_000.0), "2025-01"), count=20)
    ends = Ends(in_usd=30.0, out_usd=60.0, unknown_usd=10.0, least=demand.expected, most=demand.expected)
    past = past_of(demand._replace(ends=ends), contract(100_000))
    assert (past.all_usd, past.net_usd) == pytest.approx((1_200_000, 360_000))


def test_the_trap_compares_with_what_is_left_inside_the_contract():
    # 600,000 inside of 1.2M: nothing is left of a tenth, so that 540,000 stand against the 600,000 committed
    demand = own_paths(1_200_000, savings=[saving(0.1, probability=0.01)])
    found = document(offer("0.20", carve_outs=HALF_OUTSIDE), demand)
    assert float(found.recommended.commit_usd_by_year[0]) > 540_000
    assert "run rate that remains if all pending changes succeed (540,000)" in found.warnings[0]


def test_the_refusal_names_what_it_costs_and_what_the_past_carries():
    found = document(offer("0.30"), drawn(PILOT), quick=False)
    refused, carried = (
        next(one for one in found.alternatives if one.name == name) for name in ("refused_by_guard", "past_supports")
    )
    reason = found.recommended.reason
    assert "past_supports" in reason
    for one in (refused, carried):
        assert f"{shown_saving(found, one):,.0f}" in reason
        assert f"{float(one.commit_usd_by_year[0]):,.0f}" in reason
    lines = text_of(found)
    assert reason in lines
    assert any("which the guard does not trust alone" in line for line in lines)


def test_the_verdict_names_no_share_where_none_breaks_even():
    found = document(offer("0.20"), own_paths(100_000, 200_000))
    never = replace(found.recommended, break_even_utilization=None)
    lines = text_of(replace(found, recommended=never))
    assert any("no use of it breaks even" in line for line in lines)
    assert not any("0 % must be" in line for line in lines)
