"""The `map` document: every figure of the report, frozen, and the JSON contract for scripts (`baseload.map/1`).

`_usd` fields are decimal strings, shares and rates numbers in 0..1, days `YYYY-MM-DD`, missing is null and never 0.
Figures are list price at the day of the call unless the name says billed. Every renderer draws from this alone.
"""

from __future__ import annotations

import msgspec

from baseload.plan.document import FindingOutPart, ProblemCount, ProblemPart, WindowPart

SCHEMA = "baseload.map/1"


class PriceBookPart(msgspec.Struct, frozen=True, kw_only=True):
    checked: str
    age_days: int
    warning: str = ""  # set when older than 14 days
    overlay: str = ""  # name of the customer's discount file, "" when none


class TotalsPart(msgspec.Struct, frozen=True, kw_only=True):
    requests: int | None
    uncached_input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    list_usd: str
    list_high_usd: str  # upper bound where a TTL or a price band is unknown; equals list_usd otherwise
    billed_usd: str | None
    annual_run_rate_usd: str | None
    unpriced_rows: int
    scaled: bool  # true when any part was scaled up from a sample


class AlternativePart(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # "90 days", "6-month trend"
    annual_usd: str | None
    note: str


class RunRatePart(msgspec.Struct, frozen=True, kw_only=True):
    """The last 28 complete UTC days x 365/28, with what a sceptic would ask about it."""

    annual_usd: str | None
    low_usd: str | None  # interval: block bootstrap of whole weeks, see docs/concepts.md
    high_usd: str | None
    interval: str  # "95 % …" or ""
    window: WindowPart | None
    complete_days: int
    observed_usd: str
    gaps: tuple[str, ...]  # days without a single row inside the window
    outlier_days: tuple[str, ...]
    sampling_rate: int
    alternatives: tuple[AlternativePart, ...]
    why_null: str  # "" when annual_usd is given
    grade: str


class TokenTotals(msgspec.Struct, frozen=True, kw_only=True):
    uncached_input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int


class ModelPart(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    name: str
    requests: int | None
    tokens: TokenTotals
    list_usd: str
    list_high_usd: str
    billed_usd: str | None
    share: float


class DayPart(msgspec.Struct, frozen=True, kw_only=True):
    day: str
    requests: int | None
    list_usd: str
    billed_usd: str | None
    models: dict[str, str]  # model -> list_usd
    complete: bool


class WorkloadModelPart(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    list_usd: str
    share: float
    requests: int | None


class WorkloadPart(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    why: str
    stage: str
    rank: int
    requests: int | None
    tokens: TokenTotals
    list_usd: str
    list_high_usd: str
    share: float
    cumulative_share: float
    usd_per_request: str | None  # null: "cost per inference unknown"
    models: tuple[WorkloadModelPart, ...]
    daily_usd: tuple[str, ...]  # one per day of the window
    task: str
    task_confidence: float
    task_evidence: str
    latency: str
    latency_evidence: str
    owner: str
    cost_center: str
    grade: str  # billed | measured | sampled | assumed
    sources: tuple[str, ...]


class OpportunityPart(msgspec.Struct, frozen=True, kw_only=True):
    workload: str
    workload_name: str
    lever: str  # surcharge | repeat | retirement | route | cache | batch
    candidate: str
    low_usd: str
    high_usd: str
    low_annual_usd: str | None
    high_annual_usd: str | None
    grade: str
    assumption: str
    excluded_by: tuple[str, ...] = ()
    status: str = (
        ""  # of another model: proven | simulated | broken | not shown | not tested | invalid; "" needs no trial
    )
    verdict_id: str = ""
    finding_out: FindingOutPart | None = None  # where the answer is open and the trial has a price


class LeverPart(msgspec.Struct, frozen=True, kw_only=True):
    """One lever over all workloads: for each workload its best candidate, never two at once.

    Amounts are null and the grade is `unknown` where no row has a price: nothing is known to be saved, nor to be not.
    """

    lever: str
    title: str
    low_usd: str | None
    high_usd: str | None
    low_annual_usd: str | None
    high_annual_usd: str | None
    grade: str
    sentence: str


class ReadinessPart(msgspec.Struct, frozen=True, kw_only=True):
    workload: str
    workload_name: str
    share: float
    sources: tuple[str, ...]
    rank: bool
    cache: bool
    batch: bool
    trial: bool
    next_source: str
    steps: tuple[str, ...]
    capture_days: int


class ReconciliationPart(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    day: str
    model: str
    scope: str  # what both sides share: "account, day, model[, workspace][, api_key]"
    calls_usd: str
    control_usd: str
    difference_usd: str
    difference_share: float | None
    verdict: str  # agrees | differs | calls-missing | control-missing
    note: str


class BridgeLine(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    usd: str
    grade: str
    note: str = ""


class BridgePart(msgspec.Struct, frozen=True, kw_only=True):
    """Invoice of one month and channel -> tax, credits, seats, … -> ledger."""

    month: str
    channel: str
    account: str  # "" where the invoice names none
    currency: str
    invoice_usd: str
    lines: tuple[BridgeLine, ...]
    explained_share: float
    status: str  # reconciled | PARTIAL
    why: str


class FigurePart(msgspec.Struct, frozen=True, kw_only=True):
    """How one figure of the headline is known: what a sceptic gets with one click."""

    figure: str  # "run_rate", "top_model_share", "opportunity.route", …
    grade: str
    sentence: str
    made_from: tuple[str, ...]  # sources and files
    recompute: str  # a command that prints it again


class HeadlinePart(msgspec.Struct, frozen=True, kw_only=True):
    status: str  # reconciled | PARTIAL | not reconciled
    status_why: str
    sentence: str
    top_model: str
    top_model_name: str
    top_model_share: float | None
    workloads: int
    workloads_for_80_percent: int | None  # null where named workloads hold less than 80 % together


class PlantedPart(msgspec.Struct, frozen=True, kw_only=True):
    """The demo only: an inefficiency the simulator planted, and what the map found of it."""

    name: str
    workload: str
    lever: str
    planted_annual_usd: str
    found_low_annual_usd: str | None
    found_high_annual_usd: str | None
    found: bool
    note: str


class RankRow(msgspec.Struct, frozen=True, kw_only=True):
    """One workload of `baseload rank`: what a ranking needs, and nothing that takes longer to find out."""

    rank: int
    id: str
    name: str
    why: str
    stage: str
    requests: int | None
    list_usd: str
    list_high_usd: str
    share: float
    cumulative_share: float
    usd_per_request: str | None
    models: tuple[WorkloadModelPart, ...]
    task: str
    owner: str
    cost_center: str
    grade: str


class RankDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`baseload rank --json`."""

    schema: str = "baseload.rank/1"
    title: str
    as_of: str
    price_book: PriceBookPart
    window: WindowPart
    list_usd: str
    requests: int | None
    workloads_for_80_percent: int | None
    workloads: tuple[RankRow, ...]  # as many as were asked for
    workloads_in_all: int
    problem_counts: tuple[ProblemCount, ...]


class MapDocument(msgspec.Struct, frozen=True, kw_only=True):
    schema: str = SCHEMA
    version: str
    title: str
    as_of: str
    price_book: PriceBookPart
    window: WindowPart
    totals: TotalsPart
    headline: HeadlinePart
    run_rate: RunRatePart
    levers: tuple[LeverPart, ...]
    by_model: tuple[ModelPart, ...]
    by_day: tuple[DayPart, ...]
    workloads: tuple[WorkloadPart, ...]
    opportunities: tuple[OpportunityPart, ...]
    readiness: tuple[ReadinessPart, ...]
    bridge: tuple[BridgePart, ...]
    reconciliation: tuple[ReconciliationPart, ...]
    figures: tuple[FigurePart, ...]
    problem_counts: tuple[ProblemCount, ...]
    problems: tuple[ProblemPart, ...]  # at most 1,000, most frequent codes first; counts are complete
    planted: tuple[PlantedPart, ...] = ()
