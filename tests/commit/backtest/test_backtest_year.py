"""One year of an offer, sizes read off months, and the careful choice: by hand."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from baseload.commit.backtest.decide import careful, choose, decide, decide_carefully
from baseload.commit.backtest.outcomes import figures
from baseload.commit.backtest.rules import floor, last_two_months, trend
from baseload.commit.backtest.year import YearOffer, first_year, in_basis, least_cost_usd, year_paths
from baseload.commit.clauses import Band, Overage, Unused
from baseload.commit.contract import Contract


def offer(**terms: object) -> YearOffer:
    """10 % from 100 dollars, 20 % from 1,000; list basis, overage at list, unused forfeited."""
    bands = tuple(Band(from_usd=Decimal(usd), discount=Decimal(share)) for usd, share in ((100, "0.1"), (1_000, "0.2")))
    given = {
        "term_months": 12,
        "commit_basis": "list",
        "bands": bands,
        "overage": Overage(rule="list"),
        "unused": Unused(rule="forfeit"),
    }
    return first_year(Contract(**{**given, **terms}))


def test_a_longer_offer_is_cut_to_a_year_and_its_clauses_are_named():
    found = offer(term_months=36, unused=Unused(rule="roll", months=12), period="quarter")
    assert found.months == 12
    assert found.left_out == ("unused roll", "period quarter")
    assert found.contract.unused.rule == "forfeit"


def test_bands_on_the_whole_value_shrink_with_the_years_left_out():
    # 1,000 over three years is a third of it in one
    found = offer(term_months=36, band_key="tcv")
    assert [float(band.from_usd) for band in found.contract.bands] == pytest.approx([100 / 3, 1_000 / 3])


def test_a_refund_and_a_shorter_term_stay():
    found = offer(term_months=6, unused=Unused(rule="refund", share=Decimal("0.5")))
    assert (found.months, found.contract.unused.rule, found.left_out) == (6, "refund", ())


def test_in_list_basis_usage_is_the_commitment():
    assert in_basis(offer(), np.array([500.0])).tolist() == [500.0]


def test_in_net_basis_the_commitment_is_what_the_usage_costs_at_its_own_band():
    # 500 list at 10 % is 450 net; 2,000 at 20 % is 1,600; 50 is below every band
    found = in_basis(offer(commit_basis="net"), np.array([50.0, 500.0, 2_000.0]))
    np.testing.assert_allclose(found, [50, 450, 1_600])


def test_in_net_basis_usage_between_two_bands_takes_the_floor_above():
    # 1,200 list: at 20 % 960 net, short of the floor of 1,000; at 10 % 1,080, beyond it: the floor
    assert in_basis(offer(commit_basis="net"), np.array([1_200.0]))[0] == pytest.approx(1_000)


def test_knowing_the_year_costs_the_better_of_its_own_usage_and_a_floor():
    # 950: committed to itself 855, to 1,000 at 20 % 800. 50: on demand 50 (100 at 10 % would be 90). 800: 720.
    np.testing.assert_allclose(least_cost_usd(offer(), np.array([950.0, 50.0, 800.0])), [800, 50, 720])


def test_the_figures_of_a_rule():
    # commit 500 at 10 %: usage 400 costs 450 (least 360), usage 600 costs 450 + 100 at list (least 540)
    found = figures(offer(), np.array([400.0, 600.0]), np.array([500.0, 500.0]))
    assert found.saving_share == pytest.approx(1 - (450 + 550) / 1_000)
    assert found.regret_mean_usd == pytest.approx((90 + 10) / 2)
    assert found.regret_mean_share == pytest.approx((90 / 360 + 10 / 540) / 2)
    assert found.worse_share == 0.5  # 450 for 400


def test_rules_of_thumb_read_the_last_months():
    months = np.array([500.0, 10, 20, 30, 40, 50, 60])
    assert trend(months, 2) == pytest.approx(70 + 80)
    assert last_two_months(months, 12) == pytest.approx(55 * 12)
    assert floor(months, 12) == pytest.approx(0.7 * 50 * 12)


def test_a_falling_trend_stops_at_nothing():
    assert trend(np.array([60.0, 50, 40, 30, 20, 10]), 12) == pytest.approx(0)


def test_the_decision_is_the_quantile_of_the_discount():
    # flat 20 %, overage at list: the 20th percentile of 1..100 thousand (commit.md 2d)
    flat = offer(bands=(Band(from_usd=Decimal(0), discount=Decimal("0.2")),))
    assert decide(flat, np.arange(1.0, 101.0) * 1_000) == pytest.approx(20_000, abs=1_000)


def test_the_careful_choice_gives_up_no_more_than_it_may():
    # expected 150, 151 and 152; worst regret 50/150, 32/150 and, on the path that turned small, 52/100
    costs = np.array([[100.0, 200], [120, 182], [152, 152]])
    known = np.array([100.0, 150])
    assert choose(costs, known, 0.0) == 0
    assert choose(costs, known, 0.01) == 1
    assert choose(costs, known, 0.05) == 1


def test_careful_is_the_least_cost_without_tolerance_and_the_same_every_year():
    totals = np.random.default_rng(3).lognormal(7, 0.4, 300)
    one = offer()
    assert decide_carefully(one, totals, tolerance=0.0) == pytest.approx(decide(one, totals), rel=0.05)
    longer = Contract(
        term_months=24,
        commit_basis="list",
        bands=one.contract.bands,
        overage=Overage(rule="list"),
        unused=Unused(rule="forfeit"),
    )
    chosen = careful(longer, year_paths(2 * totals, 24))
    assert len(chosen) == 2
    assert chosen[0] == chosen[1] == round(chosen[0])
