"""Which units of a day are kept: one in N, at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Sampler:
    """Keeps one unit in `rate` of a sequence of days; `rate` 0 keeps none.

    How many of a day is systematic (every Nth of the whole sequence), so that the kept count times N is never off by
    more than N. Which ones is random within the day, so that gaps between kept units are those of a thinned stream:
    a reader may correct for the thinning.
    """

    def __init__(self, rate: int, rng: np.random.Generator) -> None:
        self._rate = rate
        self._rng = rng
        self._seen = 0
        self._offset = int(rng.integers(rate)) if rate else 0

    def draw(self, units: int) -> NDArray[np.int64]:
        """Places of the kept units among the next `units`, ascending."""
        if not self._rate:
            return np.zeros(0, np.int64)
        count = self._passed(self._seen + units) - self._passed(self._seen)
        self._seen += units
        return np.sort(self._rng.choice(units, count, replace=False))

    def _passed(self, place: int) -> int:
        """How many of the places before this one are a whole number of N after the offset."""
        return (place - 1 - self._offset) // self._rate + 1
