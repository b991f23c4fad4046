"""The reforecast alert: does weekly usage still follow its plan, with a stated rate of false alarms.

A two-sided cumulative sum over log(usage / plan), each week over the noise of the weeks before signing and cut at three
of it, so that one wild week alarms nobody. Weeks follow each other: the bar it must reach is drawn from series whose
weeks are as like their neighbours as those of the past, so that one of twenty contract years alarms while usage keeps
to its plan. A short past says little of its noise: 52 weeks of an assumed one are counted beside it.
docs/reference/commit-track.md has what was measured.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baseload.commit.arrays import Array
from baseload.demand.draws import stream

WEEKS: Final = 52
FALSE_ALARM_RATE: Final = 0.05
LEAST_WEEKS: Final = 13
"""Of history, below which only the assumed noise is used."""
PRIOR_WEEKS: Final = 52
PRIOR_SD: Final = 0.2
PRIOR_LIKENESS: Final = 0.8
"""An assumed year of noise: log standard deviation, and correlation of neighbouring weeks."""
ALLOWANCE: Final = 0.75
"""Noise units a week that are let pass before anything adds up."""
CUT: Final = 3.0
MARGIN: Final = 1.07
"""On the bar, for what the noise model misses; chosen on a quarter of the panel, judged on the rest."""
_SMOOTH_WEEKS: Final = 13
_MOST_LIKE: Final = 0.9
_RUNS: Final = 2000
_BURN_IN: Final = 20
_FLOOR: Final = 5.0
"""A week without usage counts as e^-5 of its plan."""


class Noise(NamedTuple):
    """How usage scatters around its plan: `sd` of a week's log ratio, `likeness` of neighbouring weeks."""

    sd: float
    likeness: float
    weeks: int  # of history it was read off; 0 = assumed


class Watch(NamedTuple):
    """The alert after the weeks so far. Places are weeks since the contract began, 0 the first."""

    state: Literal["quiet", "alarm"]
    first_alarm: int | None  # the week at whose end the bar was first passed
    since: int | None  # the week the departure under way began, where there is one
    ratio: float | None  # usage over plan since then
    height: float  # the sum now over the bar; from 1 on it alarms
    bar: float


def noise_of(weekly_usd: Array) -> Noise:
    """The noise of the weeks before signing around their own smooth course, with the assumed year beside it."""
    known = weekly_usd[weekly_usd > 0]
    if len(known) < LEAST_WEEKS or len(known) < 0.9 * len(weekly_usd):
        return Noise(PRIOR_SD, PRIOR_LIKENESS, 0)
    logs = np.log(known)
    left = logs - _smoothed(logs)
    most = CUT * 1.4826 * float(np.median(np.abs(left))) + 1e-12
    square = float((np.clip(left, -most, most) ** 2).mean())
    whole = float((left**2).sum())
    like = float((left[1:] * left[:-1]).sum()) / whole if whole > 1e-12 else PRIOR_LIKENESS
    weeks = len(known)
    sd = np.sqrt((weeks * square + PRIOR_WEEKS * PRIOR_SD**2) / (weeks + PRIOR_WEEKS))
    likeness = (weeks * like + PRIOR_WEEKS * PRIOR_LIKENESS) / (weeks + PRIOR_WEEKS)
    return Noise(float(sd), round(min(max(likeness, 0.0), _MOST_LIKE), 2), weeks)


def watch(usage_usd: Array, planned_usd: Array, noise: Noise, *, weeks: int = WEEKS) -> Watch:
    """What the whole weeks since signing say. `weeks` is how long the watch lasts: the false-alarm rate is over it."""
    logs = np.log(np.maximum(usage_usd / planned_usd, np.exp(-_FLOOR)))
    bar = MARGIN * bar_for(noise.likeness, weeks)
    up, down = sums(np.clip(logs / noise.sd, -CUT, CUT)[None, :])
    heights = np.maximum(up, down)[0]
    passed = np.flatnonzero(heights > bar)
    side = (up if up[0, -1] >= down[0, -1] else down)[0]
    rests = np.flatnonzero(side <= 0)
    since = int(rests[-1]) + 1 if len(rests) else 0
    under_way = side[-1] > 0
    return Watch(
        state="alarm" if len(passed) else "quiet",
        first_alarm=int(passed[0]) if len(passed) else None,
        since=since if under_way else None,
        ratio=float(usage_usd[since:].sum() / planned_usd[since:].sum()) if under_way else None,
        height=float(heights[-1] / bar),
        bar=bar,
    )


@lru_cache(maxsize=256)
def bar_for(likeness: float, weeks: int = WEEKS) -> float:
    """The height that 5 % of noise series of this likeness pass within `weeks`; the same number on every run."""
    draws = stream(0, "reforecast").standard_normal((_RUNS, _BURN_IN + weeks)) * np.sqrt(1 - likeness**2)
    noise = np.empty_like(draws)
    last: Array = np.zeros(_RUNS)
    for week in range(draws.shape[1]):
        last = likeness * last + draws[:, week]
        noise[:, week] = last
    up, down = sums(np.clip(noise[:, _BURN_IN:], -CUT, CUT))
    return float(np.quantile(np.maximum(up, down).max(axis=1), 1 - FALSE_ALARM_RATE))


def sums(scores: Array) -> tuple[Array, Array]:
    """Cumulative sums upwards and downwards of (series, weeks), each never below 0."""
    up, down = np.zeros_like(scores), np.zeros_like(scores)
    high: Array = np.zeros(len(scores))
    low: Array = np.zeros(len(scores))
    for week in range(scores.shape[1]):
        high = np.maximum(0.0, high + scores[:, week] - ALLOWANCE)
        low = np.maximum(0.0, low - scores[:, week] - ALLOWANCE)
        up[:, week], down[:, week] = high, low
    return up, down


def _smoothed(logs: Array) -> Array:
    """A straight line through each week's neighbourhood of a quarter, read at that week."""
    half, count = _SMOOTH_WEEKS // 2, len(logs)
    found = np.empty(count)
    for week in range(count):
        low, high = max(0, week - half), min(count, week + half + 1)
        places: NDArray[np.float64] = np.arange(low, high, dtype=np.float64) - week
        _, level = np.polyfit(places, logs[low:high], 1)
        found[week] = level
    return found
