"""The alert's two promises, on years made of real series: few false alarms, and a step at month 4 is seen in time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from null_panel import residuals, seen

STEPS = {"halved": -0.5, "30 % less": -0.3, "half more": 0.5}


def test_null_years_alarm_at_most_one_in_twenty_and_a_halving_is_seen_in_eight_weeks(shared_data: Path) -> None:
    pools = residuals(shared_data)[1::8]  # 51 series: none of those the margin was chosen on (every fourth from 0)
    found = seen(pools, block=4, step=-0.5, years=2, seed=11)

    assert found.false_alarms <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 102)
    assert found.within(8) >= 0.8


@pytest.mark.prove
def test_alert_at_full_size(shared_data: Path, record_property: Callable[[str, object], None]) -> None:
    """304 series the margin was not chosen on, 5 years each. Standard error of a rate of 5 %: between series, 0.8."""
    every = residuals(shared_data)
    pools = every[np.arange(len(every)) % 4 != 0]
    rates = []
    for block in (4, 8):
        for reference in (26, 52):
            found = seen(pools, block=block, step=0.0, years=5, seed=block + reference, reference=reference)
            rates.append(found.false_alarms)
            record_property(
                f"false alarms, blocks of {block}, {reference} weeks of history", f"{found.false_alarms:.1%}"
            )
    unknown = seen(pools, block=4, step=0.0, years=5, seed=5, reference=0)
    record_property("false alarms, no history by week (assumed noise)", f"{unknown.false_alarms:.1%}")
    for percent in (1, 2):
        wrong = seen(pools, block=4, step=0.0, years=2, seed=6, drift=percent / 100 * 12 / 52)
        record_property(
            f"years that alarm where growth was planned {percent} % a month too low", f"{wrong.false_alarms:.1%}"
        )
    for name, step in STEPS.items():
        found = seen(pools, block=4, step=step, years=2, seed=3)
        middle, late = np.quantile(found.delays, (0.5, 0.8))
        record_property(f"weeks to the alarm, {name} at month 4: median, 80 %", f"{middle:.0f}, {late:.0f}")
        record_property(f"seen within 13 weeks, {name}", f"{found.within(13):.1%}")
        if name == "halved":
            assert found.within(8) >= 0.85
    assert max(rates) <= 0.06
    assert np.mean(rates) <= 0.05
