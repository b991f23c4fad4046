"""Null contract years made of real series, and what the alert does on them: a bench for tests and proofs.

No public weekly series of a year is at hand. Each null is built from one of 406 real monthly series: its log residuals
around a straight line through each point's neighbourhood of 13, drawn in blocks, as weeks around a plan. Steps between
its months have a standard deviation of 0.18 (median), where the one weekly series of Claude spend we know has 0.26.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from baseload.commit.track.monitor import WEEKS, noise_of, watch

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))
from demand_panel import load_panel

Floats = NDArray[np.float64]
STEP_WEEK = 17  # month 4 begins
FILE = Path("commit") / "pypi_monthly_downloads.csv"


class Seen(NamedTuple):
    """Weeks from the step to the alarm (none = 99), of years that had not alarmed before it."""

    false_alarms: float
    delays: Floats

    def within(self, weeks: int) -> float:
        return float((self.delays <= weeks).mean())


def residuals(data: Path) -> Floats:
    """(series, months): what is left of each log series around its own smooth course, centred."""
    logs = load_panel(data / FILE).logs
    places = np.arange(logs.shape[1], dtype=np.float64)
    left = np.empty_like(logs)
    for place in range(logs.shape[1]):
        near = np.abs(places - place) <= 6
        design = np.column_stack([np.ones(int(near.sum())), places[near] - place])
        left[:, place] = logs[:, place] - logs[:, near] @ np.linalg.pinv(design)[0]
    centred: Floats = left - np.median(left, axis=1, keepdims=True)
    return centred


def null_year(rng: np.random.Generator, pool: Floats, block: int, reference: int) -> tuple[Floats, Floats]:
    """Weekly usage before and during a contract year whose plan is flat at 1."""
    weeks = reference + WEEKS
    starts = rng.integers(0, len(pool), size=-(-weeks // block))
    logs = pool[((starts[:, None] + np.arange(block)) % len(pool)).ravel()[:weeks]]
    return np.exp(logs[:reference]), np.exp(logs[reference:])


def seen(
    pools: Floats, *, block: int, step: float, years: int, seed: int, reference: int = 26, drift: float = 0.0
) -> Seen:
    """Every series as `years` contract years: alarms without a step, and weeks to the alarm with one.

    `drift`: growth a week that the plan did not have. `reference` 0 leaves the assumed noise.
    """
    rng = np.random.default_rng(seed)
    alarms, delays = [], []
    plan = np.exp(-drift * np.arange(WEEKS))  # usage grows by `drift` a week that was not planned
    for pool in pools:
        for _ in range(years):
            before, during = null_year(rng, pool, block, reference)
            noise = noise_of(before)
            first = watch(during, plan, noise).first_alarm
            alarms.append(first is not None)
            if step == 0 or (first is not None and first < STEP_WEEK):
                continue
            stepped = during * np.where(np.arange(WEEKS) >= STEP_WEEK, 1 + step, 1.0)
            found = watch(stepped, plan, noise).first_alarm
            delays.append(99 if found is None else found - STEP_WEEK + 1)
    return Seen(float(np.mean(alarms)), np.array(delays, dtype=np.float64))
