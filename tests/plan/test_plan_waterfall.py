"""Waterfall and Shapley values: what each lever is given, by hand, and that nothing is lost between them."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

from hypothesis import given, settings
from plan_menus import (
    HAIKU,
    MTOK,
    OPUS,
    SONNET,
    TODAY_DAY,
    at,
    batch,
    menu_of,
    outcome,
    spent,
    usd,
    wordy,
)
from test_plan_cost import CHOICES, MENUS, POSITIONS

from baseload.levers.options import Fix, Menu, RouteOption
from baseload.levers.position import Position
from baseload.plan.choice import LEVERS, TODAY, Choice, levers_of, part
from baseload.plan.cost import Pricer
from baseload.plan.shapley import shapley
from baseload.plan.span import Span
from baseload.plan.waterfall import graded_cost, waterfall
from baseload.prices.load import load_book
from baseload.values import Tokens

BOOK = load_book()
PLAIN = Tokens(uncached_input_tokens=10 * MTOK, output_tokens=MTOK)
"""60 USD on Opus 5.5: 40 + 20."""


def pricer(menu: Menu, *positions: Position) -> Pricer:
    return Pricer(positions or (spent(BOOK, at(OPUS), PLAIN),), menu, BOOK, TODAY_DAY)


def test_each_lever_saves_from_what_those_before_it_left() -> None:
    # 60 -> repeats 0.9: 54 -> Sonnet: 27 -> cached, of 10M 1M plain, 8M read and 1M written, of which the repeats were
    # 0.1M plain and 0.9M read: 0.9M x 2 + 7.1M x 0.1 + 1M x 2.5 + 9 = 14.01
    # -> batches, every read found, writes for an hour: 0.9 + 0.355 + 1M x 2 + 4.5 = 7.755
    menu = menu_of(
        RouteOption(model=SONNET), fixes=(Fix(kind="repeat", share=0.1),), caches=(outcome(SONNET),), batch=batch()
    )
    everything = Choice(fixes=(0,), route=1, cache="plan", batch=True)
    steps = {step.lever: step.saving.likely for step in waterfall(pricer(menu), everything)}
    assert steps == {"fix": usd("6"), "effort": 0, "route": usd("27"), "cache": usd("12.99"), "batch": usd("6.255")}


def test_effort_comes_before_the_model_where_the_menu_has_it_alone() -> None:
    # output at half: 60 - 10 = 50 on Opus; then Sonnet: 25
    half = {"output_low": Decimal("0.5"), "output_likely": Decimal("0.5")}
    menu = menu_of(RouteOption(model=OPUS, effort="low", **half), RouteOption(model=SONNET, effort="low", **half))
    steps = {step.lever: step.saving.likely for step in waterfall(pricer(menu), Choice(route=2))}
    assert (steps["effort"], steps["route"]) == (usd("10"), usd("25"))


def test_a_step_is_open_only_where_its_own_lever_is() -> None:
    # route: output x 1 / 1.1 / 1.25 on Sonnet: 30 / 31 / 32.5, and no cache to lose
    # cache on Sonnet at output 1.1: 1M x 2 + 8M x 0.1 + 1M x 2.5 = 5.3 +- 0.53, + 11 output
    menu = menu_of(wordy(SONNET), caches=(outcome(SONNET, spread=0.1),))
    steps = {step.lever: step.saving for step in waterfall(pricer(menu), Choice(route=1, cache="plan"))}
    assert steps["route"] == Span(low=usd("27.5"), likely=usd("29"), high=usd("30"))
    assert steps["cache"] == Span(low=usd("14.17"), likely=usd("14.7"), high=usd("15.23"))
    assert steps["batch"] == Span()


def test_a_step_is_known_no_better_than_the_levers_before_it() -> None:
    menu = menu_of(
        RouteOption(model=SONNET), fixes=(Fix(kind="repeat", share=0.1),), caches=(outcome(SONNET), outcome(OPUS))
    )
    routed = waterfall(pricer(menu), Choice(fixes=(0,), route=1, cache="plan"))
    assert [set(step.by_grade) for step in routed] == [{"measured"}, set(), {"assumed"}, {"assumed"}, set()]
    stays = waterfall(pricer(menu), Choice(fixes=(0,), cache="plan"))
    assert [set(step.by_grade) for step in stays] == [{"measured"}, set(), set(), {"simulated"}, set()]


def test_grades_are_weighted_in_dollars_and_add_to_the_figure() -> None:
    # one position is a sample: a tenth of 60 off each
    positions = (spent(BOOK, at(OPUS), PLAIN), spent(BOOK, at(OPUS), PLAIN, sampling_rate=10))
    menu = menu_of(fixes=(Fix(kind="repeat", share=0.1),))
    step = waterfall(pricer(menu, *positions), Choice(fixes=(0,)))[0]
    assert step.by_grade == {"measured": usd("6"), "sampled": usd("6")}
    assert graded_cost(pricer(menu, *positions), Choice(fixes=(0,))) == {"measured": usd("54"), "sampled": usd("54")}


def test_an_inferred_deadline_is_an_assumption() -> None:
    menu = menu_of(batch=batch(deadline_source="inferred"))
    assert waterfall(pricer(menu), Choice(batch=True))[-1].by_grade == {"assumed": usd("30")}


def test_two_levers_that_halve_share_what_they_save_together() -> None:
    # Sonnet halves, batches halve: 60 -> 30 -> 15. Either first saves 30, second 15: both are worth 22.5
    menu = menu_of(RouteOption(model=SONNET), batch=batch())
    found = shapley(pricer(menu), Choice(route=1, batch=True))
    assert found == {"fix": 0, "effort": 0, "route": usd("22.5"), "cache": 0, "batch": usd("22.5")}
    steps = waterfall(pricer(menu), Choice(route=1, batch=True))
    assert [step.saving.likely for step in steps if step.saving.likely] == [usd("30"), usd("15")]


@settings(max_examples=40, deadline=None)
@given(position=POSITIONS, menu=MENUS, choice=CHOICES)
def test_steps_and_values_add_up_to_the_whole_saving(position: Position, menu: Menu, choice: Choice) -> None:
    found = Pricer([position], menu, BOOK, TODAY_DAY)
    whole = found.at(TODAY) - found.at(choice)
    steps = waterfall(found, choice)
    assert sum(step.saving.likely for step in steps) == whole
    assert sum(shapley(found, choice).values()) == whole
    assert sum(graded_cost(found, choice).values()) == found.at(choice)
    for step in steps:
        assert step.saving.low <= step.saving.likely <= step.saving.high
        assert sum(step.by_grade.values()) == step.saving.likely


@settings(max_examples=15, deadline=None)
@given(position=POSITIONS, menu=MENUS, choice=CHOICES)
def test_a_shapley_value_is_the_mean_over_all_orders(position: Position, menu: Menu, choice: Choice) -> None:
    found = Pricer([position], menu, BOOK, TODAY_DAY)
    players = levers_of(choice, menu)
    sums = dict.fromkeys(LEVERS, 0)
    orders = list(permutations(players))
    for order in orders:
        for place, lever in enumerate(order):
            before = found.at(part(choice, menu, order[:place]))
            sums[lever] += before - found.at(part(choice, menu, order[: place + 1]))
    values = shapley(found, choice)
    assert all(abs(values[lever] - sums[lever] / len(orders)) < 1 + abs(sums[lever]) * 1e-12 for lever in LEVERS)


def test_haiku_is_the_cheapest_model_of_these_tests() -> None:
    menu = menu_of(RouteOption(model=HAIKU))
    assert waterfall(pricer(menu), Choice(route=1))[2].saving.likely == usd("58.5")  # 60 - 1 - 0.5
