"""Every workload's plan under each rule set, inside the rate-limit pools they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from baseload.levers.first_look import within_reach
from baseload.levers.options import Menu, RouteOption
from baseload.levers.position import Position
from baseload.levers.route.alone import WORTH_THE_UNKNOWN
from baseload.levers.route.verdicts import CLEARLY_BELOW
from baseload.plan.choice import TODAY, Choice
from baseload.plan.compose import Composed, by_route
from baseload.plan.cost import Pricer
from baseload.plan.menu import validated
from baseload.plan.planned import CodingAgent, Planned, planned_of
from baseload.plan.pools import candidates, fit
from baseload.plan.rules import DEPLOYABLE, EDITED, EXPECTED, PROVEN, Rules
from baseload.plan.words import dollars
from baseload.prices.book import PriceBook
from baseload.prices.capabilities import LEVELS
from baseload.values import Problem, Workload

OUT_OF_REACH = "too far down for this kind of work until a trial shows that it holds"
TWO_STEPS = "a new model and less effort are two untested changes at once; a trial of both lets it in"
MORE_BROKE = "a trial has shown this model to break at more effort than that"
LOW_EFFORT = "low effort costs 1 to 3 points of accuracy by the vendor's own measurements; a trial must show it holds"
""" "Anthropic measured": medium effort at the default's accuracy, low at 1 to 3 points less (anthropic-facts 1.6)."""

SCENARIOS = (EXPECTED, EDITED, DEPLOYABLE, PROVEN)


class WorkloadPlan(NamedTuple):
    """One workload: its prices under any choice, its choice under each rule set by name, its best per route."""

    workload: Workload
    pricer: Pricer
    chosen: Mapping[str, Choice]
    best_by_route: Mapping[int, Composed]  # under EXPECTED


class Portfolio(NamedTuple):
    """All workloads, dearest today first, and the pools that held some of them back by rule set."""

    workloads: tuple[WorkloadPlan, ...]
    binding: Mapping[str, tuple[str, ...]]


def plan_portfolio(
    workloads: Mapping[str, Workload],
    positions: Mapping[str, Sequence[Position]],
    menus: Mapping[str, Menu],
    book: PriceBook,
    day: int,
) -> tuple[Portfolio, list[Problem]]:
    """The cheapest plan of every workload that has positions; one without a menu stays as it is.

    Models nobody tested are candidates only within reach of the task, as in the map: the cheapest model for everything
    would be a figure nobody believes.

    Problems: an option that makes no sense, and a pool so contended that the search was cut short.
    """
    problems: list[Problem] = []
    pricers: dict[str, Pricer] = {}
    reach = within_reach([one for members in positions.values() for one in members], workloads, book, day)
    for name, members in positions.items():
        menu, found = validated(menus.get(name, Menu(workload=name)), _main_model(members), book.models)
        menu = held_back(menu, reach.get(name, frozenset()))
        pricers[name] = Pricer(members, menu, book, day)
        problems += found
    chosen: dict[str, dict[str, Choice]] = {name: {} for name in pricers}
    binding: dict[str, tuple[str, ...]] = {}
    expected: dict[str, dict[int, Composed]] = {}
    for rules in SCENARIOS:
        routes = {name: by_route(pricer, rules) for name, pricer in pricers.items()}
        expected = expected or routes
        weighed = {name: evidence_first(pricers[name], found) for name, found in routes.items()}
        fitted = fit({name: candidates(pricers[name].menu, found) for name, found in weighed.items()})
        binding[rules.name] = fitted.binding
        problems += [_cut_short(rules, fitted.gap_nano)] if fitted.gap_nano else []
        for name, composed in fitted.chosen.items():
            chosen[name][rules.name] = composed.choice
    plans = [WorkloadPlan(workloads[name], pricers[name], chosen[name], expected[name]) for name in pricers]
    plans.sort(key=lambda plan: (-plan.pricer.at(TODAY), plan.workload.id))
    return Portfolio(tuple(plans), binding), problems


