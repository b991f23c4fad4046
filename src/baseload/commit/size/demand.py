"""The demand a commitment is sized on: sample paths under every scenario, and what is known about where they come from.

From a history (a file's, or the ledger's) or from somebody's own paths. Savings enter with their chance, never as zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
from msgspec.structs import replace

from baseload.commit.arrays import Array
from baseload.commit.contract import MONTHS_PER_YEAR
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.search.demand import contract_paths
from baseload.demand import paths as drawn
from baseload.demand.adoption import SCENARIOS, Scenario, scenario_paths
from baseload.demand.calibration import calibrate, calibrated
from baseload.demand.fit import PathSettings, fit
from baseload.demand.history import ALL, History
from baseload.demand.months import month_text
from baseload.demand.oddities import Oddity, oddities
from baseload.demand.savings import Saving
from baseload.values import Problem

Source = Literal["demand", "ledger", "paths"]
LEAST_PATHS: Final = 2
MOST_PATHS: Final = 100_000
MOST_SKIPPED: Final = 24
"""A contract that begins more than two years after the last month known is no forecast any more."""
NOTHING_IN_SCOPE: Final = (
    "Nothing is in scope: [[commit.scope]] covers no dollar of the ledger, so there is nothing to size."
)
_BEFORE_AFTER: Final[tuple[Scenario, Scenario]] = ("none", "expected")
OWN_PATHS_GROWTH_SD: Final = 0.01
"""A month, where paths come without a history: an assumption."""


class Ends(NamedTuple):
    """What the contract covers, in list dollars of the ledger's window, and the paths at both ends of the unknown.

    `least` and `most` are the expected scenario's.
    """

    in_usd: float
    out_usd: float
    unknown_usd: float
    least: Paths
    most: Paths


class Demand(NamedTuple):
    """Month 0 of the paths is the first of the contract; they may reach beyond its term."""

    source: Source
    first_month: int | None  # None = not said (paths of a file)
    scenarios: Mapping[Scenario, Paths]
    history: History | None
    savings: tuple[Saving, ...]
    growth_sd: float  # of the monthly drift
    seed: int
    problems: tuple[Problem, ...] = ()
    odd: tuple[Oddity, ...] = ()
    ends: Ends | None = None

    @property
    def expected(self) -> Paths:
        """What is sized on."""
        return self.scenarios["expected"]


def first_month_of(history: History, start: int | None) -> int:
    """The contract's first month: as asked, else the one after the demand ends. Raises CommitError."""
    first = history.next_month if start is None else start
    if not 0 <= first - history.next_month <= MOST_SKIPPED:
        earliest, latest = month_text(history.next_month), month_text(history.next_month + MOST_SKIPPED)
        raise CommitError("--start", month_text(first), f"{earliest} (the month after the demand ends) to {latest}")
    return first


def sampled(history: History, *, term_months: int, paths: int, seed: int, start: int | None = None) -> drawn.Paths:
    """Calibrated paths of the history, as long as the term. Raises CommitError."""
    if not LEAST_PATHS <= paths <= MOST_PATHS:
        raise CommitError("--paths-count", paths, f"{LEAST_PATHS} to {MOST_PATHS:,} paths")
    if seed < 0:
        raise CommitError("--seed", seed, "0 or more")
    skipped = first_month_of(history, start) - history.next_month
    found = drawn.sample_paths(history, paths=paths, months=term_months, skip_months=skipped, seed=seed)
    return calibrated(found, history, calibrate(history, seed=seed))


def demand_of(
    history: History,
    paths: drawn.Paths,
    *,
    source: Source = "demand",
    savings: Sequence[Saving] = (),
    problems: Sequence[Problem] = (),
) -> Demand:
    """The scenarios of sampled paths."""
    found = {name: contract_paths(one) for name, one in scenario_paths(paths, savings).items()}
    return Demand(
        source=source,
        first_month=paths.first_month,
        scenarios=found,
        history=history,
        savings=tuple(savings),
        growth_sd=_growth_sd(history),
        seed=paths.seed,
        problems=tuple(problems),
        odd=oddities(history),
    )


