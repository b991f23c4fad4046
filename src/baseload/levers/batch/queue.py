"""A queue of batches on real arrivals: what is answered from a batch, what is spilled, and what is paid twice.

The rules it follows, in order of time and without looking ahead:

- The first request opens a batch. It closes when its window is over, when the next request no longer fits, or when its
  oldest request would come too late otherwise, whichever is first.
- A batch is submitted when it closes, as soon as the queue has room and the endpoint's rate allows.
- A request that is not in a submitted batch by `late` (deadline - margin - reserve) is sent synchronously then: with
  less time than half of all batches take, a batch loses money on average (half a price is won or lost).
- All results of a batch come at its end. A request without one by `spill` (deadline - margin) is sent synchronously;
  its batch may still answer it, and then it is paid twice.
- What expires after 24 hours is unbilled: it is batched again where time allows, else sent synchronously.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from baseload.levers.batch.completion import MINUTE_US, Completion
from baseload.levers.batch.flow import Flow, Ints, Limits

Flags = NDArray[np.bool_]
_NEVER = -(2**62)


class Policy(NamedTuple):
    """How batches are formed. Times in microseconds; the deadline counts from the request's arrival."""

    deadline_us: int
    window_us: int
    margin_us: int  # kept before the deadline for a synchronous answer
    reserve_us: int  # least time worth starting a batch for

    @property
    def spill_us(self) -> int:
        """Age at which an unanswered request is sent synchronously."""
        return self.deadline_us - self.margin_us

    @property
    def late_us(self) -> int:
        """Age from which a request goes into no batch any more; negative where none is worth it."""
        return self.spill_us - self.reserve_us

    @property
    def closes_us(self) -> int:
        """Age of a batch's first request at which it closes, unless it is full before."""
        return min(self.window_us, self.late_us)


class Batches(NamedTuple):
    """One entry per submitted batch, in order of submission."""

    opened_us: Ints
    submitted_us: Ints
    ended_us: Ints
    requests: Ints
    bytes: Ints
    retry: Flags  # made of what an earlier batch let expire


class Run(NamedTuple):
    """What became of every arrival (one entry each), and the batches it took.

    `batch_paid`: a batch answered it, in time or not. `sync_paid`: it was sent synchronously. Both = paid twice.
    `expired`: at least once it was in a batch that let it expire.
    """

    answered_us: Ints
    batch_paid: Flags
    sync_paid: Flags
    expired: Flags
    batches: Batches
    peak_queued: int


