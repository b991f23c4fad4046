"""How far a difference of two minima would move with other paths of the same kind: a 90 % bootstrap.

Paths are drawn anew with the same weights for both tables (common random numbers), and the best size is chosen anew
from the table in each draw: no contract is run again. Drift and other uncertainty of the forecast is in the paths, each
of which has its own draw of it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from baseload.commit.arrays import Array

DRAWS: Final = 300
LOW, HIGH = 0.05, 0.95


class Range(NamedTuple):
    """A value and its 90 % interval, which holds it."""

    value: float
    low: float
    high: float


def weights(paths: int, seed: int) -> Array:
    """(draws, paths): how often each draw has each path, over all of its paths."""
    rng = np.random.Generator(np.random.PCG64([seed, paths]))
    found: Array = rng.multinomial(paths, np.full(paths, 1 / paths), size=DRAWS) / paths
    return found


def least(weighted: Array, usd: Array) -> Array:
    """The least cost over sizes in each draw, (draws,)."""
    found: Array = (weighted @ usd.T).min(axis=1)
    return found


def range_of(value: float, drawn: Array) -> Range:
    """The 90 % interval of a value from what it was in each draw."""
    low, high = (float(end) for end in np.quantile(drawn, (LOW, HIGH)))
    return Range(value, min(low, value), max(high, value))
