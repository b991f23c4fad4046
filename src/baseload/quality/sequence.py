"""A confidence sequence for a mean of values in [-1, 1]: it holds at every call at once, however one stops.

For every mean on a grid two bettors play against it, one on higher and one on lower values; a mean is out once half of
either's wealth reaches 1/alpha (hedged capital with predictable plug-in bets, Waudby-Smith & Ramdas, arXiv 2010.09686,
section 4). Never widens: a mean that is out stays out.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

GRID: Final = 4_001
"""Means that are told apart: every half of a thousandth."""
_MOST_STAKED: Final = 0.5
_PRIOR_VARIANCE: Final = 0.25


class Sequence:
    """The means that are still possible, from the values seen so far."""

    def __init__(self, alpha: float = 0.05) -> None:
        self._means = np.linspace(-1, 1, GRID)
        self._up, self._down = np.zeros(GRID), np.zeros(GRID)  # logarithms of wealth
        self._possible: NDArray[np.bool_] = np.ones(GRID, dtype=np.bool_)
        self._bound = math.log(2 / alpha)
        self._calls, self._sum, self._spread = 0, 0.0, _PRIOR_VARIANCE

    def see(self, value: float) -> None:
        """One more value."""
        up, down = self._bets()
        away = value - self._means
        self._up += np.log1p(up * away)
        self._down += np.log1p(-down * away)
        out = np.maximum(self._up, self._down) >= self._bound
        if not (self._possible & ~out).any():
            return  # values that contradict every mean: the last possible ones stay
        self._possible &= ~out
        self._calls += 1
        self._sum += value
        self._spread += (value - self._sum / (self._calls + 1)) ** 2

    def _bets(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Stakes from the past alone, for and against each mean."""
        call = self._calls + 1
        variance = self._spread / call
        stake = math.sqrt(2 * self._bound / (variance * call * math.log1p(call)))
        room_up = _MOST_STAKED / np.maximum(1 + self._means, 1e-12)
        room_down = _MOST_STAKED / np.maximum(1 - self._means, 1e-12)
        return np.minimum(stake, room_up), np.minimum(stake, room_down)

    @property
    def interval(self) -> tuple[float, float]:
        """The lowest and the highest mean that is still possible; (-1, 1) before any value."""
        kept = np.flatnonzero(self._possible)
        step = 2 / (GRID - 1)
        low, high = self._means[kept[0]], self._means[kept[-1]]
        return max(-1.0, float(low) - step), min(1.0, float(high) + step)
