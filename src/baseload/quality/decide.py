"""From differences in the order they came to a verdict, as `baseload trial decide` prints it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np

from baseload.quality.betting import Outcome, Rule, State, Walks, state_of
from baseload.quality.sequence import Sequence
from baseload.quality.tango import tango_p

SCHEMA: Final = "baseload.trial.decision/1"

NOT_SHOWN: Final = "not shown: "
"""Begins the reason of a verdict that is none; whoever has said the verdict leaves it out."""

FUTILE: Final = (
    "not shown: likely below the bar, by more than chance explains; stopped, since more calls would hardly show that "
    "it holds"
)
"""Of a test that was stopped as hopeless: it may have been on its way to break, which was not shown either."""

_REASONS: Final = {
    Outcome.HOLDS: "no worse than the bar: the wealth against it reached 1/alpha",
    Outcome.BREAKS: "worse than the bar: the wealth for it reached 1/alpha_break",
    Outcome.FUTILE: FUTILE,
    Outcome.ENDED: "not shown: the planned horizon was reached",
    Outcome.OPEN: "not shown: the scores ended before an answer",
}


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the scores say about one candidate. Differences are candidate - incumbent, -1 to 1.

    `estimate` is the mean of the first `n_used` differences, `low` to `high` its 95 % confidence sequence there, and
    `e_value` the wealth against "worse by the margin" at the stop. `tango_p` is the fixed-sample check printed beside
    it, None where a difference is neither -1, 0 nor 1; it is no test of its own, since nobody fixed the sample.
    All are None where the verdict is INVALID; `fault` then names the row.
    """

    schema: str = SCHEMA
    verdict: State
    reason: str
    n_used: int
    margin: float
    alpha: float
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    e_value: float | None = None
    e_value_break: float | None = None
    wins: int | None = None
    losses: int | None = None
    tango_p: float | None = None
    fault: str | None = None


def decide(differences: Iterable[float], rule: Rule) -> Decision:
    """Take differences until the test stops; what comes after the stop is not looked at.

    A value outside [-1, 1] makes the verdict INVALID: a verdict is never silently optimistic.
    """
    walk, sequence = Walks(rule), Sequence()
    wins = losses = graded = 0
    outcome = Outcome.OPEN
    for row, difference in enumerate(differences, start=1):
        if not -1 <= difference <= 1:  # a NaN fails this too
            return invalid(rule, row - 1, f"row {row}: d is {difference}; expected a number from -1 to 1")
        sequence.see(difference)
        outcome = Outcome(int(walk.step(np.array([difference]))[0]))
        wins, losses = wins + (difference == 1), losses + (difference == -1)
        graded += difference not in (-1, 0, 1)
        if outcome != Outcome.OPEN:
            break
    calls, (low, high) = walk.calls, sequence.interval
    return Decision(
        verdict=state_of(outcome),
        reason=_REASONS[outcome],
        n_used=calls,
        margin=rule.margin,
        alpha=rule.alpha,
        estimate=float(walk.sum[0]) / calls if calls else None,
        low=low,
        high=high,
        e_value=float(walk.wealth[0]),
        e_value_break=float(walk.mirror[0]),
        wins=wins,
        losses=losses,
        tango_p=tango_p(wins, losses, calls, rule.margin) if calls and not graded else None,
    )


def invalid(rule: Rule, before: int, fault: str) -> Decision:
    """No verdict: row `before` + 1 cannot be read."""
    return Decision(
        verdict="INVALID",
        reason="a score cannot be read: no verdict",
        n_used=before,
        margin=rule.margin,
        alpha=rule.alpha,
        fault=fault,
    )
