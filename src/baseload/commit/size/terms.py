"""Small questions about a contract's amounts: its own basis, what a commitment costs, when it breaks even."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import numpy as np
from msgspec.structs import replace

from baseload.commit.arrays import Array
from baseload.commit.bands import committed_cash_usd, discount_arrays_at, discounts_at, key_of_year, ladder
from baseload.commit.contract import MONTHS_PER_YEAR, Contract, year_months
from baseload.commit.paths import paths_of
from baseload.commit.search.pricing import costs_at

_STEPS: Final = 151
_MOST_SHARE: Final = 1.5


def list_value(contract: Contract, year: int) -> float:
    """List dollars of usage that the commitment of `year` (0-based) pays for."""
    commit = float(contract.commit_usd_by_year[year])
    if contract.commit_basis == "list" or not commit:
        return commit
    return commit / (1 - discount_of(contract, year))


def discount_of(contract: Contract, year: int) -> float:
    """The discount on what is committed in `year`."""
    return float(discounts_at(contract, key_of_year(contract, year)).committed)


def in_basis(contract: Contract, list_usd: float) -> Decimal:
    """The commitment, whole dollars of the contract's basis, that so many list dollars a year just use up."""
    if contract.commit_basis == "list":
        return Decimal(round(list_usd))
    if contract.band_mode == "all_units":
        return Decimal(round(_net_of_bands(contract, list_usd)[-1]))
    low, high = 0.0, list_usd
    for _ in range(60):  # list dollars of a net amount rise with it
        middle = (low + high) / 2
        rate = 1 - float(discount_arrays_at(contract, np.array([middle])).committed[0])
        low, high = (middle, high) if middle / rate < list_usd else (low, middle)
    return Decimal(round(low))


def _net_of_bands(contract: Contract, list_usd: float) -> list[float]:
    """What so many list dollars cost at every band that they reach, the deepest discount last."""
    bands = ladder(contract)
    nets = [list_usd * (1 - float(band.discount)) for band in bands]
    return [net for net, band in zip(nets, bands, strict=True) if net >= float(band.from_usd)]


def usage_in_basis(contract: Contract, year: int, list_usd: Array) -> Array:
    """A year's list dollars as dollars of the contract's basis, at the discount of that year's commitment."""
    return list_usd if contract.commit_basis == "list" else list_usd * (1 - discount_of(contract, year))


def adders_usd(contract: Contract) -> float:
    """Seats and support of the term: separate lines, the same with any commitment and with none."""
    return float(contract.seats_usd_per_month * contract.term_months + contract.support_usd_per_year * contract.years)


def break_even_utilization(contract: Contract) -> float | None:
    """The share of the commitment that must be used for it to cost no more than on demand; null without one, or never.

    Every year uses the same share of its commitment, evenly over its months, at the prices of signature. What is
    carved out draws nothing and is in neither.
    """
    values = [list_value(contract, year) for year in range(contract.years)]
    if not sum(values):
        return None
    full = np.concatenate(
        [np.full(year_months(contract, y), v / year_months(contract, y)) for y, v in enumerate(values)]
    )
    inside = replace(contract, carve_outs=())
    shares = np.linspace(0, _MOST_SHARE, _STEPS)
    for _ in range(2):  # at first to a step, then inside it
        usage = shares[:, None] * full
        extra = costs_at(inside, paths_of(usage)).cost_usd - adders_usd(contract) - usage.sum(axis=1)
        pays = np.flatnonzero(extra <= 1e-9 * full.sum())
        if not len(pays):
            return None
        place = int(pays[0])
        if place == 0 or extra[place - 1] == extra[place]:
            return float(shares[place])
        before, after = float(shares[place - 1]), float(shares[place])
        shares = np.linspace(before, after, _STEPS)
    part = extra[place - 1] / (extra[place - 1] - extra[place])
    return before + float(part) * (after - before)


def committed_pv(contract: Contract, year: int) -> float:
    """Present value at signature of the cash that `year` commits to, paid as the schedule says; arrears at its end."""
    cash = float(committed_cash_usd(contract, year))
    start, months = year * MONTHS_PER_YEAR, year_months(contract, year)
    due = {
        "upfront": [0],
        "annual": [start],
        "quarterly": list(range(start, start + months, 3)),
        "monthly": list(range(start, start + months)),
        "arrears": [start + months],
    }[contract.payment]
    lag = contract.payment_lag_days / 365
    factors = [(1 + float(contract.wacc)) ** -(month / 12 + lag) for month in due]
    return cash * float(np.mean(factors))
