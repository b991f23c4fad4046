"""How many calls a trial takes, and the other way round: the smallest margin that so many calls can certify."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from baseload.quality.bar import ALPHA, JUDGED_ALPHA, Bar
from baseload.quality.betting import PRIOR_CALLS, PRIOR_DISCORDANCE, SPARE
from baseload.quality.replay.plan import FIRST_LOOK
from baseload.quality.tango import planned_calls, smallest_margin
from baseload.quality.trial.document import TrialDocument
from baseload.quality.trial.earlier import alpha_left
from baseload.values import iso_day

PRIOR_WORDS: Final = f"assumed: {PRIOR_DISCORDANCE:.0%} of the calls differ, until a trial has seen how many"
SENSITIVITY: Final = 0.9
"""Of a judge, until its controls say: a judged bar is tested at so much of its margin (quality.md 3.2)."""

LEAST_ALPHA: Final = 1e-6
"""Stands in where earlier attempts or a judge's controls leave (nearly) nothing of a bar's alpha."""


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier trial of the same candidate left: calls that were won or lost of those it used.

    `state` is the verdict's; `expires_day` the first ISO day it no longer counts, "" = never. `graded` scores have no
    wins and losses, so that they say nothing about the discordance.
    """

    state: str
    calls: int
    wins: int = 0
    losses: int = 0
    graded: bool = False
    verdict_id: str = ""
    expires_day: str = ""

    def counts_on(self, day: int) -> bool:
        return not self.expires_day or self.expires_day > iso_day(day)


def earlier_of(trial: TrialDocument) -> Earlier:
    """What a finished trial leaves for the next one's plan."""
    decision = trial.decision
    return Earlier(
        state=trial.state,
        calls=decision.n_used,
        wins=decision.wins or 0,
        losses=decision.losses or 0,
        graded=decision.tango_p is None,
        verdict_id=trial.verdict_id,
        expires_day=trial.expires_day,
    )


class CallsPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Calls the test of one bar takes when the candidate is equal. A call is one of a session of its own.

    `expected` is what a fixed test would need for `power`; this one stops after 7 % more to 26 % fewer on average
    (docs/decisions/trial-test.md). `horizon` is where it ends without an answer, and what it needs for that power.
    `sent` is how many the looks will have sent by then (50, 100, 200, 400 …), cut at the horizon. `tested_margin` is
    the bar's; of a judged bar what its judge is assumed to see of it.
    """

    discordance: float
    discordance_from: str
    margin: float
    tested_margin: float
    alpha: float
    power: float
    expected: int
    horizon: int
    sent: int


def calls_plan(
    bar: Bar, earlier: Earlier | None = None, *, judged: bool = False, wealths: Sequence[float] = ()
) -> CallsPlan:
    """How many calls a bar asks for. `most_calls` of the bar is not in it: that is a limit, not a need.

    `wealths` are those at the stops of the attempts before it that count.
    """
    discordance, source = discordance_of(earlier)
    margin, alpha = terms_of(bar, judged=judged, wealths=wealths)
    fixed = planned_calls(discordance, margin, alpha, bar.power)
    horizon = math.ceil(SPARE * fixed)
    return CallsPlan(
        discordance=discordance,
        discordance_from=source,
        margin=bar.points,
        tested_margin=margin,
        alpha=alpha,
        power=bar.power,
        expected=math.ceil(fixed),
        horizon=horizon,
        sent=min(horizon, sent_by(math.ceil(fixed))),
    )


def discordance_of(earlier: Earlier | None) -> tuple[float, str]:
    """The expected discordance and where it is from; an earlier trial counts beside the prior, as in the test itself.

    >>> discordance_of(Earlier(state="not_shown", calls=160, wins=2, losses=2))[0]
    0.036
    """
    if earlier is None or earlier.graded or earlier.calls < 1:
        return PRIOR_DISCORDANCE, PRIOR_WORDS
    differing = earlier.wins + earlier.losses
    found = (PRIOR_CALLS * PRIOR_DISCORDANCE + differing) / (PRIOR_CALLS + earlier.calls)
    words = f"{differing} of {earlier.calls} calls differed in an earlier trial, beside {PRIOR_CALLS} assumed ones"
    return round(found, 9), words


def terms_of(bar: Bar, *, judged: bool, wealths: Sequence[float] = ()) -> tuple[float, float]:
    """(margin, alpha) that the test itself gets: a judge does not see all of a margin, and its controls take 0.01.

    Earlier attempts, by the wealths at their stops, leave it less of alpha.
    """
    spent = ALPHA - JUDGED_ALPHA if judged else 0.0
    alpha = bar.level * alpha_left(bar.level, wealths, spent)
    if not judged:
        return bar.points, max(alpha, LEAST_ALPHA)
    return bar.points * SENSITIVITY, max(round(alpha - spent, 12), LEAST_ALPHA)


def sent_by(calls: int) -> int:
    """Calls that have been sent once the test has seen `calls` of them: looks double from 50.

    >>> sent_by(1), sent_by(50), sent_by(51), sent_by(926)
    (50, 50, 100, 1600)
    """
    sent = FIRST_LOOK
    while sent < calls:
        sent *= 2
    return sent


def certifiable(calls: int, plan: CallsPlan) -> float | None:
    """The smallest margin that so many independent calls certify at the plan's alpha and power; None = none.

    They are the horizon: a test that may be stopped early takes a quarter more calls than a fixed one for the same
    power (quality.md 3.4). Of a judged bar it is the margin of the bar, not of the test.
    """
    if calls < 1:
        return None
    found = smallest_margin(plan.discordance, calls / SPARE, plan.alpha, plan.power)
    found *= plan.margin / plan.tested_margin
    if found >= 1:
        return None
    return math.ceil(round(found * 1_000_000, 6)) / 1_000_000  # never too good, but for what a search leaves over
