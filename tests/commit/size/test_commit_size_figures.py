"""Sizes small enough to be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from size_making import contract, document, drawn, offer, own_paths, steady, yearly

from baseload.commit.offer import read_offer
from baseload.commit.search.risk import Risk
from baseload.commit.size.figures import Case, cash_at_risk_usd, on_demand_usd, sized
from baseload.commit.size.terms import break_even_utilization, in_basis

FOUNDING = "examples/offers/founding-example.yaml"


def test_the_founding_example_costs_two_dollars_for_each_list_dollar_and_the_size_found_is_what_is_used(root):
    terms = read_offer((root / FOUNDING).read_bytes())
    found = document(terms, own_paths(800_000))
    offered = next(one for one in found.alternatives if one.name == "offered")
    # 2M list at 20 % is 1.6M cash; 0.8M is used: 1.6 / 0.8 = 2.00
    assert offered.expected_cost_usd == "1600000.00"
    assert offered.effective_rate == 2.0
    assert offered.utilization == 0.4
    # knowing 0.8M: commit to it, 0.8M x 0.8 = 0.64M
    assert found.recommended.commit_usd_by_year == ("800000.00",)
    assert found.recommended.expected_cost_usd == "640000.00"
    assert found.on_demand_usd == "800000.00"
    assert found.recommended.break_even_utilization == 0.8


def test_three_paths_at_twenty_percent_commit_to_the_lowest():
    # F(C*) = 0.20 < 1/3: the lowest of 100, 200, 300 thousand. Costs 80 + 0, 80 + 100, 80 + 200: mean 180
    found = document(offer("0.20"), own_paths(100_000, 200_000, 300_000)).recommended
    assert found.decision == "commit"
    assert found.commit_usd_by_year == ("100000.00",)
    assert found.expected_cost_usd == "180000.00"
    assert found.saving_usd == "20000.00"
    assert (found.saving_p10_usd, found.saving_p90_usd) == ("20000.00", "20000.00")  # 20 % of 100 on each path
    assert found.effective_rate == 0.9
    assert (found.utilization, found.p_shortfall, found.p_overage) == (1.0, 0.0, 0.666667)
    # each path alone costs 80, 160, 240: regret 0, 20, 40; the 95th percentile lies nine tenths between the last two
    assert (found.regret_mean_usd, found.regret_p95_usd, found.cvar_regret_usd) == ("20000.00", "38000.00", "40000.00")
    assert found.cash_at_risk_usd == "0.00"  # the 10th percentile, 120, uses all of it


def test_three_paths_at_forty_percent_commit_to_the_middle():
    # 1/3 < 0.40 < 2/3: 200 thousand, 120 in cash. Costs 120, 120, 220: mean 153.33
    found = document(offer("0.40"), own_paths(100_000, 200_000, 300_000)).recommended
    assert found.commit_usd_by_year == ("200000.00",)
    assert found.expected_cost_usd == "153333.33"
    assert (found.p_shortfall, found.p_overage, found.utilization) == (0.333333, 0.333333, 0.833333)
    assert found.regret_mean_usd == "33333.33"  # against 60, 120, 180: 60, 0, 40
    assert found.cash_at_risk_usd == "48000.00"  # of 120 cash the 10th percentile, 120 of 200 list, needs 72
    assert found.break_even_utilization == 0.6


def test_the_same_offer_in_net_dollars_commits_to_less_and_costs_the_same():
    paths = own_paths(100_000, 200_000, 300_000)
    listed, net = (document(offer("0.40", commit_basis=basis), paths).recommended for basis in ("list", "net"))
    assert net.commit_usd_by_year == ("120000.00",)
    assert net.expected_cost_usd == listed.expected_cost_usd
    assert net.cash_at_risk_usd == listed.cash_at_risk_usd


def test_years_of_a_ramp_are_sized_each_by_itself():
    demand = own_paths(120_000, months=24)
    rows = demand.expected.list_usd.copy()
    rows[:, 12:] *= 2
    grown = demand._replace(scenarios=dict.fromkeys(demand.scenarios, demand.expected.__class__(list_usd=rows)))
    found = document(offer("0.20", term_months="24"), grown).recommended
    assert found.commit_usd_by_year == ("120000.00", "240000.00")
    assert found.expected_cost_usd == "288000.00"  # 0.8 x 360
    assert [row.p_overage for row in found.by_year] == [0.0, 0.0]


def test_on_demand_is_not_signed_where_signing_nothing_costs_more():
    # overage at 1.5 times a committed rate of 0.9 from the first dollar: nothing signed is cheaper than no commitment
    terms = offer(
        "0.10", bands=[{"from_usd": "10000000", "discount": "0.1"}], overage={"rule": "multiple", "multiple": "1.5"}
    )
    found = document(terms, own_paths(100_000, 200_000))
    assert found.recommended.decision == "do_not_commit"
    assert found.recommended.expected_cost_usd == found.on_demand_usd == "150000.00"
    assert found.recommended.p_overage is None


def test_a_discount_without_a_commitment_is_signed_at_nothing():
    found = document(offer("0.20", overage="committed"), own_paths(100_000, 200_000)).recommended
    assert found.commit_usd_by_year == ("0.00",)
    assert found.expected_cost_usd == "120000.00"
    assert "sign it with none" in found.reason


def test_break_even_is_one_less_the_discount_and_lower_where_unused_dollars_come_back():
    assert break_even_utilization(contract(100_000)) == pytest.approx(0.8)
    assert break_even_utilization(contract(100_000, commit_basis="net")) == pytest.approx(0.8)
    # half of what was paid comes back: 0.8 - 0.4 (1 - u) = u, so u = 2/3
    half = contract(100_000, unused={"rule": "refund", "share": "0.5"})
    assert break_even_utilization(half) == pytest.approx(2 / 3)
    assert break_even_utilization(contract(0)) is None


def test_cash_at_risk_is_discounted_by_when_it_is_paid():
    totals = (60_000, 100_000)  # the 10th percentile is 64,000
    for payment, factor in (("annual", 1.0), ("arrears", 1 / 1.1)):
        terms = contract(100_000, payment=payment, wacc="0.1")
        paths = yearly(*totals)
        case = Case(terms, paths, on_demand_usd(terms, paths), np.arange(2), np.zeros(2))
        # 80,000 committed, of which 64 % is needed
        assert cash_at_risk_usd(case, sized(case, terms.commit_usd_by_year)) == pytest.approx(28_800 * factor)


def test_list_dollars_in_the_offers_own_basis():
    stepped = [{"from_usd": "0", "discount": "0.1"}, {"from_usd": "90000", "discount": "0.2"}]
    assert in_basis(contract(bands=stepped), 100_000) == 100_000
    # at 20 % 100,000 are 80,000 net, below the band's floor: so 90,000 at 10 %, which is that floor
    assert in_basis(contract(bands=stepped, commit_basis="net"), 100_000) == 90_000
    assert in_basis(contract(bands=stepped, commit_basis="net"), 200_000) == 160_000
    # marginal: the first 90,000 net are 100,000 list, 100,000 more list are 80,000 net
    assert in_basis(contract(bands=stepped, commit_basis="net", band_mode="marginal"), 200_000) == 170_000


def test_an_appetite_for_less_regret_is_shown_beside_the_least_cost_and_never_costs_less():
    demand = drawn(steady(wiggle=0.3))
    plain, careful = (document(offer("0.30"), demand, risk=risk) for risk in (None, Risk(cvar_weight=1.0)))
    least = next(one for one in careful.alternatives if one.name == "least_cost")
    assert least.commit_usd_by_year == plain.recommended.commit_usd_by_year
    assert float(careful.recommended.expected_cost_usd) >= float(plain.recommended.expected_cost_usd)
    assert float(careful.recommended.cvar_regret_usd) <= float(plain.recommended.cvar_regret_usd)


def test_a_budget_bounds_what_is_expected_to_go_unused_and_the_reason_says_so():
    # 100 to 1,000 thousand at 40 % off: 400 thousand without a budget. At 200 thousand 100 are unused once in ten
    demand = own_paths(*range(100_000, 1_000_001, 100_000))
    found = document(offer("0.40"), demand, risk=Risk(shortfall_budget_usd=6_000.0))
    assert found.recommended.commit_usd_by_year == ("200000.00",)
    assert found.recommended.expected_unused_usd == "6000.00"  # 0.6 x 10,000
    assert "6,000 paid for it is expected to go unused; the budget is 6,000" in found.recommended.reason
    assert next(one for one in found.alternatives if one.name == "least_cost").expected_unused_usd == "36000.00"


def test_the_recommended_size_costs_no_more_than_any_other_on_the_page():
    found = document(offer("0.25"), drawn(steady(growth=0.02)))
    best = float(found.recommended.expected_cost_usd)
    others = [float(one.expected_cost_usd) for one in (*found.alternatives, *found.curve)]
    assert best <= min(others) + 0.01
    assert {one.name for one in found.alternatives} >= {
        "no_commitment", "trend", "last_two_months", "floor", "demand_p50", "cvar_of_regret",
    }  # fmt: skip


def test_a_contract_priced_by_the_month_is_sized_too():
    rolls = {"rule": "roll", "months": "6", "share": "0.5"}
    found = document(offer("0.20", period="quarter", unused=rolls), drawn(steady(), count=60))
    assert found.recommended.decision == "commit"
    assert 0 < found.recommended.p_overage <= 1


def test_a_commitment_tested_by_the_month_says_so_and_names_no_chance_of_a_year():
    found = document(offer("0.20", period="month"), own_paths(120_000, 240_000)).recommended.buffer
    assert (found.fill_chance, found.needed_chance) == (None, None)
    assert "tested by the month" in found.says


def test_less_than_half_a_dollar_over_is_no_overage():
    found = document(offer("0.20"), own_paths(800_000.04)).recommended
    assert (found.commit_usd_by_year, found.p_shortfall, found.p_overage) == (("800000.00",), 0.0, 0.0)
