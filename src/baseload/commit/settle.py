"""The end of a test period: what is left of its commitment is trued up, rolled, refunded, credited or lost."""

from __future__ import annotations

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.balance import FOREVER
from baseload.commit.contract import MONTHS_PER_YEAR
from baseload.commit.state import State


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
    elif rolls_on(state, end):
        state.balance.add("rolled", rolled, min(until, contract.term_months))
        state.books.periods[-1]["rolled"] = rolled


def rolls_on(state: State, end: int) -> bool:
    """Does the next period's year commit enough, as signed, for unused dollars to roll into it?"""
    condition = state.contract.roll_condition
    commits = state.contract.commit_usd_by_year
    before, after = commits[(end - 1) // MONTHS_PER_YEAR], commits[end // MONTHS_PER_YEAR]
    return condition is None or after >= condition.renew_at_least * before
