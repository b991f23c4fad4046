"""What a buyer knows when a right must be used: usage so far and the run rate, nothing later."""

from __future__ import annotations

from typing import Final

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.paths import Paths

RUN_RATE_MONTHS: Final = 3
"""The run rate is the mean of the last three months known."""


def run_rate(paths: Paths, month: int, months: int = RUN_RATE_MONTHS) -> Array:
    """Mean list dollars of the last `months` before `month`, (paths,); before the first month nothing is known: 0."""
    seen = paths.list_usd[:, max(0, month - months) : month]
    return seen.mean(axis=1) if seen.shape[1] else np.zeros(paths.count)


def used_so_far(contract: Contract, paths: Paths, month: int) -> Array:
    """List dollars since the test period under way began, (paths,); monthly and quarterly tests count the year."""
    first = 0 if contract.period == "term" else month - month % MONTHS_PER_YEAR
    used: Array = paths.list_usd[:, first:month].sum(axis=1)
    return used


def terms(contract: Contract, paths: Paths, month: int) -> Array:
    """The regression's terms, (paths, 6): 1, usage, rate, their squares and product; each in its own spread.

    Values beyond three spreads count as three: a square says nothing out there.
    """
    usage, rate = _in_spreads(used_so_far(contract, paths, month)), _in_spreads(run_rate(paths, month))
    return np.stack([np.ones(paths.count), usage, rate, usage**2, rate**2, usage * rate], axis=1)


def _in_spreads(values: Array) -> Array:
    spread = float(values.std())
    if spread <= 1e-9 * max(1.0, float(np.abs(values).max())):
        return np.zeros_like(values)
    clipped: Array = np.clip((values - values.mean()) / spread, -3.0, 3.0)
    return clipped
