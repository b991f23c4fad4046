"""The end of a test period: what is left of its commitment is trued up, rolled, refunded, credited or lost."""

from __future__ import annotations

from typing import Final

import numpy as np

from baseload.commit.arrays import Array, Flags
from baseload.commit.balance import FOREVER
from baseload.commit.contract import MONTHS_PER_YEAR
from baseload.commit.state import State

_EDGE: Final = 1e-12
"""Relative: floating-point amounts that reach a share of each other but for rounding have reached it."""


def settle_period(state: State, end: int) -> None:
    """Close the period whose last month is `end` - 1."""
    contract, rule = state.contract, state.contract.unused
    month, start = end - 1, state.ends[end]
    unused = state.balance.take_new()
    book = state.books.periods[-1]
    book["unused"], book["held"] = unused, state.balance.total("rolled")
    book["committed"] = state.zero + state.schedule.committed_in(start, end)
    paid = _paid_price(state, month)
    if contract.payment == "arrears":
        state.books.pay("true_up", month, unused * paid)
    until = FOREVER if rule.months == 0 else end + rule.months
    if rule.rule == "refund":
        returned = float(rule.share) * unused
        state.books.pay("refund", month, -returned * paid)
        book["returned"] = returned
    elif rule.rule == "credit":
        state.vouchers.append((unused * paid, until))
        book["returned"] = unused
    elif rule.rule == "extend":
        state.balance.add("rolled", unused, until)
        book["rolled"] = unused
    elif rule.rule == "roll":
        _roll(state, unused, start, end, until)


def _paid_price(state: State, month: int) -> Array:
    """Cash behind one unused dollar of the contract's basis."""
    price = state.schedule.unit_price(month)
    if state.contract.shortfall_rate == "net":
        return price
    return np.ones(1) if state.list_basis else 1 / (1 - state.schedule.discounts[month].committed)


def _roll(state: State, unused: Array, start: int, end: int, until: int) -> None:
    contract, rule = state.contract, state.contract.unused
    rolled = float(rule.share) * unused
    if rule.cap is not None:
        rolled = np.minimum(rolled, float(rule.cap) * state.schedule.committed_in(start, end))
    if end >= contract.term_months:
        state.left = rolled  # a renewal may draw it; without one it is lost too
    else:
        rolled = np.where(rolls_on(state, end), rolled, 0.0)
        state.balance.add("rolled", rolled, min(until, contract.term_months))
        state.books.periods[-1]["rolled"] = rolled


def rolls_on(state: State, end: int) -> Flags | bool:
    """Does the next period's year commit enough, as signed, for unused dollars to roll into it?"""
    condition, years = state.contract.roll_condition, ((end - 1) // MONTHS_PER_YEAR, end // MONTHS_PER_YEAR)
    if condition is None:
        return True
    if state.own_sizes is not None:
        least = float(condition.renew_at_least) * (1 - _EDGE)
        enough: Flags = state.own_sizes[:, years[1]] >= least * state.own_sizes[:, years[0]]
        return enough
    commits = state.contract.commit_usd_by_year
    return commits[years[1]] >= condition.renew_at_least * commits[years[0]]
