"""The cheapest allowed combination of levers for one workload, found by pricing every combination.

No pruning: a menu of three fixes, forty routes, five cache policies and batching is 3,200 combinations, and each is
priced from parts that are worked out once. So the answer is the cheapest by construction, and a larger menu can only
be cheaper or the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from baseload.plan.choice import TODAY, Choice, changes, route_of
from baseload.plan.cost import Pricer
from baseload.plan.menu import choices
from baseload.plan.rules import (
    STANDINGS,
    Rules,
    Standing,
    standing_of_batch,
    standing_of_cache,
    standing_of_fix,
    standing_of_route,
)


class Composed(NamedTuple):
    """A choice, what its rule set minimises, and how many things it changes."""

    nano: int
    changes: int
    choice: Choice


def compose(pricer: Pricer, rules: Rules) -> Composed:
    """The cheapest choice a rule set allows. Today's choice is always one, so it never costs more than today.

    Of equal costs the one with fewer changes, then the one whose weakest changes are stronger, then the first in the
    menu's order.
    """
    return _best(pricer, list(composed(pricer, rules)))


def composed(pricer: Pricer, rules: Rules) -> Iterator[Composed]:
    """Every allowed choice with its cost; today's first."""
    for choice in choices(pricer.menu, rules):
        if choice == TODAY or _allowed(pricer, choice, rules):
            nano = pricer.at(choice) if rules.objective == "likely" else pricer.careful(choice)
            yield Composed(nano, changes(choice), choice)


def by_route(pricer: Pricer, rules: Rules) -> dict[int, Composed]:
    """The cheapest choice for each allowed route option: what a constraint across workloads chooses from."""
    groups: dict[int, list[Composed]] = {}
    for candidate in composed(pricer, rules):
        groups.setdefault(candidate.choice.route, []).append(candidate)
    return {route: _best(pricer, candidates) for route, candidates in groups.items()}


def _best(pricer: Pricer, candidates: Sequence[Composed]) -> Composed:
    nano, fewest, _ = min(candidates, key=lambda candidate: candidate[:2])
    tied = [candidate for candidate in candidates if candidate[:2] == (nano, fewest)]
    return min(tied, key=lambda candidate: (risk(pricer, candidate.choice), candidate.choice))


def standings(pricer: Pricer, choice: Choice) -> list[Standing]:
    """How well each change of a choice is known, one per change."""
    menu = pricer.menu
    found = [standing_of_fix(menu.fixes[index]) for index in choice.fixes]
    if choice.route:
        found.append(standing_of_route(route_of(choice, menu)))
    if choice.cache != "as_billed":
        used = [standing_of_cache(part.cache) for part in pricer.parts(choice) if part.cache is not None]
        found.append(max(used, key=STANDINGS.index, default="simulated"))
    if choice.batch and menu.batch is not None:
        found.append(standing_of_batch(menu.batch))
    return found


def risk(pricer: Pricer, choice: Choice) -> tuple[int, ...]:
    """Places in `STANDINGS` of a choice's changes, weakest first: less is safer."""
    return tuple(sorted((STANDINGS.index(standing) for standing in standings(pricer, choice)), reverse=True))


def _allowed(pricer: Pricer, choice: Choice, rules: Rules) -> bool:
    """No position leans on a cache outcome the rules do not allow."""
    if choice.cache == "as_billed" or len(rules.standings) == len(STANDINGS):
        return True
    return all(part.cache is None or standing_of_cache(part.cache) in rules.standings for part in pricer.parts(choice))
