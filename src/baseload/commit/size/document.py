"""What `commit size` says, frozen: `baseload.commit.size/1`. Amounts are text with cents, shares are numbers.

Commitments are in the offer's own basis; costs are cash over the whole term unless they say `npv`. Null = it does not
apply, or nobody can know.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from baseload.values import Problem

SCHEMA: Final = "baseload.commit.size/1"
Decision = Literal["commit", "do_not_commit"]
InputGrade = Literal["stated", "billed", "measured", "replayed", "simulated", "sampled", "assumed"]
"""How an input is known: `stated` by the offer, else as everywhere."""


class YearRow(msgspec.Struct, frozen=True, kw_only=True):
    """One contract year of the recommendation; usage in the offer's basis."""

    year: int  # 1 = the first
    months: int
    commit_usd: str
    discount: float
    usage_mean_usd: str
    usage_p10_usd: str
    usage_p50_usd: str
    usage_p90_usd: str
    p_shortfall: float | None
    p_overage: float | None


class Buffer(msgspec.Struct, frozen=True, kw_only=True):
    """How far the commitment stays from the optimized demand of the first year; negative = below it."""

    to_mean_usd: str
    to_p10_usd: str
    fill_chance: float | None  # chance that the last dollar committed is used
    needed_chance: float | None  # chance at which it just pays
    at_band_floor: bool
    says: str


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one size comes to on the paths."""

    commit_usd_by_year: tuple[str, ...]
    expected_cost_usd: str | None
    p10_cost_usd: str | None
    p90_cost_usd: str | None
    npv_usd: str | None
    saving_usd: str | None  # against on demand
    effective_rate: float | None
    utilization: float | None
    p_shortfall: float | None
    p_overage: float | None
    p_dearer_than_on_demand: float | None
    regret_mean_usd: str | None
    regret_p95_usd: str | None
    cvar_regret_usd: str | None
    expected_unused_usd: str | None = None  # paid for commitment that nobody can use any more
    saving_p10_usd: str | None = None  # of what each path saves against on demand
    saving_p90_usd: str | None = None


class Recommended(Figures, frozen=True, kw_only=True):
    """The answer. `do_not_commit` has a commitment of nothing, and the reason."""

    decision: Decision
    reason: str
    cash_at_risk_usd: str | None
    break_even_utilization: float | None
    by_year: tuple[YearRow, ...]
    buffer: Buffer | None


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True):
    """One flat commitment."""

    commit_usd: str
    expected_cost_usd: str
    cvar_regret_usd: str
    p10_cost_usd: str
    p90_cost_usd: str


class Alternative(Figures, frozen=True, kw_only=True):
    """Another size, on the same paths."""

    name: str
    says: str


class BandSetRow(msgspec.Struct, frozen=True, kw_only=True):
    """The answer under one of the band sets that ship as assumptions."""

    name: str
    reliability: str
    commit_usd_by_year: tuple[str, ...]
    expected_cost_usd: str
    from_usd: str = ""  # below it the set has no discount
    reaches: bool = True  # the size found lies inside its bands


class BandRange(msgspec.Struct, frozen=True, kw_only=True):
    """How much the size depends on bands nobody published. `bands_are_assumed`: the offer's own are one of the sets."""

    bands_are_assumed: bool
    least_commit_usd: str  # of a year on average
    most_commit_usd: str
    sets: tuple[BandSetRow, ...]
    says: str = ""  # where a set has no band at the size found


class ScenarioRow(msgspec.Struct, frozen=True, kw_only=True):
    """The answer if none, the proven, the expected or all savings land."""

    scenario: str
    commit_usd_by_year: tuple[str, ...]
    expected_cost_usd: str
    on_demand_usd: str
    recommended_cost_usd: str  # what the recommended size costs there
    says: str


class TornadoRow(msgspec.Struct, frozen=True, kw_only=True):
    """One input at its low and its high end, everything else as it is.

    `commit_` are yearly means of the best size there; `held_` costs keep the size that was found on the base.
    """

    input: str
    grade: InputGrade
    unit: str
    low: float
    base: float
    high: float
    low_says: str
    high_says: str
    commit_low_usd: str
    commit_high_usd: str
    cost_low_usd: str
    cost_high_usd: str
    held_cost_low_usd: str
    held_cost_high_usd: str
    commit_swing_usd: str
    cost_swing_usd: str
    flips_at: float | None  # the value at which the size found costs as much as none
    flips_says: str


class Assumed(msgspec.Struct, frozen=True, kw_only=True):
    """What would be left if every assumed input stood at its worse end at once."""

    inputs: tuple[str, ...]
    commit_usd_by_year: tuple[str, ...]
    commit_resting_usd: str
    saving_resting_usd: str
    says: str


