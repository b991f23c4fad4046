"""The plan landing on the paths: sizes, dates, realization and roll-backs drawn, on the same random numbers everywhere.

What a workload costs once the plan lands: volume x (1 - sum of its savings' shares x adoption x realization). A saving
that is not proven enters with its probability, never as zero: leaving it out would make the baseline, and so the
commit, too large.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from baseload.demand.draws import stream
from baseload.demand.events import triangular
from baseload.demand.history import ALL, DemandError, Floats
from baseload.demand.paths import Paths
from baseload.demand.savings import Saving

Scenario = Literal["none", "proven", "expected", "all"]
SCENARIOS: Final[tuple[Scenario, ...]] = ("none", "proven", "expected", "all")


class Landing(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what is planned arrives. Defaults are assumptions; `baseload close` measures the first.

    Raises DemandError on values outside their ranges.
    """

    realization: float = 0.8  # mean of a Beta
    certainty: float = 20.0  # that Beta's a + b, for the team and again for each saving
    roll_back: float = 0.05  # chance that a saving is withdrawn
    roll_back_months: float = 12.0  # within so many months of shipping

    def __post_init__(self) -> None:
        holds = 0 < self.realization < 1 and self.certainty > 0
        if not (holds and 0 <= self.roll_back <= 1 and self.roll_back_months > 0):
            raise DemandError(
                f"landing: realization {self.realization}, certainty {self.certainty}, roll_back {self.roll_back}, "
                f"roll_back_months {self.roll_back_months}; expected 0 to 1, above 0, 0 to 1, above 0"
            )


class Draw(NamedTuple):
    """One saving on every path."""

    share: Floats  # (paths,), as planned
    realized: Floats  # (paths,), of the share
    lands: Floats  # (paths,), uniform: it lands where this is below its probability
    ship: Floats  # (paths,), month it ships
    gone: Floats  # (paths,), month it is withdrawn; infinite where it stays


def scenario_paths(paths: Paths, savings: Sequence[Saving], *, landing: Landing | None = None) -> dict[Scenario, Paths]:
    """The paths under none, proven, expected and all savings: the same volumes, dates and luck in each.

    none: as today. proven: what was measured, with its chance. expected: everything, each with its chance. all:
    everything works as planned, in full and for good: the run rate that remains if all pending changes succeed.
    Launches are untouched. Raises DemandError where a saving names a workload the paths do not have, or twice a name.
    """
    landing = landing or Landing()
    names = [saving.name for saving in savings]
    if len(set(names)) != len(names):
        raise DemandError("savings: a name occurs twice; each saving needs its own")
    draws = [draw(saving, landing, paths) for saving in savings]
    found: dict[Scenario, Paths] = {}
    for scenario in SCENARIOS:
        kept = remaining(paths, savings, draws, scenario)
        found[scenario] = paths._replace(workloads=paths.workloads * kept, events=_events(paths, kept))
    return found


def draw(saving: Saving, landing: Landing, paths: Paths) -> Draw:
    """A saving's luck. A team that slips, slips with everything, and realizes little of everything: both are shared."""
    size = len(paths.price)
    rng = stream(paths.seed, "saving", saving.name)
    team = stream(paths.seed, "team")
    late = triangular(team, saving.ship_first, saving.ship_likely, saving.ship_last, size)
    mean = team.beta(landing.certainty * landing.realization, landing.certainty * (1 - landing.realization), size)
    mean = np.clip(mean, 1e-6, 1 - 1e-6)
    share = triangular(rng, saving.low, saving.likely, saving.high, size)
    lands = rng.random(size)
    back, when = rng.random(size), rng.random(size)
    realized = rng.beta(landing.certainty * mean, landing.certainty * (1 - mean))
    gone = np.where(back < landing.roll_back, late + when * landing.roll_back_months, np.inf)
    return Draw(share, realized, lands, late, gone)


def remaining(paths: Paths, savings: Sequence[Saving], draws: Sequence[Draw], scenario: Scenario) -> Floats:
    """What is left of each dollar, (workloads, paths, months) or narrower where all share it; never below 0."""
    months = paths.price.shape[1]
    place = {name: index for index, name in enumerate(paths.names)}
    saved = np.zeros((len(paths.names), len(paths.price), months))
    for saving, drawn in zip(savings, draws, strict=True):
        if saving.workload not in place and saving.workload != ALL:
            raise DemandError(f"saving {saving.name[:40]!r}: the demand has no workload {saving.workload[:40]!r}")
        share = _in_force(saving, drawn, scenario, months)
        rows = slice(None) if saving.workload not in place else place[saving.workload]
        saved[rows] += share
    left: Floats = np.maximum(1 - saved, 0.0)
    return left


def _in_force(saving: Saving, drawn: Draw, scenario: Scenario, months: int) -> Floats:
    """Share saved per path and month."""
    if scenario == "none" or (scenario == "proven" and not saving.proven):
        return np.zeros((len(drawn.share), months))
    in_force = adoption(drawn.ship, saving.ramp_months, months)
    if scenario == "all":
        whole: Floats = drawn.share[:, None] * in_force
        return whole
    in_force = np.maximum(in_force - adoption(drawn.gone, 0.0, months), 0.0)
    size = drawn.share * drawn.realized * (drawn.lands < saving.probability)
    found: Floats = size[:, None] * in_force
    return found


def adoption(ship: Floats, ramp_months: float, months: int) -> Floats:
    """Mean share of callers moved in each month, (paths, months): from 0 at `ship`, in a line, to 1 a ramp later."""
    edges = np.arange(months + 1) - ship[:, None]
    edges = np.maximum(edges, 0.0)
    if ramp_months == 0:
        area = edges
    else:
        area = np.where(edges < ramp_months, edges**2 / (2 * ramp_months), edges - ramp_months / 2)
    return np.diff(area, axis=1)


def _events(paths: Paths, kept: Floats) -> Floats:
    """A retirement takes away what is left of its workload by then; a launch brings its own price."""
    found = paths.events.copy()
    for place, workload in enumerate(paths.event_workloads):
        if workload in paths.names:
            found[place] *= kept[paths.names.index(workload)]
        elif workload == ALL:
            before = paths.workloads.sum(axis=0)
            after = (paths.workloads * kept).sum(axis=0)
            found[place] *= np.divide(after, before, out=np.ones_like(before), where=before > 0)
    return found
