"""What one simulated run comes to: shares of calls, latency, batches, and what was paid."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.levers.batch.flow import Flow, Ints
from baseload.levers.batch.queue import Run

BATCH_FACTOR = 0.5
"""Of every token class (anthropic-facts 1.4)."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One run in numbers. Shares are of calls, 0 to 1; a sampled row counts as often as it stands for.

    `saving_share` is of what the calls cost synchronously, at equal cost per call: half of what only a batch was paid
    for, minus half of what was paid twice. Latencies are over a synchronous call, zero where that was faster.
    """

    calls: int
    met_share: float
    batch_share: float  # answered by a batch in time
    spilled_share: float
    double_paid_share: float
    expired_share: float
    saving_share: float
    added_p50_us: int
    added_p95_us: int
    batches: int
    biggest_batch: int
    peak_queued: int


def figures(flow: Flow, run: Run, deadline_us: int, sync_p50_us: int) -> Figures:
    """The figures of a run of at least one call."""
    calls = flow.calls
    if not calls:
        raise ValueError("a run without calls has no figures")

    def share(flags: NDArray[np.bool_]) -> float:
        return float(flow.requests[flags].sum()) / calls

    waited = run.answered_us - flow.start_us
    double = share(run.batch_paid & run.sync_paid)
    batch = share(~run.sync_paid)
    added = np.maximum(waited - sync_p50_us, 0)
    return Figures(
        calls=calls,
        met_share=share(waited <= deadline_us),
        batch_share=batch,
        spilled_share=share(run.sync_paid),
        double_paid_share=double,
        expired_share=share(run.expired),
        saving_share=(1 - BATCH_FACTOR) * batch - BATCH_FACTOR * double,
        added_p50_us=_weighted_quantile(added, flow.requests, 0.50),
        added_p95_us=_weighted_quantile(added, flow.requests, 0.95),
        batches=len(run.batches.requests),
        biggest_batch=int(run.batches.requests.max(initial=0)),
        peak_queued=run.peak_queued,
    )


def _weighted_quantile(values: Ints, weights: Ints, share: float) -> int:
    """The least value that at least this share of the weight does not exceed."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return int(values[order][np.searchsorted(reached, share * int(reached[-1]), side="left")])
