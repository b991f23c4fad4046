"""By what factor a candidate changes the tokens of today's text: tokenizer, wordiness, thinking, effort.

Nothing here is measured on the workload: each factor is a range (low, likely, high) and the option that uses it is
graded assumed, until a trial's output ratio takes its place (docs/decisions/routing-options.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple

from baseload.levers.route.verdicts import LEAST_RATIO, MOST_RATIO
from baseload.prices.book import Model, PriceBook
from baseload.prices.capabilities import LEVELS, can_stop_thinking, thinks_by_default
from baseload.values import Verdict

_ONE = Decimal(1)
_MEAN_STEP = Decimal("0.0001")
_STEP = Decimal("1e-9")  # fine enough that 100,000 tokens divided by 1/1.35 are 135,000 again


class Factor(NamedTuple):
    """Low, likely and high of a multiplier of tokens."""

    low: Decimal
    likely: Decimal
    high: Decimal

    def times(self, other: Factor) -> Factor:
        return Factor(*(_step(mine * theirs) for mine, theirs in zip(self, other, strict=True)))


SAME: Final = Factor(_ONE, _ONE, _ONE)
WORDINESS: Final = Factor(_ONE, Decimal("1.1"), Decimal("1.25"))
"""Another model answers at another length. An allowance: nothing measured (docs/decisions/routing-range.md)."""

FORCED_THINKING: Final = Factor(_ONE, Decimal("1.5"), Decimal("2.0"))
"""Thinking turns on and cannot be turned off: takes the place of `WORDINESS`. An allowance too."""


_LEAST_LEFT: Final = Decimal("0.01")
"""Of the output when its thinking ends: an answer is never nothing."""

_EFFORT: Final[Mapping[tuple[str, str], Factor]] = {
    ("high", "medium"): Factor(Decimal("0.70"), Decimal("0.80"), _ONE),
    ("high", "low"): Factor(Decimal("0.50"), Decimal("0.60"), _ONE),
    ("medium", "low"): Factor(Decimal("0.59"), Decimal("0.75"), _ONE),
}
"""Cost of knowledge work against the default effort: medium -15 to -30 %, low -33 to -50 % (anthropic-facts 1.6, called
directional there and older than the 5.5 models). Medium to low is the quotient. The high end is no saving at all."""

_LONG_LOOPS: Final[Mapping[tuple[str, str], Factor]] = {
    ("high", "medium"): Factor(Decimal("0.50"), Decimal("0.70"), _ONE),
    ("high", "low"): Factor(Decimal("0.25"), Decimal("0.50"), _ONE),
    ("medium", "low"): Factor(Decimal("0.50"), Decimal("0.70"), _ONE),
}
"""The same for long coding: medium about -50 %, low about -75 %, at 2 and 8 points of accuracy; likely in between."""

_FROM_ABOVE: Final = Factor(Decimal("0.70"), Decimal("0.90"), _ONE)
"""From xhigh or max to high: nobody measured it. An allowance."""

LOOP_TASKS: Final = ("agentic", "codegen")


def growth(current: str, candidate: str, book: PriceBook) -> Factor:
    """Tokens of the same text on `candidate` over those on `current` (model ids of the book)."""
    ratio = book.tokenizer_ratio(current, candidate)
    return Factor(_step(ratio.low), _step(ratio.typical), _step(ratio.high))


def thinks_today(current: Model, features: Collection[str]) -> bool:
    """Whether a workload's calls think on the model they run on. A mix of both counts as thinking."""
    if {"thinking_budget", "thinking_adaptive", "thinking_between_tools"}.intersection(features):
        return True
    return thinks_by_default(current) and "thinking_disabled" not in features


def output_factor(current: Model, candidate: Model, features: Collection[str], thinking_share: float) -> Factor:
    """Output tokens on `candidate` over those today, beside the tokenizer; the effort stays what it is.

    Thinking that starts and cannot be turned off may double the output. Thinking that ends takes its share away: that
    is the low end, as far as the source says how much of the output was thinking.
    """
    if current.id == candidate.id:
        return SAME
    if thinks_today(current, features):
        asked = "thinking_budget" in features or "thinking_adaptive" in features
        ends = not thinks_by_default(candidate) and not asked
        left = max(_ONE - Decimal(str(round(thinking_share, 2))), _LEAST_LEFT) if ends else _ONE
        return Factor(left, _step(left * WORDINESS.likely), WORDINESS.high)
    if thinks_by_default(candidate) and not can_stop_thinking(candidate):
        return FORCED_THINKING
    return WORDINESS


def effort_factor(before: str, after: str, task: str) -> Factor:
    """Output tokens at effort `after` over those at `before`, two of `LEVELS`; 1 where one of them is not known.

    A rise is the inverse of the fall.
    """
    if before == after or before not in LEVELS or after not in LEVELS:
        return SAME
    if LEVELS.index(after) > LEVELS.index(before):
        fall = effort_factor(after, before, task)
        return Factor(*(_step(_ONE / part) for part in reversed(fall)))
    table = _LONG_LOOPS if task in LOOP_TASKS else _EFFORT
    if LEVELS.index(before) <= LEVELS.index("high"):
        return table[before, after]
    if LEVELS.index(after) >= LEVELS.index("high"):
        return _FROM_ABOVE
    return _FROM_ABOVE.times(table["high", after])


def blended(parts: Sequence[tuple[Factor, int]]) -> Factor:
    """The mean of some factors by weight; exact where all are one, by count where no part has weight."""
    if not parts:
        return SAME
    if all(factor == parts[0][0] for factor, _ in parts):
        return parts[0][0]
    weights = [max(weight, 0) for _, weight in parts]
    total = sum(weights)
    weights = weights if total else [1] * len(parts)
    means = [
        sum((factor[bound] * weight for (factor, _), weight in zip(parts, weights, strict=True)), Decimal(0))
        / sum(weights)
        for bound in range(3)
    ]
    return Factor(*(_step(mean.quantize(_MEAN_STEP)) for mean in means))


def measured_output(verdict: Verdict, tokens: Factor) -> Factor | None:
    """The output factor a trial measured; None where it did not, or where the answers were none to plan with.

    A trial counts tokens, so its ratio holds the tokenizer too: what the option multiplies by `tokens` anyway is
    divided out, and the two together give the measured range again.
    """
    low, high = verdict.output_ratio_low, verdict.output_ratio_high
    if low is None or high is None or low < LEAST_RATIO or high > MOST_RATIO:
        return None
    middle = (low + high) / 2
    return Factor(_step(low / tokens.low), _step(middle / tokens.likely), _step(high / tokens.high))


def _step(value: Decimal) -> Decimal:
    short = value.quantize(_STEP, rounding=ROUND_HALF_EVEN).normalize()
    return short if short.as_tuple().exponent <= 0 else short.quantize(_ONE)  # type: ignore[operator]  # finite
