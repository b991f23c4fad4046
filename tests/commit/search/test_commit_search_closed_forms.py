"""Where the optimum is known without a search, the search finds it: facts, commit.md section 2d."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from msgspec.structs import replace
from search_making import CENTRAL, bands, contract, lognormal, yearly

from baseload.commit.clauses import Overage, Unused
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.search.optimum import optimum
from baseload.commit.search.pricing import costs_at

STEP = 1_000
"""Answers are rounded to thousands."""


def committed(one: Contract, paths: Paths) -> float:
    return float(optimum(one, paths).commit_usd_by_year[0])


@pytest.mark.parametrize("percent", [10, 20, 30])
def test_a_flat_discount_d_commits_the_d_quantile_of_usage(percent: int) -> None:
    paths = lognormal(2_000)
    ranked = np.sort(paths.list_usd.sum(axis=1))
    one = contract(bands=bands((0, f"0.{percent}")))
    assert committed(one, paths) == pytest.approx(ranked[2_000 * percent // 100 - 1], abs=STEP)


def test_in_net_dollars_it_is_the_same_commitment_after_the_discount() -> None:
    paths = lognormal(2_000)
    listed, net = (optimum(contract(commit_basis=basis), paths) for basis in ("list", "net"))
    assert float(net.commit_usd_by_year[0]) == pytest.approx(0.8 * float(listed.commit_usd_by_year[0]), abs=STEP)
    assert net.mean_usd == pytest.approx(listed.mean_usd, rel=2e-6)


@pytest.mark.parametrize(("salvage", "overage"), [("0.5", "1"), ("0.25", "1"), ("0.5", "1.15"), ("0", "1.2")])
def test_the_critical_quantile_with_salvage_and_dearer_overage(salvage: str, overage: str) -> None:
    """F(C*) = (r - (1 - d)) / (r - s (1 - d)) at d = 0.2, r = 0.8 x the multiple or 1."""
    paths = lognormal(2_000)
    rule = Overage(rule="list") if overage == "1" else Overage(rule="multiple", multiple=Decimal(overage))
    r, s = (1.0 if overage == "1" else 0.8 * float(overage)), float(salvage)
    one = contract(overage=rule, unused=Unused(rule="refund", share=Decimal(salvage)))
    below = float((paths.list_usd.sum(axis=1) <= committed(one, paths) + STEP / 2).mean())
    assert below == pytest.approx((r - 0.8) / (r - s * 0.8), abs=0.004)


def test_overage_at_the_committed_rate_commits_a_band_floor() -> None:
    one = contract(bands=CENTRAL, overage=Overage(rule="committed"))
    assert committed(one, lognormal(2_000)) in {float(band.from_usd) for band in CENTRAL}


def test_with_every_unused_dollar_refunded_the_most_that_any_path_uses_is_committed() -> None:
    paths = lognormal(500)
    one = contract(unused=Unused(rule="refund", share=Decimal(1)))
    assert committed(one, paths) == pytest.approx(paths.list_usd.sum(axis=1).max(), abs=STEP)


@pytest.mark.parametrize(("usage", "answer"), [(952_000, 952_000), (954_000, 1_000_000), (1_000_500, 1_000_500)])
def test_a_known_usage_reaches_for_the_next_band_from_its_break_even_on(usage: int, answer: int) -> None:
    """14 % to 18 % at a million: 1,000,000 x 0.82 = 820,000 is what 953,488 cost at 0.86."""
    assert committed(contract(bands=CENTRAL), yearly(np.array([float(usage)]))) == answer


@pytest.mark.parametrize("seed", range(6))
def test_never_inside_a_dead_zone(seed: int) -> None:
    """No answer costs more than the band floor above it."""
    paths = lognormal(400, 2, sd=0.15 + 0.1 * seed, seed=seed)
    found = optimum(contract(2, bands=CENTRAL), paths)
    for year, amount in enumerate(found.commit_usd_by_year):
        above = [band.from_usd for band in CENTRAL if band.from_usd > amount]
        changed = list(found.commit_usd_by_year)
        changed[year] = above[0]
        fixed = contract(2, bands=CENTRAL).sized(*changed)
        other = optimum(replace(fixed, bands=CENTRAL), paths)  # a size brought along is ignored
        assert other.commit_usd_by_year == found.commit_usd_by_year
        assert found.mean_usd <= _mean(fixed, paths)


def _mean(one: Contract, paths: Paths) -> float:
    return float(costs_at(one, paths).cost_usd.mean())


def test_discounts_nobody_reaches_are_not_reached_for() -> None:
    """On demand is cheapest where the first band lies far above all usage."""
    one = contract(bands=bands((50_000_000, "0.30")))
    assert committed(one, lognormal(300)) == 0


@pytest.mark.parametrize(("share", "answer"), [("0.98", 1_000_000), ("0.95", 0)])
def test_a_far_floor_is_reached_for_where_the_refund_pays_for_it(share: str, answer: int) -> None:
    """100,000 of usage, 30 % off from a million on: 0.7 x (100,000 + 0.02 x 900,000) = 82,600; at 0.05, 101,500."""
    one = contract(bands=bands((1_000_000, "0.30")), unused=Unused(rule="refund", share=Decimal(share)))
    assert committed(one, yearly(np.array([100_000.0]))) == answer
