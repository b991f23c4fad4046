"""How good a sample was once the figure is known: CRPS, PIT, and whether an interval held it."""

from __future__ import annotations

import numpy as np

from baseload.demand.history import Floats


def crps(sample: Floats, actual: float) -> float:
    """Mean distance to the figure, less half the mean distance among the draws; in the figure's own unit, 0 is best.

    Of the empirical distribution: exactly the pinball loss averaged over all levels, twice.
    """
    ordered = np.sort(sample)
    size = len(ordered)
    spread = float(ordered @ (2 * np.arange(1, size + 1) - size - 1)) / size**2
    return float(np.abs(ordered - actual).mean()) - spread


def pit(sample: Floats, actual: float) -> float:
    """Share of the sample at or below the figure, ties by half: uniform over many figures if the sample is honest."""
    return float(((sample < actual).sum() + 0.5 * (sample == actual).sum()) / len(sample))


def held(pits: Floats, nominal: float = 0.8) -> float:
    """Share of figures inside the central interval of this nominal coverage."""
    edge = (1 - nominal) / 2
    return float(((pits >= edge) & (pits <= 1 - edge)).mean())
