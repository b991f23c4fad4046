"""The buyer's rights to change a contract under way: step down, step up, leave.

All act at the start of a month, on the months that remain. A reduction never takes back what was already drawn.
"""

from __future__ import annotations

import numpy as np

from baseload.commit.arrays import Array, Flags
from baseload.commit.exercise import Exercise
from baseload.commit.state import State


def use_rights(state: State, exercise: Exercise, month: int) -> None:
    """Whatever is exercised at the start of `month`."""
    contract = state.contract
    right = contract.step_down
    if right and exercise.step_down is not None and month in right.windows:
        share = np.broadcast_to(exercise.step_down[:, right.windows.index(month)], (state.paths,))
        _step_down(state, month, share)
    if contract.step_up and exercise.step_up is not None and month in contract.step_up.windows:
        added = np.broadcast_to(exercise.step_up[:, contract.step_up.windows.index(month)], (state.paths,))
        _step_up(state, month, added)
    if contract.termination and exercise.leave is not None and month == contract.termination.month:
        _leave(state, month, np.broadcast_to(exercise.leave, (state.paths,)))


def _lower(state: State, month: int, share: Array) -> dict[int, Array]:
    """The commitment of the months from `month` on, lowered by `share`; the balance of a period under way with it."""
    start, end = state.period_of(month)
    committed = state.schedule.committed
    lowered = {m: committed[m] * (1 - share) for m in range(month, state.contract.term_months)}
    if start < month:
        wanted = share * state.schedule.committed_in(month, end)
        taken = np.minimum(wanted, state.balance.new)
        scale = share * np.divide(taken, wanted, out=np.zeros_like(taken), where=wanted > 0)
        lowered |= {m: committed[m] * (1 - scale) for m in range(month, end)}
        state.balance.change_new(-taken)
    return lowered


def _step_down(state: State, month: int, share: Array) -> None:
    right = state.contract.step_down
    if right is None:
        return
    lowered = _lower(state, month, share)
    keys = (
        {m: state.schedule.key(m) * (1 - share) for m in lowered} if state.contract.step_down_band == "retier" else None
    )
    state.books.pay("resettled", month, state.schedule.change(month, lowered, lowered, keys))
    if right.fee_usd:
        state.books.pay("fees", month, np.where(share > 0, float(right.fee_usd), 0.0))


def _step_up(state: State, month: int, added: Array) -> None:
    """`added` dollars a year from `month` on; the look-up key rises by what the contract's key sees of them."""
    contract, schedule = state.contract, state.schedule
    monthly = added / 12
    rest = range(month, contract.term_months)
    raised = {m: schedule.committed[m] + monthly for m in rest}
    seen = added if contract.band_key != "tcv" else monthly * len(rest)
    keys = {m: schedule.key(m) + seen for m in rest}
    start, end = state.period_of(month)
    if start < month:
        state.balance.change_new(monthly * (end - month))
    settled = schedule.change(month, rest, raised, keys)
    if contract.step_up and contract.step_up.band == "retroactive":
        better = 1 - schedule.discounts[month].committed
        settled = settled - np.maximum(0, state.year.paid_drawn - better * state.year.rated_drawn)
    state.books.pay("resettled", month, settled)


def _leave(state: State, month: int, leaves: Flags) -> None:
    """Pay the agreed share of what remains, then list price; what the balance still holds is forfeited."""
    right = state.contract.termination
    if right is None:
        return
    rest = range(month, state.contract.term_months)
    before = state.schedule.cash(rest)
    lowered = _lower(state, month, np.where(leaves, 1.0, 0.0))
    state.books.pay("resettled", month, state.schedule.change(month, rest, lowered))
    remaining = before - state.schedule.cash(rest)
    state.books.pay("fees", month, np.where(leaves, float(right.share) * remaining, 0.0))
    state.live = ~leaves
