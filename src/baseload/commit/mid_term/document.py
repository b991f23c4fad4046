"""`baseload commit current` as a document: where the contract stands, what a saving is in cash, what can be done."""

from __future__ import annotations

from typing import Final

import msgspec

SCHEMA: Final = "baseload.commit.current/1"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The contract on `as_of`. `remaining_usd` is in dollars of `commit_basis`, the other amounts are cash.

    `due_usd` is committed until now and not paid. `notice_by` is null where nothing renews by itself.
    """

    name: str
    as_of: str
    start: str
    end: str
    months_left: int
    commit_basis: str
    discount: float
    remaining_usd: str
    committed_cash_usd: str
    paid_usd: str
    due_usd: str
    notice_by: str | None


class BalanceOutlook(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the balance under one usage. `p_runs_out`: share of paths that exceed it before the end.

    `list_usd` is usage until the end; `over_usd` the list dollars beyond the balance and `lost_usd` what is never used,
    in the contract's basis: both means. `runs_out` is the month (YYYY-MM) in which half of all paths have exceeded it.
    """

    usage: str
    list_usd: str
    p_runs_out: float
    runs_out: str | None
    over_usd: str
    lost_usd: str


class SavingInCash(msgspec.Struct, frozen=True, kw_only=True):
    """What shipping now saves until the end of the contract: at list, in cash, and what the balance swallows."""

    list_saved_usd: str
    cash_saved_usd: str
    swallowed_usd: str
    cash_share: float | None


class OptionPart(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do now. Cash from now to the end of the horizon; `saved_usd` is against waiting with the savings.

    `by_right`: the contract gives it; else the vendor has to agree.
    """

    option: str
    by_right: bool
    cost_usd: str
    p10_usd: str
    p90_usd: str
    saved_usd: str
    list_saved_usd: str
    lost_usd: str
    says: str


class CurrentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`baseload.commit.current/1`. `horizon_months` counts from the month under way; `best` is the cheapest option."""

    schema: str = SCHEMA
    standing: Standing
    horizon_months: int
    paths: int
    seed: int
    balance: tuple[BalanceOutlook, ...]
    saving: SavingInCash | None
    options: tuple[OptionPart, ...]
    best: str
    assumed: tuple[str, ...]
    notes: tuple[str, ...]