class _Queue:
    """The state between two submissions: what is running, what came back, and what became of whom."""

    def __init__(
        self, flow: Flow, policy: Policy, completion: Completion, limits: Limits, rng: np.random.Generator
    ) -> None:
        self.flow, self.policy, self.completion, self.limits, self.rng = flow, policy, completion, limits, rng
        count = len(flow.start_us)
        self.answered = np.full(count, _NEVER, dtype=np.int64)
        self.batch_paid = np.zeros(count, dtype=bool)
        self.sync_at = np.full(count, _NEVER, dtype=np.int64)
        self.expired = np.zeros(count, dtype=bool)
        self.running: list[tuple[int, int]] = []  # (end, requests)
        self.retries: list[tuple[int, int, Ints]] = []  # (when known, order, rows)
        self.queued = self.peak = 0
        self.free_us = _NEVER  # the next batch goes no earlier
        self.made: list[tuple[int, int, int, int, int, bool]] = []

    def submit(self, rows: Ints, closed_us: int, *, retry: bool) -> None:
        """Send these arrivals as one batch; those whose time is up before the queue has room go synchronously."""
        at, rows = self._room(rows, closed_us)
        if not len(rows):
            return
        took, fails = self.completion.draw_us(float(self.rng.random()))
        end = at + took
        size = int(self.flow.requests[rows].sum())
        self._occupy(size, end)
        opened = int(self.flow.start_us[rows[0]])
        self.made.append((opened, at, end, size, int(self.flow.bytes[rows].sum()), retry))
        self.free_us = at + MINUTE_US // self.limits.batches_per_minute
        lost = self.rng.random(len(rows)) < self.completion.expired_items if fails else np.zeros(len(rows), dtype=bool)
        self._settle(rows[~lost], end)
        self._lose(rows[lost], end)

    def _room(self, rows: Ints, closed_us: int) -> tuple[int, Ints]:
        """When the endpoint and the queue take the batch, and which of its requests are still worth it then.

        First come, first served: a batch that waits holds up those behind it until it goes or nobody is left in it.
        """
        at = max(closed_us, self.free_us)
        self._release(at)
        queued, ends = self.queued, None
        while True:
            late = self.flow.start_us[rows] + self.policy.late_us
            gone = late < at
            self.sync_at[rows[gone]] = late[gone]
            if gone.all():
                self.free_us = max(self.free_us, int(late.max(initial=self.free_us)))
                return at, rows[:0]
            rows = rows[~gone]
            if queued + int(self.flow.requests[rows].sum()) <= self.limits.queued_requests:
                self._release(at)
                return at, rows
            ends = iter(sorted(self.running)) if ends is None else ends
            end, size = next(ends)
            at, queued = max(at, end), queued - size

    def _release(self, at: int) -> None:
        """Forget the batches that have ended by now."""
        while self.running and self.running[0][0] <= at:
            self.queued -= heapq.heappop(self.running)[1]

    def _occupy(self, size: int, end: int) -> None:
        self.queued += size
        self.peak = max(self.peak, self.queued)
        heapq.heappush(self.running, (end, size))

    def _settle(self, rows: Ints, end: int) -> None:
        """Results at `end`: an answer to those still waiting, a second bill for those spilled before."""
        spill = self.flow.start_us[rows] + self.policy.spill_us
        self.batch_paid[rows] = True
        in_time = end <= spill
        self.answered[rows[in_time]] = end
        self.sync_at[rows[~in_time]] = spill[~in_time]

    def _lose(self, rows: Ints, end: int) -> None:
        """Expired at `end`: again into a batch where time allows, else synchronously, at the latest at the spill."""
        if not len(rows):
            return
        self.expired[rows] = True
        start = self.flow.start_us[rows]
        again = start + self.policy.late_us >= end
        self.sync_at[rows[~again]] = np.minimum(start[~again] + self.policy.spill_us, end)
        if again.any():
            heapq.heappush(self.retries, (end, len(self.made), rows[again]))


def simulate(
    flow: Flow,
    policy: Policy,
    completion: Completion,
    limits: Limits,
    *,
    sync_us: Ints,
    rng: np.random.Generator,
) -> Run:
    """Every arrival through the queue. `sync_us` are durations of synchronous calls to draw from, at least one.

    Every request is answered exactly once for its caller. Where no batch is worth starting inside the deadline, all
    are sent synchronously on arrival.
    """
    count = len(flow.start_us)
    queue = _Queue(flow, policy, completion, limits, rng)
    if policy.closes_us < 0:
        queue.sync_at[:] = flow.start_us
    else:
        _form(queue)
    sync = queue.sync_at != _NEVER
    took = sync_us[rng.integers(0, len(sync_us), count)]
    answered = np.where(sync, queue.sync_at + took, queue.answered)
    return Run(answered, queue.batch_paid, sync, queue.expired, _columns(queue.made), queue.peak)


def _form(queue: _Queue) -> None:
    """Close batch after batch in order of time, retries between them."""
    flow, limits = queue.flow, queue.limits
    starts = flow.start_us
    requests, sizes = np.cumsum(flow.requests), np.cumsum(flow.bytes)
    room = min(limits.batch_requests, limits.queued_requests)
    first, count = 0, len(starts)
    while first < count or queue.retries:
        if first < count:
            before = first - 1
            window_end = int(starts[first]) + queue.policy.closes_us
            in_window = int(np.searchsorted(starts, window_end, side="right"))
            base_requests, base_bytes = (int(requests[before]), int(sizes[before])) if first else (0, 0)
            full = min(
                int(np.searchsorted(requests, base_requests + room, side="right")),
                int(np.searchsorted(sizes, base_bytes + limits.batch_bytes, side="right")),
            )
            last = max(min(in_window, full), first + 1)
            closes = window_end if last >= in_window else int(starts[last])
        if queue.retries and (first >= count or queue.retries[0][0] <= closes):
            known, _, rows = heapq.heappop(queue.retries)
            queue.submit(rows, known, retry=True)
            continue
        queue.submit(np.arange(first, last, dtype=np.int64), closes, retry=False)
        first = last


def _columns(made: list[tuple[int, int, int, int, int, bool]]) -> Batches:
    columns = np.array(made, dtype=np.int64).reshape(-1, 6).T
    return Batches(columns[0], columns[1], columns[2], columns[3], columns[4], columns[5].astype(bool))
