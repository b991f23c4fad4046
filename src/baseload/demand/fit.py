"""What a history says about growth and about shocks: the inputs of the paths, small enough to read out.

Log volume moves by drift and shocks. A share `stays` of a shock is there to stay, the rest is gone next month (a
local level with drift: exponential smoothing in logs). Drift is never plugged in: it is shrunk to a stated prior and
keeps its standard error. Every figure of the settings was chosen out of sample (docs/decisions/demand-paths.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from baseload.demand.draws import stream
from baseload.demand.history import LEAST_MONTHS, DemandError, Floats, History, check

_LEAST_SHOCKS: Final = LEAST_MONTHS - 1
_LEAST_LONG_RUN: Final = 0.25
"""The long-run variance of a few increments can come out near 0 by chance: at least this share of their variance."""
_PRIOR_SHARE: Final = 0.5
_PRIOR_DATES: Final = 12
"""The common share starts at one half and counts as twelve months of evidence."""


class DriftPrior(msgspec.Struct, frozen=True, kw_only=True):
    """What is thought of monthly growth (in logs) before the history is seen."""

    mean: float = 0.02
    sd: float = 0.02


class ShockPrior(msgspec.Struct, frozen=True, kw_only=True):
    """Months of shocks of this size (sd of logs) are drawn beside those that were seen.

    A few quiet months are no proof of a quiet business: without this, short histories cover 62 % instead of 80 %.
    """

    sd: float = 0.2
    months: int = 12


class PathSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How histories are read and carried on. Raises DemandError on values that mean nothing."""

    drift: DriftPrior = DriftPrior()
    shock: ShockPrior = ShockPrior()
    turn_sd: float = 0.015  # growth of the years to come differs from that of the past by so much (sd)
    window_months: int = 36  # older months say nothing about today's growth
    block_months: int = 3  # shocks are drawn in runs of this length
    stays: float = 0.8  # share of a shock that is there to stay; 1 = a random walk
    damp_after_months: int = 12  # drift is kept for a year,
    damping: float = 0.9  # then each month's is this share of the month before

    def __post_init__(self) -> None:
        rules = (
            ("drift.sd", self.drift.sd, self.drift.sd > 0, "above 0"),
            ("shock.sd", self.shock.sd, self.shock.sd > 0, "above 0"),
            ("shock.months", self.shock.months, self.shock.months == 0 or self.shock.months >= 2, "0, or at least 2"),
            ("turn_sd", self.turn_sd, self.turn_sd >= 0, "not negative"),
            ("window_months", self.window_months, self.window_months >= LEAST_MONTHS, f"at least {LEAST_MONTHS}"),
            ("block_months", self.block_months, self.block_months >= 1, "at least 1"),
            ("stays", self.stays, 0 < self.stays <= 1, "above 0, at most 1"),
            ("damp_after_months", self.damp_after_months, self.damp_after_months >= 0, "not negative"),
            ("damping", self.damping, 0 <= self.damping <= 1, "within 0 to 1"),
        )
        for name, value, holds, rule in rules:
            if not holds:
                raise DemandError(f"{name}: {value}; expected {rule}")


class Fit(NamedTuple):
    """One entry per workload; log dollars and log growth per month."""

    level: Floats  # where each workload stands at the end of the history
    drift: Floats  # shrunk
    drift_sd: Floats
    raw_drift: Floats  # mean growth as seen, before the prior
    shocks: Floats  # (workloads, dates): one column, one month; the prior's months last; mean 0
    common_share: float  # of the drift error, shared by all workloads


def fit(history: History, settings: PathSettings) -> Fit:
    """Levels, drifts and shocks of the last `window_months`. Raises DemandError below six known months in all."""
    check(history)
    if int((~np.isnan(history.total)).sum()) < LEAST_MONTHS:
        raise DemandError(f"history: fewer than {LEAST_MONTHS} known months; paths need more (see scenarios)")
    logs = _filled(np.log(history.usd[:, -settings.window_months - 1 :]))
    if (empty := np.flatnonzero(np.isnan(logs).all(axis=1))).size:
        raise DemandError(f"{history.names[empty[0]]}: no month in the last {settings.window_months}; leave it out")
    raw, error = _growth(logs, settings.shock)
    keep = settings.drift.sd**2 / (settings.drift.sd**2 + error)
    drift = settings.drift.mean + keep * (raw - settings.drift.mean)
    level, seen = _smooth(logs, drift, settings.stays)
    common_share = _common_share(seen)
    return Fit(
        level=level,
        drift=drift,
        drift_sd=np.sqrt(keep * error + settings.turn_sd**2),
        raw_drift=raw,
        shocks=np.hstack([_completed(seen), _assumed(history.names, settings.shock, common_share)]),
        common_share=common_share,
    )


