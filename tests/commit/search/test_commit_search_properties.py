"""What holds of every optimum, whatever the clauses."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from msgspec.structs import replace
from search_making import CENTRAL, any_contract, bands, contract, lognormal, usage, yearly

from baseload.commit.annual import annual_cost, own_cost
from baseload.commit.clauses import CarryForward, Overage, PriceRule, StepDown, Unused
from baseload.commit.contract import Contract
from baseload.commit.exercise import Exercise
from baseload.commit.paths import Paths, paths_of
from baseload.commit.search.curve import curve
from baseload.commit.search.demand import contract_paths
from baseload.commit.search.optimum import optimum
from baseload.commit.search.pricing import by_the_year, costs_at
from baseload.commit.simulate import simulate
from baseload.demand.history import History
from baseload.demand.paths import sample_paths

ROUNDED = 2e-6
LEAVES_ROOM = [
    {"unused": Unused(rule="refund", share=Decimal("0.5"))},
    {"unused": Unused(rule="roll", months=12)},
    {"unused": Unused(rule="extend", months=12)},
    {"overage": Overage(rule="committed")},
    {"payment": "arrears"},
]
"""Terms that are never worse for the buyer than their absence."""


@pytest.mark.parametrize("terms", LEAVES_ROOM)
def test_a_buyer_right_never_raises_the_optimal_cost(terms: dict) -> None:
    one, paths = contract(2, bands=CENTRAL), lognormal(300, 2)
    with_it = optimum(replace(one, **terms), paths)
    assert with_it.mean_usd <= optimum(one, paths).mean_usd * (1 + ROUNDED)


def test_a_lower_list_price_passed_on_never_costs_more_than_a_fixed_one() -> None:
    falls = np.where(np.arange(12) < 6, 1.0, 0.7)[None, :]
    paths = paths_of(lognormal(200).list_usd * falls, price_index=falls)
    fixed, lower = (
        optimum(contract(bands=CENTRAL, price_rule=PriceRule(rule=rule)), paths) for rule in ("fixed_price", "lower_of")
    )
    assert (fixed.method, lower.method) == ("coarse", "yearly")  # one holds above list, the other is list
    assert lower.mean_usd <= fixed.mean_usd * (1 + ROUNDED)


def test_a_right_that_is_used_well_never_raises_the_cost() -> None:
    """Half of what remains may be given back in month 6: where the first half ran well below plan, it is."""
    one = contract(bands=CENTRAL, step_down=StepDown(windows=(6,), share=Decimal("0.5")))
    paths = lognormal(300, sd=0.4)
    with_it = optimum(one, paths, rights=_steps_down_where_usage_is_low)
    assert with_it.method == "coarse"
    assert with_it.mean_usd < optimum(one, paths).mean_usd


def _steps_down_where_usage_is_low(one: Contract, paths: Paths) -> Exercise:
    low = paths.list_usd[:, :6].sum(axis=1) < 0.4 * float(one.commit_usd_by_year[0])
    return Exercise(step_down=np.where(low, 0.5, 0.0)[:, None])


@pytest.mark.parametrize("seed", range(10))
def test_committing_nothing_is_always_in_the_family(seed: int) -> None:
    rng = np.random.default_rng(200 + seed)
    one = any_contract(rng, by_month=seed % 2 == 0)
    paths = usage(rng, 25, one.term_months)
    nothing = costs_at(one.sized(0), paths).cost_usd.mean()
    assert optimum(one, paths).mean_usd <= nothing * (1 + ROUNDED)


def test_committing_nothing_is_on_demand() -> None:
    paths = lognormal(50, 2)
    amounts, costs = curve(contract(2, bands=CENTRAL), paths)
    assert amounts[0] == 0
    assert costs[0] == pytest.approx(paths.list_usd.sum(axis=1))


def test_the_curve_holds_every_floor_and_reaches_beyond_all_usage() -> None:
    paths = lognormal(50)
    amounts, costs = curve(contract(bands=CENTRAL), paths, points=21)
    assert costs.shape == (len(amounts), 50)
    assert {100_000.0, 250_000.0, 500_000.0, 1_000_000.0} <= set(amounts)
    assert amounts[-1] > paths.list_usd.sum(axis=1).max()
    assert bool((np.diff(amounts) > 0).all())


@pytest.mark.parametrize("seed", range(8))
def test_a_size_of_its_own_for_each_path_costs_what_each_contract_does(seed: int) -> None:
    rng = np.random.default_rng(300 + seed)
    one = any_contract(rng, by_month=seed % 2 == 0)
    paths = usage(rng, 3, one.term_months)
    sizes = rng.integers(0, 3_000_000, (3, one.years)).astype(float)
    own = simulate(one, paths, own_sizes=sizes).cost_usd
    for place, size in enumerate(sizes):
        sized = one.sized(*(Decimal(int(amount)) for amount in size))
        assert own[place] == pytest.approx(simulate(sized, paths).cost_usd[place], rel=1e-12)
    if by_the_year(one, paths, "cost", None):
        plain = replace(one, carve_outs=())
        totals = np.add.reduceat(paths.list_usd, np.arange(0, one.term_months, 12), axis=1)
        alone = [float(annual_cost(plain, totals[row][None], sizes[row][None])[0, 0]) for row in range(3)]
        assert own_cost(plain, totals, sizes) == pytest.approx(alone, rel=1e-12)


def test_flat_is_one_amount_for_every_year_and_never_cheaper_than_free() -> None:
    one, paths = contract(3, bands=CENTRAL), lognormal(300, 3)
    flat, free = optimum(one, paths, ramp="flat"), optimum(one, paths)
    assert len(set(flat.commit_usd_by_year)) == 1
    assert free.mean_usd <= flat.mean_usd * (1 + ROUNDED)


def test_answers_are_thousands_and_floors_to_the_cent() -> None:
    paths = lognormal(500)
    (amount,) = optimum(contract(), paths).commit_usd_by_year
    assert amount % 1_000 == 0
    odd = contract(bands=bands((0, "0.05"), (700_123, "0.25")), overage=Overage(rule="committed"))
    assert optimum(odd, paths).commit_usd_by_year == (Decimal(700_123),)


def test_small_contracts_are_rounded_to_what_their_cost_bears() -> None:
    """90 dollars of usage, known: 90, not 0 or 1,000."""
    assert optimum(contract(), yearly(np.array([90.0]))).commit_usd_by_year == (Decimal(90),)


def test_a_floor_over_the_sum_of_years_is_reached_to_the_cent() -> None:
    """A million over three years of 300,000 each: a third of it is no whole number of dollars."""
    one = contract(3, bands=bands((1_000_000, "0.30")), band_key="tcv", overage=Overage(rule="committed"))
    found = optimum(one, yearly(*(np.array([300_000.0]),) * 3))
    assert sum(found.commit_usd_by_year) == Decimal(1_000_000)
    assert found.mean_usd == pytest.approx(700_000)


def test_present_value_wants_less_where_capital_is_dear() -> None:
    one, paths = contract(bands=CENTRAL, payment="upfront", wacc=Decimal("0.15")), lognormal(200)
    by_cash, by_worth = optimum(one, paths), optimum(one, paths, objective="npv")
    assert (by_cash.method, by_worth.method) == ("yearly", "coarse")
    assert by_worth.commit_usd_by_year[0] <= by_cash.commit_usd_by_year[0]
    assert by_worth.npv_usd.mean() <= by_cash.npv_usd.mean() * (1 + ROUNDED)


def test_months_after_the_term_are_paid_on_demand_whatever_is_committed() -> None:
    one, paths = contract(bands=CENTRAL), lognormal(200, 2)
    term, whole = optimum(one, paths.first(12)), optimum(one, paths)
    assert whole.commit_usd_by_year == term.commit_usd_by_year
    assert whole.cost_usd == pytest.approx(term.cost_usd + paths.list_usd[:, 12:].sum(axis=1))


def test_a_size_that_is_brought_along_is_ignored_and_answers_repeat() -> None:
    one, paths = contract(2, bands=CENTRAL, carry_forward=CarryForward(share=Decimal("0.5"))), lognormal(60, 2)
    first, second = optimum(one, paths), optimum(one.sized(123), paths)
    assert first.commit_usd_by_year == second.commit_usd_by_year
    assert first.cost_usd.tobytes() == second.cost_usd.tobytes()
    assert first.evaluated >= 100_000


def test_demand_paths_become_contract_paths() -> None:
    rng = np.random.default_rng(0)
    history = History(first_month=0, names=("all",), usd=np.exp(rng.normal(11, 0.1, (1, 24))))
    drawn = sample_paths(history, paths=20, months=12)
    found = contract_paths(drawn)
    assert found.list_usd.tolist() == drawn.list_usd.tolist()
    assert found.price_index is None
    assert found.metering is None
    moved = contract_paths(drawn._replace(price=np.full((20, 12), 0.8)))
    assert moved.price_index is not None
    assert moved.list_usd == pytest.approx(found.list_usd * 0.8)
