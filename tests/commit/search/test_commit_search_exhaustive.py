"""The search against every combination of a grid, on random contracts of all clause families."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from search_making import any_contract, exhaustive, usage

from baseload.commit.annual import why_not_annual
from baseload.commit.search.family import Ramp, family_of
from baseload.commit.search.grid import points_per_year
from baseload.commit.search.optimum import MOST_SIMULATIONS, optimum
from baseload.commit.search.pricing import pricer_of
from baseload.commit.search.segments import is_stateless

WITHIN = 0.002
"""Of the exhaustive grid's mean cost."""
ROUNDED = 2e-6


@pytest.mark.parametrize("seed", range(40))
def test_what_yearly_totals_price_is_as_cheap_as_any_combination(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one = any_contract(rng, by_month=False)
    paths = usage(rng, 60, one.term_months)
    ramp: Ramp = "flat" if seed % 3 == 0 else "free"
    family = family_of(one, paths, ramp)
    best = exhaustive(family, pricer_of(one, paths), 12_000, kinks=True)
    found = optimum(one, paths, ramp=ramp)
    assert found.method == "yearly"
    assert found.mean_usd <= best * (1 + (ROUNDED if is_stateless(family) else WITHIN / 20))


@pytest.mark.parametrize("seed", range(16))
def test_any_other_clause_set_is_within_a_fifth_of_a_percent_of_the_grid(seed: int) -> None:
    assert _gap(seed, combinations=150) <= WITHIN


@pytest.mark.prove
def test_the_coarse_search_over_100_random_contracts(record_property: Callable[[str, object], None]) -> None:
    gaps = np.array([_gap(seed, combinations=1_331) for seed in range(100, 200)])
    record_property("commit search by month, worst gap to the grid, %", round(100 * float(gaps.max()), 4))
    record_property("commit search by month, mean gap to the grid, %", round(100 * float(gaps.mean()), 4))
    assert gaps.max() <= WITHIN


def _gap(seed: int, *, combinations: int) -> float:
    """Found over the grid's best mean, less one; also that the search stayed within its budget."""
    rng = np.random.default_rng(10_000 + seed)
    one = any_contract(rng, by_month=True)
    while not why_not_annual(one):
        one = any_contract(rng, by_month=True)
    paths = usage(rng, 80, one.term_months)
    ramp: Ramp = "flat" if seed % 3 == 0 else "free"
    found = optimum(one, paths, ramp=ramp)
    assert found.method == "coarse"
    assert found.evaluated <= MOST_SIMULATIONS
    return (
        found.mean_usd / exhaustive(family_of(one, paths, ramp), pricer_of(one, paths), combinations, kinks=False) - 1
    )


def test_three_years_have_a_grid_of_at_least_100_000_contracts() -> None:
    assert [points_per_year(years) for years in (2, 3)] == [322, 47]
    assert points_per_year(3) ** 3 >= 100_000