def evidence_first(pricer: Pricer, by_route: Mapping[int, Composed]) -> Mapping[int, Composed]:
    """The choices per route as they are weighed: an untested one pays `WORTH_THE_UNKNOWN` where a tested one saves.

    Tested: a trial says that it holds, on the model itself or on a stand-in for it.
    """
    routes, today = pricer.menu.routes, pricer.at(TODAY)
    if not any(not routes[at].today and routes[at].verdict == "holds" and by_route[at].nano < today for at in by_route):
        return by_route
    toll = round(WORTH_THE_UNKNOWN * today)
    return {
        at: composed
        if routes[at].today or routes[at].verdict == "holds"
        else composed._replace(nano=composed.nano + toll)
        for at, composed in by_route.items()
    }


def held_back(menu: Menu, reach: Collection[str]) -> Menu:
    """The menu with untested options excluded that go further than one careful step; a trial that holds lets them in.

    `reach` are the models a workload's task may reasonably be tried on (`levers.first_look.within_reach`). A new model
    is tried at the effort it is asked for today, and today's model not below medium effort.
    """
    offered = [option for option in menu.routes if not option.excluded_by]
    routes = []
    for option in menu.routes:
        why = "" if option.today or not option.untested else _why_held_back(option, menu, offered, reach)
        excluded = (*option.excluded_by, why) if why else option.excluded_by
        routes.append(msgspec.structs.replace(option, excluded_by=excluded))
    return msgspec.structs.replace(menu, routes=tuple(routes))


def _why_held_back(option: RouteOption, menu: Menu, offered: Sequence[RouteOption], reach: Collection[str]) -> str:
    if any(other.model == option.model and _level(other) > _level(option) for other in menu.routes if _broke(other)):
        return MORE_BROKE
    if option.model not in reach:
        return OUT_OF_REACH
    if option.model == menu.routes[0].model:
        return LOW_EFFORT if option.effort == "low" else ""
    most = max((_level(other) for other in offered if other.model == option.model), default=_level(option))
    return TWO_STEPS if _level(option) < most else ""


def _broke(option: RouteOption) -> bool:
    return option.verdict == "breaks" or any(why.startswith(CLEARLY_BELOW) for why in option.excluded_by)


def _level(option: RouteOption) -> int:
    """The place of an effort; the model's default counts as no change and so as the highest."""
    return LEVELS.index(option.effort) if option.effort in LEVELS else len(LEVELS)


def planned_under(
    portfolio: Portfolio,
    rules: Rules,
    *,
    window_days: int,
    coding_agents: Mapping[str, CodingAgent] | None = None,
) -> list[Planned]:
    """Every workload as a rule set leaves it, its window's figures x 365 / `window_days`; 365 keeps the window's."""
    agents = coding_agents or {}
    return [
        planned_of(
            plan.workload,
            plan.pricer,
            plan.chosen[rules.name],
            window_days=window_days,
            coding_agent=agents.get(plan.workload.id, ""),
        )
        for plan in portfolio.workloads
    ]


def _main_model(members: Sequence[Position]) -> str:
    spend: Counter[str] = Counter()
    for position in members:
        spend[position.key.model] += max(position.list_nano, 0)
    return max(spend, key=lambda model: (spend[model], model), default="")


def _cut_short(rules: Rules, gap_nano: int) -> Problem:
    return Problem(
        source="plan",
        file="",
        row=0,
        code="plan-not-shown-cheapest",
        message=(
            f"Rate-limit pools tie so many workloads together that the {rules.name} plan was not proven the cheapest: "
            f"a better one could save at most {dollars(gap_nano)} more in the window."
        ),
        value=str(gap_nano),
        expected="0 nano-dollars from the best",
        next_step="Nothing, or declare a higher limit for the fullest pool.",
    )
