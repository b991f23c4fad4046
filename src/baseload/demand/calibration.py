"""Back-test on the customer's own past: at many months, forecast the next twelve, then look.

What it found bends the paths of the future: how much weight other forecasters get, and a map of probabilities. Both
are held back hard, because overlapping years are few years: 29 monthly origins hold about three independent ones. On
series with known endings, every freer choice made forecasts worse (docs/decisions/demand-paths.md has the figures).
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import Final, NamedTuple

import msgspec
import numpy as np

from baseload.demand.candidates import CANDIDATES, SEASONAL_MONTHS
from baseload.demand.draws import stream
from baseload.demand.fit import PathSettings
from baseload.demand.history import LEAST_MONTHS, Floats, History
from baseload.demand.months import month_text
from baseload.demand.paths import Paths, sample_paths
from baseload.demand.scores import crps, held, pit

OWN: Final = "own"
HORIZON: Final = 12
ENOUGH_ORIGINS: Final = 8
"""From here on the probabilities are mapped one by one; below, one factor widens all (issue rule)."""
OWN_WEIGHT: Final = 0.85
"""Of the mixture, before any evidence; the others share the rest."""
EVIDENCE: Final = 0.5
"""Log weight a candidate loses for each independent year in which its CRPS is twice ours."""
PRIOR_YEARS: Final = 64.0
"""Independent years that the probabilities as drawn count for, against those of the back-test."""
_LEAST_WEIGHT: Final = 0.01
_PIT_EDGE: Final = 0.005
_WORST_RATIO: Final = 5.0


class Origin(NamedTuple):
    """One look back: the last month known then, what came, and how each forecaster did."""

    month: str
    actual_usd: float  # of the horizon
    p10_usd: float
    p50_usd: float
    p90_usd: float
    pit: float
    crps: Mapping[str, float]  # over the run rate of the last three months known


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What the past says of the paths. `weights` sum to 1; `cdf` maps the probability drawn (row 0) to the calibrated
    (row 1), both rising from 0 to 1; `widen` is 1 where the map is used."""

    horizon_months: int
    origins: tuple[Origin, ...] = ()
    independent_years: float = 0.0
    weights: dict[str, float] = msgspec.field(default_factory=lambda: {OWN: 1.0})
    cdf: tuple[tuple[float, ...], tuple[float, ...]] = ((0.0, 1.0), (0.0, 1.0))
    widen: float = 1.0
    note: str = ""

    @property
    def coverage80(self) -> float | None:
        """Share of past totals inside the 80 % interval; None without one."""
        return held(np.array([origin.pit for origin in self.origins])) if self.origins else None

    @property
    def bias(self) -> float | None:
        """Median of log(actual / median forecast): above 0 the forecasts ran low. None without an origin."""
        if not self.origins:
            return None
        return float(np.median([np.log(origin.actual_usd / origin.p50_usd) for origin in self.origins]))


def calibrate(
    history: History, *, settings: PathSettings | None = None, horizon: int = HORIZON, paths: int = 400, seed: int = 0
) -> Calibration:
    """The back-test of every month that has six behind it and `horizon` ahead; none where the history is shorter."""
    settings = settings or PathSettings()
    ends = range(LEAST_MONTHS, history.months - horizon + 1)
    origins = tuple(
        found for end in ends if (found := look_back(history, end, settings, horizon, paths, seed)) is not None
    )
    if not origins:
        return Calibration(
            horizon_months=horizon, note=f"no {horizon} months of the past could be forecast and looked up"
        )
    years = 1 + (len(origins) - 1) / horizon
    pits = np.array([origin.pit for origin in origins])
    mapped = len(origins) >= ENOUGH_ORIGINS
    return Calibration(
        horizon_months=horizon,
        origins=origins,
        independent_years=years,
        weights=_weights(origins, horizon),
        cdf=isotonic_map(pits, years) if mapped else ((0.0, 1.0), (0.0, 1.0)),
        widen=1.0 if mapped else widening(pits, years),
        note=f"{len(origins)} looks back that overlap, worth about {years:.1f} independent years",
    )


def look_back(history: History, end: int, settings: PathSettings, horizon: int, paths: int, seed: int) -> Origin | None:
    """The forecast from the first `end` months against what came; None where months are missing on either side."""
    total = history.total
    ahead, known = total[end : end + horizon], history.until(end)
    recent = known.usd[:, -settings.window_months - 1 :]
    whole = known.total[~np.isnan(known.total)]
    if np.isnan(ahead).any() or len(whole) < LEAST_MONTHS or np.isnan(total[end - 1]):
        return None
    if np.isnan(recent).all(axis=1).any():
        return None
    sample = sample_paths(known, settings=settings, paths=paths, months=horizon, seed=seed).usage.sum(axis=1)
    actual = float(ahead.sum())
    scale = float(whole[-3:].mean()) * horizon
    scores = {OWN: crps(sample / scale, actual / scale)}
    for name, logs in candidate_logs(known.total, paths, horizon, seed).items():
        scores[name] = crps(np.exp(logs).sum(axis=1) / scale, actual / scale)
    p10, p50, p90 = (float(value) for value in np.quantile(sample, [0.1, 0.5, 0.9]))
    month = month_text(history.first_month + end - 1)
    return Origin(month, actual, p10, p50, p90, pit(sample, actual), scores)


