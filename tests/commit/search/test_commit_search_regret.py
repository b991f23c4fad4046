"""Regret is cost over what the path would have cost, known; an appetite for less of it never commits more."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from msgspec.structs import replace
from search_making import CENTRAL, any_contract, bands, contract, exhaustive, lognormal, usage, yearly

from baseload.commit.clauses import Unused
from baseload.commit.outcome import Outcome
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.search.curve import curve
from baseload.commit.search.family import Ramp, family_of
from baseload.commit.search.optimum import optimum
from baseload.commit.search.pricing import MonthlyPricer, by_the_year, costs_at, pricer_of
from baseload.commit.search.regret import cvar, path_optima
from baseload.commit.search.risk import Risk, _expected_lost, shortfall_usd
from baseload.commit.search.segments import is_stateless

HALF = Decimal("0.5")
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)


def one_path(paths: Paths, place: int) -> Paths:
    return replace(paths, list_usd=paths.list_usd[place : place + 1])


def test_a_known_path_commits_what_it_uses_or_reaches_for_a_band() -> None:
    """At 10 % from the first dollar and 20 % from 1,000: 850 costs 765, 950 costs 800 (855 without reaching), 2,000
    costs 1,600."""
    one = contract(bands=bands((0, "0.10"), (1_000, "0.20")))
    known = path_optima(one, yearly(np.array([850.0, 950.0, 2_000.0])))
    assert known == pytest.approx([765.0, 800.0, 1_600.0])


@pytest.mark.parametrize(("later", "cost"), [(1_100.0, 1_600.0), (1_500.0, 1_920.0)])
def test_years_that_touch_are_known_together(later: float, cost: float) -> None:
    """900, then more, under 20 % from 2,000 in one year: bought in the first and rolled, 0.8 x 2,000 or 0.8 x 2,400."""
    one = contract(2, bands=bands((2_000, "0.20")), unused=Unused(rule="roll", months=12))
    assert path_optima(one, yearly(np.array([900.0]), np.array([later]))) == pytest.approx([cost])


@pytest.mark.parametrize("seed", range(12))
def test_each_path_alone_has_its_optimum_as_expected_cost(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one = any_contract(rng, by_month=False)
    ramp: Ramp = "flat" if seed % 3 == 0 else "free"
    paths = usage(rng, 4, one.term_months)
    exact = is_stateless(family_of(one, paths, ramp))
    for place, known in enumerate(path_optima(one, paths, ramp=ramp)):
        alone = one_path(paths, place)
        best = exhaustive(family_of(one, alone, ramp), pricer_of(one, alone), 4_000, kinks=True)
        assert known <= best * (1 + (1e-9 if exact else 0.02))


@pytest.mark.parametrize("seed", range(8))
def test_no_flat_commitment_beats_knowing(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    one = any_contract(rng, by_month=False)
    paths = usage(rng, 30, one.term_months)
    if is_stateless(family_of(one, paths, "flat")):
        assert bool((path_optima(one, paths, ramp="flat") <= curve(one, paths)[1].min(axis=0) + 1e-6).all())


def test_the_worst_tenth_counts_a_path_at_its_edge_in_part() -> None:
    """Of 25 paths the worst two and a half: (25 + 24 + 23 / 2) / 2.5 = 24.2."""
    assert cvar(np.arange(1.0, 26.0)) == pytest.approx(24.2)
    assert cvar(np.arange(1.0, 21.0)) == pytest.approx(19.5)
    assert cvar(np.array([[3.0], [7.0]])) == pytest.approx([3.0, 7.0])


@pytest.mark.parametrize("sd", [0.15, 0.3, 0.5])
@pytest.mark.parametrize("ladder", [bands((0, "0.20")), bands((0, "0.40")), CENTRAL])
def test_the_commitment_weakly_falls_as_the_weight_of_regret_rises(sd: float, ladder: tuple) -> None:
    """To the step it is rounded to, and never above the risk-neutral one."""
    one, paths = contract(bands=ladder), lognormal(600, sd=sd)
    found = [float(optimum(one, paths, risk=Risk(cvar_weight=w)).commit_usd_by_year[0]) for w in WEIGHTS]
    assert max(found) == found[0]
    assert all(after <= before + 1_000 for before, after in pairwise(found))


def test_less_weight_on_the_mean_lowers_the_worst_tenth() -> None:
    one, paths = contract(), lognormal(1_000, sd=0.2)
    known = path_optima(one, paths)
    tails = [float(cvar(optimum(one, paths, risk=Risk(cvar_weight=w)).cost_usd - known)) for w in (0.0, 1.0)]
    assert tails[1] < tails[0] * 0.99


@pytest.mark.parametrize("budget", [0.0, 10_000.0, 60_000.0])
def test_a_shortfall_budget_bounds_what_is_expected_to_be_lost(budget: float) -> None:
    one, paths = contract(bands=CENTRAL), lognormal(500, sd=0.4)
    found = optimum(one, paths, risk=Risk(shortfall_budget_usd=budget))
    lost = _lost(one.sized(*found.commit_usd_by_year), paths)
    assert float(lost.mean()) <= budget + 0.01
    assert found.commit_usd_by_year[0] <= optimum(one, paths).commit_usd_by_year[0]


@pytest.mark.parametrize(
    ("terms", "lost_for_one"),
    [
        ({}, 0.6),
        ({"payment": "arrears", "shortfall_rate": "list"}, 1.0),
        ({"unused": Unused(rule="refund", share=HALF)}, 0.3),
    ],
)
def test_a_budget_is_used_up_to_the_dollar(terms: dict, lost_for_one: float) -> None:
    """Ten years of 100 to 1,000 thousand, 40 % off. At C in (200, 300] thousand: (C - 100) + (C - 200) over 10 unused.

    On average 10,000 unused list dollars are C = 200,000: 100,000 of one path in ten.
    """
    one = contract(bands=bands((0, "0.40")), **terms)
    totals = np.arange(1, 11) * 100_000.0
    found = optimum(one, yearly(totals), risk=Risk(shortfall_budget_usd=10_000 * lost_for_one))
    assert found.commit_usd_by_year == (200_000,)


def test_each_year_is_lost_at_its_own_rate() -> None:
    """50 of 100 thousand at 5 % off, 200 of 600 at 14 %: 47.5 + 172 thousand; by months the same."""
    one = contract(2, bands=CENTRAL).sized(100_000, 600_000)
    usage = yearly(np.array([50_000.0]), np.array([400_000.0]))
    assert _lost(one, usage) == pytest.approx([219_500.0])
    family = family_of(one, usage, "free")
    pricer = pricer_of(one, usage)
    by_totals = _expected_lost(family, pricer, usage, None, np.array([[100_000.0, 600_000.0]]))
    by_months = _expected_lost(family, MonthlyPricer(one, usage), usage, None, np.array([[100_000.0, 600_000.0]]))
    assert by_totals == pytest.approx([219_500.0])
    assert by_months == pytest.approx([219_500.0])


def _lost(one, paths: Paths) -> np.ndarray:
    outcome: Outcome = costs_at(one, paths)
    return shortfall_usd(one, outcome)


def test_an_appetite_works_by_the_month_too() -> None:
    one, paths = contract(bands=CENTRAL, period="quarter"), lognormal(150, sd=0.25)
    assert not by_the_year(one, paths, "cost", None)
    found = [optimum(one, paths, risk=Risk(cvar_weight=w)) for w in (0.0, 1.0)]
    assert found[1].commit_usd_by_year[0] <= found[0].commit_usd_by_year[0]


@pytest.mark.parametrize("given", [{"cvar_weight": -0.1}, {"cvar_weight": 1.1}, {"shortfall_budget_usd": -1.0}])
def test_an_appetite_outside_its_range_is_refused(given: dict[str, float]) -> None:
    with pytest.raises(CommitError):
        Risk(**given)
