"""The test: wealth that grows only if the candidate holds the bar, by bets that know the past alone (quality.md 3.2).

H0: the mean of D, given the past, is at most -margin. Wealth W = prod(1 + bet (D + margin)) with every bet chosen
before its D is seen is then a nonnegative supermartingale, so that P(ever W >= 1/alpha) <= alpha (Ville): whenever one
looks, however one stops, whatever the mix. The mirrored process M certifies the opposite. The size of a bet aims at a
horizon (STaR bets, arXiv 2505.22422) that is planned again from the discordance seen; it only decides how soon the test
ends.

Many walks go in step, so that the simulations that prove the error rates run the very code that decides.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.errors import UsageError
from baseload.quality.tango import planned

Floats = NDArray[np.float64]

PRIOR_CALLS: Final = 40
PRIOR_DISCORDANCE: Final = 0.08
"""What is believed of the discordance before any call, and its weight."""
SPARE: Final = 1.25
"""The horizon is so much longer than a fixed test would plan."""
FIRST_PLAN: Final = 50
"""The horizon is planned again after 50, 100, 200, 400 … calls, and then looked at: what is believed before any call
sizes bets and ends no test."""
LEAST_AHEAD: Final = 25
LEAST: Final = 1e-15
"""The smallest margin and alpha; below it 1 - alpha is 1, and no plan is to be had."""
MOST_STAKED: Final = 0.95
"""Never more of the wealth than this can be lost at once."""
_LEAST_WEALTH: Final = 1e-300
_FIRST_Z: Final = 2.6
_LAST_Z: Final = 1.645
_Z_FALLS: Final = 0.35
"""Futility asks for 99.5 % at first and for 95 % from this share of the horizon on."""
_LOOK_EVERY: Final = 25


class Outcome(IntEnum):
    """How a walk stands."""

    OPEN = 0
    HOLDS = 1
    BREAKS = 2
    FUTILE = 3  # not shown, and not going to be
    ENDED = 4  # not shown within its horizon


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is tested, fixed before the first call. Raises UsageError.

    `margin` is the loss of mean score that is still no worse (0.02 = two points). `alpha_break` None = alpha. With
    `most_calls` the horizon never lies beyond it. `futility` ends hopeless tests early and costs power only.
    """

    margin: float
    alpha: float = 0.05
    alpha_break: float | None = None
    futility: bool = True
    most_calls: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("margin", self.margin), ("alpha", self.alpha), ("alpha_break", self.breaks_at)):
            if not 0 < value < 1:
                raise UsageError(f"{name}: {value}; expected a number above 0 and below 1, such as 0.02")
            if value < LEAST:
                raise UsageError(f"{name}: {value:g}; expected at least {LEAST:g}: no number of calls shows less")
        if self.most_calls is not None and self.most_calls < 1:
            raise UsageError(f"most_calls: {self.most_calls}; expected at least 1")

    @property
    def breaks_at(self) -> float:
        return self.alpha if self.alpha_break is None else self.alpha_break


class Walks:
    """Tests of one rule in step: each call moves every walk that is still open."""

    def __init__(self, rule: Rule, walks: int = 1) -> None:
        self.rule = rule
        self.calls = 0
        self.wealth, self.mirror = np.ones(walks), np.ones(walks)
        self.sum, self.squares = np.zeros(walks), np.zeros(walks)
        self.horizon = self._planned(np.full(walks, PRIOR_DISCORDANCE))
        self._next_plan = FIRST_PLAN

    def step(self, difference: Floats) -> NDArray[np.int8]:
        """Bet, see one D in [-1, 1] per walk, and say how each stands."""
        up, down = self.bets()
        gain = difference + self.rule.margin
        self.wealth = self.wealth * (1 + up * gain)
        self.mirror = self.mirror * (1 - down * gain)
        self.sum, self.squares = self.sum + difference, self.squares + difference * difference
        self.calls += 1
        if self.calls == self._next_plan:  # before the look: what was seen says how far the test may still go
            self._next_plan *= 2
            self.horizon = np.maximum(self._planned(self._discordance()), self.calls + LEAST_AHEAD)
            if self.rule.most_calls is not None:
                self.horizon = np.minimum(self.horizon, self.rule.most_calls)
        return self._outcome()

    def bets(self) -> tuple[Floats, Floats]:
        """The stakes of the next call, from what is known before it."""
        rule, left = self.rule, np.maximum(self.horizon - self.calls, 1)
        spread = (self._discordance() + rule.margin**2) * left
        up = np.sqrt(np.maximum(-2 * np.log(rule.alpha * np.maximum(self.wealth, _LEAST_WEALTH)), 0) / spread)
        down = np.sqrt(np.maximum(-2 * np.log(rule.breaks_at * np.maximum(self.mirror, _LEAST_WEALTH)), 0) / spread)
        return np.minimum(up, MOST_STAKED / (1 - rule.margin)), np.minimum(down, MOST_STAKED / (1 + rule.margin))

    def keep(self, open_walks: NDArray[np.bool_]) -> None:
        """Go on with these walks alone."""
        for name in ("wealth", "mirror", "sum", "squares", "horizon"):
            setattr(self, name, getattr(self, name)[open_walks])

    def _discordance(self) -> Floats:
        found: Floats = (PRIOR_DISCORDANCE * PRIOR_CALLS + self.squares) / (PRIOR_CALLS + self.calls)
        return found

    def _planned(self, discordance: Floats) -> Floats:
        ahead = SPARE * planned(discordance, self.rule.margin, self.rule.alpha)
        return ahead if self.rule.most_calls is None else np.minimum(ahead, self.rule.most_calls)

    def _outcome(self) -> NDArray[np.int8]:
        found = np.zeros(len(self.wealth), dtype=np.int8)
        if self.calls >= FIRST_PLAN or self.calls == self.rule.most_calls:
            found[self.calls >= self.horizon] = Outcome.ENDED
        if self.rule.futility and self.calls >= FIRST_PLAN and self.calls % _LOOK_EVERY == 0:
            found[self._hopeless()] = Outcome.FUTILE
        found[self.mirror >= 1 / self.rule.breaks_at] = Outcome.BREAKS
        found[self.wealth >= 1 / self.rule.alpha] = Outcome.HOLDS
        return found

    def _hopeless(self) -> NDArray[np.bool_]:
        """The mean so far lies below the bar by more than chance."""
        z = _FIRST_Z - (_FIRST_Z - _LAST_Z) * np.minimum(self.calls / (_Z_FALLS * self.horizon), 1)
        hopeless: NDArray[np.bool_] = self.sum + z * np.sqrt(self.squares + 1) < -self.rule.margin * self.calls
        return hopeless


State = Literal["HOLDS", "BREAKS", "NOT_SHOWN", "INVALID"]


def state_of(outcome: int) -> State:
    """The verdict's word; an open walk has not shown anything."""
    return "HOLDS" if outcome == Outcome.HOLDS else "BREAKS" if outcome == Outcome.BREAKS else "NOT_SHOWN"
