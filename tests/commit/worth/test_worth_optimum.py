"""Values and ranks over several years, against the search: the best size of each side found on the same paths."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from msgspec.structs import replace
from worth_making import offer

from baseload.commit.clauses import Band, StepDown, Termination, Unused
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths, paths_of
from baseload.commit.search.optimum import optimum
from baseload.commit.worth.asks import apply, ask_named
from baseload.commit.worth.offers import compare
from baseload.commit.worth.shapley import bundle
from baseload.commit.worth.suited import around, on_floors, suited, thinned
from baseload.commit.worth.values import ClauseWorth, clause_values
from baseload.commit.worth.walk import walk_away

FLOORS = ((100_000, "0.05"), (250_000, "0.10"), (500_000, "0.14"), (1_000_000, "0.18"), (2_500_000, "0.22"))
ROLL = Unused(rule="roll", months=12, share=Decimal(1))
ASKED = ("roll_50", "roll_100", "credit_12", "refund_50", "carry_forward_50", "overage_committed", "next_band")


def banded(months: int, *, more: str = "0", top: bool = True, **terms: object) -> Contract:
    """Central bands, with 25 % from five million on top; `more` is added to every discount."""
    floors = (*FLOORS, (5_000_000, "0.25")) if top else FLOORS
    bands = tuple(Band(from_usd=Decimal(usd), discount=Decimal(off) + Decimal(more)) for usd, off in floors)
    return offer(months, bands=bands, **terms)


def growing(months: int, paths: int = 300) -> Paths:
    """60,000 a month that grows 3 % +- 3 % a month, each path at its own rate and level."""
    rng = np.random.default_rng(9)
    rate = rng.normal(0.03, 0.03, (paths, 1))
    usage = 60_000 * np.exp(rate * np.arange(months) + rng.normal(0, 0.2, (paths, 1)))
    return paths_of(np.round(usage, 2))


def by_search(contract: Contract, name: str, paths: Paths) -> float:
    return optimum(contract, paths).mean_usd - optimum(apply(ask_named(name), contract), paths).mean_usd


def near(true: float, paths: Paths) -> float:
    """2 % of the value, or 0.05 % of list."""
    return max(0.02 * abs(true), 0.0005 * float(paths.list_usd.sum(axis=1).mean()))


OFFERS = {
    "two years": banded(24),
    "three years": banded(36),
    "three years that roll": banded(36, unused=Unused(rule="roll", months=12, share=Decimal("0.8"))),
    "two years by the quarter": banded(24, period="quarter"),
    "three years in one key": banded(36, band_key="tcv"),
    "three years net": banded(36, commit_basis="net", unused=Unused(rule="roll", months=12, share=Decimal("0.8"))),
}


@pytest.mark.parametrize("name", OFFERS)
def test_an_ask_is_worth_what_the_search_says_on_both_sides(name: str) -> None:
    contract = OFFERS[name]
    paths = growing(contract.term_months, 150)
    found = clause_values(contract, paths, clauses=ASKED)
    true = {one.clause: by_search(contract, one.clause, paths) for one in found}
    off = {
        one.clause: (round(one.value_usd), round(true[one.clause]))
        for one in found
        if abs(one.value_usd - true[one.clause]) > near(true[one.clause], paths)
    }
    assert off == {}
    outside = [one.clause for one in found if not _holds(one, true[one.clause], paths)]
    assert outside == []


def _holds(one: ClauseWorth, true: float, paths: Paths) -> bool:
    """Is the truth in the interval, but for what the search itself leaves open?"""
    slack = 1e-4 * float(paths.list_usd.sum(axis=1).mean())
    return one.low_usd - slack <= true <= one.high_usd + slack


def test_the_reviewed_figures() -> None:
    """Rolling on suits a contract that commits all in its first year: found by another simulator, worth 53,735."""
    found = {one.clause: one for one in clause_values(banded(24), growing(24), clauses=["roll_100"])}
    assert found["roll_100"].value_usd == pytest.approx(53_735, rel=0.002)
    assert found["roll_100"].commit_usd_by_year[1] == 0


def test_the_cheaper_of_rolling_on_and_a_point_of_discount_is_ranked_first() -> None:
    """Unused dollars that roll on, or every discount a point higher: the search finds the first 36,561 cheaper."""
    paths = growing(24, 400)
    rolls, point = banded(24, top=False, unused=ROLL), banded(24, top=False, more="0.01")
    found = compare([("A", rolls), ("B", point)], paths)
    first, second = found.offers
    assert (first.name, second.name) == ("A", "B")
    assert second.more_usd.value == pytest.approx(36_561, rel=0.002)
    assert second.more_usd.low > 20_000
    assert first.best.mean_usd == pytest.approx(2_160_026, rel=1e-5)
    assert [round(float(usd)) for usd in first.best.commit_usd_by_year] == [1_398_000, 0]
    parts = {part.name: part.usd for part in second.parts}
    assert parts["discounts"] < 0 < parts["unused"]


@pytest.mark.parametrize("name", OFFERS)
def test_an_offer_is_compared_and_walked_away_from_at_its_best_size(name: str) -> None:
    contract = OFFERS[name]
    paths = growing(contract.term_months, 150)
    best = optimum(contract, paths).mean_usd
    assert compare([("only", contract)], paths).offers[0].best.mean_usd == pytest.approx(best, rel=1e-5)
    assert walk_away(contract, paths).cost_usd == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("beside", [(), ("refund_50", "carry_forward_50", "leave_12")])
def test_an_ask_and_the_same_clause_held_agree(beside: tuple[str, ...]) -> None:
    """Whatever else is asked for beside it."""
    paths = growing(24, 400)
    without, holding = banded(24, top=False), banded(24, top=False, unused=ROLL)
    asked = _one(clause_values(without, paths, clauses=["roll_100", *beside]), "roll_100")
    held = _one(clause_values(holding, paths, clauses=["unused", *beside]), "unused")
    assert (asked.kind, held.kind) == ("ask", "has")
    assert asked.value_usd == pytest.approx(52_987, rel=1e-3)
    assert held.value_usd == pytest.approx(asked.value_usd, rel=1e-3)
    assert held.discount_points == pytest.approx(asked.discount_points, rel=1e-2)


def _one(found: tuple[ClauseWorth, ...], name: str) -> ClauseWorth:
    return next(one for one in found if one.clause == name)


def test_an_ask_alone_in_a_bundle_is_worth_what_it_is_by_itself() -> None:
    paths = growing(24)
    found = bundle(banded(24), paths, ["roll_100", "next_band"])
    for one in clause_values(banded(24), paths, clauses=["roll_100", "next_band"]):
        assert found.alone_usd[one.clause] == pytest.approx(one.value_usd, rel=1e-3)


def test_one_right_more_never_costs() -> None:
    """Leaving beside two windows to step down: the rule over all of them may be worse than one that never leaves."""
    held = banded(24, step_down=StepDown(windows=(6, 18), share=Decimal("0.3")))
    (worth,) = clause_values(held, growing(24, 150), clauses=["leave_12"])
    assert worth.value_usd >= 0


def test_the_search_by_the_month_uses_rights() -> None:
    """Whoever may leave after a year for a tenth of the second signs no less for it."""
    leaves = banded(24, termination=Termination(month=12, share=Decimal("0.1")))
    paths = growing(24, 150)
    plain = optimum(banded(24), paths).commit_usd_by_year
    start = np.array([[float(usd) for usd in plain]])
    assert suited(leaves, paths, looks=start)[0].sum() >= start.sum()


def test_what_suits_is_found_on_few_paths_of_many() -> None:
    paths = growing(24, 1_200)
    rolls = replace(banded(24), unused=ROLL)
    few = compare([("few", rolls)], paths).offers[0].best.mean_usd
    assert thinned(paths, 400).count == 400
    assert few == pytest.approx(optimum(rolls, paths).mean_usd, rel=1e-5)


def test_near_a_size_are_its_flat_and_front_loaded_forms() -> None:
    """300 and 500 over two years: 400 each, all 800 first; 12 % more is 336 and 560."""
    found = around(np.array([[300.0, 500.0]]), 24).tolist()
    assert [400.0, 400.0] in found
    assert [800.0, 0.0] in found
    assert [336.0, 560.0] in found
    assert [300.0, 500.0] in found


def test_floors_next_to_a_size_are_mixed_by_year() -> None:
    """300 lies between 100 and 500, 500 between 100 and nothing higher: three by two."""
    found = on_floors(np.array([300.0, 500.0]), [100.0, 500.0]).tolist()
    assert sorted(found) == [[100, 100], [100, 500], [300, 100], [300, 500], [500, 100], [500, 500]]


def test_long_terms_move_one_year_at_a_time() -> None:
    found = on_floors(np.full(4, 300.0), [100.0, 500.0])
    assert len(found) == 9
    assert int((found != 300.0).sum(axis=1).max()) == 1
