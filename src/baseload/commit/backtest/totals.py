"""What was known at a past month, as samples of the year that followed: the paths that `commit size` sizes on."""

from __future__ import annotations

from typing import Final

from baseload.commit.arrays import Array
from baseload.demand.calibration import calibrate, calibrated
from baseload.demand.fit import PathSettings
from baseload.demand.history import History
from baseload.demand.paths import sample_paths

PATHS: Final = 500


def sampled_totals(
    known: History, months: int, *, seed: int, paths: int = PATHS, settings: PathSettings | None = None
) -> Array:
    """List dollars of the next `months`, (paths,): calibrated by the back-test of the months known, and no later one.

    Without events, hazards and savings: nobody wrote down what was expected of them then. Raises DemandError below six
    known months.
    """
    drawn = sample_paths(known, settings=settings, paths=paths, months=months, seed=seed)
    totals: Array = calibrated(drawn, known, calibrate(known, settings=settings, seed=seed)).usage.sum(axis=1)
    return totals
