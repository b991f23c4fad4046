"""Menus made safe: each kind of nonsense costs one problem and one option, never the plan."""

from __future__ import annotations

from decimal import Decimal

import pytest
from plan_menus import AS_TODAY, HAIKU, OPUS, SONNET, batch, menu_of, outcome

from baseload.levers.options import BatchOutcome, CacheOutcome, Fix, Menu, RouteOption
from baseload.plan.choice import TODAY
from baseload.plan.menu import choices, validated
from baseload.plan.rules import EXPECTED

KNOWN = {OPUS, SONNET, HAIKU}
NAN = float("nan")


def faults(menu: Menu) -> list[tuple[str, str]]:
    _, problems = validated(menu, OPUS, KNOWN)
    return [(problem.value, problem.message.rsplit(": ", 1)[1]) for problem in problems]


def test_a_sound_menu_is_left_as_it_is() -> None:
    menu = menu_of(
        RouteOption(model=SONNET, band_share_low=0.0, band_share_likely=0.1, band_share_high=0.1),
        fixes=(Fix(kind="geo"),),
        caches=(outcome(OPUS), outcome(SONNET)),
        batch=batch(),
    )
    assert validated(menu, OPUS, KNOWN) == (menu, [])


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        (RouteOption(model="claude-nonesuch"), "its model is not in the price book"),
        (RouteOption(model=SONNET, growth_low=Decimal(0)), "a token factor is not a number above 0"),
        (RouteOption(model=SONNET, output_high=Decimal("NaN")), "a token factor is not a number above 0"),
        (RouteOption(model=SONNET, output_high=Decimal("0.9")), "its token factors are not in order"),
        (RouteOption(model=SONNET, band_share_low=0.1), "some of its band shares are missing"),
        (
            RouteOption(model=SONNET, band_share_low=0.1, band_share_likely=0.2, band_share_high=1.2),
            "its band shares are not in order from 0 to 1",
        ),
    ],
)
def test_a_route_that_makes_no_sense_is_left_out(option: RouteOption, fault: str) -> None:
    menu = menu_of(option, RouteOption(model=HAIKU))
    assert faults(menu) == [("routes[1]", fault)]
    assert [one.model for one in validated(menu, OPUS, KNOWN)[0].routes] == [OPUS, HAIKU]


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        (outcome(OPUS, read_share=NAN), "a share of its tokens is not from 0 to 1"),
        (outcome(OPUS, read_share=0.7), "its shares do not add to 1"),
        (outcome(OPUS, keep_alive_share=-0.1), "its keep-alive reads are not a number of 0 or more"),
        (outcome(OPUS, spread=1.1), "its spread is not from 0 to 1"),
    ],
)
def test_a_cache_outcome_that_makes_no_sense_is_left_out(policy: CacheOutcome, fault: str) -> None:
    assert faults(menu_of(caches=(policy,))) == [("caches[0]", fault)]
    assert validated(menu_of(caches=(policy,)), OPUS, KNOWN)[0].caches == ()


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (batch(share_low=0.9, share_likely=0.5), "its shares are not in order"),
        (batch(hits_low=0.9, hits_high=0.5), "its shares are not in order"),
        (batch(double_paid_share=-0.1), "a share is not from 0 to 1"),
    ],
)
def test_a_batch_that_makes_no_sense_is_left_out(found: BatchOutcome, fault: str) -> None:
    assert faults(menu_of(batch=found)) == [("batch[0]", fault)]


def test_a_fix_of_more_than_everything_is_left_out() -> None:
    assert faults(menu_of(fixes=(Fix(kind="repeat", share=1.5),))) == [("fixes[0]", "its share is not from 0 to 1")]


def test_a_menu_without_today_gets_it_from_the_main_model() -> None:
    headless = Menu(workload="w", routes=(RouteOption(model=SONNET),))
    assert faults(headless) == [("routes[0]", "it is not what the workload runs on today")]
    assert validated(headless, OPUS, KNOWN)[0].routes == (AS_TODAY, RouteOption(model=SONNET))
    assert validated(Menu(workload="w"), OPUS, KNOWN) == (Menu(workload="w", routes=(AS_TODAY,)), [])


def test_what_is_offered_twice_counts_once() -> None:
    menu = menu_of(RouteOption(model=SONNET), RouteOption(model=SONNET, note="again"), caches=(outcome(OPUS),) * 2)
    kept, problems = validated(menu, OPUS, KNOWN)
    assert (len(kept.routes), len(kept.caches), problems) == (2, 1, [])


def test_today_is_the_first_choice_there_is() -> None:
    assert next(choices(menu_of(fixes=(Fix(kind="geo"),), batch=batch()), EXPECTED)) == TODAY
    assert list(choices(Menu(workload="w"), EXPECTED)) == [TODAY]
