"""The contract's part of `prices impact`, frozen."""

from __future__ import annotations

from typing import Literal

import msgspec

CounterName = Literal["lower_of", "reforecast", "substitution", "re_open"]


class Counter(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to the move. `allowed`: the contract gives it; else it is to be asked for.

    `saves_usd` is cash until the contract's end: what the clause keeps, or what granting it would be worth.
    `wording` is for counsel, where it has to be asked for.
    """

    counter: CounterName
    allowed: bool
    clause: str
    saves_usd: str
    says: str
    wording: str = ""


class ContractImpact(msgspec.Struct, frozen=True, kw_only=True):
    """Cash still to come until the contract's end, at the prices before and after, usage as it is.

    `covered_usd` and `left_out_usd` are list dollars of a year before the move: inside and outside of the contract.
    `lost_…` is commitment that is never used, in the contract's basis.
    """

    contract: str
    as_of: str
    end: str
    months_left: int
    covered_usd: str
    left_out_usd: str
    list_change: float
    new_model_share: float
    cash_before_usd: str
    cash_after_usd: str
    lost_before_usd: str
    lost_after_usd: str
    counters: tuple[Counter, ...]
    notes: tuple[str, ...]
