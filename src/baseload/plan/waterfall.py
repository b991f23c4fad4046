"""From today's cost to the plan's, one lever after the other, and how well each step is known.

Each step is the cost before it minus the cost after it, so the steps add up to the whole by construction. A step's own
range moves the unknowns of its own lever and leaves every other at its likely value: ranges of steps do not add up to
the range of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from baseload.levers.options import Menu
from baseload.levers.summary import weakest
from baseload.plan.choice import LEVERS, TODAY, Choice, Lever, levers_of, part, route_of
from baseload.plan.cost import Part, Pricer, agreed
from baseload.plan.placing import HIGH, LOW
from baseload.plan.repricing import Ends
from baseload.plan.span import Span, around
from baseload.values import Grade

ByGrade = Mapping[Grade, int]
"""Nano-dollars by how they are known; they add to the figure they divide."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one lever saves after those before it; negative where it costs. `by_grade` adds to `saving.likely`."""

    lever: Lever
    saving: Span
    by_grade: dict[Grade, int] = msgspec.field(default_factory=dict)


def waterfall(pricer: Pricer, choice: Choice) -> tuple[Step, ...]:
    """The five steps in order; one that is not taken is 0. They add to today's likely cost less the choice's."""
    taken = levers_of(choice, pricer.menu)
    before = TODAY
    steps = []
    for place, lever in enumerate(LEVERS):
        after = part(choice, pricer.menu, LEVERS[: place + 1])
        steps.append(_step(pricer, lever, before, after) if lever in taken else Step(lever=lever, saving=Span()))
        before = after
    return tuple(steps)


def graded_cost(pricer: Pricer, choice: Choice) -> dict[Grade, int]:
    """The likely cost of a choice by grade: of each position the weakest of what it rests on."""
    found: dict[Grade, int] = {}
    amounts = pricer.amounts(choice)
    for position_part, nano in zip(pricer.parts(choice), amounts, strict=True):
        _add(found, _grade(position_part, choice, pricer.menu), nano)
    return found


def grades_of(choice: Choice, menu: Menu, position_part: Part) -> dict[Lever, Grade]:
    """How each lever that touches a position is known there."""
    found: dict[Lever, Grade] = {}
    if position_part.placed.fixed:
        found["fix"] = weakest(menu.fixes[index].grade for index in choice.fixes)
    if position_part.placed.rerouted:
        for lever in levers_of(part(choice, menu, ("effort", "route")), menu):
            found[lever] = route_of(choice, menu).grade
    if position_part.cache is not None:
        found["cache"] = position_part.cache.grade
    if position_part.batch is not None:
        declared = position_part.batch.deadline_source == "declared"
        found["batch"] = position_part.batch.grade if declared else "assumed"
    return found


def _step(pricer: Pricer, lever: Lever, before: Choice, after: Choice) -> Step:
    was, now = pricer.amounts(before), pricer.amounts(after)
    likely = sum(was) - sum(now)
    bounds = [sum(was) - pricer.at(after, _own_end(lever, end)) for end in (LOW, HIGH)]
    if lever == "fix":
        bounds.append(sum(was) - pricer.at(agreed(after, pricer.menu)))
    by_grade: dict[Grade, int] = {}
    for position_part, old, new in zip(pricer.parts(after), was, now, strict=True):
        if old != new:
            _add(by_grade, _grade(position_part, after, pricer.menu), old - new)
    return Step(lever=lever, saving=around(likely, bounds), by_grade=by_grade)


def _own_end(lever: Lever, end: int) -> Ends:
    if lever in ("effort", "route"):
        return Ends(route=end)
    if lever == "cache":
        return Ends(cache=end)
    return Ends(batch=end) if lever == "batch" else Ends()


def _grade(position_part: Part, choice: Choice, menu: Menu) -> Grade:
    """The weakest of how the position itself is known and of every lever that touches it."""
    own: Grade = "sampled" if position_part.placed.position.sampling_rate > 1 else "measured"
    return weakest([own, *grades_of(choice, menu, position_part).values()])


def _add(totals: dict[Grade, int], grade: Grade, nano: int) -> None:
    totals[grade] = totals.get(grade, 0) + nano
