"""Requests that could go into batches, as a queue sees them: when each came, how many calls it is, how large."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

BYTES_PER_TOKEN: Final = 5
"""JSON bytes of a prompt token, on the large side: English is about four characters a token, and JSON escapes some."""
BYTES_PER_REQUEST: Final = 1_000
"""What a batch item adds around its prompt: custom id, parameters, names."""


class Limits(NamedTuple):
    """What one batch and the queue of all of them may hold (anthropic-facts section 4)."""

    batch_requests: int = 100_000
    batch_bytes: int = 256_000_000
    queued_requests: int = 200_000
    batches_per_minute: int = 1_000


TIERS: Final = {
    "start": Limits(),
    "build": Limits(queued_requests=300_000, batches_per_minute=2_000),
    "scale": Limits(queued_requests=500_000, batches_per_minute=4_000),
}
"""Limits by rate-limit tier. Priority Tier has none: it cannot be batched."""
LOWEST_TIER: Final = "start"


class Flow(NamedTuple):
    """Arrivals in order of time. `requests` is how many calls a row stands for, `bytes` their size together."""

    start_us: Ints
    requests: Ints
    bytes: Ints

    @property
    def calls(self) -> int:
        return int(self.requests.sum())


def flow_of(
    start_us: Ints, requests: Ints | None = None, prompt_tokens: Ints | None = None, *, limits: Limits = TIERS["start"]
) -> Flow:
    """Arrivals sorted by time, none larger than a batch may be. `prompt_tokens` are of all calls of a row together.

    A row of a sampled source, or of a whole minute, may stand for more than a batch holds; it is cut into equal rows
    of the same moment. A single request never exceeds a batch: its body may have 32 MB (anthropic-facts 5.1).
    """
    counts = np.ones(len(start_us), dtype=np.int64) if requests is None else np.asarray(requests, dtype=np.int64)
    tokens = np.zeros(len(start_us), dtype=np.int64) if prompt_tokens is None else np.asarray(prompt_tokens)
    keep = counts > 0
    order = np.argsort(np.asarray(start_us)[keep], kind="stable")
    starts, counts = np.asarray(start_us, dtype=np.int64)[keep][order], counts[keep][order]
    sizes = counts * BYTES_PER_REQUEST + tokens[keep][order] * BYTES_PER_TOKEN
    room = min(limits.batch_requests, limits.queued_requests)
    parts = np.minimum(np.maximum(-(-counts // room), -(-sizes // limits.batch_bytes)), counts)
    row, part = _repeated(parts)
    shared = counts // parts
    cut = shared[row] + (part < counts[row] - shared[row] * parts[row])
    per_request = np.minimum(-(-sizes // counts), limits.batch_bytes // np.maximum(-(-counts // parts), 1))
    return Flow(starts[row], cut, cut * per_request[row])


def between(flow: Flow, from_us: int, to_us: int) -> Flow:
    """The arrivals of `[from_us, to_us)`."""
    first, last = np.searchsorted(flow.start_us, (from_us, to_us))
    return Flow(flow.start_us[first:last], flow.requests[first:last], flow.bytes[first:last])


def _repeated(parts: Ints) -> tuple[Ints, Ints]:
    """Row numbers, each as often as it has parts, and the number of each part inside its row."""
    row = np.repeat(np.arange(len(parts), dtype=np.int64), parts)
    first = np.repeat(np.cumsum(parts) - parts, parts)
    return row, np.arange(len(row), dtype=np.int64) - first
