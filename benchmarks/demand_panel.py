"""The panel demand is back-tested on, the forecasters compared on it, and their scores by origin.

440 real monthly series that share one strong common factor: 400 series of one origin are nearer to one observation than
to 400, so every figure is a mean over origins and its error is between origins.
"""

from __future__ import annotations

import csv
import importlib.util
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baseload.demand.candidates import CANDIDATES
from baseload.demand.fit import DriftPrior, PathSettings, ShockPrior
from baseload.demand.history import History
from baseload.demand.months import month_text, parse_month
from baseload.demand.paths import sample_paths
from baseload.demand.scores import crps, held, pit

Floats = NDArray[np.float64]
Forecaster = Callable[[Floats, int, int, int], Floats]
"""(log histories (series, months), paths, horizon, seed) -> totals of the horizon, (series, paths)."""

FIRST, LAST, BROKEN_LAST = "2021-05", "2025-05", "2026-03"
"""Before 2021-05 months are not comparable; from 2025-06 on the meter counts otherwise."""
HORIZON = 12
_LEAST_SHARE = 1e-6
BEFORE = PathSettings(drift=DriftPrior(mean=0.0), shock=ShockPrior(months=0), turn_sd=0.0, window_months=24, stays=1.0)
"""What the paths were before anything was chosen: growth shrunk to none, shocks as seen, all of them to stay."""


class Panel(NamedTuple):
    first_month: int
    names: tuple[str, ...]
    logs: Floats  # (series, months), no gaps


class Score(NamedTuple):
    """One forecaster at one origin, means over series; dollars over the run rate of the last three months."""

    origin: str
    crps: float
    coverage: float
    pit: float
    bias: float  # median of log(actual / median forecast): above 0 the forecast ran low
    crps_median: float  # over series: a few that explode do not move it


class Summary(NamedTuple):
    """Means over origins, and the least and the most that were held at any."""

    crps: float
    coverage: float
    least: float
    most: float
    pit: float
    bias: float
    crps_median: float


def load_panel(path: Path, *, last: str = LAST) -> Panel:
    """Series known in every month from 2021-05 to `last`; missing months are interpolated in logs."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    months = [parse_month(text) for text in header[2:]]
    first, end = parse_month(FIRST), parse_month(last)
    span = np.arange(first, end + 1)
    names, logs = [], []
    for row in rows:
        known = {m: float(cell) for m, cell in zip(months, row[2:], strict=False) if cell not in ("", "0")}
        places = [month for month in span if month in known]
        if not places or places[0] != first or places[-1] != end or len(places) < len(set(months) & set(span.tolist())):
            continue
        names.append(row[0])
        logs.append(np.interp(span, places, np.log([known[month] for month in places])))
    return Panel(first, tuple(names), np.array(logs))


def ours(settings: PathSettings | None = None) -> Forecaster:
    """The paths of the product, one series at a time."""

    def totals(logs: Floats, paths: int, horizon: int, seed: int) -> Floats:
        found = []
        for place, row in enumerate(logs):
            history = History(0, ("all",), np.exp(row)[None])
            drawn = sample_paths(history, settings=settings, paths=paths, months=horizon, seed=seed + 1_000 * place)
            found.append(drawn.usage.sum(axis=1))
        return np.array(found)

    return totals


def candidate(name: str) -> Forecaster:
    """One of the product's other forecasters, in logs."""

    def totals(logs: Floats, paths: int, horizon: int, seed: int) -> Floats:
        rng = np.random.default_rng(seed)
        return np.array([np.exp(CANDIDATES[name](row, paths, horizon, rng)).sum(axis=1) for row in logs])

    return totals


def in_dollars(name: str) -> Forecaster:
    """The same model on the dollars themselves: growth by so much a month, not by so many per cent."""

    def totals(logs: Floats, paths: int, horizon: int, seed: int) -> Floats:
        rng = np.random.default_rng(seed)
        scaled = np.exp(logs - logs[:, -1:])
        drawn = [np.maximum(CANDIDATES[name](row, paths, horizon, rng), 0.0).sum(axis=1) for row in scaled]
        return np.array(drawn) * np.exp(logs[:, -1:])

    return totals


