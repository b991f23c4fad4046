"""A workload: calls that one decision (model, cache, batch) would move together."""

from __future__ import annotations

import msgspec


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """One group of calls, and why it is one.

    `id` is stable across runs and machines (a hash of what defines the group, not of its members).
    """

    id: str
    name: str
    stage: str  # rule | tag | agent | owner | structure | template | near_duplicate | unattributed
    why: str  # one sentence for a reader
    owner: str = ""
    cost_center: str = ""
    task: str = "unknown"
    task_confidence: float = 0.0
    task_evidence: str = ""
    latency: str = "unknown"  # interactive | tolerant | unknown
    latency_evidence: str = ""
    request_features: tuple[str, ...] = ()  # union over its calls: what a swap must support