def candidate_logs(total: Floats, paths: int, months: int, seed: int) -> dict[str, Floats]:
    """Log paths of the total by the other forecasters that have enough history; gaps are bridged in logs."""
    known = np.flatnonzero(~np.isnan(total))
    logs = np.interp(np.arange(known[0], known[-1] + 1), known, np.log(total[known]))
    return {
        name: candidate(logs, paths, months, stream(seed, "candidate", name))
        for name, candidate in CANDIDATES.items()
        if name != "seasonal" or len(logs) >= SEASONAL_MONTHS
    }


def _weights(origins: tuple[Origin, ...], horizon: int) -> dict[str, float]:
    """Own paths keep `OWN_WEIGHT` against equals; evidence moves it slowly. Only months all forecasters saw count."""
    names = set.intersection(*(set(origin.crps) for origin in origins[-horizon:]))
    seen = [origin for origin in origins if names <= set(origin.crps)]
    years = 1 + (len(seen) - 1) / horizon
    means = {name: float(np.mean([origin.crps[name] for origin in seen])) for name in names}
    raw = {}
    for name in (OWN, *sorted(names - {OWN})):
        ratio = min(means[name] / max(means[OWN], 1e-12), _WORST_RATIO)
        start = OWN_WEIGHT if name == OWN else (1 - OWN_WEIGHT) / (len(names) - 1)
        raw[name] = start * float(np.exp(-EVIDENCE * years * (ratio - 1)))
    total = sum(raw.values())
    kept = {name: weight for name, weight in raw.items() if weight / total >= _LEAST_WEIGHT}
    return {name: weight / sum(kept.values()) for name, weight in kept.items()}


def isotonic_map(pits: Floats, years: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Probabilities as drawn -> as they came out: the step function of past PITs, shrunk to the straight line."""
    ordered = np.sort(pits)
    grid = np.linspace(0.0, 1.0, 101)
    places = np.arange(1, len(ordered) + 1) / (len(ordered) + 1)
    seen = np.interp(grid, np.concatenate(([0.0], ordered, [1.0])), np.concatenate(([0.0], places, [1.0])))
    mixed = (years * seen + PRIOR_YEARS * grid) / (years + PRIOR_YEARS)
    return tuple(grid.tolist()), tuple(mixed.tolist())


def widening(pits: Floats, years: float) -> float:
    """Factor on log deviations from the median, at least 1: how much wider the past was than drawn, shrunk to 1."""
    normal = NormalDist()
    scores = np.array([normal.inv_cdf(float(value)) for value in np.clip(pits, _PIT_EDGE, 1 - _PIT_EDGE)])
    return max(1.0, float(np.sqrt((years * (scores**2).mean() + PRIOR_YEARS) / (years + PRIOR_YEARS))))


def calibrated(paths: Paths, history: History, calibration: Calibration) -> Paths:
    """The paths as the back-test would have them: others mixed in by weight, totals of the horizon moved by the map.

    Workloads keep their shares of every path's month. Events, prices and metering are untouched.
    """
    workloads = _mixed(paths, history, calibration)
    months = min(calibration.horizon_months, workloads.shape[2])
    total: Floats = workloads.sum(axis=0)
    target = _moved(total[:, :months].sum(axis=1), calibration)
    return paths._replace(workloads=workloads * tilt(total, target, months))


def _mixed(paths: Paths, history: History, calibration: Calibration) -> Floats:
    """Every forecaster's share of the paths, evenly spread over their numbers."""
    if set(calibration.weights) == {OWN}:
        return paths.workloads
    size, months = paths.price.shape
    skipped = paths.first_month - history.next_month
    drawn = candidate_logs(history.total, size, months + skipped, paths.seed)
    found = paths.workloads.copy()
    own = found.sum(axis=0)
    place = stream(paths.seed, "mixture").permutation(size) / size
    edge = 0.0
    for name, weight in calibration.weights.items():
        chosen = (place >= edge) & (place < edge + weight)
        edge += weight
        if name != OWN and name in drawn:
            found[:, chosen] *= np.exp(drawn[name][chosen, skipped:]) / own[chosen]
    return found


def _moved(totals: Floats, calibration: Calibration) -> Floats:
    """Each path's total, at its calibrated place among them; order is kept."""
    middle = float(np.median(totals))
    if calibration.widen != 1.0:
        widened: Floats = middle * (totals / middle) ** calibration.widen
        return widened
    drawn, came = calibration.cdf
    if drawn == came:
        return totals
    ranks = (np.argsort(np.argsort(totals, kind="stable"), kind="stable") + 0.5) / len(totals)
    found: Floats = np.quantile(totals, np.interp(ranks, came, drawn))
    return found


def tilt(total: Floats, target: Floats, months: int) -> Floats:
    """Factors (paths, months) that bring the sum of the first `months` to `target`: exp(k t), level after the horizon.

    The present is known, so a correction grows with distance. Newton's method in k, per path.
    """
    rising = np.minimum(np.arange(1, total.shape[1] + 1), months) / months
    head, slope = total[:, :months], rising[:months]
    k = np.log(target / head.sum(axis=1))
    for _ in range(30):
        bent = head * np.exp(k[:, None] * slope)
        summed = bent.sum(axis=1)
        k = k - (np.log(summed) - np.log(target)) * summed / (bent * slope).sum(axis=1)
    found: Floats = np.exp(k[:, None] * rising)
    return found