def demand_of_paths(paths: Paths, *, savings: Sequence[Saving] = (), first_month: int | None, seed: int) -> Demand:
    """Somebody's own paths; savings are taken off them, if there are any."""
    scenarios: dict[Scenario, Paths] = dict.fromkeys(SCENARIOS, paths)
    if savings:
        kept = scenario_paths(_as_drawn(paths, first_month or 0, seed), savings)
        scenarios = {name: replace(paths, list_usd=one.list_usd) for name, one in kept.items()}
    return Demand(
        source="paths",
        first_month=first_month,
        scenarios=scenarios,
        history=None,
        savings=tuple(savings),
        growth_sd=OWN_PATHS_GROWTH_SD,
        seed=seed,
    )


def shifted(savings: Sequence[Saving], months: int) -> list[Saving]:
    """Savings dated from a month `months` later."""
    return [
        replace(
            one,
            ship_first=one.ship_first - months,
            ship_likely=one.ship_likely - months,
            ship_last=one.ship_last - months,
        )
        for one in savings
    ]


def month_before(first_month: int) -> History:
    """A history of nothing but its end: what a plan is dated against where paths come without one."""
    return History(first_month - 1, (ALL,), np.ones((1, 1)))


def last_year_usd(history: History) -> tuple[float, int]:
    """List dollars of the last twelve months (unknown ones count as 0, none is made up), and how many are known."""
    recent = history.total[-MONTHS_PER_YEAR:]
    return float(np.nansum(recent)), int((~np.isnan(recent)).sum())


def kept_share(demand: Demand, start: int, months: int) -> float:
    """What the expected savings leave of these contract months, of 1: none where nothing would be spent anyway."""
    if not demand.savings:
        return 1.0
    none, expected = (float(demand.scenarios[name].list_usd[:, start : start + months].sum()) for name in _BEFORE_AFTER)
    return expected / none if none > 0 else 1.0


def covered_share(demand: Demand) -> float:
    """The part of the history's dollars that is sized on, by the ledger's window; 1 where no scope is said."""
    ends = demand.ends
    if ends is None:
        return 1.0
    inside = ends.in_usd if demand.expected is ends.least else ends.in_usd + ends.unknown_usd
    whole = ends.in_usd + ends.out_usd + ends.unknown_usd
    return inside / whole if whole > 0 else 1.0


def nothing_in_scope(demand: Demand) -> bool:
    """Is there a scope that covers nothing, surely or perhaps?"""
    ends = demand.ends
    return ends is not None and ends.in_usd + ends.unknown_usd <= 0


def run_rate_usd(demand: Demand) -> float:
    """Today's list dollars a year that may be covered: the last three known months, else the first three of the paths.

    Before savings.
    """
    if demand.history is None:
        return float(demand.scenarios["none"].list_usd[:, :3].mean()) * MONTHS_PER_YEAR
    total = demand.history.total
    return float(total[~np.isnan(total)][-3:].mean()) * MONTHS_PER_YEAR * covered_share(demand)


def remaining_run_rate_usd(demand: Demand) -> float:
    """What remains of today's run rate if every pending change works in full: no growth, no launch in it."""
    none, every = demand.scenarios["none"].list_usd, demand.scenarios["all"].list_usd
    left = every[:, -1].sum() / none[:, -1].sum() if none[:, -1].sum() > 0 else 1.0
    return run_rate_usd(demand) * float(left)


def _growth_sd(history: History) -> float:
    whole = History(history.first_month, (ALL,), history.total[None, :])
    return float(fit(whole, PathSettings()).drift_sd[0])


def _as_drawn(paths: Paths, first_month: int, seed: int) -> drawn.Paths:
    """The paths as demand draws them: one workload, prices and metering inside its dollars."""
    flat: Array = np.ones((paths.count, paths.months))
    return drawn.Paths(
        first_month=first_month,
        names=(ALL,),
        workloads=paths.list_usd[None],
        event_names=(),
        event_workloads=(),
        events=np.zeros((0, paths.count, paths.months)),
        price=flat,
        metering=flat,
        seed=seed,
    )