def ets(logs: Floats, paths: int, horizon: int, seed: int) -> Floats:
    """A stand-in for AutoETS, in logs: no trend or a damped one, by AICc. Undamped
    trends in logs are left out: they explode on some series, and beating them would prove nothing.
    """
    rng = np.random.default_rng(seed)
    return np.array([np.exp(_ets_paths(row, paths, horizon, rng)).sum(axis=1) for row in logs])


def _ets_paths(row: Floats, paths: int, horizon: int, rng: np.random.Generator) -> Floats:
    alpha, share, phi = (
        part.ravel() for part in np.meshgrid(np.linspace(0.1, 1, 10), [0, 0.1, 0.3], [0, 0.8, 0.9, 0.95])
    )
    beta = np.where(phi == 0, 0.0, alpha * share)
    level, trend = np.full(len(alpha), row[0]), np.where(phi == 0, 0.0, (row[-1] - row[0]) / (len(row) - 1))
    errors = np.empty((len(row) - 1, len(alpha)))
    for place, seen in enumerate(row[1:]):
        errors[place] = seen - level - phi * trend
        level = level + phi * trend + alpha * errors[place]
        trend = phi * trend + beta * errors[place]
    count, free = len(row) - 1, np.where(phi == 0, 3, 6)
    aicc = count * np.log((errors**2).mean(axis=0)) + 2 * free * count / np.maximum(count - free - 1, 1)
    best = int(np.argmin(aicc))
    drawn = rng.choice(errors[:, best] - errors[:, best].mean(), size=(paths, horizon))
    at, slope = np.full(paths, level[best]), np.full(paths, trend[best])
    found = np.empty((paths, horizon))
    for month in range(horizon):
        found[:, month] = at + phi[best] * slope + drawn[:, month]
        at = at + phi[best] * slope + alpha[best] * drawn[:, month]
        slope = phi[best] * slope + beta[best] * drawn[:, month]
    return found


FORECASTERS: Mapping[str, Forecaster] = {
    "ours": ours(),
    "ours, before": ours(BEFORE),
    "RW-drift (ours, numpy)": candidate("rw_drift"),
    "Theta (ours, numpy)": candidate("theta"),
    "RW-drift, in dollars": in_dollars("rw_drift"),
    "Theta, in dollars": in_dollars("theta"),
    "ETS (stand-in, numpy)": ets,
    "seasonal (ours, numpy)": candidate("seasonal"),
}


def has_statsforecast() -> bool:
    return importlib.util.find_spec("statsforecast") is not None


def statsforecast_peers() -> dict[str, Forecaster]:
    """RW-drift, Theta and ETS of statsforecast, errors drawn again, in logs and in dollars; none where it is absent."""
    if not has_statsforecast():
        return {}
    models: Any = importlib.import_module("statsforecast.models")
    makers = {
        "RW-drift": models.RandomWalkWithDrift,
        "Theta": lambda: models.AutoTheta(season_length=1),
        "ETS": lambda: models.AutoETS(season_length=1),
    }
    return {
        f"{name} (statsforecast, {unit})": _statsforecast(make, in_logs=unit == "logs")
        for name, make in makers.items()
        for unit in ("logs", "dollars")
    }


