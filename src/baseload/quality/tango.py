"""Tango's score test for paired differences, and the sample size it takes (quality.md 3.1).

A paired difference is D = candidate's score - incumbent's score. With scores of 0 and 1 a call is a win (D = 1), a loss
(D = -1) or neither; discordance is the share of calls that are won or lost. Works with no win and no loss at all, where
Wald's test would certify any margin.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

POWER: Final = 0.9
_NORMAL: Final = NormalDist()


def null_variance(wins: float, losses: float, margin: float) -> float:
    """Variance of one D if its mean is -margin, by the likeliest such world; wins and losses are shares of calls."""
    shift = -margin
    linear = -wins - losses + (2 - wins + losses) * shift
    root = math.sqrt(max(0.0, linear * linear + 8 * losses * shift * (1 - shift)))
    share = (root - linear) / 4
    return max(0.0, 2 * share + shift * (1 - shift))


def tango_z(wins: int, losses: int, calls: int, margin: float) -> float:
    """How many standard errors the mean lies above -margin. Raises ValueError without a call."""
    if calls < 1:
        raise ValueError(f"calls: {calls}; expected at least one")
    variance = null_variance(wins / calls, losses / calls, margin)
    return (wins - losses + calls * margin) / math.sqrt(calls * variance)


def tango_p(wins: int, losses: int, calls: int, margin: float) -> float:
    """One-sided p-value of `the mean is at most -margin`: valid for a number of calls fixed in advance alone."""
    return 1 - _NORMAL.cdf(tango_z(wins, losses, calls, margin))


def planned_calls(discordance: float, margin: float, alpha: float = 0.05, power: float = POWER) -> float:
    """Calls a fixed test needs to show that an equal model is no worse than the margin; never below the clean floor.

    The floor: so many calls without a loss bound the losses by the margin at all, ln(1/alpha) / -ln(1 - margin).
    """
    return float(planned(np.array([discordance]), margin, alpha, power)[0])


def planned(
    discordance: NDArray[np.float64], margin: float, alpha: float = 0.05, power: float = POWER
) -> NDArray[np.float64]:
    """`planned_calls` of many discordances at once."""
    shift = -margin
    linear = -discordance + 2 * shift
    root = np.sqrt(np.maximum(linear * linear + 4 * discordance * shift * (1 - shift), 0))
    under_null = np.maximum((root - linear) / 2 + shift * (1 - shift), 0)
    z_alpha, z_power = _NORMAL.inv_cdf(1 - alpha), _NORMAL.inv_cdf(power)
    calls = ((z_alpha * np.sqrt(under_null) + z_power * np.sqrt(discordance)) / margin) ** 2
    floor: NDArray[np.float64] = np.maximum(calls, math.log(1 / alpha) / -math.log1p(-margin))
    return floor


def smallest_margin(discordance: float, calls: float, alpha: float = 0.05, power: float = POWER) -> float:
    """The smallest margin that so many independent calls can certify (quality.md 3.4); 1.0 where none can."""
    low, high = 1e-6, 1 - 1e-9
    if planned_calls(discordance, high, alpha, power) > calls:
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if planned_calls(discordance, middle, alpha, power) <= calls else (middle, high)
    return high
