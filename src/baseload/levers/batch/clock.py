"""The batch clock of a workload: when requests come, when batches close, when answers return. Data for a picture."""

from __future__ import annotations

import msgspec
import numpy as np

from baseload.levers.batch.flow import Flow, Ints
from baseload.levers.batch.queue import Run
from baseload.values import DAY_US, HOUR_US

EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0


class DrawnBatch(msgspec.Struct, frozen=True, kw_only=True):
    """One batch of the busiest day, in UTC microseconds."""

    opened_us: int
    submitted_us: int
    ended_us: int
    requests: int


class BatchClock(msgspec.Struct, frozen=True, kw_only=True):
    """Calls a week by UTC hour, averaged over the weeks seen; Monday's midnight first.

    `arrivals`, `answers_batch` and `answers_sync` have 168 hours; `closings` are batches a week by hour of the day
    (24). `day` is the busiest UTC day and `batches` those opened on it, in order.
    """

    weeks: float
    arrivals: tuple[float, ...]
    answers_batch: tuple[float, ...]
    answers_sync: tuple[float, ...]
    closings: tuple[float, ...]
    day: int
    batches: tuple[DrawnBatch, ...]


def batch_clock(flow: Flow, run: Run) -> BatchClock:
    """The clock of one simulated run of at least one call; less than a week counts as one."""
    first, last = int(flow.start_us[0]), int(flow.start_us[-1])
    weeks = max(1.0, (last - first) / (7 * DAY_US))
    batch = ~run.sync_paid
    made = run.batches
    day = _busiest_day(flow)
    opened = made.opened_us // DAY_US == day
    columns = (column[opened].tolist() for column in (made.opened_us, made.submitted_us, made.ended_us, made.requests))
    return BatchClock(
        weeks=weeks,
        arrivals=_by_week_hour(flow.start_us, flow.requests, weeks),
        answers_batch=_by_week_hour(run.answered_us[batch], flow.requests[batch], weeks),
        answers_sync=_by_week_hour(run.answered_us[~batch], flow.requests[~batch], weeks),
        closings=_by_hour(made.submitted_us, weeks),
        day=day,
        batches=tuple(
            DrawnBatch(opened_us=start, submitted_us=sent, ended_us=end, requests=size)
            for start, sent, end, size in zip(*columns, strict=True)
        ),
    )


def _by_week_hour(times_us: Ints, weights: Ints, weeks: float) -> tuple[float, ...]:
    hours = (times_us // HOUR_US + EPOCH_WEEKDAY * 24) % 168
    counts: list[float] = (np.bincount(hours, weights=weights, minlength=168) / weeks).tolist()
    return tuple(counts)


def _by_hour(times_us: Ints, weeks: float) -> tuple[float, ...]:
    counts: list[float] = (np.bincount(times_us // HOUR_US % 24, minlength=24) / weeks).tolist()
    return tuple(counts)


def _busiest_day(flow: Flow) -> int:
    days, place = np.unique(flow.start_us // DAY_US, return_inverse=True)
    return int(days[np.argmax(np.bincount(place, weights=flow.requests))])
