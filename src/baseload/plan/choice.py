"""One workload's choice among its levers, and which part of it each lever is.

The levers act in one order: billed, fix, effort, route, cache, batch. A choice is a place in the workload's `Menu`,
so it means something only beside that menu.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

import msgspec

from baseload.levers.options import CachePolicy, Menu, RouteOption

Lever = Literal["fix", "effort", "route", "cache", "batch"]
LEVERS: tuple[Lever, ...] = get_args(Lever)
"""In the order of the waterfall: what costs no quality first, then what changes the model, then how it is called."""


class Choice(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Indices into `Menu.fixes` (ascending) and `Menu.routes`, a cache policy, batch or not. The default is today."""

    fixes: tuple[int, ...] = ()
    route: int = 0
    cache: CachePolicy = "as_billed"
    batch: bool = False


TODAY = Choice()


def route_of(choice: Choice, menu: Menu) -> RouteOption:
    """The (model, effort) the workload runs on under a choice; an empty menu runs on a nameless model of today."""
    return menu.routes[choice.route] if menu.routes else RouteOption(model="", today=True)


def levers_of(choice: Choice, menu: Menu) -> tuple[Lever, ...]:
    """The levers a choice moves, in order. A new effort on today's model is `effort`; with a new model it is both."""
    moved: set[Lever] = set()
    if choice.fixes:
        moved.add("fix")
    if choice.route:
        today, option = route_of(TODAY, menu), route_of(choice, menu)
        if option.model != today.model or option.effort == today.effort:
            moved.add("route")
        if option.effort != today.effort:
            moved.add("effort")
    if choice.cache != "as_billed":
        moved.add("cache")
    if choice.batch:
        moved.add("batch")
    return tuple(lever for lever in LEVERS if lever in moved)


def part(choice: Choice, menu: Menu, levers: Collection[str]) -> Choice:
    """The choice with only some of its levers moved: what the waterfall and the Shapley values are made of.

    Model and effort are one option of the menu. Moved apart, they are the menu's option with that model and today's
    effort, or with today's model and that effort. Where the menu has no such option the model carries its effort with
    it, and the effort alone is nothing.
    """
    return Choice(
        fixes=choice.fixes if "fix" in levers else (),
        route=_route_part(choice, menu, levers),
        cache=choice.cache if "cache" in levers else "as_billed",
        batch=choice.batch and "batch" in levers,
    )


def changes(choice: Choice) -> int:
    """How many things somebody has to change; a new model with a new effort is one."""
    return len(choice.fixes) + (choice.route != 0) + (choice.cache != "as_billed") + choice.batch


def _route_part(choice: Choice, menu: Menu, levers: Collection[str]) -> int:
    moved = levers_of(choice, menu)
    wanted = [lever for lever in moved if lever in ("effort", "route") and lever in levers]
    if not wanted:
        return 0
    if len(wanted) == len([lever for lever in moved if lever in ("effort", "route")]):
        return choice.route
    today, option = route_of(TODAY, menu), route_of(choice, menu)
    if wanted == ["effort"]:
        return _index_of(menu, today.model, option.effort, 0)
    return _index_of(menu, option.model, today.effort, choice.route)


def _index_of(menu: Menu, model: str, effort: str, otherwise: int) -> int:
    for index, option in enumerate(menu.routes):
        if (option.model, option.effort) == (model, effort) and not option.excluded_by:
            return index
    return otherwise
