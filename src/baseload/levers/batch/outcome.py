"""What batching would do for one workload: deadline, eligibility and the queue together, as the plan needs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from baseload.levers.batch.completion import MINUTE_US, CompletionTable
from baseload.levers.batch.deadline import Deadline
from baseload.levers.batch.eligible import IN_WORDS, Eligibility
from baseload.levers.batch.figures import Figures
from baseload.levers.batch.flow import LOWEST_TIER, TIERS, Flow, Ints, Limits, flow_of
from baseload.levers.batch.window import MET_TARGET, Setting, chosen, mean_of, runs_of
from baseload.levers.options import BatchOutcome
from baseload.values import DAY_US, HOUR_US, Problem

HITS: Final = (0.30, 0.98)
"""Cache reads inside batches are best effort (anthropic-facts section 4): a range, never a point."""
SYNC_US: Final = 30_000_000
"""What a synchronous call is taken to last where no duration was recorded: half a minute."""
_JUDGED = 2
_TAIL = 0.025


class Judged(NamedTuple):
    """One workload's queue: the window chosen, and what it comes to in three readings of the completion table.

    `likely` is the mean of its runs; `slow` is a run of the slow reading that one in forty saves less than, `fast` one
    of the fast reading that one in forty saves more than: the bounds hold what chance does to few batches too.
    """

    window_us: int
    slow: Figures
    likely: Figures
    fast: Figures


class BatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What `batch_outcome` judges one workload on. `flow` is None where only billing rows were seen."""

    workload: str
    deadline: Deadline
    eligibility: Eligibility
    flow: Flow | None
    table: CompletionTable
    limits: Limits = TIERS[LOWEST_TIER]
    sync_us: Ints | None = None  # durations of its synchronous calls, to draw from
    seed: int = 0


class Outcome(NamedTuple):
    """The outcome, what a reader must know of it, and the most requests it ever has in the queue (0 = none batched)."""

    batch: BatchOutcome
    problems: list[Problem]
    peak_queued: int = 0


def batch_outcome(request: BatchRequest) -> tuple[BatchOutcome, list[Problem]]:
    """The outcome, and what a reader must know of it.

    Shares are of the workload's calls that run where a batch is sold and are in none yet. Where nobody knows whether
    anybody waits, only `share_high` is more than 0: a possibility, not a plan.
    """
    found = outcome_of(request)
    return found.batch, found.problems


def outcome_of(request: BatchRequest) -> Outcome:
    """As `batch_outcome`, with what the queue must hold."""
    blocked = _blocked_by(request)
    if blocked:
        return Outcome(_refused(request, blocked), [])
    seen = request.flow is not None and request.flow.calls > 0
    flow = request.flow if seen and request.flow is not None else _evenly(request.limits)
    judged = judge_flow(flow, request)
    if judged.likely.batch_share == 0:
        return Outcome(_refused(request, ("deadline_too_short",)), [])
    peak = judged.slow.peak_queued if seen else 0
    return Outcome(_outcome(request, judged, seen=seen), _problems(request, judged, seen=seen), peak)


def judge_flow(flow: Flow, request: BatchRequest) -> Judged:
    """The chosen window and what it comes to, in three readings of how long batches take."""
    setting = setting_of(request)
    window, judged = chosen(flow, setting)
    runs = [
        runs_of(judged, window, setting, completion, salt=_JUDGED)
        for completion in (request.table.slow, request.table.likely, request.table.fast)
    ]
    return Judged(window, _at(runs[0], _TAIL), mean_of(runs[1]), _at(runs[2], 1 - _TAIL))


def _at(runs: Sequence[Figures], share: float) -> Figures:
    """The run that this share of the others save less than."""
    return sorted(runs, key=lambda run: run.saving_share)[round(share * (len(runs) - 1))]


