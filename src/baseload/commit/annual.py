"""Contracts that are tested once a year and carry no state inside it, priced from yearly totals alone.

The same ledger as `simulate` with one step a year, for many sizes at once: what a search over 100,000 contracts needs.
Cash, not present value; list price and metering as at signature.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.bands import DiscountArrays, discount_arrays_at
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.refusal import CommitError


def why_not_annual(contract: Contract) -> str:
    """The first clause that yearly totals cannot price; "" where they can. Rights count as not exercised."""
    unused = contract.unused
    if contract.period != "year" and not (contract.period == "term" and contract.years == 1):
        return f"period {contract.period}"
    if unused.rule in ("credit", "extend"):
        return f"unused {unused.rule}"
    if unused.rule == "roll" and contract.years > 1 and unused.months != MONTHS_PER_YEAR:
        return "unused roll for other than 12 months"
    if contract.roll_condition:
        return "roll_condition"
    if contract.credits_usd:
        return "credits_usd"
    if contract.true_forward:
        return "true_forward"
    if contract.channel.shadow_value:
        return "channel"
    return ""


def annual_cost(contract: Contract, usage_usd_by_year: Array, commit_usd_by_year: Array) -> Array:
    """Cash over the term of every size on every path, (sizes, paths).

    `usage_usd_by_year` is (paths, years) list dollars, `commit_usd_by_year` (sizes, years) in the contract's basis;
    what the contract itself commits is ignored. Raises CommitError where yearly totals cannot price it.
    """
    reason = why_not_annual(contract)
    if reason:
        raise CommitError("period", reason, "a contract tested annually without state inside the year; use simulate")
    usage, sizes = np.atleast_2d(usage_usd_by_year), np.atleast_2d(commit_usd_by_year)
    if usage.shape[1] != contract.years or sizes.shape[1] != contract.years:
        raise CommitError("usage", f"shapes {usage.shape} and {sizes.shape}", f"{contract.years} years in both")
    eligible = float(contract.eligible_share)
    cost: Array = _fixed(contract) + usage.sum(axis=1) * (1 - eligible) + np.zeros((len(sizes), 1))
    rolled: Array = np.zeros((1, 1))
    less: Array = np.zeros((1, 1))
    for year in range(contract.years):
        discounts = discount_arrays_at(contract, _keys(contract, sizes, year)[:, None])
        step = year_step(contract, usage[:, year] * eligible, sizes[:, year : year + 1], rolled, less, discounts)
        cost, rolled, less = cost + step.paid, step.rolled, step.excess
    return cost


class Step(NamedTuple):
    """One year's cash, and what it hands to the next: rolled dollars and its excess, in the contract's basis."""

    paid: Array
    rolled: Array
    excess: Array


def year_step(
    contract: Contract, usage: Array, committed: Array, rolled: Array, less: Array, discounts: DiscountArrays
) -> Step:
    """One contract year on arrays that broadcast: inside usage, its commitment as signed, what the year before left.

    `less` is the excess of the year before. Precision is the arrays' own.
    """
    clause = contract.carry_forward
    if clause.share:
        committed = committed - float(clause.share) * np.minimum(less, float(clause.cap) * committed)
    paid, unused, excess = _year(contract, usage, committed, rolled, discounts)
    return Step(paid, _rolls(contract, unused, committed), excess)


def own_cost(contract: Contract, usage_usd_by_year: Array, own_usd_by_year: Array) -> Array:
    """`annual_cost` where every path has a size of its own: (paths, years) twice -> (paths,)."""
    usage, sizes = usage_usd_by_year, own_usd_by_year
    eligible = float(contract.eligible_share)
    cost: Array = _fixed(contract) + usage.sum(axis=1) * (1 - eligible)
    rolled = less = np.zeros(len(usage))
    for year in range(contract.years):
        discounts = discount_arrays_at(contract, _keys(contract, sizes, year))
        step = year_step(contract, usage[:, year] * eligible, sizes[:, year], rolled, less, discounts)
        cost, rolled, less = cost + step.paid, step.rolled, step.excess
    return cost


def year_cost(contract: Contract, usage_usd: Array, commit_usd: Array) -> Array:
    """Cash of one year for every size on every path, (sizes, paths): what comes before it rolls nothing into it.

    For contracts whose years do not touch (forfeit or refund, no carry-forward, `band_key` annual_commit) the sum of
    years is `annual_cost`, so a search may price each year's sizes once. Without seats and support.
    """
    eligible = float(contract.eligible_share)
    discounts = discount_arrays_at(contract, commit_usd[:, None])
    paid, _, _ = _year(contract, usage_usd * eligible, commit_usd[:, None], np.zeros((1, 1)), discounts)
    return paid + usage_usd * (1 - eligible)


def _fixed(contract: Contract) -> float:
    seats = contract.seats_usd_per_month * contract.term_months
    return float(seats + contract.support_usd_per_year * contract.years)


def _keys(contract: Contract, sizes: Array, year: int) -> Array:
    if contract.band_key == "annual_commit":
        return sizes[:, year]
    total: Array = sizes.sum(axis=1)
    return total if contract.band_key == "tcv" else total * (MONTHS_PER_YEAR / contract.term_months)


def _year(
    contract: Contract, usage: Array, committed: Array, rolled: Array, discounts: DiscountArrays
) -> tuple[Array, Array, Array]:
    """One year: cash, its own unused dollars, and its excess, both in the contract's basis."""
    rate = 1 - discounts.committed
    units = usage if contract.commit_basis == "list" else usage * rate
    first = units if contract.roll_order == "new_first" else np.maximum(units - rolled, 0)
    drawn = np.minimum(first, committed)
    excess = np.maximum(units - drawn - rolled, 0)
    unused = committed - drawn
    price = rate if contract.commit_basis == "list" else np.ones_like(rate)
    paid = price if contract.shortfall_rate == "net" else price / rate
    cash = drawn * price + unused * paid
    in_list = excess if contract.commit_basis == "list" else excess / rate
    over = in_list * _overage_rate(contract, discounts)
    if contract.unused.rule == "refund":
        cash = cash - float(contract.unused.share) * unused * paid
    if contract.overage_retro:
        cash = cash - _credit_note(contract, units, units - excess, in_list, over, rate)
    return cash + over, unused, excess


def _overage_rate(contract: Contract, discounts: DiscountArrays) -> Array:
    """Cash of one list dollar beyond the balance."""
    rule = contract.overage.rule
    if rule == "list":
        return np.ones_like(discounts.beyond)
    if rule == "next_band":
        return 1 - discounts.above
    return (1 - discounts.beyond) * float(contract.overage.multiple)


def _credit_note(contract: Contract, units: Array, drawn: Array, in_list: Array, over: Array, rate: Array) -> Array:
    """The whole year at the band its usage reached, where that is a higher one."""
    reached = 1 - discount_arrays_at(contract, units).committed
    drawn_list = drawn if contract.commit_basis == "list" else drawn / rate
    note = drawn_list * (rate - reached) + np.maximum(0, over - reached * in_list)
    return np.where(reached < rate, note, 0.0)


def _rolls(contract: Contract, unused: Array, committed: Array) -> Array:
    if contract.unused.rule != "roll":
        return np.zeros_like(unused[:1])
    rolled = float(contract.unused.share) * unused
    return rolled if contract.unused.cap is None else np.minimum(rolled, float(contract.unused.cap) * committed)
