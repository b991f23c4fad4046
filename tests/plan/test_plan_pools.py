"""Pools against every combination of choices, and the cases where nothing has to be searched."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_menus import HAIKU, MTOK, OPUS, SONNET, TODAY_DAY, at, menu_of, spent, usd

from baseload.levers.options import Menu, RouteOption
from baseload.plan import pools
from baseload.plan.choice import Choice
from baseload.plan.compose import Composed, by_route
from baseload.plan.cost import Pricer
from baseload.plan.pools import FULL, Candidate, candidates, fit
from baseload.plan.rules import EXPECTED
from baseload.prices.load import load_book
from baseload.values import Tokens

BOOK = load_book()


def candidate(nano: int, pool: str = "", draw: int = 0, route: int = 0) -> Candidate:
    return Candidate(Composed(nano, route and 1, Choice(route=route)), pool, draw)


def test_without_declared_limits_every_workload_takes_its_cheapest() -> None:
    found = fit({"a": [candidate(9), candidate(5, route=1)], "b": [candidate(4), candidate(7, route=1)]})
    assert {name: one.nano for name, one in found.chosen.items()} == {"a": 5, "b": 4}
    assert (found.binding, found.gap_nano) == ((), 0)


def test_of_two_that_do_not_fit_together_the_dearer_saving_moves() -> None:
    # each would draw 0.6 of the pool: only one fits; a saves 4, b saves 3
    both = {
        "a": [candidate(9), candidate(5, "haiku", 600_000, 1)],
        "b": [candidate(9), candidate(6, "haiku", 600_000, 1)],
    }
    found = fit(both)
    assert {name: one.nano for name, one in found.chosen.items()} == {"a": 5, "b": 9}
    assert found.binding == ("haiku",)


def test_what_a_pool_carries_today_always_fits() -> None:
    over = {
        "a": [candidate(5, "opus", 900_000)],
        "b": [candidate(5, "opus", 900_000)],
        "c": [candidate(5), candidate(3, "haiku", FULL, 1)],
        "d": [candidate(5), candidate(4, "haiku", 1, 1)],
    }
    assert {name: one.nano for name, one in fit(over).chosen.items()} == {"a": 5, "b": 5, "c": 3, "d": 5}


def test_candidates_come_from_the_menu_and_only_declared_limits_count() -> None:
    menu = menu_of(
        RouteOption(model=SONNET, pool="sonnet-5", headroom=0.3000001),
        RouteOption(model=HAIKU, pool="haiku-5-5"),
    )
    position = spent(BOOK, at(OPUS), Tokens(uncached_input_tokens=MTOK))
    found = candidates(menu, by_route(Pricer([position], menu, BOOK, TODAY_DAY), EXPECTED))
    assert [(one.nano, one.pool, one.draw) for one in found] == [(usd("4"), "", 0), (usd("0.1"), "", 0)]
    # Sonnet is dearer than Haiku, which draws on nothing that is limited: it is no candidate
    barred = Menu(workload="w", routes=menu.routes[:2])
    found = candidates(barred, by_route(Pricer([position], barred, BOOK, TODAY_DAY), EXPECTED))
    assert [(one.pool, one.draw) for one in found] == [("", 0), ("sonnet-5", 300_001)]


def test_a_search_cut_short_says_how_far_from_the_best_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "MOST_NODES", 1)
    both = {name: [candidate(9), candidate(5, "haiku", 600_000, 1)] for name in "ab"}
    found = fit(both)
    cost = sum(one.nano for one in found.chosen.values())
    assert cost == 18  # nothing was tried: today
    assert 14 >= cost - found.gap_nano >= 10  # the best costs 14, moving both would cost 10


ROUTES = st.builds(
    lambda nano, pool, draw: (nano, pool, draw if pool else 0),
    st.integers(0, 100),
    st.sampled_from(["", "haiku", "sonnet"]),
    st.integers(1, FULL),
)
PORTFOLIOS = st.lists(st.lists(ROUTES, min_size=1, max_size=3), min_size=1, max_size=5)


@settings(max_examples=150, deadline=None)
@given(PORTFOLIOS)
def test_the_portfolio_is_the_cheapest_that_fits(portfolio: list[list[tuple[int, str, int]]]) -> None:
    options = {
        str(name): [candidate(*route, place) for place, route in enumerate(routes)]
        for name, routes in enumerate(portfolio)
    }
    limits = {
        pool: max(FULL, sum(draw for (_, where, draw), *_ in portfolio if where == pool))
        for pool in ("haiku", "sonnet")
    }
    feasible = [
        sum(nano for nano, _, _ in chosen)
        for chosen in product(*portfolio)
        if all(sum(draw for _, where, draw in chosen if where == pool) <= limits[pool] for pool in limits)
    ]
    found = fit(options)
    assert found.gap_nano == 0
    assert sum(one.nano for one in found.chosen.values()) == min(feasible)
    drawn = dict.fromkeys(limits, 0)
    for name, composed in found.chosen.items():
        _, where, draw = portfolio[int(name)][composed.choice.route]
        if where:
            drawn[where] += draw
    assert all(drawn[pool] <= limit for pool, limit in limits.items())
