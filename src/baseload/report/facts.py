"""What the stages found, gathered for the report: the input of `assemble.document`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from baseload.ledger.run_rate import RunRate
from baseload.ledger.totals import DayTotal, ModelTotal
from baseload.levers.summary import LeverSummary
from baseload.report.document import BridgePart, ReconciliationPart
from baseload.values import Grade, Opportunity, Problem, Window
from baseload.workloads.ranking import Ranking
from baseload.workloads.readiness import ReadinessRow


class BookNote(msgspec.Struct, frozen=True, kw_only=True):
    """Which price book priced this, and how old it is."""

    checked: str
    age_days: int
    warning: str
    overlay: str


class MapFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `map` computed, as the stages' own records. `rate_opportunities` and `rate_levers` are the same levers
    over the run-rate window only; None where there is no run rate."""

    title: str
    as_of: str
    book: BookNote
    window: Window
    ranking: Ranking
    by_model: Sequence[ModelTotal]
    by_day: Sequence[DayTotal]
    run_rate: RunRate
    opportunities: Sequence[Opportunity]
    levers: Sequence[LeverSummary]
    rate_opportunities: Sequence[Opportunity] | None
    rate_levers: Sequence[LeverSummary] | None
    readiness: Sequence[ReadinessRow]
    bridge: Sequence[BridgePart]
    reconciliation: Sequence[ReconciliationPart]
    status: str
    status_why: str
    top_model: tuple[str, str, float] | None  # (id, display name, share)
    unpriced_rows: int
    sampling_rate: int
    grade: Grade
    sources: Sequence[str]
    recompute: str
    problems: Sequence[Problem]
