"""Too little history for quantiles: three stated scenarios instead, and the reason."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from baseload.demand.history import LEAST_MONTHS, Floats, History

GROWTH: Final = (("shrinks", -0.05), ("stays", 0.0), ("grows", 0.10))
"""Per month, compounding. Assumptions: nobody can read growth off a few months."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """What one assumed growth makes of the last month; it has no probability."""

    name: str  # shrinks | stays | grows
    growth_per_month: float
    usd: tuple[float, ...]  # list dollars per month, month 0 first


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """No quantiles, why, and the scenarios that stand in for them."""

    known_months: int
    reason: str
    scenarios: tuple[Scenario, ...]

    def total_range(self, months: int = 12) -> tuple[float, float]:
        """Dollars of the first `months`: least and most of the scenarios."""
        totals = [sum(scenario.usd[:months]) for scenario in self.scenarios]
        return min(totals), max(totals)


def refuse_quantiles(history: History, months: int) -> Refusal | None:
    """None where there is enough history; else scenarios from the mean of its known months."""
    total = history.total
    known = total[~np.isnan(total)]
    if len(known) >= LEAST_MONTHS:
        return None
    start = float(known.mean()) if len(known) else 0.0
    return Refusal(
        known_months=len(known),
        reason=(
            f"{len(known)} whole months of history; under {LEAST_MONTHS} nobody can say how likely a figure is. "
            "These are three assumptions about growth, not quantiles: bridge or wait before you commit."
        ),
        scenarios=tuple(
            Scenario(name=name, growth_per_month=rate, usd=tuple(_grown(start, rate, months).tolist()))
            for name, rate in GROWTH
        ),
    )


def _grown(start: float, rate: float, months: int) -> Floats:
    grown: Floats = start * (1 + rate) ** np.arange(1, months + 1, dtype=np.float64)
    return grown