def _statsforecast(make: Callable[[], Any], *, in_logs: bool) -> Forecaster:
    def totals(logs: Floats, paths: int, horizon: int, seed: int) -> Floats:
        pandas: Any = importlib.import_module("pandas")
        package: Any = importlib.import_module("statsforecast")
        months = logs.shape[1]
        scaled = logs - logs[:, -1:]
        frame = pandas.DataFrame(
            {
                "unique_id": np.repeat(np.arange(len(logs)), months),
                "ds": np.tile(np.arange(months), len(logs)),
                "y": (scaled if in_logs else np.exp(scaled)).ravel(),
            }
        )
        model = make()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says of every fit that errors are drawn again and not from a normal
            drawn = package.StatsForecast(models=[model], freq=1, n_jobs=1).simulate(
                h=horizon, df=frame, n_paths=paths, seed=seed, error_distribution="bootstrap"
            )
        values = drawn[repr(model)].to_numpy()
        drawn["usd"] = np.exp(values) if in_logs else np.maximum(values, 0.0)
        summed = drawn.groupby(["unique_id", "sample_id"])["usd"].sum().to_numpy()
        return summed.reshape(len(logs), paths) * np.exp(logs[:, -1:])

    return totals


def origins(panel: Panel, *, first: str, last: str, step: int) -> list[int]:
    """Months of history at every `step`-th origin; an origin is the last month known."""
    ends = range(parse_month(first) - panel.first_month + 1, parse_month(last) - panel.first_month + 2, step)
    return [end for end in ends if end + HORIZON <= panel.logs.shape[1]]


def score(
    panel: Panel, forecaster: Forecaster, ends: Sequence[int], *, paths: int = 400, months: int = 0
) -> list[Score]:
    """A forecaster's scores at each origin; `months` > 0 shows it no more than the last so many months."""
    found = []
    for end in ends:
        known, ahead = panel.logs[:, :end], panel.logs[:, end : end + HORIZON]
        sample = forecaster(known[:, -months:] if months else known, paths, HORIZON, end)
        actual, scale = np.exp(ahead).sum(axis=1), np.exp(known[:, -3:]).mean(axis=1) * HORIZON
        pits = np.array([pit(row, value) for row, value in zip(sample, actual, strict=True)])
        losses = [crps(row / unit, value / unit) for row, value, unit in zip(sample, actual, scale, strict=True)]
        middle = np.maximum(np.median(sample, axis=1), _LEAST_SHARE * scale)  # a falling line in dollars can end at 0
        bias = float(np.median(np.log(actual / middle)))
        month = month_text(panel.first_month + end - 1)
        found.append(
            Score(month, float(np.mean(losses)), held(pits), float(pits.mean()), bias, float(np.median(losses)))
        )
    return found


def summary(scores: Sequence[Score]) -> Summary:
    table = np.array([one[1:] for one in scores])
    loss, coverage, middle, bias, median = table.mean(axis=0).tolist()
    return Summary(loss, coverage, float(table[:, 1].min()), float(table[:, 1].max()), middle, bias, median)


def pooled(
    panel: Panel, ends: Sequence[int], *, size: int, companies: int, paths: int = 400
) -> dict[str, tuple[float, float]]:
    """Made-up companies of `size` random series of unequal weight: coverage and CRPS of the total, two ways."""
    rng = np.random.default_rng(5)
    pits: dict[str, list[float]] = {"by workload": [], "as one series": []}
    losses: dict[str, list[float]] = {name: [] for name in pits}
    for end in ends:
        for _ in range(companies):
            chosen = rng.choice(len(panel.logs), size, replace=False)
            usd = np.exp(panel.logs[chosen, : end + HORIZON])
            usd *= (rng.pareto(1.2, size) + 0.1)[:, None] / usd[:, end - 3 : end].mean(axis=1, keepdims=True)
            known, actual = usd[:, :end], float(usd[:, end:].sum())
            unit = float(known[:, -3:].mean(axis=1).sum()) * HORIZON
            names = tuple(panel.names[place] for place in chosen)
            histories = {
                "by workload": History(0, names, known),
                "as one series": History(0, ("all",), known.sum(axis=0)[None]),
            }
            for name, history in histories.items():
                totals = sample_paths(history, paths=paths, months=HORIZON, seed=end).usage.sum(axis=1)
                pits[name].append(pit(totals, actual))
                losses[name].append(crps(totals / unit, actual / unit))
    return {name: (held(np.array(values)), float(np.mean(losses[name]))) for name, values in pits.items()}
