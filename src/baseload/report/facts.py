"""What the stages found, gathered for the report: the input of `assemble.document`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from baseload.ledger.bridge import Bridge
from baseload.ledger.reconciliation import Reconciliation
from baseload.ledger.run_rate import RunRate
from baseload.ledger.totals import DayTotal, ModelTotal
from baseload.levers.route.finding_out import FindingOut
from baseload.levers.summary import LeverSummary
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
    as_of_day: int
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
    bridge: Bridge
    reconciliation: Sequence[Reconciliation]
    top_model: tuple[str, float] | None  # (id, share of list dollars)
    model_names: Mapping[str, str]
    sources: Sequence[str]
    recompute: str
    problems: Sequence[Problem]
    finding_out: Mapping[tuple[str, str], FindingOut] = msgspec.field(default_factory=dict)  # by workload, candidate
    sampled_nano: int  # list dollars of scaled-up calls that no control total holds

    @property
    def sampling_rate(self) -> int:
        """The largest 1-in-N among the rows that count; 1 when every call was seen."""
        return max((found.sampling_rate for found in self.ranking.workloads), default=1)

    @property
    def grade(self) -> Grade:
        """How totals are known: counted tokens at dated prices, unless part of them was scaled up from a sample."""
        return "sampled" if self.sampled_nano else "measured"

    @property
    def unpriced_rows(self) -> int:
        return sum(found.unpriced_rows for found in self.ranking.workloads)

    @property
    def nothing_priced(self) -> bool:
        """There is usage and none of it has a price: its dollars are unknown, not nothing."""
        return self.unpriced_rows > 0 and not any(found.list_high_nano for found in self.ranking.workloads)
