"""What becomes of the balance that is left, and what a saving is worth in cash while it lasts."""

from __future__ import annotations

import numpy as np

from baseload.commit.current import CurrentContract, Option, legs_of
from baseload.commit.legs import simulate_legs
from baseload.commit.mid_term.document import BalanceOutlook, SavingInCash
from baseload.commit.mid_term.rest import months_left
from baseload.commit.paths import Paths
from baseload.commit.size.amounts import usd
from baseload.demand.months import month_text

_NOTHING = 0.005
"""Dollars: below half a cent nothing has run out."""


def outlook(current: CurrentContract, usage: str, paths: Paths) -> BalanceOutlook:
    """One usage until the contract's end; `paths` are still to come (`rest.from_now`)."""
    paths = paths.first(months_left(current))
    found = simulate_legs(legs_of(current), paths)
    excess = np.hstack([leg.monthly_excess for leg in found.legs])
    over = np.cumsum(excess, axis=1) > _NOTHING
    half = np.flatnonzero(over.mean(axis=0) >= 0.5)
    month = current.as_of.year * 12 + current.as_of.month - 1
    return BalanceOutlook(
        usage=usage,
        list_usd=usd(float(paths.list_usd.sum(axis=1).mean())),
        p_runs_out=round(float(over[:, -1].mean()), 4),
        runs_out=month_text(month + int(half[0])) if len(half) else None,
        over_usd=usd(float(excess.sum(axis=1).mean())),
        lost_usd=usd(sum(float(leg.lost.mean()) for leg in found.legs)),
    )


def saving_in_cash(current: CurrentContract, as_is: Paths, shipped: Paths) -> SavingInCash:
    """List dollars saved until the end against the cash they save there; the rest the balance swallows."""
    end, legs = months_left(current), legs_of(current)
    as_is, shipped = as_is.first(end), shipped.first(end)
    listed = float((as_is.list_usd - shipped.list_usd).sum(axis=1).mean())
    before, after = simulate_legs(legs, as_is).cost_usd, simulate_legs(legs, shipped).cost_usd
    cash = float((before - after).mean())
    return SavingInCash(
        list_saved_usd=usd(listed),
        cash_saved_usd=usd(cash),
        swallowed_usd=usd(round(listed, 2) - round(cash, 2)),
        cash_share=round(cash / listed, 4) if listed > _NOTHING else None,
    )


def lost_share(current: CurrentContract, option: Option) -> float:
    """The part of the balance that is never used if this is done."""
    remaining = float(current.remaining_usd)
    return min(1.0, option.lost_usd / remaining) if remaining else 0.0