class ScopeSplit(msgspec.Struct, frozen=True, kw_only=True):
    """Which dollars the contract covers, and the size at both ends of what nobody knows."""

    in_scope_usd: str
    out_of_scope_usd: str
    unknown_usd: str
    commit_least_usd_by_year: tuple[str, ...]
    commit_most_usd_by_year: tuple[str, ...]
    says: str


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """Do the past and the forecast both carry the commitment? `holds` null without a history or a commitment to ask of.

    Of the first contract year that commits anything. `last_12_months_net_usd` is what counts: what is covered, less the
    pending savings as expected. `break_even_usd` counts carved-out usage; null where no use makes it pay.
    """

    holds: bool | None
    break_even_usd: str | None  # list dollars of a year
    last_12_months_usd: str | None
    known_months: int
    forecast_usd: str | None  # of the same year, a part of one annualized
    says: str
    last_12_months_net_usd: str | None = None


class ClauseRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one clause is worth."""

    clause: str
    kind: str  # has: the offer holds it; ask: it could
    measure: str  # cost, or npv where the clause moves cash in time
    says: str
    value_usd: str
    low_usd: str
    high_usd: str
    discount_points: float | None  # 5.4 = every discount 5.4 points higher is worth as much
    points_beyond: bool
    at_fixed_usd: str
    commit_usd_by_year: tuple[str, ...]
    wording: str
    wacc: float | None = None  # a year; where present value is measured
    wacc_assumed: bool = False


class TimingRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one plan of signing costs."""

    plan: str
    signs_in_month: int | None
    commit_usd_by_year: tuple[str, ...]
    expected_cost_usd: str
    p10_usd: str
    p90_usd: str
    npv_usd: str
    cheapest: bool
    says: str
    over_cheapest_usd: str | None = None  # present value beyond the cheapest plan's, in the mean of the same paths
    over_cheapest_low_usd: str | None = None  # its 90 % interval
    over_cheapest_high_usd: str | None = None
    too_close: bool = False  # the interval holds 0


class StatedRange(msgspec.Struct, frozen=True, kw_only=True):
    """Under six months of history: one assumed growth, without a probability."""

    name: str
    growth_per_month: float
    list_usd: str
    commit_usd_by_year: tuple[str, ...]
    cost_usd: str


class OddMonth(msgspec.Struct, frozen=True, kw_only=True):
    """A month a person should look at; it is in the demand as it is."""

    kind: str
    workload: str
    month: str
    usd: str
    usual_usd: str
    advice: str


class BacktestRow(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of sizing over past origins. Shares are of list, of origins, or of what knowing the year would cost."""

    rule: str
    says: str
    commit_mean_usd: str
    saving_share: float
    regret_mean_usd: str
    regret_p95_usd: str
    regret_mean_share: float
    regret_p95_share: float
    worse_share: float


class BacktestPart(msgspec.Struct, frozen=True, kw_only=True):
    """Our rule and rules of thumb on this history, before savings; `rows` is empty where it is too short."""

    months: int
    origins: tuple[str, ...]
    independent_years: float
    list_mean_usd: str
    best_saving_share: float
    rows: tuple[BacktestRow, ...]
    left_out: tuple[str, ...]
    missing_months: int
    reading: str


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer was made from: the same again gives the same bytes."""

    offer: str
    offer_sha256: str
    demand_source: str
    demand_sha256: str
    savings: str
    savings_sha256: str
    first_month: str | None
    term_months: int
    commit_basis: str
    history_months: int | None
    paths: int
    seed: int
    ramp: str
    risk_weight: float
    shortfall_budget_usd: str | None


class SizeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`baseload.commit.size/1`."""

    schema: str = SCHEMA
    inputs: Inputs
    recommended: Recommended
    on_demand_usd: str | None
    on_demand_p10_usd: str | None
    on_demand_p90_usd: str | None
    guard: Guard
    curve: tuple[CurvePoint, ...]
    alternatives: tuple[Alternative, ...]
    bands: BandRange | None
    scenarios: tuple[ScenarioRow, ...]
    tornado: tuple[TornadoRow, ...]
    assumed: Assumed | None
    scope: ScopeSplit | None
    clauses: tuple[ClauseRow, ...]
    timing: tuple[TimingRow, ...]
    backtest: BacktestPart | None  # null without a history
    stated_ranges: tuple[StatedRange, ...]
    odd_months: tuple[OddMonth, ...]
    assumed_terms: tuple[str, ...]
    warnings: tuple[str, ...]
    problems: tuple[Problem, ...]
