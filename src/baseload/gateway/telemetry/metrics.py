"""Prometheus metrics of one process. Names and labels are in docs/reference/status.md; labels are bounded."""

from __future__ import annotations

import bisect
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from baseload.gateway.calllog.records import End, Start
from baseload.gateway.core import Core
from baseload.gateway.decide.state import RouteKey
from baseload.gateway.telemetry.labels import Labels, arm_of
from baseload.gateway.trip import Finished, Metering
from baseload.gateway.watching.views import Standing
from baseload.plan.policy import Policy
from baseload.usage.fields import BadRecord
from baseload.usage.gateway_rows import usage_of
from baseload.values import NANO_PER_USD, TOKEN_CLASSES

_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_US: Final = 1_000_000
_EDGES_US: Final = tuple(int(edge * _US) for edge in _SECONDS)
_CALL_LABELS: Final = ("workload", "model", "reason", "arm", "outcome")
MOST_SAID: Final = 4_096


class Numbers(Protocol):
    """What is asked for when somebody reads the metrics."""

    def standings(self) -> dict[RouteKey, Standing]: ...
    def outcomes(self) -> dict[tuple[str, str], int]:
        """(part, outcome) -> count, of shadow calls and kept samples."""

    def shadow_spent_nano(self) -> int: ...


class _Sums:
    """Attempts that have every label in common."""

    __slots__ = ("calls", "nano", "seen", "times", "tokens", "unknown")

    def __init__(self, times: tuple[_Times, _Times]) -> None:
        self.times = times  # of their workload: to the first byte, to the last
        self.calls = self.nano = self.unknown = self.seen = 0
        self.tokens = [0] * len(TOKEN_CLASSES)


class _Times:
    """A histogram: counts by bucket, the last one open, and the sum of microseconds."""

    __slots__ = ("counts", "sum_us")

    def __init__(self) -> None:
        self.counts = [0] * (len(_EDGES_US) + 1)
        self.sum_us = 0

    def add(self, us: int) -> None:
        self.counts[bisect.bisect_left(_EDGES_US, us)] += 1
        self.sum_us += us

    @property
    def buckets(self) -> list[tuple[str, float]]:
        """As Prometheus counts: each bucket with those below it."""
        names = [*(str(edge) for edge in _SECONDS), "+Inf"]
        return list(zip(names, itertools.accumulate(self.counts), strict=True))


