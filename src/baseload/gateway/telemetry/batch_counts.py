"""Prometheus metrics of calls that might have waited for a batch and went at once; labels are bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from baseload.gateway.batch.unbatched import NotBatched
from baseload.gateway.telemetry.labels import Labels


class BatchCounts(Collector):
    """What one process counted. Workloads are those of the policy, reasons those of `batch.unbatched`."""

    def __init__(self, not_batched: NotBatched, labels: Labels) -> None:
        self._not_batched = not_batched
        self._labels = labels

    def collect(self) -> Iterator[Metric]:
        found: Counter[tuple[str, str]] = Counter()
        for (workload, why), count in self._not_batched.counts.items():
            found[self._labels.workload(workload), why] += count
        family = CounterMetricFamily(
            "baseload_not_batched", "Calls of workloads that may wait, served at once.", labels=("workload", "reason")
        )
        for labels, count in sorted(found.items()):
            family.add_metric(labels, count)
        yield family
