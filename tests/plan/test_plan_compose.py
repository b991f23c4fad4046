"""The plan of one workload against every combination there is, enumerated by hand-written loops."""

from __future__ import annotations

from decimal import Decimal
from itertools import chain, combinations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_menus import (
    CACHED,
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

from baseload.levers.options import BatchOutcome, CacheOutcome, Fix, Menu, RouteOption
from baseload.levers.position import Position
from baseload.plan.choice import TODAY, Choice, levers_of, part
from baseload.plan.compose import compose, standings
from baseload.plan.cost import Pricer, cost
from baseload.plan.rules import DEPLOYABLE, EVERYTHING, EXPECTED, PROVEN, Rules
from baseload.prices.load import load_book
from baseload.values import Tokens

BOOK = load_book()
RULES = (EXPECTED, DEPLOYABLE, PROVEN, EVERYTHING)


def pricer(menu: Menu, *positions: Position) -> Pricer:
    return Pricer(positions or (spent(BOOK, at(OPUS)),), menu, BOOK, TODAY_DAY)


def test_the_cheapest_combination_is_not_the_sum_of_the_cheapest_levers() -> None:
    # alone, caching on Opus saves: 12M x (0.1 x 4 + 0.8 x 0.2 + 0.1 x 5) + 2 = 14.72 against 50 uncached.
    # on Haiku the same policy is 12M x (0.1 x 0.1 + 0.8 x 0.01 + 0.1 x 0.125) + 0.05 = 0.416
    plain = spent(BOOK, at(OPUS), Tokens(uncached_input_tokens=12 * MTOK, output_tokens=MTOK // 10))
    menu = menu_of(RouteOption(model=HAIKU), caches=(outcome(OPUS), outcome(HAIKU)))
    found = compose(pricer(menu, plain), EXPECTED)
    assert found.choice == Choice(route=1, cache="plan")
    assert found.nano == usd("0.416")


def test_batching_gives_up_a_cache_whose_hits_it_would_lose() -> None:
    # with the cache as billed and 30 % of reads found, a batch writes the rest again: dearer than 13
    menu = menu_of(batch=batch(hits_low=0.3, hits_high=0.3))
    assert compose(pricer(menu), EXPECTED).choice == TODAY
    # without marks, 12M x 2 + 1 = 25 in batches: dearer too, until reads are few
    few = spent(BOOK, at(OPUS), Tokens(uncached_input_tokens=10 * MTOK, cache_read_tokens=MTOK, output_tokens=MTOK))
    assert compose(pricer(menu, few), EXPECTED).choice == Choice(batch=True)


def test_equal_costs_go_to_the_choice_with_fewer_changes() -> None:
    menu = menu_of(fixes=(Fix(kind="speed"), Fix(kind="repeat", share=0.0)), caches=(outcome(SONNET),))
    assert compose(pricer(menu), EXPECTED) == (usd("13"), 0, TODAY)


def test_equal_costs_and_changes_go_to_the_proven_one() -> None:
    menu = menu_of(RouteOption(model=SONNET), RouteOption(model=SONNET, effort="high", verdict="holds"))
    assert compose(pricer(menu), EXPECTED).choice.route == 2


def test_a_batch_that_misses_its_deadline_or_is_blocked_is_not_chosen() -> None:
    plain = spent(BOOK, at(OPUS), Tokens(uncached_input_tokens=MTOK))
    for outcome_ in (batch(met_share=0.98), batch(blocked_by=("client tool loop",))):
        assert compose(pricer(menu_of(batch=outcome_), plain), EVERYTHING).choice == TODAY
    assert compose(pricer(menu_of(batch=batch()), plain), EVERYTHING).choice.batch


def test_an_excluded_route_is_never_chosen_whatever_its_verdict() -> None:
    barred = RouteOption(model=HAIKU, verdict="holds", excluded_by=("prefill",))
    assert compose(pricer(menu_of(barred)), EVERYTHING).choice == TODAY


def test_a_route_that_held_against_a_stand_in_is_chosen_where_untested_ones_may_be() -> None:
    """No model answered: neither deployable nor conservative, however well its answers were counted."""
    plain = spent(BOOK, at(OPUS), Tokens(uncached_input_tokens=MTOK))
    menu = menu_of(RouteOption(model=HAIKU, verdict="holds", verdict_grade="simulated", grade="simulated"))
    chosen_under = {rules.name for rules in RULES if compose(pricer(menu, plain), rules).choice.route}
    assert chosen_under == {"expected", "everything"}


@pytest.mark.parametrize(
    ("verdict", "grade", "chosen_under"),
    [
        ("holds", "replayed", {"expected", "deployable", "conservative", "everything"}),
        ("holds", "assumed", {"expected", "deployable", "everything"}),  # nobody counted its answers
        ("assumed", "assumed", {"expected", "everything"}),
        ("not_shown", "replayed", {"everything"}),
        ("invalid", "replayed", {"everything"}),
        ("breaks", "replayed", set[str]()),
    ],
)
def test_a_verdict_opens_a_route_to_some_rule_sets(verdict: str, grade: str, chosen_under: set[str]) -> None:
    plain = spent(BOOK, at(OPUS), Tokens(uncached_input_tokens=MTOK))
    menu = menu_of(RouteOption(model=HAIKU, verdict=verdict, grade=grade))  # type: ignore[arg-type]
    assert {rules.name for rules in RULES if compose(pricer(menu, plain), rules).choice.route} == chosen_under


@pytest.mark.parametrize(
    ("parts", "chosen_under"),
    [
        ({"fixes": (Fix(kind="repeat", share=0.1),)}, {"expected", "deployable", "conservative", "everything"}),
        ({"fixes": (Fix(kind="repeat", share=0.1, decision="owner"),)}, {"expected", "everything"}),
        ({"caches": (outcome(OPUS, read_share=0.9, write_5m_share=0.0),)}, {"expected", "deployable", "everything"}),
        (
            {"caches": (outcome(OPUS, read_share=0.9, write_5m_share=0.0, grade="assumed"),)},
            {"expected", "everything"},
        ),
        ({"batch": batch()}, {"expected", "deployable", "everything"}),
        ({"batch": batch(deadline_source="inferred")}, {"expected", "everything"}),
    ],
)
def test_a_standing_opens_a_change_to_some_rule_sets(parts: dict[str, object], chosen_under: set[str]) -> None:
    menu = menu_of(**parts)
    assert {rules.name for rules in RULES if compose(pricer(menu), rules).choice != TODAY} == chosen_under


def test_a_deployable_plan_does_not_lean_on_an_assumed_cache_beside_a_simulated_one() -> None:
    sure = {"read_share": 0.9, "write_5m_share": 0.0}
    menu = menu_of(
        RouteOption(model=SONNET, verdict="holds"), caches=(outcome(OPUS), outcome(SONNET, **sure, grade="assumed"))
    )
    assert compose(pricer(menu), EXPECTED).choice == Choice(route=1, cache="plan")
    assert compose(pricer(menu), DEPLOYABLE).choice.cache == "as_billed"


def test_each_change_has_a_standing() -> None:
    menu = menu_of(wordy(SONNET), fixes=(Fix(kind="repeat", share=0.1),), caches=(outcome(SONNET),), batch=batch())
    everything = Choice(fixes=(0,), route=1, cache="plan", batch=True)
    assert standings(pricer(menu), everything) == ["proven", "assumed", "simulated", "simulated"]


def test_model_and_effort_come_apart_where_the_menu_has_both_parts() -> None:
    menu = menu_of(
        RouteOption(model=SONNET, effort="low"), RouteOption(model=SONNET), RouteOption(model=OPUS, effort="low")
    )
    both = Choice(route=1)
    assert levers_of(both, menu) == ("effort", "route")
    assert part(both, menu, {"route"}).route == 2
    assert part(both, menu, {"effort"}).route == 3
    assert part(both, menu, {"effort", "route"}).route == 1
    alone = menu_of(RouteOption(model=SONNET, effort="low"))
    assert part(both, alone, {"route"}).route == 1
    assert part(both, alone, {"effort"}).route == 0
    assert levers_of(Choice(route=3), menu) == ("effort",)


def brute_force(positions: list[Position], menu: Menu, rules: Rules) -> int:
    """The cheapest allowed cost, by loops that share no code with the search."""
    best = []
    fixes = [
        index for index, fix in enumerate(menu.fixes) if rules.name in ("expected", "everything") or not fix.decision
    ]
    for chosen in chain.from_iterable(combinations(fixes, size) for size in range(len(fixes) + 1)):
        for route, option in enumerate(menu.routes):
            if route and (option.excluded_by or option.verdict not in rules.verdicts):
                continue
            if route and rules.name == "conservative" and option.grade == "assumed":  # nobody counted its answers
                continue
            for policy in ["as_billed", "none", "all_5m", "all_1h", "plan"]:
                if policy != "as_billed" and rules.name == "conservative":
                    continue
                for batched in [False, True]:
                    if batched and not _may_batch(menu.batch, rules):
                        continue
                    choice = Choice(fixes=chosen, route=route, cache=policy, batch=batched)  # type: ignore[arg-type]
                    best.append(_objective(positions, menu, choice, rules))
    return min(best)


def _may_batch(outcome_: BatchOutcome | None, rules: Rules) -> bool:
    if outcome_ is None or outcome_.blocked_by or rules.name == "conservative":
        return False
    return rules.name != "deployable" or outcome_.deadline_source == "declared"


def _objective(positions: list[Position], menu: Menu, choice: Choice, rules: Rules) -> int:
    if rules.objective == "careful":
        return Pricer(positions, menu, BOOK, TODAY_DAY).careful(choice)
    return cost(positions, menu, choice, BOOK, TODAY_DAY).likely


TOKENS = st.builds(Tokens, **{name: st.integers(0, 10**8) for name in CACHED.__struct_fields__})
POSITIONS = st.lists(
    st.builds(
        lambda model, geo, tokens, unknown: spent(BOOK, at(model, geo=geo), tokens, ttl_unknown=unknown),
        st.sampled_from([OPUS, SONNET]),
        st.sampled_from(["global", "us"]),
        TOKENS,
        st.booleans(),
    ),
    min_size=1,
    max_size=2,
)
FACTOR = st.integers(5, 25).map(lambda tenths: Decimal(tenths) / 10)
ROUTES = st.builds(
    lambda model, effort, output, verdict, grade, barred: RouteOption(
        model=model,
        effort=effort,
        output_low=output[0],
        output_likely=output[1],
        output_high=output[2],
        verdict=verdict,
        grade=grade,
        excluded_by=("prefill",) if barred else (),
    ),
    st.sampled_from([OPUS, SONNET, HAIKU]),
    st.sampled_from(["", "low"]),
    st.lists(FACTOR, min_size=3, max_size=3).map(sorted),
    st.sampled_from(["assumed", "holds", "not_shown", "breaks"]),
    st.sampled_from(["assumed", "replayed"]),
    st.booleans(),
)
CACHES = st.builds(
    lambda model, policy, cuts, spread: CacheOutcome(
        policy=policy,
        model=model,
        uncached_share=cuts[0] / 10,
        read_share=(cuts[1] - cuts[0]) / 10,
        write_5m_share=(cuts[2] - cuts[1]) / 10,
        write_1h_share=(10 - cuts[2]) / 10,
        spread=spread,
    ),
    st.sampled_from([OPUS, SONNET, HAIKU]),
    st.sampled_from(["none", "all_5m", "all_1h", "plan"]),
    st.lists(st.integers(0, 10), min_size=3, max_size=3).map(sorted),
    st.floats(0, 0.3),
)
BATCHES = st.none() | st.builds(
    lambda shares, hits, source, blocked: batch(
        share_low=shares[0],
        share_likely=shares[1],
        share_high=shares[2],
        hits_low=hits[0],
        hits_high=hits[1],
        deadline_source=source,
        blocked_by=("tool loop",) if blocked else (),
    ),
    st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted),
    st.lists(st.floats(0, 1), min_size=2, max_size=2).map(sorted),
    st.sampled_from(["declared", "inferred"]),
    st.booleans(),
)
FIXES = st.lists(
    st.builds(
        Fix, kind=st.sampled_from(["repeat", "geo"]), share=st.floats(0, 0.9), decision=st.sampled_from(["", "owner"])
    ),
    max_size=2,
)
MENUS = st.builds(
    lambda routes, caches, batch_, fixes: menu_of(
        *routes,
        caches=tuple({(found.policy, found.model): found for found in caches}.values()),
        batch=batch_,
        fixes=tuple(fixes),
    ),
    st.lists(ROUTES, max_size=3),
    st.lists(CACHES, max_size=4),
    BATCHES,
    FIXES,
)


@settings(max_examples=60, deadline=None)
@given(positions=POSITIONS, menu=MENUS, rules=st.sampled_from(RULES))
def test_the_plan_is_the_cheapest_of_all_combinations(positions: list[Position], menu: Menu, rules: Rules) -> None:
    found = compose(Pricer(positions, menu, BOOK, TODAY_DAY), rules)
    assert found.nano == brute_force(positions, menu, rules)
    assert found.nano == _objective(positions, menu, found.choice, rules)


@settings(max_examples=60, deadline=None)
@given(
    positions=POSITIONS,
    menu=MENUS,
    rules=st.sampled_from(RULES),
    more=ROUTES,
    cache=CACHES,
    fix=FIXES,
    batch_=BATCHES,
)
def test_another_option_never_makes_the_plan_dearer(
    positions: list[Position],
    menu: Menu,
    rules: Rules,
    more: RouteOption,
    cache: CacheOutcome,
    fix: list[Fix],
    batch_: BatchOutcome | None,
) -> None:
    before = compose(Pricer(positions, menu, BOOK, TODAY_DAY), rules).nano
    known = {found.policy for found in menu.caches}  # another model's outcome of one is knowledge, not an option
    larger = [
        msgspec.structs.replace(menu, routes=(*menu.routes, more)),
        msgspec.structs.replace(menu, fixes=(*menu.fixes, *fix)),
    ]
    if cache.policy not in known:
        larger.append(msgspec.structs.replace(menu, caches=(*menu.caches, cache)))
    if menu.batch is None:
        larger.append(msgspec.structs.replace(menu, batch=batch_))
    for wider in larger:
        assert compose(Pricer(positions, wider, BOOK, TODAY_DAY), rules).nano <= before


@settings(max_examples=40, deadline=None)
@given(positions=POSITIONS, menu=MENUS)
def test_a_plan_never_costs_more_than_today_and_a_freer_one_never_more_than_a_stricter(
    positions: list[Position], menu: Menu
) -> None:
    found = Pricer(positions, menu, BOOK, TODAY_DAY)
    today = found.at(TODAY)
    costs = {rules.name: compose(found, rules).nano for rules in RULES}
    assert max(costs.values()) <= today
    assert costs["everything"] <= costs["expected"]
    assert costs["deployable"] <= costs["conservative"]
