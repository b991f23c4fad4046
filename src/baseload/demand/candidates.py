"""Other ways to carry one series on, as sample paths of log dollars: what our own paths must beat.

All work on the logs of the total, draw past one-month errors independently, and know no uncertainty of the drift.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np

from baseload.demand.history import Floats

Candidate: TypeAlias = Callable[[Floats, int, int, np.random.Generator], Floats]
"""(log history, paths, months, random numbers) -> log paths, (paths, months)."""
SEASON: Final = 12
SEASONAL_MONTHS: Final = 18
"""A seasonal pattern needs half a year of year-on-year growth."""
_GRID: Final = np.linspace(0.1, 1.0, 10)


def rw_drift(logs: Floats, paths: int, months: int, rng: np.random.Generator) -> Floats:
    """Random walk with drift: the mean increment, and increments drawn again."""
    steps = np.diff(logs)
    drawn: Floats = rng.choice(steps, size=(paths, months))
    found: Floats = logs[-1] + np.cumsum(drawn, axis=1)
    return found


def theta(logs: Floats, paths: int, months: int, rng: np.random.Generator) -> Floats:
    """Theta: exponential smoothing with half the slope of the trend line; the smoothing with the least errors."""
    places = np.arange(len(logs)) - (len(logs) - 1) / 2
    half = float(places @ (logs - logs.mean()) / (places @ places)) / 2
    level = np.full(len(_GRID), logs[0])
    errors = np.empty((len(logs) - 1, len(_GRID)))
    for place, seen in enumerate(logs[1:]):
        errors[place] = seen - level - half
        level = level + half + _GRID * errors[place]
    best = int(np.argmin((errors**2).sum(axis=0)))
    centred = errors[:, best] - errors[:, best].mean()
    drawn: Floats = rng.choice(centred, size=(paths, months))
    before = np.cumsum(drawn, axis=1) - drawn
    trend = half * np.arange(1, months + 1)
    found: Floats = level[best] + trend + _GRID[best] * before + drawn
    return found


def seasonal(logs: Floats, paths: int, months: int, rng: np.random.Generator) -> Floats:
    """The same month a year ago plus a year's growth, drawn from the year-on-year growth of the past.

    Needs `SEASONAL_MONTHS`; growth of one path is one draw per year, so that its months agree.
    """
    growth = logs[SEASON:] - logs[:-SEASON]
    years = -(-months // SEASON)
    last = logs[-SEASON:]
    yearly = np.cumsum(rng.choice(growth, size=(paths, years)), axis=1)
    noise = np.std(np.diff(growth)) / np.sqrt(2) * rng.standard_normal((paths, months))
    found: Floats = (last + yearly[:, :, None]).reshape(paths, -1)[:, :months] + noise
    return found


CANDIDATES: Final[Mapping[str, Candidate]] = MappingProxyType(
    {
        "rw_drift": rw_drift,
        "theta": theta,
        "seasonal": seasonal,
    }
)
