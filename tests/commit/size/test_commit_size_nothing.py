"""No commitment has one price on every page: the offer signed with none, or on demand, whichever is cheaper."""

from __future__ import annotations

import pytest
from size_making import document, drawn, offer, own_paths, steady

from baseload.commit.band_sets import CENTRAL
from baseload.commit.size.demand import Ends
from baseload.demand.savings import Saving

BANDS = [{"from_usd": str(one.from_usd), "discount": str(one.discount)} for one in CENTRAL.bands]
DEAR = {"rule": "multiple", "multiple": "1.3"}


def test_a_spend_below_the_first_band_is_paid_on_demand_everywhere():
    """60 to 90 thousand: no band. Signed at nothing each dollar would cost 1.30."""
    cut = Saving(name="routing", low=0.3, likely=0.3, high=0.3, ramp_months=0.0, probability=1.0, proven=True)
    demand = own_paths(60_000, 70_000, 80_000, 90_000, savings=[cut])
    found = document(offer(bands=BANDS, overage=DEAR), demand, quick=False)
    listed = float(found.on_demand_usd)
    assert found.recommended.decision == "do_not_commit"
    assert float(found.recommended.expected_cost_usd) == listed
    assert found.curve[0].commit_usd == "0.00"
    assert float(found.curve[0].expected_cost_usd) == listed
    for row in found.scenarios:
        assert float(row.expected_cost_usd) <= float(row.on_demand_usd)
        assert row.recommended_cost_usd == row.on_demand_usd
    assert all(float(one.expected_cost_usd) <= listed for one in found.bands.sets)
    for bar in found.tornado:
        assert bar.cost_low_usd == bar.held_cost_low_usd
        assert bar.cost_high_usd == bar.held_cost_high_usd
    bands = next(bar for bar in found.tornado if bar.input == "bands")
    assert float(bands.cost_low_usd) == float(bands.cost_high_usd) == listed
    plans = {one.plan: one for one in found.timing}
    assert plans["day_0"].expected_cost_usd == plans["on_demand"].expected_cost_usd


def test_next_to_no_demand_is_said_as_such():
    reason = document(offer("0.20", overage="committed"), own_paths(0.01, 0.02)).recommended.reason
    assert "next to no demand" in reason


def test_nothing_in_scope_is_said_as_such():
    demand = drawn(steady(), count=20)
    none = demand.expected.__class__(list_usd=demand.expected.list_usd * 0)
    ends = Ends(in_usd=0.0, out_usd=1_000.0, unknown_usd=0.0, least=none, most=none)
    empty = demand._replace(scenarios=dict.fromkeys(demand.scenarios, none), ends=ends)
    found = document(offer("0.20"), empty)
    assert found.recommended.reason.startswith("Nothing is in scope")
    assert found.scope.says.startswith("Nothing is in scope")
    assert any(one.startswith("Nothing is in scope") for one in found.warnings)


@pytest.mark.parametrize("terms", [{}, {"overage": DEAR}])
def test_an_ask_worth_nothing_is_worth_no_points(terms):
    found = document(offer("0.20", wacc="0", **terms), own_paths(80_000, 100_000, 120_000), quick=False)
    nothing = [one for one in found.clauses if one.value_usd == "0.00"]
    assert nothing
    assert all(one.discount_points is None and not one.points_beyond for one in nothing)
    assert any(one.discount_points is not None for one in found.clauses)
