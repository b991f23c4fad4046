"""The plan document: every figure of the plan, frozen, and the JSON contract for scripts (`baseload.plan/1`).

`_usd` fields are decimal strings in list dollars, shares numbers, days `YYYY-MM-DD`, missing is null and never 0.
Money is for a year where `basis.unit` is "a year", else for the window. Savings are positive where they save. The
likely figures are whole cents, and every table of them adds up to its totals exactly, across and down.
"""

from __future__ import annotations

import msgspec

from baseload.plan.picture_parts import BatchClockPart, CacheAnatomyPart

SCHEMA = "baseload.plan/1"


class SpanPart(msgspec.Struct, frozen=True, kw_only=True):
    low_usd: str
    likely_usd: str
    high_usd: str


class GradeShare(msgspec.Struct, frozen=True, kw_only=True):
    """So much of a figure is known this way; the parts add to it. `share` is null where the figure is 0."""

    grade: str
    usd: str
    share: float | None


class WindowPart(msgspec.Struct, frozen=True, kw_only=True):
    start: str
    end_exclusive: str
    days: int


class BookPart(msgspec.Struct, frozen=True, kw_only=True):
    checked: str
    age_days: int
    warning: str
    overlay: str


class BasisPart(msgspec.Struct, frozen=True, kw_only=True):
    """What the dollars of the document are: of the window, times 365 over its days where there is a run rate."""

    unit: str  # a year | in the window
    window: WindowPart
    prices_of: str  # the day both sides are priced at
    why_not_a_year: str  # "" where the unit is a year


class StepPart(msgspec.Struct, frozen=True, kw_only=True):
    """One lever after those before it. Its range moves its own unknowns alone; ranges of steps do not add up."""

    lever: str  # fix | effort | route | cache | batch
    saving: SpanPart
    grade: str  # weakest of what it rests on, earlier levers included; "" where it is not taken


class WaterfallPart(msgspec.Struct, frozen=True, kw_only=True):
    """A level (as billed, optimized) or a step between them; `after_usd` is the cost once the step is taken."""

    name: str  # as_billed | fix | effort | route | cache | batch | optimized
    title: str
    saving: SpanPart | None  # null for a level
    after_usd: str
    grade: str
    by_grade: tuple[GradeShare, ...]
    note: str = ""  # what of it a trial against a stand-in speaks for


class ShapleyPart(msgspec.Struct, frozen=True, kw_only=True):
    lever: str
    saving_usd: str


class ScenarioPart(msgspec.Struct, frozen=True, kw_only=True):
    """The plan under one rule set."""

    name: str  # expected | edited | deployable | conservative
    sentence: str
    saving: SpanPart
    saving_share: float | None  # likely, of the bill
    workloads: int  # that change
    pools: tuple[str, ...]  # rate-limit pools that held some workload back


class RoutingPart(msgspec.Struct, frozen=True, kw_only=True):
    known: str  # shown to hold | shown to hold or assumed
    saving: SpanPart
    low_share: float  # of today's cost of the workloads
    likely_share: float
    high_share: float


class RoutingGradePart(msgspec.Struct, frozen=True, kw_only=True):
    grade: str
    saving: SpanPart


class RoutingAlonePart(msgspec.Struct, frozen=True, kw_only=True):
    """What another model alone would save, no cache, batch or effort with it, against the claim."""

    claim_low_share: float
    claim_high_share: float
    sentence: str
    workloads: int  # that would move
    parts: tuple[RoutingPart, ...]
    by_grade: tuple[RoutingGradePart, ...]  # of the second part


class FigurePart(msgspec.Struct, frozen=True, kw_only=True):
    usd: str
    low_usd: str | None
    high_usd: str | None
    grade: str
    mix: tuple[GradeShare, ...]
    mix_sentence: str  # "61 % measured, 28 % replayed, 11 % assumed"
    note: str


class BaselinePart(msgspec.Struct, frozen=True, kw_only=True):
    """The run rate as billed, once the plan has landed, and with proven savings alone."""

    as_billed: FigurePart
    optimized: FigurePart
    conservative: FigurePart


