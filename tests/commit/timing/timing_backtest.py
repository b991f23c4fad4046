"""Semi-synthetic back-test of when to sign: real demand, drawn savings, every plan on what then really came.

One case is a series at an origin, scaled so that its last three months are 2M list a year. Savings of 40 to 70 % ship
at the origin and ramp over three months. Nothing is known later than the day it is decided on.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from baseload.commit.band_sets import CENTRAL
from baseload.commit.clauses import Overage, Unused
from baseload.commit.contract import Contract
from baseload.commit.legs import Leg, simulate_legs
from baseload.commit.paths import Paths, paths_of
from baseload.commit.search.optimum import optimum
from baseload.commit.search.regret import path_optima
from baseload.commit.timing.leverage import trend_commit
from baseload.commit.timing.shorten import shortened
from baseload.demand.adoption import adoption
from baseload.demand.history import History
from baseload.demand.paths import sample_paths

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

from demand_panel import Panel, origins

Floats = NDArray[np.float64]

LIST_USD = 2_000_000
MONTHS = 12
MOST_USD_PER_MONTH = 1e9
LEAST, MOST, RAMP = 0.4, 0.7, 3.0
FIRST, LAST, STEP = "2022-11", "2024-05", 3
POLICIES = (
    "never optimize, on demand",
    "commit to the 6-month trend, never optimize",
    "commit to the 6-month trend, then optimize",
    "sign now on today's demand, then optimize",
    "optimize, stay on demand",
    "route first 3 months, then sign 9",
    "route first 9 months, then sign 3",
    "day 0 on the distribution of savings",
    "clairvoyant",
)


class Case(NamedTuple):
    """Dollars of every policy over the usage at list as it was, by overage rule."""

    origin: int
    shares: Mapping[str, Mapping[str, float]]


def contract(overage: str) -> Contract:
    return Contract(
        term_months=MONTHS,
        commit_basis="list",
        bands=CENTRAL.bands,
        overage=Overage(rule=overage),  # type: ignore[arg-type] - both words are rules
        unused=Unused(rule="forfeit"),
    )


def run(
    panel: Panel, *, series: int, every: int = 1, paths: int = 300, most: float = MOST, lands: float = 1.0
) -> list[Case]:
    """Every case: `series` of the panel, evenly spread, at each `every`-th origin.

    `most` 0 = nothing is saved. `lands`: chance that a plan lands at all; who signs now knows it, who waits has seen.
    """
    ends = origins(panel, first=FIRST, last=LAST, step=STEP)[::every]
    places = np.linspace(0, len(panel.names) - 1, series).astype(int).tolist()
    return [_case(panel, place, end, paths, (min(LEAST, most), most), lands) for end in ends for place in places]


def _case(panel: Panel, place: int, end: int, paths: int, savings: tuple[float, float], lands: float) -> Case:
    logs = panel.logs[place]
    volume = np.exp(logs) * (LIST_USD / 12 / np.exp(logs[end - 3 : end]).mean())
    past, came = volume[:end], volume[end : end + MONTHS]
    rng = np.random.default_rng([17, place, end])
    saved = float(rng.uniform(*savings)) * bool(rng.random() < lands)
    landing = adoption(np.zeros(1), RAMP, MONTHS)[0]
    routed = came * (1 - saved * landing)
    ahead = _drawn(panel, volume, end, MONTHS, paths, place)
    shares = rng.uniform(*savings, (paths, 1)) * (rng.random((paths, 1)) < lands)
    planned = paths_of(ahead.list_usd * (1 - shares * landing))
    found = {}
    for overage in ("list", "committed"):
        offer = contract(overage)
        costs = {
            POLICIES[0]: came.sum(),
            POLICIES[1]: _cost(offer.sized(*trend_commit(offer, past.tolist())), came),
            POLICIES[2]: _cost(offer.sized(*trend_commit(offer, past.tolist())), routed),
            POLICIES[3]: _cost(offer.sized(*optimum(offer, ahead).commit_usd_by_year), routed),
            POLICIES[4]: routed.sum(),
            POLICIES[7]: _cost(offer.sized(*optimum(offer, planned).commit_usd_by_year), routed),
            POLICIES[8]: float(path_optima(offer, paths_of(routed))[0]),
        }
        for policy, delay in ((POLICIES[5], 3), (POLICIES[6], 9)):
            later = shortened(offer, MONTHS - delay)
            seen = _drawn(panel, volume, end + delay, MONTHS - delay, paths, place)
            known = paths_of(seen.list_usd * (1 - saved * landing[delay:]))
            costs[policy] = _cost(later.sized(*optimum(later, known).commit_usd_by_year), routed, delay)
        found[overage] = {policy: float(costs[policy] / came.sum()) for policy in POLICIES}
    return Case(end, found)


def _drawn(panel: Panel, volume: Floats, end: int, months: int, paths: int, place: int) -> Paths:
    """The product's paths from what was known by then; what grew a thousandfold is cut at a billion a month."""
    history = History(panel.first_month, ("all",), volume[None, :end])
    drawn = sample_paths(history, paths=paths, months=months, seed=1_000 * place + end).usage
    return paths_of(np.minimum(drawn, MOST_USD_PER_MONTH))


def _cost(sized: Contract, usage: Floats, start: int = 0) -> float:
    return float(simulate_legs([Leg(contract=sized, start=start)], paths_of(usage)).cost_usd[0])


def table(cases: Sequence[Case], overage: str) -> dict[str, tuple[float, float]]:
    """Mean share of list per policy, and its standard error between origins."""
    by_origin: defaultdict[int, list[Case]] = defaultdict(list)
    for case in cases:
        by_origin[case.origin].append(case)
    found = {}
    for policy in POLICIES:
        means = np.array([np.mean([case.shares[overage][policy] for case in some]) for some in by_origin.values()])
        error = float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else 0.0
        found[policy] = (float(means.mean()), error)
    return found


def beats(cases: Sequence[Case], overage: str, one: str, other: str) -> float:
    """Share of cases in which one policy is cheaper than another."""
    return float(np.mean([case.shares[overage][one] < case.shares[overage][other] for case in cases]))


def median(cases: Sequence[Case], overage: str, policy: str) -> float:
    """Of the shares of list: a few series that fell or rose tenfold move the mean of a naive policy a lot."""
    return float(np.median([case.shares[overage][policy] for case in cases]))
