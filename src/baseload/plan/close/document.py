"""The monthly close as a frozen document: the JSON contract `baseload.close/1` (docs/reference/close.md).

`_usd` fields are decimal strings, shares numbers, days `YYYY-MM-DD` with exclusive ends, months `YYYY-MM`; missing is
null and never 0. What a month is frozen with is `figures` and `inputs`: nothing in them depends on the day they were
computed on, once the month is over.
"""

from __future__ import annotations

import msgspec

SCHEMA = "baseload.close/1"


class AccountCover(msgspec.Struct, frozen=True, kw_only=True):
    channel: str
    account: str
    days_with_data: int
    first_day: str
    last_day: str


class CoverPart(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a month the data covers."""

    month: str
    start: str
    end_exclusive: str
    days: int
    days_with_data: int
    first_day: str
    last_day: str
    missing_days: tuple[str, ...]
    accounts: tuple[AccountCover, ...]  # those that cover less than the whole does


class AccountPart(msgspec.Struct, frozen=True, kw_only=True):
    """One account's bill of one month: usage + uncovered + overage + unexplained + tax + credits + seats."""

    month: str
    channel: str
    account: str
    basis: str  # invoice | ledger
    bill_usd: str
    list_usd: str
    paid_ratio: float  # what a list dollar cost
    paid_from: str  # cost report | invoice | list price | list price, not the cost report (or invoice)
    usage_usd: str
    uncovered_usd: str
    overage_usd: str
    unexplained_usd: str
    tax_usd: str
    credits_usd: str  # negative: it reduces the bill
    seats_usd: str


class LinePart(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the bridge. `low_usd` and `high_usd` differ from `usd` only where a line rests on an estimate."""

    line: str
    label: str
    usd: str
    share: float | None  # of the bill it starts from
    grade: str
    low_usd: str
    high_usd: str
    note: str = ""


class MovePart(msgspec.Struct, frozen=True, kw_only=True):
    """One workload, as paid. `effects` maps lines to dollars and adds up to `difference_usd`; lines of 0 are left out.

    Calls are null where a source does not count them; `volume_in` is then "text" (tokens) instead of "calls".
    """

    id: str
    name: str
    owner: str
    state: str  # continuing | new | retired
    volume_in: str
    from_usd: str
    to_usd: str
    difference_usd: str
    calls_from: int | None
    calls_to: int | None
    usd_per_call_from: str | None
    usd_per_call_to: str | None
    effects: dict[str, str]


class SavingPart(msgspec.Struct, frozen=True, kw_only=True):
    """One workload's saving, realised against planned, in list dollars of the month, at its own volume and text.

    `planned_usd` is null for a workload the plan does not name. `before_usd_per_call` is what this month's calls would
    have cost as they were made in the plan's window; null where calls are not counted.
    """

    id: str
    name: str
    planned_usd: str | None
    realised_usd: str
    realization: float | None
    before_usd_per_call: str | None
    now_usd_per_call: str | None
    effects: dict[str, str]
    note: str = ""


class SavingsPart(msgspec.Struct, frozen=True, kw_only=True):
    """Realised against planned savings of the month; totals in list dollars and as paid."""

    plan_id: str  # first digits of the SHA-256 of its file
    plan_window_start: str
    plan_window_end_exclusive: str
    planned_usd: str
    realised_usd: str  # of the workloads the plan names
    outside_usd: str  # saved (or lost) the same way by workloads it does not name
    realised_paid_usd: str  # of the workloads the plan names, as paid
    realization: float | None
    grade: str
    note: str
    workloads: tuple[SavingPart, ...]


class MonthBill(msgspec.Struct, frozen=True, kw_only=True):
    month: str
    bill_usd: str
    basis: str  # invoice | ledger | estimated


class ForecastPart(msgspec.Struct, frozen=True, kw_only=True):
    """To the end of the fiscal year: bills so far, and the run rate at the month's end for the days that are left."""

    fiscal_year_start: str
    fiscal_year_end_exclusive: str
    months: tuple[MonthBill, ...]
    missing_months: tuple[str, ...]
    so_far_usd: str
    remaining_days: int
    remaining_usd: str | None
    year_usd: str | None
    low_usd: str | None
    high_usd: str | None
    if_plan_lands_usd: str | None
    bill_per_list_dollar: float
    why_null: str
    note: str


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a month is closed with."""

    month: str
    against: str | None  # null: no earlier month has data, and there is no bridge
    rules: str  # which definition of the effects
    cover: CoverPart
    cover_against: CoverPart | None
    from_usd: str | None
    to_usd: str
    difference_usd: str | None
    lines: tuple[LinePart, ...]
    accounts: tuple[AccountPart, ...]
    workloads: tuple[MovePart, ...]
    savings: SavingsPart | None
    forecast: ForecastPart | None
    notes: tuple[str, ...]


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What it was computed from. `data_sha256` is of both months' settled rows, whatever files they lie in."""

    program: str
    ledger_sha256: str
    data_sha256: str
    prices_checked: str
    prices_sha256: str
    invoices_sha256: str
    plan_sha256: str


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """`sha256` is of the canonical JSON of schema, figures, inputs and this seal without it."""

    revision: int
    frozen_on: str
    previous_sha256: str  # of the revision before, "" for the first
    sha256: str = ""


class RestatedWorkload(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    frozen_usd: str
    now_usd: str
    difference_usd: str


class RestatementPart(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen month as today's data have it. `other_usd` is what the bill moved by outside the workloads."""

    month: str
    frozen_usd: str
    now_usd: str
    difference_usd: str
    other_usd: str
    workloads: tuple[RestatedWorkload, ...]
    changed: tuple[str, ...]  # of data, prices, invoices, plan, program, workloads


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What computing a frozen month again said."""

    status: str  # verified | restated | damaged
    why: str
    revision: int
    sha256: str


class CloseProblem(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    file: str
    row: int
    code: str
    message: str
    value: str = ""
    expected: str = ""
    next_step: str = ""


class CloseDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`baseload close --json`, and what a frozen month's file holds."""

    schema: str = SCHEMA
    title: str
    as_of: str
    state: str  # running | open | frozen
    figures: Figures
    inputs: Inputs
    seal: Seal | None = None
    check: Check | None = None
    restatements: tuple[RestatementPart, ...] = ()
    problems: tuple[CloseProblem, ...] = ()
