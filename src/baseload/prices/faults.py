"""What genai-prices is known to get wrong, each with the reason and a test of the exact figure it then gives.

A disagreement that no fault explains is unexpected and fails `prices check`. Every fault is stated for version 0.2.3, as installed and
run on 2026-11-22 (anthropic-facts section 8); a fault that explains nothing any more is reported as gone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from baseload.prices.probe import Probe
from baseload.values import day_of_date

BATCH_SINCE = day_of_date(dt.date(2026, 10, 14))
SONNET_READ_CUT = day_of_date(dt.date(2026, 10, 7))
_NO_CACHE_1H_SINCE_45 = ("claude-opus-4-6", "claude-sonnet-4-6")


class Fault(NamedTuple):
    """One known fault: `explains(probe, ours, theirs)` is true when it accounts for the whole difference."""

    code: str
    explanation: str
    explains: Callable[[Probe, Decimal, Decimal | None], bool]
