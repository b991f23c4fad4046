"""The dollars of a trial: candidate, incumbent again, grading; at the expected calls and at the horizon."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from baseload.prices.book import PriceBook
from baseload.quality.bar import Bar
from baseload.quality.graders.controls import PLACEBOS, SEEDED
from baseload.quality.trial.planning_calls import CallsPlan
from baseload.quality.trial.planning_cost import NOTHING, Target, Transport, Usd, judge_usd, replay_usd
from baseload.quality.trial.planning_question import Grading, Question
from baseload.quality.trial.prepare import MOST_ON_NOISE
from baseload.quality.trial.setup import NOISE_PAIRS

MOST_CALLS: Final = 10**9
"""Beyond it nobody counts: a free model."""


class PerCall(msgspec.Struct, frozen=True, kw_only=True):
    """List dollars of one call through one transport, by line, unrounded; and what a trial costs whatever its length.

    The incumbent is asked again on the first `again_most` calls, None = on all. `fixed` are a judge's controls: 100
    placebo pairs, replayed and judged, and 60 seeded ones.
    """

    candidate: Usd
    incumbent_again: Usd
    again_most: int | None
    grading: Usd
    fixed: Usd

    def again(self, calls: int) -> Usd:
        """The incumbent's part of a trial of so many calls."""
        return self.incumbent_again.times(calls if self.again_most is None else min(calls, self.again_most))

    def total(self, calls: int) -> Usd:
        return self.candidate.plus(self.grading).times(calls).plus(self.again(calls)).plus(self.fixed)


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """List dollars of a trial through one transport, to a millionth.

    `expected` is at the calls sent when a fixed test of an equal candidate would have ended, `horizon` at the longest;
    neither on more calls than there are, unless there are none.
    `candidate_usd`, `incumbent_again_usd` and `grading_usd` (a judge's controls in it) are the likely parts of
    `expected` and add up to it; `first_look` is the first 50 calls with those controls. `per_call` is one call on the
    candidate.
    """

    calls: int
    expected: Usd
    horizon: Usd
    first_look: Usd
    candidate_usd: Decimal
    incumbent_again_usd: Decimal
    grading_usd: Decimal
    per_call: Usd


def per_call(asked: Question, transport: Transport, book: PriceBook) -> PerCall | None:
    """What one call costs; None where one of the models has no price on the workload's platform."""
    grading = asked.grading or Grading(tier="truth")
    target = Target(model=asked.candidate.model, output=asked.candidate.output)
    candidate = replay_usd(asked.shapes, target, transport, book, asked.day)
    again = replay_usd(asked.shapes, Target(model=asked.incumbent), transport, book, asked.day)
    pair = judge_usd(asked.shapes, grading.judge, transport, book, asked.day) if grading.judge else NOTHING
    if candidate is None or again is None or pair is None:
        return None
    return PerCall(
        candidate=candidate,
        incumbent_again=again,
        again_most=_again_most(asked.bar, grading, again),
        grading=pair.plus(_exactly(grading.usd_per_label)).times(grading.differing),
        fixed=again.times(PLACEBOS).plus(pair.times(PLACEBOS + SEEDED)) if grading.judged else NOTHING,
    )


def _again_most(bar: Bar | None, grading: Grading, again: Usd) -> int | None:
    """On how many calls the incumbent is asked again: all where agreement with it is the truth, none beside a judge's
    placebo, else 50 for as much as a fifth of the budget buys at the most they may cost."""
    if grading.noise_floor:
        return None
    if grading.judged:
        return 0
    if bar is None or not again.high:
        return NOISE_PAIRS
    return min(NOISE_PAIRS, int(bar.budget_usd * MOST_ON_NOISE / again.high))


def _exactly(usd: Decimal) -> Usd:
    return Usd(usd, usd, usd)


def money_of(costs: PerCall, calls: CallsPlan, first_look: int, there: int = 0) -> Money:
    """The trial's dollars. Each figure is rounded once, from unrounded parts.

    No more calls are priced than are `there`; 0 = nobody knows, or none is: then what the bar asks for.
    """
    most = there or calls.horizon
    sent = min(calls.sent, most)
    expected = costs.total(sent).rounded
    again = costs.again(sent).rounded.likely
    grading = costs.grading.times(sent).plus(costs.fixed).rounded.likely
    return Money(
        calls=sent,
        expected=expected,
        horizon=costs.total(min(calls.horizon, most)).rounded,
        first_look=costs.total(min(first_look, most)).rounded,
        candidate_usd=expected.likely - again - grading,  # so that the parts add up whatever is rounded
        incumbent_again_usd=again,
        grading_usd=grading,
        per_call=costs.candidate.rounded,
    )


def affordable(costs: PerCall, budget_usd: Decimal) -> int:
    """Calls that a budget buys at the likely cost, after a judge's controls; 0 where it does not even buy those."""
    low, high = 0, MOST_CALLS
    if costs.total(0).likely > budget_usd:
        return 0
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if costs.total(middle).likely <= budget_usd else (low, middle - 1)
    return low
