"""Menus made safe to choose from: what does not make sense is dropped with one problem each, what is left is listed."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations, pairwise, product
from typing import TypeVar

from baseload.levers.options import BatchOutcome, CacheOutcome, CachePolicy, Fix, Menu, RouteOption
from baseload.plan.choice import Choice
from baseload.plan.rules import Rules, allows_batch, allows_route, standing_of_cache, standing_of_fix
from baseload.values import Problem

_Option = TypeVar("_Option")
_SUM_SLACK = 1e-6
_ROUNDED = Decimal("1e-6")
_MOST_FIXES = 6  # their sets are 2^n; the product knows three kinds


def choices(menu: Menu, rules: Rules) -> Iterator[Choice]:
    """Every combination a rule set allows, today's first.

    A cache policy is offered where an outcome of it stands in the menu for some model; a position on another model
    keeps the cache it has.
    """
    fixes = [index for index, fix in enumerate(menu.fixes) if standing_of_fix(fix) in rules.standings]
    routes = [index for index, option in enumerate(menu.routes) if index == 0 or allows_route(rules, option)] or [0]
    allowed = [outcome.policy for outcome in menu.caches if standing_of_cache(outcome) in rules.standings]
    policies: list[CachePolicy] = list(dict.fromkeys(["as_billed", *allowed]))
    batches = (False, True) if allows_batch(rules, menu.batch) else (False,)
    subsets = [chosen for size in range(len(fixes) + 1) for chosen in combinations(fixes, size)]
    for chosen, route, policy, batch in product(subsets, routes, policies, batches):
        yield Choice(fixes=chosen, route=route, cache=policy, batch=batch)


def validated(menu: Menu, main_model: str, known: Collection[str]) -> tuple[Menu, list[Problem]]:
    """The menu with only sound options, and one problem for each that was dropped.

    `main_model` is what the workload mostly runs on: the first option where the menu does not start with today's.
    `known` are the model ids of the price book.
    """
    problems: list[Problem] = []

    def sound(options: Iterable[_Option], kind: str, fault: Callable[[_Option], str]) -> list[_Option]:
        kept = []
        for place, option in enumerate(options):
            found = fault(option)
            if found:
                problems.append(_problem(menu.workload, f"{kind}[{place}]", found))
            else:
                kept.append(option)
        return kept

    routes = sound(menu.routes, "routes", lambda option: _route_fault(option, known))
    caches = sound(menu.caches, "caches", _cache_fault)
    fixes = sound(menu.fixes, "fixes", _fix_fault)[:_MOST_FIXES]
    batches = sound(() if menu.batch is None else (menu.batch,), "batch", _batch_fault)
    if not routes or not routes[0].today:
        if menu.routes:
            problems.append(_problem(menu.workload, "routes[0]", "it is not what the workload runs on today"))
        routes = [RouteOption(model=main_model, today=True), *(option for option in routes if not option.today)]
    return (
        Menu(
            workload=menu.workload,
            fixes=tuple(fixes),
            routes=_first_of_each(routes, lambda option: (option.model, option.effort)),
            caches=_first_of_each(caches, lambda outcome: (outcome.policy, outcome.model)),
            batch=batches[0] if batches else None,
        ),
        problems,
    )


def _first_of_each(options: Iterable[_Option], key: Callable[[_Option], tuple[str, str]]) -> tuple[_Option, ...]:
    found: dict[tuple[str, str], _Option] = {}
    for option in options:
        found.setdefault(key(option), option)
    return tuple(found.values())


def _problem(workload: str, place: str, fault: str) -> Problem:
    return Problem(
        source="plan",
        file="",
        row=0,
        code="unsound-option",
        message=f"An option of workload {workload[:60]} was left out of the plan: {fault}",
        value=place,
        expected="shares from 0 to 1, factors above 0 in the order low, likely, high, a model of the price book",
        next_step="Report it: options are computed by the program, so this is a fault in a lever.",
    )


def _route_fault(option: RouteOption, known: Collection[str]) -> str:
    if option.model not in known and not option.today:
        return "its model is not in the price book"
    growth = (option.growth_low, option.growth_likely, option.growth_high)
    output = (option.output_low, option.output_likely, option.output_high)
    if not all(factor.is_finite() and factor > 0 for factor in (*growth, *output)):
        return "a token factor is not a number above 0"
    answers = [grown * longer for grown, longer in zip(growth, output, strict=True)]
    if list(growth) != sorted(growth) or not _is_rising(answers):  # a measured ratio has the tokenizer divided out
        return "its token factors are not in order"
    bands = (option.band_share_low, option.band_share_likely, option.band_share_high)
    said = [share for share in bands if share is not None]
    if len(said) not in (0, len(bands)):
        return "some of its band shares are missing"
    return "" if all(map(_is_share, said)) and said == sorted(said) else "its band shares are not in order from 0 to 1"


def _is_rising(factors: Sequence[Decimal]) -> bool:
    """Low, likely and high in order, but for the last digits that a division rounded away."""
    return all(later >= earlier * (1 - _ROUNDED) for earlier, later in pairwise(factors))


def _cache_fault(outcome: CacheOutcome) -> str:
    shares = (outcome.uncached_share, outcome.read_share, outcome.write_5m_share, outcome.write_1h_share)
    if not all(map(_is_share, shares)):
        return "a share of its tokens is not from 0 to 1"
    if abs(sum(shares) - 1) > _SUM_SLACK:
        return "its shares do not add to 1"
    if not (math.isfinite(outcome.keep_alive_share) and outcome.keep_alive_share >= 0):
        return "its keep-alive reads are not a number of 0 or more"
    return "" if _is_share(outcome.spread) else "its spread is not from 0 to 1"


def _fix_fault(fix: Fix) -> str:
    return "" if _is_share(fix.share) else "its share is not from 0 to 1"


def _batch_fault(outcome: BatchOutcome) -> str:
    shares = (outcome.share_low, outcome.share_likely, outcome.share_high)
    hits = (outcome.hits_low, outcome.hits_high)
    if not all(map(_is_share, (*shares, *hits, outcome.double_paid_share, outcome.met_share))):
        return "a share is not from 0 to 1"
    return "" if list(shares) == sorted(shares) and list(hits) == sorted(hits) else "its shares are not in order"


def _is_share(value: float) -> bool:
    return math.isfinite(value) and 0 <= value <= 1
