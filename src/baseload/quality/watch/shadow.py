"""How many calls to pair, so that a loss is noticed in time, and what that costs."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final, Literal

import msgspec
import numpy as np

from baseload.errors import UsageError
from baseload.quality.watch.detector import STAKES, Floats, levels, moved

MOST_PAIRS: Final = 50_000
"""Looked for no further: a loss that shows later than this is not found by pairing."""
_ROUTES: Final = 200
_HALF: Final = Decimal("0.5")


def pairs_to_alarm(
    mean: float,
    *,
    margin: float,
    discordance: float,
    alarm: float = 1000.0,
    seed: int = 0,
    routes: int = _ROUTES,
    most: int = MOST_PAIRS,
) -> int | None:
    """Median graded pairs until the alarm of a candidate whose mean D is `mean` from its first call on (simulated).

    D is 1 or -1 on a share `discordance` of calls (at least |mean|), else 0. None: not within `most` pairs in half of
    the simulated routes. Seconds where the answer is in the ten thousands; same seed, same answer.
    """
    if not (-1 <= mean <= 1 and 0 <= discordance <= 1 and 0 < margin < 1):
        raise UsageError(f"mean {mean}, margin {margin}, discordance {discordance}; expected points as shares of 1")
    rng = np.random.default_rng(seed)
    values, alarmed = np.zeros((routes, len(STAKES))), 0
    for pair in range(1, most + 1):
        values = moved(values, drawn(rng, len(values), mean, discordance), margin)
        over = levels(values) >= alarm
        if over.any():
            alarmed, values = alarmed + int(over.sum()), values[~over]
            if 2 * alarmed >= routes:
                return pair
    return None


def drawn(rng: np.random.Generator, size: int, mean: float, discordance: float) -> Floats:
    """Differences of -1, 0 and 1 with this mean, other than 0 on a share `discordance` (raised to |mean|)."""
    share = max(discordance, abs(mean))
    losses, wins = (share - mean) / 2, (share + mean) / 2
    at = rng.random(size)
    found: Floats = np.where(at < losses, -1.0, np.where(at < losses + wins, 1.0, 0.0))
    return found


class ShadowPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The share of calls to pair. `pairs`: median until the alarm at the loss planned for; None = not found.

    `share` is rounded up to a hundredth of a percent; 1 where even every call is too few, and `in_time` then is False.
    `days`: median until the alarm at that share; None where it never comes.
    """

    share: float
    pairs: int | None
    days: float | None
    in_time: bool
    usd_per_day: Decimal


def shadow_plan(
    *,
    margin: float,
    discordance: float,
    calls_per_day: float,
    usd_per_call: Decimal,
    loss: float | None = None,
    days: float = 7.0,
    alarm: float = 1000.0,
    transport: Literal["batch", "synchronous"] = "batch",
    usd_per_grade: Decimal = Decimal(0),
) -> ShadowPlan:
    """Pair so many calls that a mean loss of `loss` (None = three margins) alarms within `days`, in half of the cases.

    `calls_per_day` are those the route serves now; `usd_per_call` is what the replaying model costs for one,
    synchronously: the incumbent's price after the switch, the candidate's in the shadow stage. In batch it is half.
    """
    if not (calls_per_day > 0 and days > 0 and math.isfinite(calls_per_day * days)):
        raise UsageError(f"calls_per_day {calls_per_day}, days {days}; expected numbers above 0")
    if min(usd_per_call, usd_per_grade) < 0:
        raise UsageError(f"usd_per_call {usd_per_call}, usd_per_grade {usd_per_grade}; expected dollars, 0 or more")
    lost = min(3 * margin, 1.0) if loss is None else loss
    pairs = pairs_to_alarm(-lost, margin=margin, discordance=discordance, alarm=alarm)
    needed = math.inf if pairs is None else pairs / (calls_per_day * days)
    share = min(1.0, math.ceil(needed * 10_000) / 10_000) if needed <= 1 else 1.0
    price = usd_per_call * (_HALF if transport == "batch" else 1) + usd_per_grade
    return ShadowPlan(
        share=share,
        pairs=pairs,
        days=None if pairs is None else pairs / (calls_per_day * share),
        in_time=needed <= 1,
        usd_per_day=Decimal(str(calls_per_day)) * Decimal(str(share)) * price,
    )
