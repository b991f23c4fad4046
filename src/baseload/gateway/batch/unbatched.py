"""Calls of workloads that may wait, and went at once all the same: counted by workload and reason.

Counts go three ways: metrics read them as they are, a note a minute in the call log sums up for `baseload status`, and
the desk adds them to the queue's own counts, which `baseload gateway routes` shows for all replicas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from baseload.gateway.calllog.records import Note
from baseload.gateway.core import Core
from baseload.gateway.state.records import Topic
from baseload.gateway.trip import Finished, Metering
from baseload.plan.policy import Policy

SAYS: Final[dict[str, str]] = {
    "not-enabled": "[batch] is not enabled",
    "holdback": "its session is in the holdback",
    "pinned-by-header": "its caller asked for the original by a header",
    "unreadable": "the body is no request that can be edited safely",
    "fast-mode": "it asks for fast mode, which no batch has",
    "thread": "it belongs to a thread kept by the API",
    "caller": "its caller asked to be served at once",
    "own-credential": "it came with its caller's own credential, which is never kept",
    "too-large": "its body is larger than a batch item may be here",
    "max_tokens": "its max_tokens is missing, or 0, which only warms a cache",
    "server_tools": "it runs tools at the provider",
    "images_pdf": "it names a file that is fetched later",
    "batch-field": "it has a field that batches refuse",
    "batches-too-slow": "the last batches took longer than its caller waits",
    "spilled": "no batch answered it in time; what one cost is paid beside it",
    "queue-down": "the queue could not be written",
    "closed": "the desk takes nothing in: it starts, or stops",
}
"""What a reason means, for people."""
FIELD: Final = "batch-field"
NOTE: Final = "not-batched"
EVERY_US: Final = 60_000_000
_PREFIX: Final = "not-batched "

Key = tuple[str, str]
"""(workload, reason)."""


class NotBatched:
    """A part of the gateway and one of its watchers. `has_desk`: a desk takes calls in, and says itself why not."""

    def __init__(self, core: Core, policy: Callable[[], Policy], *, has_desk: bool) -> None:
        self.counts: Counter[Key] = Counter()
        self._core = core
        self._policy = policy
        self._has_desk = has_desk
        self._waits: tuple[Policy | None, frozenset[str]] = (None, frozenset())
        self._noted: Counter[Key] = Counter()
        self._stored: Counter[Key] = Counter()
        self._due_us = 0

    def __repr__(self) -> str:
        return f"NotBatched({self.counts.total()})"

    def add(self, workload: str, why: str) -> None:
        """One more. A reason of another's making, such as a field's name, counts as that of all fields."""
        self.counts[workload, why if why in SAYS else FIELD] += 1

    # one of the core's watchers

    def keeps(self, trip: Metering) -> bool:  # noqa: ARG002 - no answer is wanted
        return False

    def finished(self, attempt: Finished) -> None:
        start, decision = attempt.start, attempt.decision
        if start.attempt != 1 or start.tier == "batch" or start.workload not in self._waiting():
            return
        if start.purpose == "spill":
            self.add(start.workload, "spilled")
        elif start.purpose == "serve" and decision.batch is None:
            self.add(start.workload, _why(attempt))
        elif start.purpose == "serve" and not self._has_desk:
            self.add(start.workload, "not-enabled")

    # a part of the gateway

    async def start(self) -> None:
        """Nothing to do before the first call."""

    async def tick(self, now_us: int) -> None:
        """At most once a minute the log is told what is new."""
        if now_us >= self._due_us and self._note():
            self._due_us = now_us + EVERY_US

    async def changed(self, topics: frozenset[Topic]) -> None:
        """Nothing of the shared state counts here."""

    async def stop(self) -> None:
        self._note()

    # the desk's

    def fresh(self) -> Counter[Key]:
        """What the queue does not know yet; `stored` says that it does."""
        return self.counts - self._stored

    def stored(self, counts: Counter[Key]) -> None:
        self._stored += counts

    # inside

    def _waiting(self) -> frozenset[str]:
        """The workloads whose entry has a batch, and is not taken back."""
        policy = self._policy()
        if self._waits[0] is not policy:
            found = frozenset(one.workload.id for one in policy.entries if one.batch and not one.pin_original)
            self._waits = (policy, found)
        return self._waits[1]

    def _note(self) -> bool:
        """Whether there was anything to say."""
        fresh = self.counts - self._noted
        log = self._core.log
        by_workload: dict[str, dict[str, str | int]] = {}
        for (workload, why), count in sorted(fresh.items()):
            by_workload.setdefault(workload, {})[why] = count
        for workload, values in by_workload.items():
            log.append(Note(seq=log.next_seq(), us=self._core.clock_us(), kind=NOTE, workload=workload, values=values))
        self._noted += fresh
        return bool(fresh)


def _why(attempt: Finished) -> str:
    """Why the decision let no batch have it."""
    facts, reason = attempt.facts, attempt.decision.reason
    if reason in ("holdback", "pinned-by-header", "unreadable"):
        return reason
    return "fast-mode" if facts.fast else "thread" if facts.thread else FIELD


def name_of(key: Key) -> str:
    """The name of a count among those of the queue."""
    return f"{_PREFIX}{key[1]} {key[0]}"


def among(counts: Mapping[str, int]) -> dict[Key, int]:
    """These counts, out of all that the queue keeps."""
    found = {}
    for name, count in counts.items():
        if name.startswith(_PREFIX):
            why, _, workload = name.removeprefix(_PREFIX).partition(" ")
            found[workload, why] = count
    return found
