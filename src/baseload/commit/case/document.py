"""`baseload.commit.case/1`: what to weigh beside the size. Frozen; amounts are text with cents, shares numbers."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from baseload.commit.case.records import (
    BreakEvenRow,
    BundlePart,
    ClaimRow,
    CloudTerms,
    DueRow,
    EffortRow,
    MoveRow,
    OrderRow,
    RemovableRow,
    RightRow,
    SizedRow,
    WalkRow,
)
from baseload.commit.size.document import TimingRow
from baseload.values import Problem

SCHEMA: Final = "baseload.commit.case/1"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the answer and the part of the document that it is about."""

    part: str
    says: str


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is null or not counted, and what would make it known."""

    part: str
    needs: str
    says: str


class CaseInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer was made from. Null = not given. `paths_…`: how many of `paths` that part was priced on.

    `savings` is the text of --savings, `plan`, or "". `person_weeks_from` says who stated the work.
    """

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
    paths_timing: int
    paths_clauses: int
    paths_rights: int
    seed: int
    wacc: str
    delay_months: int
    signing: str | None
    person_weeks: float | None
    person_weeks_from: Literal["flag", "plan"] | None
    signature_weeks: float | None
    week_usd: str | None
    trial_usd: str | None
    running_usd_per_month: str | None
    cloud: CloudTerms | None


class EffortPart(msgspec.Struct, frozen=True, kw_only=True):
    """Signature, engineering, both, against doing nothing. `months`: over so many the work is paid."""

    months: int
    rows: tuple[EffortRow, ...]


class SchedulePart(msgspec.Struct, frozen=True, kw_only=True):
    """Backwards from the signing. `in_time`: the chance from which a change counts as in time (an assumption)."""

    signing: str
    proof_months: float
    in_time: float
    capacity_days_per_week: float | None
    rows: tuple[DueRow, ...]
    bridge: tuple[str, ...]


class LeveragePart(msgspec.Struct, frozen=True, kw_only=True):
    """Moves before and after the plan, dollars to scale down, inflated against lean."""

    moves: tuple[MoveRow, ...]
    removable: tuple[RemovableRow, ...]
    inflated: SizedRow | None
    lean: SizedRow
    claims: tuple[ClaimRow, ...]


class BundlePricing(msgspec.Struct, frozen=True, kw_only=True):
    """Asks granted together. `parts` sum to `value_usd` to the cent; `alone_sum_usd` is what they are worth one by one.

    `chosen`: asked for, or the dearest asks of which each is surely worth something. `measure` npv where one of them
    is about when cash is due.
    """

    chosen: Literal["asked", "dearest"]
    measure: Literal["cost", "npv"]
    value_usd: str
    alone_sum_usd: str
    parts: tuple[BundlePart, ...]


class CaseDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`baseload commit case`. A part that cannot be known is null or empty, and `missing` says why."""

    schema: str = SCHEMA
    inputs: CaseInputs
    verdict: tuple[Said, ...]
    timing: tuple[TimingRow, ...]
    break_evens: tuple[BreakEvenRow, ...]
    orders: tuple[OrderRow, ...]
    effort: EffortPart
    schedule: SchedulePart | None
    leverage: LeveragePart
    walk_away: tuple[WalkRow, ...]
    bundle: BundlePricing | None
    rights: tuple[RightRow, ...]
    missing: tuple[Missing, ...]
    assumed: tuple[str, ...]
    assumed_terms: tuple[str, ...]
    warnings: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
