"""One step of a route: (state, event) -> (state, actions). Nothing else changes a route.

A roll-back is absorbing: no event moves the route any more. Drift raises the shadow share or ends the verdict and
never rolls back; only evidence of a loss, a burning budget, an untested candidate or a person do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from baseload.errors import UsageError
from baseload.quality.watch.burn import tripped
from baseload.quality.watch.drift import shift
from baseload.quality.watch.events import Action, Answered, Event, Graded, Inputs, Ordered, Seen
from baseload.quality.watch.route import BackReason, Drift, EndReason, Expired, Reached, RolledBack, Route
from baseload.values.periods import DAY_US

Step = tuple[Route, tuple[Action, ...]]
_QUIET: Final[tuple[Action, ...]] = ()


def step(route: Route, event: Event) -> Step:
    """The route after one event, and what the driver does now.

    An event from before the route's time counts at the route's time. Raises UsageError where the counts of an `Inputs`
    do not fit their reference; the route then stays as it is.
    """
    if route.rolled_back:
        return route, _QUIET
    before = route.shadow_share
    route = replace(route, at_us=max(route.at_us, event.at_us), events=route.events + 1)
    route, actions = _told(route, event)
    for due in (_aged, _climbed):
        if not route.rolled_back:
            route, more = due(route)
            actions += more
    return route, actions + _shadow_action(before, route)


def replay(route: Route, events: Iterable[Event]) -> Step:
    """All events in order, and all actions."""
    actions: list[Action] = []
    for event in events:
        route, done = step(route, event)
        actions += done
    return route, tuple(actions)


def _told(route: Route, event: Event) -> Step:
    match event:
        case Graded():
            return _graded(route, event)
        case Answered():
            return _answered(route, event)
        case Inputs():
            return _came_in(route, event)
        case Seen():
            return _seen(route, event)
        case Ordered():
            return _ordered(route, event)
        case _:
            return route, _QUIET


def _graded(route: Route, event: Graded) -> Step:
    evidence = route.evidence.seen(event.d, route.terms.margin)
    route = replace(route, evidence=evidence, rung_pairs=route.rung_pairs + 1)
    if evidence.level < route.terms.alarm:
        return route, _QUIET
    says = f"worse than the margin of {route.terms.margin:g} after {evidence.pairs} pairs"
    return rolled_back(route, "quality", f"{says}: evidence {evidence.level:.0f}, alarm at {route.terms.alarm:.0f}")


def _answered(route: Route, event: Answered) -> Step:
    terms = route.terms
    windows = route.windows.counted(route.at_us, event.calls, event.bad)
    route = replace(route, windows=windows, rung_calls=route.rung_calls + event.calls)
    found = tripped(windows, route.at_us, terms.budgets, terms.least_bad)
    for trip in found:
        if trip.rule.does == "roll_back":
            return rolled_back(route, "signal", trip.says(terms.budgets[trip.signal]))
    fresh = [trip for trip in found if trip.signal not in route.burning]
    actions = tuple(
        Action(kind="retest", reason=trip.signal, says=trip.says(terms.budgets[trip.signal])) for trip in fresh
    )
    return replace(route, burning=tuple(trip.signal for trip in found)), actions


def _came_in(route: Route, event: Inputs) -> Step:
    actions = _QUIET
    for feature, counts in event.counts.items():
        reference = route.terms.references.get(feature)
        if reference is None:
            continue  # nothing was measured to compare it with
        if len(counts) != len(reference.counts):
            raise UsageError(f"{feature[:60]}: {len(counts)} bins; expected {len(reference.counts)}, the reference's")
        drift = route.drift.get(feature, Drift())
        recent = tuple(map(sum, zip(drift.recent or (0,) * len(counts), counts, strict=True)))
        if sum(recent) < route.terms.drift_calls:
            route = _with(route, feature, replace(drift, recent=recent))
            continue
        found = shift(reference, recent)
        route = _with(route, feature, Drift(moved=found.level != "calm"))
        if found.level == "other":
            route, more = _ended(route, "drift", found.says(feature))
            actions += more
    return route, actions


def _with(route: Route, feature: str, drift: Drift) -> Route:
    return replace(route, drift={**route.drift, feature: drift})


def _seen(route: Route, event: Seen) -> Step:
    tested = route.terms.tested
    compared: tuple[tuple[EndReason, str, tuple[str, ...]], ...] = (
        ("candidate", event.candidate, (tested.candidate,)),
        ("incumbent", event.incumbent, (tested.incumbent,) if tested.incumbent else ()),
        ("system", event.system_sha, tested.systems),
        ("tools", event.tools_sha, tested.tools),
        ("grader", event.grader, (tested.grader,) if tested.grader else ()),
    )
    actions = _QUIET
    for reason, now, known in compared:
        if not now or not known or now in known:
            continue
        says = f"{reason} is {now[:40]}; the trial had {known[0][:40]}"
        route, more = _ended(route, reason, says)
        actions += more
        if reason == "candidate":
            route, more = rolled_back(route, "candidate", f"{says}: what would serve was never tested")
            return route, actions + more
    return route, actions


def _ordered(route: Route, event: Ordered) -> Step:
    who = f"{event.who[:40]}: {event.says[:200]}" if event.says else event.who[:40]
    if event.order == "roll_back":
        return rolled_back(route, "ordered", who)
    return replace(route, held=who if event.order == "hold" else ""), _QUIET


def _aged(route: Route) -> Step:
    days = (route.at_us - route.terms.decided_us) // DAY_US
    if days < route.terms.expires_days:
        return route, _QUIET
    return _ended(route, "age", f"decided {days} days ago; verdicts last {route.terms.expires_days}")


def _climbed(route: Route) -> Step:
    """One rung up, where everything this one asks for is there and nothing is open."""
    rung = route.terms.ladder[route.rung]
    long_enough = route.at_us - route.rung_us >= rung.least_us
    enough = long_enough and route.rung_calls >= rung.least_calls and route.rung_pairs >= rung.least_pairs
    if route.rung + 1 == len(route.terms.ladder) or not enough or route.held or route.alarms:
        return route, _QUIET
    share = route.terms.ladder[route.rung + 1].share
    climbed = replace(
        route,
        rung=route.rung + 1,
        rung_us=route.at_us,
        rung_calls=0,
        rung_pairs=0,
        reached=(*route.reached, Reached(route.at_us, share)),
    )
    says = f"{route.stage} left after {route.rung_calls} answers and {route.rung_pairs} pairs without an alarm"
    return climbed, (Action(kind="ramp", reason=climbed.stage, says=says, share=share),)


def _ended(route: Route, reason: EndReason, says: str) -> Step:
    """The verdict expires once; what comes later does not change why."""
    if route.expired:
        return route, _QUIET
    expired = Expired(at_us=route.at_us, reason=reason, says=says)
    return replace(route, expired=expired), (Action(kind="expire", reason=reason, says=says),)


def rolled_back(route: Route, reason: BackReason, says: str) -> Step:
    """One write: the incumbent serves from now on."""
    back = RolledBack(at_us=route.at_us, candidate=route.terms.tested.candidate, reason=reason, says=says)
    done = replace(route, rolled_back=back, reached=(*route.reached, Reached(route.at_us, 0.0)))
    return done, (Action(kind="roll_back", reason=reason, says=says, share=0.0),)


def _shadow_action(before: float, route: Route) -> tuple[Action, ...]:
    """Told only where the route goes on: a roll-back ends the pairing by itself."""
    now = route.shadow_share
    if now == before or route.rolled_back:
        return _QUIET
    says = f"pair {now:.2%} of calls: {'; '.join(route.alarms) or 'no alarm is open'}"
    return (Action(kind="shadow", reason="raised" if now > before else "calm", says=says, share=now),)
