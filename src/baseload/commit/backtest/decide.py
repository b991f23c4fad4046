"""Two commitments from the same paths: the least expected cost, and the careful one beside it.

`recommended` is the first. The second gives up at most a stated part of expected cost for a smaller regret on bad
paths: an appetite for risk, so it is an alternative and never the answer by itself.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.backtest.rules import TOLERANCE
from baseload.commit.backtest.year import YearOffer, year_paths
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.search.curve import curve
from baseload.commit.search.optimum import optimum
from baseload.commit.search.regret import cvar, path_optima

_LEAST_SHARE: Final = 1e-3


def decide(offer: YearOffer, totals_usd: Array) -> float:
    """The commitment of least expected cost, in the offer's basis: the search of `commit size` on yearly totals."""
    return float(optimum(offer.contract, year_paths(totals_usd, offer.months)).commit_usd_by_year[0])


def decide_carefully(offer: YearOffer, totals_usd: Array, *, tolerance: float = TOLERANCE) -> float:
    """`careful` on yearly totals."""
    return float(careful(offer.contract, year_paths(totals_usd, offer.months), tolerance=tolerance)[0])


def careful(contract: Contract, paths: Paths, *, tolerance: float = TOLERANCE, points: int = 81) -> tuple[Decimal, ...]:
    """A commitment, the same every year: of those whose expected cost is within `tolerance` of the least such, the one
    whose regret on the worst tenth of paths is least.

    Regret here is a share of the path's own optimum: a dollar lost counts for more where the business turned small.
    Whole dollars in the offer's basis. Raises CommitError as `curve` does.
    """
    amounts, costs = curve(contract, paths, points=points)
    chosen = choose(costs, path_optima(contract, paths), tolerance)
    return (Decimal(round(float(amounts[chosen]))),) * contract.years


def choose(costs_usd: Array, optima_usd: Array, tolerance: float) -> int:
    """Which row of `costs_usd` (sizes, paths) is careful; the first where several are. `optima_usd`: (paths,)."""
    expected = costs_usd.mean(axis=1)
    within = np.flatnonzero(expected <= expected.min() * (1 + tolerance))
    if not optima_usd.any():
        return int(within[0])  # nothing is spent: nothing is regretted
    known = np.maximum(optima_usd, _LEAST_SHARE * optima_usd.mean())
    regret = (costs_usd[within] - optima_usd) / known
    return int(within[int(np.argmin(cvar(regret)))])