class Metrics(Collector):
    """One of the gateway's watchers. An attempt costs a few additions; families are made when somebody reads them."""

    def __init__(self, core: Core, labels: Labels, numbers: Numbers | None = None) -> None:
        self.labels = labels
        self.registry = CollectorRegistry(auto_describe=False)
        self._sums: dict[tuple[str, ...], _Sums] = {}
        self._said: dict[tuple[str, ...], tuple[str, ...]] = {}  # what records say -> their labels
        self._first: dict[str, _Times] = {}
        self._whole: dict[str, _Times] = {}
        self.registry.register(self)
        self.registry.register(_Gauges(core, labels, numbers))

    def __repr__(self) -> str:
        return "Metrics()"

    def keeps(self, trip: Metering) -> bool:  # noqa: ARG002 - no answer is wanted
        return False

    def finished(self, attempt: Finished) -> None:
        start, end = attempt.start, attempt.end
        said = (start.workload, end.model or start.sent_model or start.model, start.reason, start.arm, end.outcome)
        key = self._said.get(said) or self._labels_of(said)
        sums = self._sums.get(key)
        if sums is None:
            workload = key[0]
            times = self._first.setdefault(workload, _Times()), self._whole.setdefault(workload, _Times())
            sums = self._sums[key] = _Sums(times)
        sums.calls += 1
        if end.cost_nano is None:
            sums.unknown += 1
            sums.seen += end.seen_nano or 0
        else:
            sums.nano += end.cost_nano
        used = _tokens(start, end)
        if used:
            sums.tokens = [had + count for had, count in zip(sums.tokens, used, strict=True)]
        first, whole = sums.times
        first.add((end.first_us or end.us) - start.us)
        whole.add(end.us - start.us)

    def learn(self, policy: Policy) -> None:
        """Another policy serves."""
        self._said.clear()
        self.labels.learn(policy)

    def text(self) -> bytes:
        """The exposition, as Prometheus reads it."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        calls = CounterMetricFamily("baseload_calls", "Attempts that ended.", labels=_CALL_LABELS)
        used = CounterMetricFamily("baseload_tokens", "Tokens, by class.", labels=("workload", "model", "token_class"))
        usd = CounterMetricFamily("baseload_list_usd", "List price; never a bill.", labels=("workload", "model"))
        unknown = CounterMetricFamily("baseload_cost_unknown", "Attempts without a known cost.", labels=("workload",))
        least = CounterMetricFamily(
            "baseload_cost_unknown_least_usd", "List price of what was seen of them: the least.", labels=("workload",)
        )
        tokens: Counter[tuple[str, ...]] = Counter()
        nano: Counter[tuple[str, ...]] = Counter()
        lacking: Counter[str] = Counter()
        seen: Counter[str] = Counter()
        for key, sums in self._sums.items():
            calls.add_metric(key, sums.calls)
            nano[key[:2]] += sums.nano
            lacking[key[0]] += sums.unknown
            seen[key[0]] += sums.seen
            for name, count in zip(TOKEN_CLASSES, sums.tokens, strict=True):
                tokens[*key[:2], name] += count
        for labels, count in sorted(tokens.items()):
            used.add_metric(labels, count)
        for labels, count in sorted(nano.items()):
            usd.add_metric(labels, count / NANO_PER_USD)
        for workload, count in sorted(lacking.items()):
            unknown.add_metric((workload,), count)
            least.add_metric((workload,), seen[workload] / NANO_PER_USD)
        yield from (calls, used, usd, unknown, least)
        for name, says, times in (
            ("baseload_first_byte_seconds", "From the send to the first byte.", self._first),
            ("baseload_answer_seconds", "From the send to the last byte.", self._whole),
        ):
            family = HistogramMetricFamily(name, says, labels=("workload",))
            for workload, found in sorted(times.items()):
                family.add_metric((workload,), found.buckets, found.sum_us / _US)
            yield family

    def _labels_of(self, said: tuple[str, ...]) -> tuple[str, ...]:
        workload, model, reason, arm, outcome = said
        key = (
            self.labels.workload(workload), self.labels.model(model), self.labels.reason(reason),
            arm_of(arm, reason), outcome,
        )  # fmt: skip
        if len(self._said) < MOST_SAID:
            self._said[said] = key
        return key


def _tokens(start: Start, end: End) -> Sequence[int]:
    """In the order of TOKEN_CLASSES; () where nothing is known. A plain usage is read as it stands."""
    usage = end.usage
    if usage is None:
        return ()
    created = usage.get("cache_creation")
    if "iterations" not in usage and isinstance(created, dict):
        counts = (
            usage.get("input_tokens"), usage.get("cache_read_input_tokens"),
            created.get("ephemeral_5m_input_tokens"), created.get("ephemeral_1h_input_tokens"),
            usage.get("output_tokens"),
        )  # fmt: skip
        if all(type(count) is int and count >= 0 for count in counts):
            return counts  # type: ignore[return-value]
    try:
        found = usage_of(start, end)
    except BadRecord:
        return ()
    return [getattr(found.tokens, name) for name in TOKEN_CLASSES] if found is not None else ()


class _Gauges(Collector):
    """What is as it is: read when somebody asks."""

    def __init__(self, core: Core, labels: Labels, numbers: Numbers | None) -> None:
        self._core = core
        self._labels = labels
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        core = self._core
        for name, says, value in (
            ("baseload_calls_in_flight", "Attempts under way.", core.log.open_starts),
            ("baseload_call_log_full", "1 while the call log cannot be written.", int(core.log.is_full)),
            ("baseload_sessions", "Sessions remembered.", len(core.sessions)),
        ):
            yield GaugeMetricFamily(name, says, value=value)
        for name, says, value in (
            ("baseload_call_log_dropped", "Records the call log lacks.", core.log.dropped),
            ("baseload_unmetered_requests", "Passed on to paths that may cost something, not metered.", core.unmetered),
            (
                "baseload_content_skipped",
                "Calls recorded without prefix hashes for want of time.",
                core.content.skipped,
            ),
            ("baseload_watcher_faults", "Faults of what watches; callers were not touched.", core.faults),
        ):
            yield CounterMetricFamily(name, says, value=value)
        if self._numbers is not None:
            yield from self._of_routes(self._numbers)

    def _of_routes(self, numbers: Numbers) -> Iterator[Metric]:
        share = GaugeMetricFamily("baseload_route_share", "Sessions on the candidate.", labels=("workload",))
        alarms = GaugeMetricFamily("baseload_route_alarms", "Open alarms.", labels=("workload",))
        back = GaugeMetricFamily("baseload_route_rolled_back", "1 where it was rolled back.", labels=("workload",))
        for (workload, policy_id), standing in sorted(numbers.standings().items()):
            if policy_id == self._labels.policy_id and self._labels.workload(workload) == workload:
                share.add_metric((workload,), standing.view.share)
                alarms.add_metric((workload,), standing.view.alarms)
                back.add_metric((workload,), int(standing.view.rolled_back))
        yield from (share, alarms, back)
        spent = numbers.shadow_spent_nano() / NANO_PER_USD
        yield GaugeMetricFamily("baseload_shadow_usd_today", "Spent on shadow calls by this process.", value=spent)
        pairs = CounterMetricFamily("baseload_pairs", "What became of pairs and samples.", labels=("part", "outcome"))
        for labels, count in sorted(numbers.outcomes().items()):
            pairs.add_metric(labels, count)
        yield pairs
