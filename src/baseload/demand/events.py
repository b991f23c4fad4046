"""Launches and retirements a person knows of: dated, with a probability, added to the paths exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
import numpy as np

from baseload.demand.draws import stream
from baseload.demand.history import ALL, MOST_USD_PER_MONTH, DemandError, Floats


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A launch adds dollars a month from `month` on; a retirement takes a share of a workload away.

    Sizes are triangular: low, likely, high; list dollars a month at today's prices for a launch, a share of the
    workload within 0 to 1 for a retirement. It comes in evenly over `ramp_months` (1 = all of it in the first month).
    Raises DemandError on values that contradict each other.
    """

    name: str
    kind: Literal["launch", "retire"]
    month: int  # years x 12 + month - 1
    low: float
    likely: float
    high: float
    probability: float = 1.0
    ramp_months: int = 1
    workload: str = ALL  # of a retirement; "all" = every workload

    def __post_init__(self) -> None:
        most = 1.0 if self.kind == "retire" else MOST_USD_PER_MONTH
        rules = (
            (
                "low, likely, high",
                (self.low, self.likely, self.high),
                0 <= self.low <= self.likely <= self.high <= most,
            ),
            ("probability", self.probability, 0 <= self.probability <= 1),
            ("ramp_months", self.ramp_months, self.ramp_months >= 1),
        )
        expected = {
            "low, likely, high": f"rising, within 0 to {most:g}",
            "probability": "within 0 to 1",
            "ramp_months": "at least 1",
        }
        for field, value, holds in rules:
            if not holds:
                raise DemandError(f"event {self.name[:40]!r}: {field} {value}; expected {expected[field]}")


def triangular(rng: np.random.Generator, low: float, likely: float, high: float, size: int) -> Floats:
    """Draws of a triangular size; a flat one where low and high are equal. Always takes `size` numbers."""
    uniform = rng.random(size)
    if low == high:
        return np.full(size, low)
    cut = (likely - low) / (high - low)
    rise = low + np.sqrt(uniform * (high - low) * (likely - low))
    fall = high - np.sqrt((1 - uniform) * (high - low) * (high - likely))
    found: Floats = np.where(uniform < cut, rise, fall)
    return found


def ramp(first: int, months: int, ramp_months: int) -> Floats:
    """Share in force per month: 0 before `first`, rising by equal steps to 1 in its `ramp_months`-th month."""
    return np.clip((np.arange(months) - first + 1) / ramp_months, 0.0, 1.0)


def event_usd(event: Event, workloads: Mapping[str, Floats], first_month: int, seed: int) -> Floats:
    """Dollars the event adds (negative for a retirement), (paths, months).

    `workloads` are the paths without it. A retirement of a workload nobody knows is a DemandError.
    """
    paths, months = next(iter(workloads.values())).shape
    rng = stream(seed, "event", event.name)
    happens = rng.random(paths) < event.probability
    size = triangular(rng, event.low, event.likely, event.high, paths) * happens
    share = ramp(event.month - first_month, months, event.ramp_months)
    if event.kind == "launch":
        return size[:, None] * share
    if event.workload not in (ALL, *workloads):
        raise DemandError(f"event {event.name[:40]!r}: workload {event.workload[:40]!r} is not in the history")
    hit = [workloads[event.workload]] if event.workload in workloads else list(workloads.values())
    gone: Floats = -np.sum(hit, axis=0) * (size[:, None] * share)
    return gone
