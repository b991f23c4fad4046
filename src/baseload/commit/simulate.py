"""A contract on sample paths, month by month: every dollar drawn, exceeded, rolled, paid or lost.

The order of a month: what changed at its start (rights, last year's carry-forward and true-forward), the period's
commitment enters the balance, what is due at the start is paid, usage is rated and drawn, excess is priced, and at the
end of a period or year their clauses settle. Equations: facts, commit.md 2c; readings chosen where it leaves several:
docs/decisions/contract-ledger.md. Floating-point dollars; `single_path` is the exact referee.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.exercise import Exercise, check_exercise
from baseload.commit.outcome import Outcome, outcome_of
from baseload.commit.paths import Paths
from baseload.commit.rating import rate
from baseload.commit.refusal import CommitError
from baseload.commit.rights import use_rights
from baseload.commit.settle import settle_period
from baseload.commit.state import State
from baseload.commit.year_end import close_year

NO_RIGHT_USED: Final = Exercise()


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars that are in the balance before the first month, already paid, in the contract's basis.

    `own_usd` are the rest of the first period's own commitment: its unused clause applies to them. `rolled_usd` came
    from an earlier term and may be drawn for `rolled_months` (0 = the term). One amount, or one per path.
    """

    own_usd: Array | float = 0.0
    rolled_usd: Array | float = 0.0
    rolled_months: int = 0


def simulate(
    contract: Contract,
    paths: Paths,
    exercise: Exercise = NO_RIGHT_USED,
    opening: Opening | None = None,
    own_sizes: Array | None = None,
) -> Outcome:
    """What the contract costs on every path, over all months of the paths.

    Months after the term are paid on demand at list, less what an extension or credits still cover. `own_sizes`
    (paths, years) gives every path a commitment of its own, in place of the contract's. Raises CommitError where the
    contract is not sized or the paths are shorter than its term.
    """
    if own_sizes is None and not contract.commit_usd_by_year:
        raise CommitError("commit_usd_by_year", "missing", f"{contract.years} amounts: the contract has no size yet")
    if paths.months < contract.term_months:
        raise CommitError("usage", f"{paths.months} months", f"at least the term, {contract.term_months} months")
    check_exercise(contract, exercise, paths.count)
    state = State(contract, rate(contract, paths), own_sizes)
    _open(state, opening)
    for month in range(contract.term_months):
        _month(state, exercise, month)
    for month in range(contract.term_months, paths.months):
        _month_after(state, month)
    state.left = state.left + state.balance.total("rolled")
    _adders(state)
    return outcome_of(contract, paths, state)


def _open(state: State, opening: Opening | None) -> None:
    contract = state.contract
    if contract.credits_usd:
        until = contract.credits_months or contract.term_months
        state.balance.add("credit", state.zero + float(contract.credits_usd), until)
    if opening is not None:
        until = opening.rolled_months or contract.term_months
        state.balance.add("rolled", state.zero + opening.rolled_usd, until)
        state.opening = state.zero + opening.own_usd


def _month(state: State, exercise: Exercise, month: int) -> None:
    use_rights(state, exercise, month)
    if month in state.starts:
        _open_period(state, month)
    state.books.pay("commitment", month, state.schedule.due_at(month))
    _use(state, month)
    gone = state.balance.expire(month + 1)
    _note_expired(state, gone["rolled"])
    if month + 1 in state.ends:
        settle_period(state, month + 1)
    if (month + 1) % MONTHS_PER_YEAR == 0 or month + 1 == state.contract.term_months:
        close_year(state, month)
    if month + 1 == state.contract.term_months and state.contract.unused.rule != "extend":
        state.lost_late = state.lost_late + state.balance.expire(month + 1, also="rolled")["rolled"]


def _open_period(state: State, month: int) -> None:
    end = state.starts[month]
    brought = state.balance.total("rolled")
    own = state.opening if month == 0 else state.zero
    state.balance.open_period(own + state.schedule.committed_in(month, end), end)
    names = ("committed", "drawn", "excess", "expired", "unused", "held", "rolled", "returned")
    state.books.periods.append({"brought": brought + own, **dict.fromkeys(names, state.zero)})


def _note_expired(state: State, rolled: Array) -> None:
    book = state.books.periods[-1]
    book["expired"] = book["expired"] + rolled