def setting_of(request: BatchRequest) -> Setting:
    known = request.sync_us is not None and len(request.sync_us) > 0
    sync = request.sync_us if known and request.sync_us is not None else np.array([SYNC_US], dtype=np.int64)
    return Setting(request.deadline.us, request.table, request.limits, sync, request.seed)


def _blocked_by(request: BatchRequest) -> tuple[str, ...]:
    if not request.deadline.us:
        return ("interactive",)
    if request.eligibility.share <= 0:
        return request.eligibility.blocked_by or ("no_calls",)
    return ("deadline_too_short",) if setting_of(request).policy(0).late_us < 0 else ()


def _refused(request: BatchRequest, blocked: tuple[str, ...]) -> BatchOutcome:
    return BatchOutcome(
        deadline_us=request.deadline.us,
        deadline_source=request.deadline.source,
        share_low=0.0,
        share_likely=0.0,
        share_high=0.0,
        hits_low=HITS[0],
        hits_high=HITS[1],
        blocked_by=blocked,
        note="; ".join([*(IN_WORDS.get(name, name) for name in blocked), request.deadline.reason]),
    )


def _outcome(request: BatchRequest, judged: Judged, *, seen: bool) -> BatchOutcome:
    share = request.eligibility.share
    likely = judged.likely
    low, high = _net(judged.slow, likely), _net(judged.fast, likely)
    potential = request.deadline.potential
    return BatchOutcome(
        deadline_us=request.deadline.us,
        deadline_source=request.deadline.source,
        share_low=0.0 if potential or not seen else share * min(low, likely.batch_share),
        share_likely=0.0 if potential else share * likely.batch_share,
        share_high=share * max(high, likely.batch_share),
        hits_low=HITS[0],
        hits_high=HITS[1],
        double_paid_share=0.0 if potential else share * likely.double_paid_share,
        added_p50_us=likely.added_p50_us,
        added_p95_us=likely.added_p95_us,
        met_share=1 - share * (1 - likely.met_share),
        window_us=judged.window_us,
        calls=request.flow.calls if request.flow is not None else 0,
        grade="simulated" if seen else "assumed",
        note=_note(request, judged, seen=seen),
    )


def _net(reading: Figures, likely: Figures) -> float:
    """A reading's share, less what it pays twice beyond the likely one: the outcome has one double share for all."""
    return min(max(reading.batch_share - (reading.double_paid_share - likely.double_paid_share), 0.0), 1.0)


def _note(request: BatchRequest, judged: Judged, *, seen: bool) -> str:
    parts = [
        request.deadline.reason,
        f"a batch every {_length(judged.window_us)}",
        f"completion times {request.table.provenance}",
        "one-hour cache entries, because hits inside batches are best effort",
        *request.eligibility.rewrites,
    ]
    if request.eligibility.share < 1:
        parts.append(f"{1 - request.eligibility.share:.0%} of its calls stay out")
    if request.eligibility.note:
        parts.append(request.eligibility.note)
    if not seen:
        parts.append("arrivals were not seen: evenly spread supposed")
    return "; ".join(parts)


def _problems(request: BatchRequest, judged: Judged, *, seen: bool) -> list[Problem]:
    if not seen or judged.likely.met_share >= MET_TARGET:
        return []
    return [
        Problem(
            source="batch",
            file="",
            row=0,
            code="batch-deadline-missed",
            message=f"Workload {request.workload}: batching would answer some calls after their deadline.",
            value=f"{judged.likely.met_share:.4f}",
            expected=f"at least {MET_TARGET} of calls in time",
            next_step="Declare a longer deadline in baseload.toml, or leave this workload synchronous.",
        )
    ]


def _evenly(limits: Limits) -> Flow:
    """One request a minute for a week: stands in where no arrival was seen."""
    return flow_of(np.arange(0, 7 * DAY_US, MINUTE_US, dtype=np.int64), limits=limits)


def _length(us: int) -> str:
    return f"{us // HOUR_US} h" if us % HOUR_US == 0 else f"{us // MINUTE_US} min"
