"""Why not the others: what each workload could also do, what that would cost, and why it was not chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from baseload.levers.batch.window import MET_TARGET
from baseload.levers.options import BatchOutcome, Fix, RouteOption
from baseload.plan.choice import Choice, Lever
from baseload.plan.compose import Composed
from baseload.plan.cost import Pricer
from baseload.values import VerdictState

MOST_REJECTED = 8
_VERDICTS: Mapping[VerdictState, str] = {
    "breaks": "a trial shows that it breaks the bar",
    "not_shown": "a trial could not show that it holds",
    "invalid": "its trial failed: nothing is known",
}
DEARER = "costs more"
NO_ROOM = "its rate-limit pool has no room left"
NO_CHANGE = "costs the same"
LESS_KNOWN = "nobody tested it, and it saves too little more than a move that a trial speaks for"


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the plan does not do. `nano` is the likely cost of the whole workload with it; None where unknown."""

    lever: Lever
    candidate: str
    nano: int | None
    reason: str
    route: int = 0  # its place in the menu; 0 where it is no other model or effort


def rejected(pricer: Pricer, choice: Choice, best_by_route: Mapping[int, Composed]) -> list[Rejected]:
    """Up to `MOST_REJECTED` alternatives of a choice, cheapest first: what was barred before what is only dearer.

    Those a trial has spoken on are all in it, in the same order.

    Another route is shown with the cheapest of the other levers on it; anything else with the rest of the choice, and
    not at all where it changes nothing.
    """
    found = [*_routes(pricer, choice, best_by_route), *_caches(pricer, choice), *_batch(pricer, choice)]
    found += _fixes(pricer, choice)
    found = [one for one in found if one.lever in ("effort", "route") or one.reason != NO_CHANGE]
    plain = (DEARER, NO_CHANGE)
    found.sort(key=lambda one: (one.reason in plain, one.nano is None, one.nano or 0, one.lever, one.candidate))
    tried = [bool(one.route) and bool(pricer.menu.routes[one.route].verdict_id) for one in found]
    others = MOST_REJECTED - sum(tried)
    return [
        one
        for place, (one, spoken) in enumerate(zip(found, tried, strict=True))
        if spoken or place - sum(tried[:place]) < others
    ]


def route_name(option: RouteOption) -> str:
    """A route in words.

    >>> route_name(RouteOption(model="m", effort="low"))
    'm at effort low'
    """
    return f"{option.model} at effort {option.effort}" if option.effort else option.model


def fix_name(fix: Fix) -> str:
    """A fix in words."""
    return {"repeat": "keep answers to repeats", "speed": "standard speed", "geo": "global inference"}[fix.kind]


def _routes(pricer: Pricer, choice: Choice, best_by_route: Mapping[int, Composed]) -> Iterator[Rejected]:
    chosen = pricer.at(choice)
    for index, option in enumerate(pricer.menu.routes):
        if index == choice.route:
            continue
        best = best_by_route.get(index)
        instead = best.choice if best else msgspec.structs.replace(choice, route=index)
        nano = pricer.at(instead)
        reason = _barred(option)
        if not reason:
            reason = _cheaper(pricer, choice, option) if nano < chosen and best else _dearer(nano, chosen)
        lever: Lever = "effort" if option.model == pricer.menu.routes[0].model and index else "route"
        yield Rejected(lever=lever, candidate=route_name(option), nano=nano, reason=reason, route=index)


def _cheaper(pricer: Pricer, choice: Choice, option: RouteOption) -> str:
    """Why an allowed route that costs less was not taken."""
    taken = pricer.menu.routes[choice.route]
    return LESS_KNOWN if taken.verdict == "holds" and option.verdict == "assumed" else NO_ROOM


def _barred(option: RouteOption) -> str:
    if option.excluded_by:
        # the verdict has a place of its own beside the reason
        return "excluded: " + "; ".join(why.removesuffix(f" ({option.verdict_id})") for why in option.excluded_by)
    return "" if option.today else _VERDICTS.get(option.verdict, "")


def _caches(pricer: Pricer, choice: Choice) -> Iterator[Rejected]:
    chosen = pricer.at(choice)
    models = pricer.models(choice)
    policies = dict.fromkeys(outcome.policy for outcome in pricer.menu.caches if outcome.model in models)
    for policy in dict.fromkeys(["as_billed", *policies]):
        if policy != choice.cache:
            nano = pricer.at(msgspec.structs.replace(choice, cache=policy))
            yield Rejected(lever="cache", candidate=policy, nano=nano, reason=_dearer(nano, chosen))


def _batch(pricer: Pricer, choice: Choice) -> Iterator[Rejected]:
    outcome = pricer.menu.batch
    if outcome is None:
        return
    other = msgspec.structs.replace(choice, batch=not choice.batch)
    nano = None if outcome.blocked_by and other.batch else pricer.at(other)
    reason = _unbatchable(outcome) if other.batch else ""
    candidate = "in batches" if other.batch else "one by one"
    yield Rejected(lever="batch", candidate=candidate, nano=nano, reason=reason or _dearer(nano, pricer.at(choice)))


def _unbatchable(outcome: BatchOutcome) -> str:
    if outcome.blocked_by:
        return "blocked: " + "; ".join(outcome.blocked_by)
    return f"{outcome.met_share:.1%} of calls inside the deadline" if outcome.met_share < MET_TARGET else ""


def _fixes(pricer: Pricer, choice: Choice) -> Iterator[Rejected]:
    for index, fix in enumerate(pricer.menu.fixes):
        if index not in choice.fixes:
            taken = tuple(sorted((*choice.fixes, index)))
            nano = pricer.at(msgspec.structs.replace(choice, fixes=taken))
            yield Rejected(lever="fix", candidate=fix_name(fix), nano=nano, reason=_dearer(nano, pricer.at(choice)))


def _dearer(nano: int | None, chosen: int) -> str:
    return NO_CHANGE if nano == chosen else DEARER
