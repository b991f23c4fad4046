"""Rule sets: which options a plan may use. They say what is allowed, never how likely it is to work.

A change has one of four standings. *Proven*: it changes no answer and its size was measured, or a trial says the
answers hold and how long they are. *Simulated*: published rules applied to this workload's own calls, and no answer
changes or a trial says that answers hold. *Edit*: the same rules, applied to a prompt as its owner would have to
rewrite it; answers have to be checked afterwards. *Assumed*: something nobody has tested or agreed to.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from baseload.levers.batch.window import MET_TARGET
from baseload.levers.options import BatchOutcome, CacheOutcome, Fix, RouteOption
from baseload.values import Grade, VerdictState

Standing = Literal["proven", "simulated", "edit", "assumed"]
STANDINGS: tuple[Standing, ...] = ("proven", "simulated", "edit", "assumed")
"""Strongest first."""

_MEASURED: tuple[Grade, ...] = ("billed", "measured", "replayed")
_RULES: tuple[Grade, ...] = (*_MEASURED, "simulated", "sampled")


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan may use, and what it makes cheapest.

    `verdicts`: states of a trial that let a route (or another effort) be chosen. `standings`: of changes of any kind.
    `objective`: "likely" finds the cheapest likely cost; "careful" the cheapest high end of what changes.
    """

    name: str
    verdicts: frozenset[VerdictState]
    standings: frozenset[Standing]
    objective: Literal["likely", "careful"] = "likely"


EXPECTED = Rules(name="expected", verdicts=frozenset({"holds", "assumed"}), standings=frozenset(STANDINGS))
"""Every candidate nobody has ruled out: what to work towards. Assumed parts are in it and say so."""

EDITED = Rules(
    name="edited",
    verdicts=frozenset({"holds"}),
    standings=frozenset({"proven", "simulated", "edit"}),
    objective="careful",
)
"""What may be switched on once the owners of prompts have moved what changes in them behind what does not, and checked
the answers: text that moves is read in another place."""

DEPLOYABLE = Rules(
    name="deployable",
    verdicts=frozenset({"holds"}),
    standings=frozenset({"proven", "simulated"}),
    objective="careful",
)
"""What may be switched on today, without a trial and without anybody's word: measured fixes, simulated caching of the
prompts as they are sent, batches with a declared deadline, models a trial has shown to hold. Chosen by the high end of
its cost."""

PROVEN = Rules(
    name="conservative",
    verdicts=frozenset({"holds"}),
    standings=frozenset({"proven"}),
    objective="careful",
)
"""The conservative number: only what was measured or shown to hold, at the high end of its cost. A trial that says that
quality holds and does not say how long the answers were leaves the dollars to an allowance: it is not in here."""

EVERYTHING = Rules(
    name="everything",
    verdicts=frozenset({"holds", "assumed", "not_shown", "invalid"}),
    standings=frozenset(STANDINGS),
)
"""All but what a trial has shown to break."""


def standing_of_fix(fix: Fix) -> Standing:
    """Proven when measured and nobody has to agree."""
    if fix.decision or fix.grade == "assumed":
        return "assumed"
    return "proven" if fix.grade in _MEASURED else "simulated"


def standing_of_route(option: RouteOption) -> Standing:
    """Proven when it is today's, or a trial says that it holds and counted its output tokens.

    Where a trial says that quality holds and not how long the answers are, its dollars rest on an allowance: simulated.
    So is what held against a stand-in; `allows_route` lets that in only where untested models may be chosen too.
    """
    if option.today:
        return "proven"
    if option.verdict != "holds":
        return "assumed"
    return "proven" if option.proven and option.grade in _MEASURED else "simulated"


def standing_of_cache(outcome: CacheOutcome) -> Standing:
    """Simulated when rules were applied to calls; assumed else. Not to cache is proven when it was counted: its cost is
    arithmetic on the tokens as billed; any other policy is never proven before it has run. Marks that wait for an edit
    of the prompt are an edit."""
    if outcome.move_after_prefix and outcome.grade in _RULES:
        return "edit"
    if outcome.policy == "none" and outcome.grade in _MEASURED:
        return "proven"
    return "simulated" if outcome.grade in _RULES else "assumed"


def standing_of_batch(outcome: BatchOutcome) -> Standing:
    """Simulated with a declared deadline; an inferred one is nobody's word."""
    declared = outcome.deadline_source == "declared"
    return "simulated" if declared and outcome.grade in _RULES else "assumed"


def allows_route(rules: Rules, option: RouteOption) -> bool:
    """Today's model is always allowed; another one when nothing excludes it and its verdict is allowed.

    What held against a stand-in counts as not tested.
    """
    if option.today:
        return True
    state: VerdictState = "assumed" if option.untested else option.verdict
    return not option.excluded_by and state in rules.verdicts and standing_of_route(option) in rules.standings


def allows_batch(rules: Rules, outcome: BatchOutcome | None) -> bool:
    """Nothing blocks it, its deadline is kept (`MET_TARGET` of its calls), and its standing is allowed."""
    return (
        outcome is not None
        and not outcome.blocked_by
        and outcome.met_share >= MET_TARGET
        and standing_of_batch(outcome) in rules.standings
    )
