"""What a contract came to on every path: cash, its present value, and how much of the commitment was used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.channel import shadow_by_month
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.state import END_LINES, LINES, START_LINES, State

PERIOD_FIELDS: Final = (
    "committed", "brought", "drawn", "excess", "expired", "unused", "held", "rolled", "returned",
)  # fmt: skip
"""Of every test period, in the contract's basis: committed + brought = drawn + expired + unused + held.

`brought`: rolled (or already paid) dollars at its start. `expired`: rolled dollars that ran out inside it or at its
end. `unused`: what was left of its own commitment, of which `rolled` went on and `returned` came back as money or
credit. `held`: rolled dollars that outlive it. `excess`: usage that found no balance.
"""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Arrays (paths,) or (paths, months), floating-point dollars.

    `cash_usd` by contract month, due at its start or its end; `cost_usd` its sum less `shadow_usd`, the worth of what
    burned down a cloud commitment; `npv_usd` the present value at signature of the same. `list_usd` is all usage at
    list, `contract_usd` the term's usage at the committed rate. In the contract's basis: committed (and brought in at
    the start) = drawn + lost + returned + left, where `left` could still be drawn, by a renewal or in an extension;
    `excess` found no balance; `credited` are promotional credits drawn. `lines` splits the cash, the `monthly_` arrays
    the usage of the term.
    """

    cash_usd: Array
    cost_usd: Array
    npv_usd: Array
    list_usd: Array
    contract_usd: Array
    overage_usd: Array
    committed: Array
    drawn: Array
    excess: Array
    lost: Array
    returned: Array
    left: Array
    credited: Array
    burned_usd: Array
    shadow_usd: Array
    effective_rate: Array
    utilization: Array
    coverage: Array
    lines: Mapping[str, Array]
    monthly_drawn: Array
    monthly_excess: Array
    monthly_credited: Array
    periods: tuple[Mapping[str, Array], ...]


def outcome_of(contract: Contract, paths: Paths, state: State) -> Outcome:
    """Add the books up."""
    books = state.books
    at_start, at_end = books.total(START_LINES), books.total(END_LINES)
    cash = at_start + at_end
    burned, shadow = shadow_by_month(contract, cash)
    cost = cash.sum(axis=0) - shadow.sum(axis=0)
    total = {name: sum((period[name] for period in books.periods), state.zero) for name in PERIOD_FIELDS}
    listed = paths.list_usd.sum(axis=1)
    drawn = books.drawn.sum(axis=0)
    return Outcome(
        cash_usd=cash.T,
        cost_usd=cost,
        npv_usd=present_value(contract, at_start, at_end - shadow),
        list_usd=listed,
        contract_usd=books.contract_usd.sum(axis=0),
        overage_usd=books.total(("overage",)).sum(axis=0),
        committed=total["committed"],
        drawn=drawn,
        excess=total["excess"],
        lost=_lost(contract, state, total),
        returned=total["returned"],
        left=state.left,
        credited=books.credited.sum(axis=0),
        burned_usd=burned.sum(axis=0),
        shadow_usd=shadow.sum(axis=0),
        effective_rate=ratio(cost, listed),
        utilization=ratio(total["drawn"], total["committed"]),
        coverage=ratio(total["drawn"], total["drawn"] + total["excess"] + books.credited.sum(axis=0)),
        lines={name: books.lines[name].T for name in LINES if name in books.lines},
        monthly_drawn=books.drawn.T,
        monthly_excess=books.excess.T,
        monthly_credited=books.credited.T,
        periods=tuple(books.periods),
    )


def _lost(contract: Contract, state: State, total: Mapping[str, Array]) -> Array:
    """Balance that nobody can draw any more and nobody paid back."""
    kept = total["rolled"] + total["returned"]
    if contract.unused.rule == "roll":
        kept = kept + state.left
    lost: Array = total["unused"] - kept + total["expired"] + state.lost_late
    return lost


def present_value(contract: Contract, at_start: Array, at_end: Array) -> Array:
    """2c.8: cash x (1 + w)^-(t/12 + lag/365), t months after signature. Month-major arrays."""
    return discount_factors(contract, at_start.shape[0], 0) @ at_start + (
        discount_factors(contract, at_end.shape[0], 1) @ at_end
    )


def discount_factors(contract: Contract, months: int, later: int) -> Array:
    """The worth at signature of a dollar due `later` months after the start of each month."""
    years = (np.arange(months) + later) / 12 + contract.payment_lag_days / 365
    factors: Array = (1 + float(contract.wacc)) ** -years
    return factors


def ratio(part: Array, whole: Array) -> Array:
    """part / whole; where the whole is 0: 0 for nothing, infinite for something."""
    none = np.where(part > 0, np.inf, 0.0)
    return np.divide(part, whole, out=none, where=whole > 0)