def _use(state: State, month: int) -> None:
    """Rate, draw and price one month of usage."""
    contract, books, discounts = state.contract, state.books, state.schedule.discounts[month]
    rated, listed = state.rated.rated[month], state.rated.listed[month]
    if state.rated.undiscounted is not None:
        rated = rated + state.rated.undiscounted[month] / (1 - discounts.committed)
    if state.live is not None:
        books.pay("on_demand", month, np.where(state.live, 0.0, listed))
        rated, listed = np.where(state.live, rated, 0.0), np.where(state.live, listed, 0.0)
    usage = state.units(rated, month)
    drawn = state.balance.draw(usage)
    committed = drawn.new + drawn.rolled
    books.drawn[month], books.credited[month], books.excess[month] = committed, drawn.credit, drawn.excess
    books.contract_usd[month] = rated * (1 - discounts.committed)
    if contract.payment == "arrears":
        books.pay("drawn", month, drawn.new * state.schedule.unit_price(month))
    overage = _overage(state, month, drawn.excess, rated, listed)
    books.pay("overage", month, overage)
    if state.rated.outside is not None:
        books.pay("outside", month, state.rated.outside[month])
    book, year = books.periods[-1], state.year
    book["drawn"], book["excess"] = book["drawn"] + committed, book["excess"] + drawn.excess
    year.months.append(usage)
    drawn_rated = state.rated_of(committed, month)
    year.rated_drawn = year.rated_drawn + drawn_rated
    year.paid_drawn = year.paid_drawn + drawn_rated * (1 - discounts.committed)
    year.rated_excess = year.rated_excess + state.rated_of(drawn.excess, month)
    year.overage_cash, year.excess = year.overage_cash + overage, year.excess + drawn.excess


def _overage(state: State, month: int, excess: Array, rated: Array, listed: Array) -> Array:
    """The price of usage beyond the balance, after what credits of an earlier period cover at list price."""
    rule, discounts = state.contract.overage, state.schedule.discounts[month]
    beyond = state.rated_of(excess, month)
    at_list = beyond if state.rated.rated is state.rated.listed else beyond * _ratio(listed, rated)
    if rule.rule == "list":
        cost = at_list
    elif rule.rule == "next_band":
        cost = beyond * (1 - discounts.above)
    else:
        cost = beyond * (1 - discounts.beyond) * float(rule.multiple)
    return cost if not state.vouchers else cost * (1 - _ratio(_redeem(state, month, at_list), at_list))


def _ratio(part: Array, whole: Array) -> Array:
    """0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)


def _redeem(state: State, month: int, at_list: Array) -> Array:
    """Dollars at list that credits pay this month, earliest expiry first."""
    covered, kept = state.zero, []
    for amount, until in sorted(state.vouchers, key=lambda voucher: voucher[1]):
        if until > month:
            used = np.minimum(amount, at_list - covered)
            covered = covered + used
            kept.append((amount - used, until))
    state.vouchers = kept
    return covered


def _month_after(state: State, month: int) -> None:
    """A month beyond the term: an extended balance first, then credits, then the price list."""
    last = state.contract.term_months - 1
    state.lost_late = state.lost_late + state.balance.expire(month)["rolled"]
    listed, rated = state.rated.listed[month], state.rated.rated[month]
    if state.rated.undiscounted is not None:
        rated = rated + state.rated.undiscounted[month] / (1 - state.schedule.discounts[last].committed)
    drawn = state.balance.draw(state.units(rated, last))
    state.books.drawn[month] = drawn.rolled
    due = state.rated_of(drawn.excess, last)
    due = due if state.rated.rated is state.rated.listed else due * _ratio(listed, rated)
    state.books.pay("on_demand", month, due - _redeem(state, month, due))
    if state.rated.outside is not None:
        state.books.pay("outside", month, state.rated.outside[month])


def _adders(state: State) -> None:
    """Seats at the end of each month of the term, support at the start of each contract year."""
    contract = state.contract
    for month in range(contract.term_months):
        if contract.seats_usd_per_month:
            state.books.pay("seats", month, float(contract.seats_usd_per_month))
        if contract.support_usd_per_year and month % MONTHS_PER_YEAR == 0:
            state.books.pay("support", month, float(contract.support_usd_per_year))