class CashPart(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan is worth until the fiscal year ends, three ways: as savings land week by week."""

    window: WindowPart
    effective_rate: str  # decimal: billed over list
    list_saved_usd: str
    effective_saved_usd: str
    cash_saved_usd: str
    balance_before_usd: str
    balance_after_usd: str
    forfeited_before_usd: str
    forfeited_after_usd: str
    gone_before: str | None  # first day that costs cash, without the plan
    gone_after: str | None
    sentence: str


class FindingOutPart(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial of a move would take when the candidate is equal: calls, list dollars, months to pay back.

    `calls` is what a fixed test needs, `horizon` where this one ends without an answer; `margin` is in score (0.02 =
    two points). `bar_is_set` false = nobody set a bar: the default margin without a judge is assumed. `payback_months`
    is null where nothing is saved. How many independent calls there are is for `command` to say.
    """

    calls: int
    horizon: int
    margin: float
    bar_is_set: bool
    judged: bool
    transport: str  # batch | synchronous
    low_usd: str
    likely_usd: str
    high_usd: str
    payback_months: str | None
    command: str


class ChangePart(msgspec.Struct, frozen=True, kw_only=True):
    """One change as work, best dollars per person-day first."""

    rank: int
    workload: str
    workload_name: str
    owner: str
    lever: str
    saving: SpanPart
    grade: str
    kinds: tuple[str, ...]
    person_days: str
    saving_per_week_of_work_usd: str
    needs_trial: bool
    ships_in_week: int
    status: str = (
        ""  # of another model or effort: proven | simulated | broken | not shown | not tested | invalid; "" else
    )
    verdict_id: str = ""


class WeekPart(msgspec.Struct, frozen=True, kw_only=True):
    week: int
    run_rate: SpanPart
    saved: SpanPart
    remaining: SpanPart
    shipped: int


class AdoptionPart(msgspec.Struct, frozen=True, kw_only=True):
    capacity_days_per_week: str
    realization: str
    trial_weeks: int
    changes: tuple[ChangePart, ...]
    weeks: tuple[WeekPart, ...]


class RewritePart(msgspec.Struct, frozen=True, kw_only=True):
    feature: str
    action: str


class MarkPart(msgspec.Struct, frozen=True, kw_only=True):
    section: str
    after: str
    ttl: str


class BatchPart(msgspec.Struct, frozen=True, kw_only=True):
    deadline_us: int
    deadline_source: str
    share_low: float
    share_likely: float
    share_high: float
    hits_low: float
    hits_high: float
    double_paid_share: float
    met_share: float
    added_p50_us: int
    added_p95_us: int
    blocked_by: tuple[str, ...]
    grade: str
    note: str


class ChoicePart(msgspec.Struct, frozen=True, kw_only=True):
    """What a workload changes to; the fields of a lever that is not taken say what it does today."""

    fixes: tuple[str, ...]
    model: str
    model_name: str
    effort: str  # "" = the model's default
    moves_from: tuple[str, ...]  # models whose calls move; others stay
    cache: str  # as_billed | none | all_5m | all_1h | plan | edited
    batch: bool
    levers: tuple[str, ...]


class RejectedPart(msgspec.Struct, frozen=True, kw_only=True):
    lever: str
    candidate: str
    cost_usd: str | None  # of the whole workload with it
    more_usd: str | None  # against what was chosen; negative where it would be cheaper
    reason: str
    status: str = ""  # as of a change
    verdict_id: str = ""
    finding_out: FindingOutPart | None = None  # where the answer is open and the trial has a price


class ScenarioChoice(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # expected | edited | deployable | conservative
    choice: ChoicePart
    saving: SpanPart


class PlanWorkload(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    owner: str
    rank: int
    as_billed_usd: str
    share: float | None
    today: ChoicePart
    choice: ChoicePart
    standings: tuple[str, ...]  # proven | simulated | edit | assumed, one per change
    optimized: SpanPart
    saving: SpanPart
    saving_share: float | None
    effective_saving_usd: str | None
    steps: tuple[StepPart, ...]
    shapley: tuple[ShapleyPart, ...]
    grade_mix: tuple[GradeShare, ...]  # of the optimized cost
    scenarios: tuple[ScenarioChoice, ...]
    rejected: tuple[RejectedPart, ...]
    verdict: str  # assumed | holds | not_shown | breaks | invalid; of the chosen route
    verdict_id: str
    rewrites: tuple[RewritePart, ...]
    marks: tuple[MarkPart, ...]
    move_after_prefix: tuple[str, ...]
    batch: BatchPart | None
    notes: tuple[str, ...]
    cache: CacheAnatomyPart | None = None  # what its requests are made of; null where nobody looked
    clock: BatchClockPart | None = None  # when they come and batches close; null where nothing may be batched
    status: str = ""  # of the chosen route, as of a change; "" where it stays on its model and effort
    finding_out: FindingOutPart | None = None  # of the chosen route, where its answer is open


class EffectivePart(msgspec.Struct, frozen=True, kw_only=True):
    """The same figures at what this customer pays for a list dollar."""

    rate: str  # decimal: billed over list
    as_billed_usd: str
    optimized_usd: str
    saving_usd: str


class PlanTotals(msgspec.Struct, frozen=True, kw_only=True):
    as_billed_usd: str
    unplanned_usd: str  # inside as billed, of no workload's tokens at today's prices: fees, price moves, unpriced
    optimized: SpanPart
    saving: SpanPart
    saving_share: float | None
    saving_grade: str = ""  # weakest of what the saving rests on; "" where nothing is saved
    saving_mix: tuple[GradeShare, ...] = ()
    effective: EffectivePart | None  # null where no bill says what a list dollar costs
    waterfall: tuple[WaterfallPart, ...]
    shapley: tuple[ShapleyPart, ...]
    scenarios: tuple[ScenarioPart, ...]
    routing_alone: RoutingAlonePart


class ProblemPart(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    file: str
    row: int
    code: str
    message: str
    value: str = ""
    expected: str = ""
    next_step: str = ""


class ProblemCount(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    count: int


class TogetherPart(msgspec.Struct, frozen=True, kw_only=True):
    """Several trials of one grade at once: those that hold alone, and of them those that stand together at `rate`.

    `trials` counts all that ran; names are of their folders. `all_stand_at` null: none holds, or no rate lets them.
    """

    grade: str  # replayed | simulated
    rate: float  # false discovery rate: expected share of wrong ones among `stand`, at most
    trials: int
    holds: tuple[str, ...]
    stand: tuple[str, ...]
    all_stand_at: float | None
    sentence: str


class PlanDocument(msgspec.Struct, frozen=True, kw_only=True):
    schema: str = SCHEMA
    version: str
    title: str
    as_of: str
    price_book: BookPart
    basis: BasisPart
    headline: str
    totals: PlanTotals
    baseline: BaselinePart | None  # null without a run rate
    cash: CashPart | None
    adoption: AdoptionPart | None
    workloads: tuple[PlanWorkload, ...]
    problem_counts: tuple[ProblemCount, ...]
    problems: tuple[ProblemPart, ...]  # at most 1,000, most frequent codes first; counts are complete
    together: tuple[TogetherPart, ...] = ()  # empty where fewer than two trials ran
