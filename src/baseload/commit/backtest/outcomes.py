"""What sizes came to on years that are known: the figures of one rule, for one customer or for a panel."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.backtest.year import YearOffer, cost_usd, least_cost_usd

TAIL: Final = 0.95
_ROUNDING: Final = 1 + 1e-9


class Figures(NamedTuple):
    """Dollars of one test year; shares of regret are of the least cost that knowing the year would have had."""

    saving_share: float  # of list, all cases together; negative = dearer than on demand
    regret_mean_usd: float
    regret_p95_usd: float
    regret_mean_share: float
    regret_p95_share: float
    worse_share: float  # of cases that cost more than no commitment


def figures(offer: YearOffer, usage_usd: Array, commit_usd: Array) -> Figures:
    """One rule over many cases, (cases,) each; usage at list, above 0."""
    cost, least = cost_usd(offer, usage_usd, commit_usd), least_cost_usd(offer, usage_usd)
    regret = np.maximum(cost - least, 0.0)
    share = regret / least
    on_demand = cost_usd(offer, usage_usd, np.zeros(len(usage_usd)))
    return Figures(
        saving_share=float(1 - cost.sum() / usage_usd.sum()),
        regret_mean_usd=float(regret.mean()),
        regret_p95_usd=float(np.quantile(regret, TAIL)),
        regret_mean_share=float(share.mean()),
        regret_p95_share=float(np.quantile(share, TAIL)),
        worse_share=float((cost > on_demand * _ROUNDING).mean()),
    )
