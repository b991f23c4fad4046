"""Sample paths of list dollars: history -> (paths, months), seeded, the same bytes every time.

log volume = level + drift + shocks, per workload; shocks of all workloads are of the same dates, drift errors share a
common part, launches and retirements are added, prices and metering move beside the volume and are kept apart from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baseload.demand.draws import DATES, DRIFT, stream
from baseload.demand.events import Event, event_usd
from baseload.demand.fit import Fit, PathSettings, fit
from baseload.demand.hazards import Hazards, factor_paths
from baseload.demand.history import DemandError, Floats, History

PATHS: Final = 2_000
MONTHS: Final = 36
MOST_CELLS: Final = 100_000_000
"""workloads x paths x months: 800 MB of float64."""
_MOST_LOG: Final = 60.0
"""e^60 dollars: keeps float64 finite whatever the drift."""


class Paths(NamedTuple):
    """Month 0 is `first_month`. Dollars are list dollars at today's prices and metering unless said otherwise."""

    first_month: int
    names: tuple[str, ...]
    workloads: Floats  # (workloads, paths, months), without events
    event_names: tuple[str, ...]
    event_workloads: tuple[str, ...]  # what a retirement takes from, "all" included; "" for a launch
    events: Floats  # (events, paths, months), dollars each adds; negative for a retirement
    price: Floats  # (paths, months), 1 = today's list prices
    metering: Floats  # (paths, months), 1 = tokens per unit of work as today
    seed: int

    @property
    def usage(self) -> Floats:
        """(paths, months): all workloads and events, at today's prices and metering."""
        summed: Floats = self.workloads.sum(axis=0) + self.events.sum(axis=0)
        return np.maximum(summed, 0.0)

    @property
    def list_usd(self) -> Floats:
        """(paths, months): what a list-price bill would say then."""
        billed: Floats = self.usage * self.price * self.metering
        return billed


def sample_paths(
    history: History,
    *,
    settings: PathSettings | None = None,
    events: Sequence[Event] = (),
    hazards: Hazards | None = None,
    paths: int = PATHS,
    months: int = MONTHS,
    skip_months: int = 0,
    seed: int = 0,
) -> Paths:
    """Paths of the `months` months that begin `skip_months` after the history ends.

    Raises DemandError below six known months, on a size beyond memory, and on an event that fits no workload.
    """
    if min(paths, months) < 1 or skip_months < 0 or seed < 0:
        raise DemandError(f"paths {paths}, months {months}, skip_months {skip_months}, seed {seed}; expected counts")
    if len(history.names) * paths * (months + skip_months) > MOST_CELLS:
        raise DemandError(f"paths: {len(history.names)} workloads x {paths} x {months} is over {MOST_CELLS:,} cells")
    settings, hazards = settings or PathSettings(), hazards or Hazards()
    fitted = fit(history, settings)
    workloads = _volumes(fitted, history.names, settings, paths, months + skip_months, seed)[:, :, skip_months:]
    first_month = history.next_month + skip_months
    by_name = dict(zip(history.names, workloads, strict=True))
    added = [event_usd(event, by_name, first_month, seed) for event in events]
    return Paths(
        first_month=first_month,
        names=history.names,
        workloads=workloads,
        event_names=tuple(event.name for event in events),
        event_workloads=tuple(event.workload if event.kind == "retire" else "" for event in events),
        events=np.array(added).reshape(len(added), paths, months),
        price=factor_paths(hazards.price, "price", paths, months, seed),
        metering=factor_paths(hazards.metering, "metering", paths, months, seed),
        seed=seed,
    )


def block_dates(dates: int, paths: int, months: int, block: int, seed: int) -> NDArray[np.int64]:
    """Which past date each future month repeats, (paths, months): runs of `block` dates, round the end to the start."""
    runs = -(-months // block)
    starts = stream(seed, DATES).integers(0, dates, size=(paths, runs))
    found: NDArray[np.int64] = ((starts[:, :, None] + np.arange(block)) % dates).reshape(paths, -1)[:, :months]
    return found


def drift_months(months: int, settings: PathSettings) -> Floats:
    """How many months' drift has come by the end of each month: whole for a year, then less and less."""
    late = np.maximum(np.arange(months) - settings.damp_after_months + 1, 0)
    return np.cumsum(settings.damping ** late.astype(np.float64))


def _volumes(fitted: Fit, names: Sequence[str], settings: PathSettings, paths: int, months: int, seed: int) -> Floats:
    dates = block_dates(fitted.shocks.shape[1], paths, months, settings.block_months, seed)
    growth = drift_months(months, settings)
    shared = np.sqrt(fitted.common_share) * stream(seed, DRIFT).standard_normal(paths)
    own_share = np.sqrt(1 - fitted.common_share)
    found = np.empty((len(names), paths, months))
    for place, name in enumerate(names):
        error = shared + own_share * stream(seed, DRIFT, name).standard_normal(paths)
        drift = fitted.drift[place] + fitted.drift_sd[place] * error
        shocks = fitted.shocks[place][dates]
        moved = settings.stays * np.cumsum(shocks, axis=1) + (1 - settings.stays) * shocks
        logs = fitted.level[place] + drift[:, None] * growth + moved
        np.exp(np.clip(logs, -_MOST_LOG, _MOST_LOG, out=logs), out=found[place])
    return found
