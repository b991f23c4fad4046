"""Rows of the case document."""

from __future__ import annotations

from typing import Literal

import msgspec

from baseload.commit.options.choices import Right
from baseload.commit.timing.breakeven import Kind
from baseload.commit.timing.effort import Way
from baseload.commit.timing.leverage import Move, Phase
from baseload.commit.timing.plans import Plan
from baseload.commit.timing.schedule import Verdict

Order = Literal["commit_first", "route_first", "on_demand"]
Against = Literal["on_demand", "other_cloud"]


class CloudTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The same models through a cloud, as it was described: nothing committed for them there."""

    name: str
    discount: float
    shadow_value: float
    commit_usd_per_year: str
    marketplace_cap: float


class BreakEvenRow(msgspec.Struct, frozen=True, kw_only=True):
    """`timing.breakeven.BreakEven`: `value` in months, in discount fractions, or the share by which list rises."""

    kind: Kind
    now: Plan
    later: Plan
    pays: bool
    value: float | None
    searched_from: float
    searched_to: float
    says: str


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One order over the first `months`, under the offer's terms, the plan landing in all alike.

    Commit first: the trend of the last six months billed. Route first: on demand for the delay, then what is known
    then; its commitment is a mean, in the offer's basis. `unused_usd` is lost balance, in that basis too.
    """

    months: int
    order: Order
    commit_usd_by_year: tuple[str, ...]
    list_usd: str
    expected_cost_usd: str
    p10_usd: str
    p90_usd: str
    effective_rate: float | None
    unused_usd: str


class EffortRow(msgspec.Struct, frozen=True, kw_only=True):
    """One way against doing nothing. What follows `gross_p90_usd` is net of effort, null where effort is not known.

    `gross_npv_usd` is also the most that all its effort may cost (present value). `payback_month` is null too where it
    does not pay back within the term; then `effort_usd` is not null.
    """

    way: Way
    saves_usd: str
    gross_npv_usd: str
    gross_p10_usd: str
    gross_p90_usd: str
    effort_usd: str | None
    npv_usd: str | None
    npv_p10_usd: str | None
    npv_p90_usd: str | None
    payback_month: int | None
    break_even_person_weeks: float | None
    says: str


class DueRow(msgspec.Struct, frozen=True, kw_only=True):
    """`timing.schedule.Due`; days are YYYY-MM-DD."""

    name: str
    workload: str
    saves_share: float
    ships: str
    proven: str
    ship_by: str
    start_by: str | None
    slack_weeks: int
    p_shipped: float
    p_proven: float
    verdict: Verdict
    says: str


class MoveRow(msgspec.Struct, frozen=True, kw_only=True):
    """`timing.leverage.Alternative`: mean cost over the term, and over signing this offer now at its best size."""

    move: Move
    phase: Phase
    cost_usd: str
    extra_usd: str
    lead_months: int


class RemovableRow(msgspec.Struct, frozen=True, kw_only=True):
    """List dollars a month that are gone within so many days; `proven_…` by changes that are proven."""

    days: int
    list_usd_per_month: str
    proven_usd_per_month: str | None


class SizedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A commitment on what the plan leaves."""

    commit_usd_by_year: tuple[str, ...]
    p_overage: float
    overage_usd: str
    p_unused: float
    unused_usd: str
    cost_usd: str


class ClaimRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is said about committing small after the plan, and whether it holds here."""

    claim: str
    holds: bool
    says: str


class WalkRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where signing costs what the alternative costs, at the size that suits the offer or at the one it states.

    `shift_points`: how far every discount may fall (negative) or must rise. `largest_usd_by_year` is empty where no
    size is worth signing.
    """

    against: Against
    size: Literal["best", "stated"]
    commit_usd_by_year: tuple[str, ...]
    cost_usd: str
    alternative_usd: str
    shift_points: float
    shift_beyond: bool
    largest_usd_by_year: tuple[str, ...]
    says: str


class BundlePart(msgspec.Struct, frozen=True, kw_only=True):
    """One ask: its Shapley part of the bundle, and alone with the 90 % interval (as in `commit size`)."""

    ask: str
    says: str
    part_usd: str
    alone_usd: str
    alone_low_usd: str
    alone_high_usd: str


class RightRow(msgspec.Struct, frozen=True, kw_only=True):
    """`options.worth.RightWorth`. `held`: the offer has it; else it is priced as the ask `ask`.

    `value_usd` is what the right is worth used by what is known then; `foresight_usd` bounds it from above.
    """

    right: Right
    band: Literal["keep", "retier"] | None
    held: bool
    ask: str | None
    says: str
    one_stage_commit_usd_by_year: tuple[str, ...]
    two_stage_commit_usd_by_year: tuple[str, ...]
    one_stage_usd: str
    two_stage_usd: str
    value_usd: str
    fixed_size_usd: str
    foresight_usd: str
    used_share: float
