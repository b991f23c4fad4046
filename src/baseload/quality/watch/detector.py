"""The alarm on paired grades: an e-CUSUM, which never rests and rarely cries wolf (facts: quality.md 5).

For each stake, M = max(M, 1)(1 - stake (D + margin)) with D = candidate's score - incumbent's. While the mean of D,
given the past, is at least -margin, E[M] <= max(M, 1) <= M + 1: so E[M at any stopping time] <= E[calls until then],
and the same of the mean over stakes. An alarm when that mean reaches A therefore comes after at least A calls on
average. Losses need no guess of their size: small stakes find small ones, large stakes large ones.

Many routes go in step, so that the simulations that prove the figures run the very code that decides.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STAKES: Final = (0.05, 0.0756, 0.1142, 0.1725, 0.2607, 0.3940, 0.5955, 0.9)
"""A geometric row, as shares of the most that may be staked, 1 / (1 + margin). Written out: no power function, whose
last digit differs between machines, decides an alarm."""
MOST: Final = 1e15
"""Evidence is not counted beyond this: a stored state stays a finite number."""


def stakes_at(margin: float) -> Floats:
    """What is staked against a mean of at least -margin; with D = 1, at least a tenth of the evidence is left."""
    return np.array(STAKES) / (1 + margin)


def moved(values: Floats, differences: Floats, margin: float) -> Floats:
    """Evidence after one more D in [-1, 1] for each row; columns are the stakes."""
    gain = 1 - stakes_at(margin) * (differences[:, None] + margin)
    grown: Floats = np.minimum(np.maximum(values, 1.0) * gain, MOST)
    return grown


def levels(values: Floats) -> Floats:
    """The mean over the stakes: what is held against A."""
    mean: Floats = values.sum(axis=1) / len(STAKES)
    return mean


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence that one route is worse than its margin. `values`: one per stake; no pair seen = all 0."""

    values: tuple[float, ...] = (0.0,) * len(STAKES)
    pairs: int = 0

    @property
    def level(self) -> float:
        """Held against A."""
        return float(levels(np.array([self.values]))[0])

    @property
    def is_sound(self) -> bool:
        """A stored one can be gone on with."""
        return len(self.values) == len(STAKES) and self.pairs >= 0 and all(0 <= value <= MOST for value in self.values)

    def seen(self, difference: float, margin: float) -> Evidence:
        """With one more D."""
        grown = moved(np.array([self.values]), np.array([difference]), margin)
        return Evidence(values=tuple(grown[0].tolist()), pairs=self.pairs + 1)
