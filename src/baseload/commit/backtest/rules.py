"""The rules that are tested. Those of thumb, which people use without paths, read months and say list dollars."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from baseload.commit.arrays import Array

RuleName = Literal["ours", "careful", "trend", "last_two_months", "floor", "on_demand"]
TREND_MONTHS: Final = 6
RUN_RATE_MONTHS: Final = 3
FLOOR_SHARE: Final = 0.7
TOLERANCE: Final = 0.02
"""Of expected cost, for the careful size. The least that kept mean and worst regret of 2022-06 to 2023-03 no worse than
those of the best rule of thumb; judged on 2023-06 to 2024-03 (docs/decisions/commit-backtest.md)."""


def trend(known_usd: Array, months: int) -> float:
    """The straight line through the last six months, carried on; never below 0."""
    recent = known_usd[-TREND_MONTHS:]
    slope, start = np.polyfit(np.arange(len(recent)), recent, 1)
    ahead = start + slope * np.arange(len(recent), len(recent) + months)
    return float(np.maximum(ahead, 0.0).sum())


def last_two_months(known_usd: Array, months: int) -> float:
    """The last two months, again and again: how cloud consoles recommend."""
    return float(known_usd[-2:].mean()) * months


def floor(known_usd: Array, months: int) -> float:
    """70 % of the run rate of the last three months: how advisers stay safe."""
    return FLOOR_SHARE * float(known_usd[-RUN_RATE_MONTHS:].mean()) * months


NAIVE: Final[Mapping[RuleName, Callable[[Array, int], float]]] = MappingProxyType(
    {"trend": trend, "last_two_months": last_two_months, "floor": floor}
)
SAYS: Final[Mapping[RuleName, str]] = MappingProxyType(
    {
        "ours": "the least expected cost on sample paths",
        "careful": f"within {TOLERANCE:.0%} of that cost, the least regret on bad paths",
        "trend": "the trend of the last 6 months, carried on for the term",
        "last_two_months": "the last 2 months, carried on for the term",
        "floor": "70 % of the run rate of the last 3 months",
        "on_demand": "no commitment",
    }
)
