"""The end of a contract year: re-rating at a higher band, excess carried forward, true-forward."""

from __future__ import annotations

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.bands import discount_arrays_at
from baseload.commit.state import State, Year


def close_year(state: State, month: int) -> None:
    """Close the contract year that ends with `month`, and set next year's commitment."""
    if state.contract.overage_retro:
        _rerate(state, month)
    first = month + 1
    if first < state.contract.term_months:
        if state.contract.carry_forward.share:
            _carry_forward(state, first)
        if state.contract.true_forward:
            _true_forward(state, first)
    state.year = Year(state.paths)


def _rerate(state: State, month: int) -> None:
    """A credit note where the year's usage reached a higher band: the whole year at that band's discount."""
    year = state.year
    usage = sum(year.months, state.zero)
    rate = 1 - discount_arrays_at(state.contract, usage).committed
    drawn = np.maximum(0, year.paid_drawn - rate * year.rated_drawn)
    beyond = np.maximum(0, year.overage_cash - rate * year.rated_excess)
    higher = rate < 1 - state.schedule.discounts[month].committed
    state.books.pay("rerated", month, np.where(higher, -(drawn + beyond), 0.0))


def _carry_forward(state: State, first: int) -> None:
    """Next year's commitment falls by a share of this year's excess, capped."""
    clause, months = state.contract.carry_forward, list(state.year_months(first))
    committed = state.schedule.committed_in(first, first + len(months))
    less = float(clause.share) * np.minimum(state.year.excess, float(clause.cap) * committed)
    _set_year(state, first, months, committed - less)


def _true_forward(state: State, first: int) -> None:
    """Next year's commitment is at least a share of this year's annualized peak; the floor never falls."""
    clause = state.contract.true_forward
    if clause is None:
        return
    window = clause.window_months
    running = np.cumsum([state.zero, *state.year.months], axis=0)
    peak = (running[window:] - running[:-window]).max(axis=0) * (12 / window)
    state.floor = np.maximum(state.floor, float(clause.share) * peak)
    months = list(state.year_months(first))
    committed = state.schedule.committed_in(first, first + len(months))
    least = state.floor * (len(months) / 12)
    _set_year(state, first, months, np.maximum(committed, least))


def _set_year(state: State, first: int, months: list[int], committed: Array) -> None:
    """Spread a new commitment of the coming year over its months; those who left stay out.

    Where the test period is already under way (a period of the whole term) its balance changes with it, and what was
    drawn already is not taken back.
    """
    if state.live is not None:
        committed = np.where(state.live, committed, 0.0)
    start, _ = state.period_of(first)
    if start < first:
        before = state.schedule.committed_in(first, first + len(months))
        change = np.maximum(committed - before, -state.balance.new)
        state.balance.change_new(change)
        committed = before + change
    monthly = committed / len(months)
    settled = state.schedule.change(first, months, dict.fromkeys(months, monthly))
    state.books.pay("resettled", first, settled)
