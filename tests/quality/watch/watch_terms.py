"""The terms that the tests of `watch` speak of, and short ways to say events."""

from __future__ import annotations

from typing import Any

from baseload.quality.watch.burn import HOUR_US, Budget
from baseload.quality.watch.drift import Reference
from baseload.quality.watch.events import Answered, Event, Graded
from baseload.quality.watch.machine import step
from baseload.quality.watch.route import Route, begin
from baseload.quality.watch.terms import Terms, Tested

DAY_US = 24 * HOUR_US
TESTED = Tested(
    candidate="claude-haiku-5-5",
    incumbent="claude-opus-5-5",
    systems=("sys-a", "sys-b"),
    tools=("tools-a",),
    grader="label@3",
)


def terms(**changes: Any) -> Terms:
    """Two points of margin; a refusal budget of 2 % measured + 1; lengths of the trial in four equal bins."""
    given: dict[str, Any] = {
        "workload": "w-triage",
        "policy_id": "p-1",
        "verdict_id": "v-1",
        "decided_us": 0,
        "tested": TESTED,
        "margin": 0.02,
        "budgets": {"refusal": Budget(baseline=0.02, margin=0.01)},
        "references": {"length": Reference(edges=(100.0, 200.0, 400.0), counts=(250, 250, 250, 250))},
    }
    return Terms(**{**given, **changes})


def started(**changes: Any) -> Route:
    return begin(terms(**changes), 0)


def on(route: Route, *events: Event) -> Route:
    for event in events:
        route, _ = step(route, event)
    return route


def served(route: Route, hours: float, calls: int, pairs: int) -> Route:
    """`calls` good answers and `pairs` equal pairs, `hours` after the route's time."""
    at = route.at_us + int(hours * HOUR_US)
    equal = [Graded(at_us=route.at_us, d=0.0) for _ in range(pairs)]
    return on(route, *equal, Answered(at_us=at, calls=calls))


def at_full(**changes: Any) -> Route:
    """A route that climbed the whole ladder without an alarm, four days after it began."""
    route = started(**changes)
    for calls, pairs in ((100, 100), (200, 50), (500, 100), (1000, 200)):
        route = served(route, 24, calls, pairs)
    return route
