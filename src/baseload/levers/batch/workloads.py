"""Batching for every workload of a ledger: the questions asked of it once, and an outcome for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from baseload.engine.port import Engine
from baseload.levers.batch.clock import BatchClock, batch_clock
from baseload.levers.batch.completion import CompletionTable, completion_table, measured
from baseload.levers.batch.deadline import Deadline, deadline_of
from baseload.levers.batch.eligible import Sent, eligibility
from baseload.levers.batch.flow import LOWEST_TIER, TIERS, Flow, Ints, Limits
from baseload.levers.batch.ledger import (
    arrivals_sql,
    batch_times_sql,
    durations,
    durations_sql,
    flows,
    requests_sql,
    sent_by_workload,
    signatures_table,
)
from baseload.levers.batch.outcome import BatchRequest, batch_outcome, outcome_of, setting_of
from baseload.levers.batch.window import run_once
from baseload.levers.options import BatchOutcome
from baseload.levers.position import Position, by_workload
from baseload.prices.book import PriceBook
from baseload.project import WorkloadRule
from baseload.values import Problem, Table, Workload


class BatchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What only the company knows. `completion` is the text of its own table; None: recorded batches, else ours."""

    rules: tuple[WorkloadRule, ...] = ()
    limits: Limits = TIERS[LOWEST_TIER]
    completion: bytes | None = None
    zero_data_retention: bool = False
    seed: int = 20261122


class BatchFacts(NamedTuple):
    """What the ledger says, by workload id; a workload it saw no call of is in none of the maps."""

    sent: Mapping[str, Sequence[Sent]]
    flows: Mapping[str, Flow]
    durations: Mapping[str, Ints]
    table: CompletionTable


def batch_facts(
    engine: Engine, signatures: Table, workload_of: Mapping[str, Workload], settings: BatchSettings
) -> BatchFacts:
    """Asked of the attached ledger: of workloads that may wait the arrivals, of all of them nothing else.

    Raises UsageError where the company's own completion table cannot be read.
    """
    waiting = {
        signature: workload.id
        for signature, workload in workload_of.items()
        if deadline_of(workload, settings.rules).us > 0
    }
    engine.register("batch_signatures", signatures_table(waiting))
    return BatchFacts(
        sent=sent_by_workload(engine.query(requests_sql()), signatures),
        flows=flows(engine.query(arrivals_sql()), settings.limits),
        durations=durations(engine.query(durations_sql())),
        table=_table(engine, settings),
    )


def batch_outcomes(
    positions: Iterable[Position],
    workloads: Mapping[str, Workload],
    facts: BatchFacts,
    settings: BatchSettings,
    book: PriceBook,
    day: int,
) -> tuple[dict[str, BatchOutcome], list[Problem]]:
    """Workload id -> what batching would do for it, for every workload with a position. Never raises."""
    found = {
        workload: outcome_of(request_of(workloads[workload], members, facts, settings, book, day))
        for workload, members in by_workload(positions).items()
    }
    problems = [problem for outcome in found.values() for problem in outcome.problems]
    peak = sum(outcome.peak_queued for outcome in found.values())
    if peak > settings.limits.queued_requests:
        problems.append(_crowded(peak, settings.limits.queued_requests))
    return {workload: outcome.batch for workload, outcome in found.items()}, problems


def _crowded(peak: int, limit: int) -> Problem:
    """Each workload was judged as if the queue were its own; the limit is the organisation's."""
    return Problem(
        source="batch",
        file="",
        row=0,
        code="batch-queue-crowded",
        message="All workloads that could be batched would together have more requests waiting than the queue holds.",
        value=f"up to {peak:,} at once",
        expected=f"at most {limit:,} (rate-limit tier)",
        next_step="Batch the dearest first, spread their starts, or declare the tier you have.",
    )


def request_of(
    workload: Workload,
    positions: Sequence[Position],
    facts: BatchFacts,
    settings: BatchSettings,
    book: PriceBook,
    day: int,
) -> BatchRequest:
    """One workload's question, from the facts of all."""
    deadline: Deadline = deadline_of(workload, settings.rules)
    return BatchRequest(
        workload=workload.id,
        deadline=deadline,
        eligibility=eligibility(
            facts.sent.get(workload.id, ()), positions, book, day, zero_data_retention=settings.zero_data_retention
        ),
        flow=facts.flows.get(workload.id),
        table=facts.table,
        limits=settings.limits,
        sync_us=facts.durations.get(workload.id),
        seed=settings.seed,
    )


def clock_of(request: BatchRequest, outcome: BatchOutcome | None = None) -> BatchClock | None:
    """The batch clock of a workload's arrivals; None where it has none or nothing of it may be batched.

    `outcome` is what `batch_outcome` said of this very request, where somebody asked before: its window is used again.
    """
    if request.flow is None or not request.flow.calls:
        return None
    found = outcome or batch_outcome(request)[0]
    if found.blocked_by:
        return None
    setting = setting_of(request)
    return batch_clock(request.flow, run_once(request.flow, found.window_us, setting, request.table.likely, salt=2))


def _table(engine: Engine, settings: BatchSettings) -> CompletionTable:
    if settings.completion is not None:
        return completion_table(settings.completion)
    times = engine.query(batch_times_sql())
    took = np.asarray(times["end_us"], dtype=np.int64) - np.asarray(times["start_us"], dtype=np.int64)
    return measured(took) or completion_table()