def _filled(logs: Floats) -> Floats:
    """Gaps inside a series are bridged in logs; months before its first stay unknown, those after its last hold."""
    found = logs.copy()
    places = np.arange(logs.shape[1])
    for row in found:
        known = np.flatnonzero(~np.isnan(row))
        if len(known):
            inside = places >= known[0]
            row[inside] = np.interp(places[inside], known, row[known])
    return found


def _growth(logs: Floats, prior: ShockPrior) -> tuple[Floats, Floats]:
    """Mean increment and the square of its standard error, from its long-run variance (Bartlett, two lags)."""
    steps = np.diff(logs, axis=1)
    known = ~np.isnan(steps)
    counts = known.sum(axis=1).astype(np.float64)
    raw = np.where(known, steps, 0.0).sum(axis=1) / np.maximum(counts, 1)
    away = np.where(known, steps - raw[:, None], 0.0)
    freedom = np.maximum(counts - 1, 1)
    plain = (away**2).sum(axis=1) / freedom
    long_run = plain.copy()
    for lag in (1, 2):
        long_run += 2 * (1 - lag / 3) * (away[:, lag:] * away[:, :-lag]).sum(axis=1) / freedom
    long_run = np.maximum(long_run, _LEAST_LONG_RUN * plain)
    shrunk = _shrunk(long_run, counts, prior)
    return raw, shrunk / np.maximum(counts, 1)


def _shrunk(variance: Floats, counts: Floats, prior: ShockPrior) -> Floats:
    """Variance as seen and as thought before, weighted by months; the prior alone where nothing was seen."""
    weight = np.maximum(counts + prior.months, 1e-9)
    found: Floats = np.maximum((counts * variance + prior.months * prior.sd**2) / weight, 1e-12)
    return found


def _smooth(logs: Floats, drift: Floats, stays: float) -> tuple[Floats, Floats]:
    """The level at the end and the one-month shocks on the way, both NaN before a workload's first month."""
    level = logs[:, 0].copy()
    shocks = np.full((logs.shape[0], logs.shape[1] - 1), np.nan)
    for place in range(1, logs.shape[1]):
        seen = logs[:, place]
        shock = seen - level - drift
        shocks[:, place - 1] = shock
        level = np.where(np.isnan(level), seen, level + drift + stays * shock)
    return level, shocks


def _completed(shocks: Floats) -> Floats:
    """Shocks around 0, a number for every workload and date.

    Dates before a workload's own repeat its own; one with fewer than five borrows those of the oldest workload.
    """
    known = ~np.isnan(shocks)
    donor = int(np.argmax(known.sum(axis=1)))
    found = np.empty_like(shocks)
    for place in range(len(shocks)):
        source = place if known[place].sum() >= _LEAST_SHOCKS else donor
        own = shocks[source, known[source]]
        own = (own - own.mean()) * np.sqrt(len(own) / (len(own) - 1))
        dates = np.arange(shocks.shape[1]) - (shocks.shape[1] - len(own))
        found[place] = own[dates % len(own)]
    return found


def _assumed(names: Sequence[str], prior: ShockPrior, common_share: float) -> Floats:
    """The prior's months, drawn beside those that were seen: (workloads, months), mean 0 and sd the prior's."""
    if not prior.months:
        return np.empty((len(names), 0))
    shared = np.sqrt(common_share) * stream(0, "assumed").standard_normal(prior.months)
    drawn = np.array([stream(0, "assumed", name).standard_normal(prior.months) for name in names])
    mixed = shared + np.sqrt(1 - common_share) * drawn
    mixed -= mixed.mean(axis=1, keepdims=True)
    found: Floats = prior.sd * mixed / np.maximum(mixed.std(axis=1, keepdims=True), 1e-12)
    return found


def _common_share(shocks: Floats) -> float:
    """How far workloads move together: the mean correlation of their shocks, shrunk to one half; within 0 to 1."""
    whole = shocks[:, ~np.isnan(shocks).any(axis=0)]
    rows = whole[whole.std(axis=1) > 0] if whole.shape[1] >= _LEAST_SHOCKS else whole[:0]
    if len(rows) < 2:
        return _PRIOR_SHARE
    table = np.corrcoef(rows)
    seen = float((table.sum() - len(rows)) / (len(rows) * (len(rows) - 1)))
    dates = int(whole.shape[1])
    shrunk = (dates * seen + _PRIOR_DATES * _PRIOR_SHARE) / (dates + _PRIOR_DATES)
    return min(max(shrunk, 0.0), 1.0)
