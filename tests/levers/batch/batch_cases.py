"""Short words for queues in tests: minutes, fixed completion times, flows."""

from __future__ import annotations

import numpy as np

from baseload.levers.batch.completion import MINUTE_US, Completion
from baseload.levers.batch.flow import Flow, Ints, Limits, flow_of
from baseload.levers.batch.queue import Policy, Run, simulate

HOUR = 60


def minutes(*values: float) -> Ints:
    return np.array([round(value * MINUTE_US) for value in values], dtype=np.int64)


def always(took: float, *, expires: float = 0.0, items: float = 1.0) -> Completion:
    """Every batch takes this many minutes, or reaches 24 hours with a share of its items unprocessed."""
    return Completion(
        quantiles=((0.0, took), (1.0, took * (1 + 1e-12))), expires_share=expires, expired_items=items, source="test"
    )


def policy(deadline: float, window: float, *, margin: float = 2, reserve: float = 10) -> Policy:
    """All in minutes."""
    return Policy(*(round(value * MINUTE_US) for value in (deadline, window, margin, reserve)))


def flow(*starts: float, requests: list[int] | None = None, limits: Limits | None = None) -> Flow:
    counts = None if requests is None else np.array(requests, dtype=np.int64)
    return flow_of(minutes(*starts), counts, limits=limits or Limits())


def run(
    given: Flow, how: Policy, completion: Completion, *, limits: Limits | None = None, sync: float = 1, seed: int = 0
) -> Run:
    rng = np.random.default_rng(seed)
    return simulate(given, how, completion, limits or Limits(), sync_us=minutes(sync), rng=rng)


def in_minutes(times: Ints) -> list[float]:
    return [round(value / MINUTE_US, 3) for value in times.tolist()]
