"""The rows of an audit: one contract month each, exact decimal dollars, and how a column is rounded for print."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

from baseload.commit.clauses import ONE, ZERO

CENT: Final = Decimal("0.01")


class UsageMonth(msgspec.Struct, frozen=True, kw_only=True):
    """One month of usage in list dollars; prices, metering and models as in `Paths`. `outside_usd` None = by share."""

    list_usd: Decimal
    price_index: Decimal = ONE
    metering: Decimal = ONE
    new_model_share: Decimal = ZERO
    outside_usd: Decimal | None = None


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One contract month. `usage` to `balance` are in the contract's basis, the rest is cash.

    usage = credits_drawn + rolled_drawn + commit_drawn + excess. `expired` is what was lost at the end of the month (of
    commitment and rolled dollars; credits apart), `returned` what was refunded or became a credit, `balance` what may
    be drawn in the next one. Cash: commitment, resettled (settlement of a
    changed commitment) and support are due at the month's start, the rest at its end; money back is negative.
    """

    month: int
    list_usd: Decimal
    usage: Decimal
    credits_drawn: Decimal
    rolled_drawn: Decimal
    commit_drawn: Decimal
    excess: Decimal
    expired: Decimal
    returned: Decimal
    balance: Decimal
    commitment_usd: Decimal
    resettled_usd: Decimal
    support_usd: Decimal
    drawn_bill_usd: Decimal
    true_up_usd: Decimal
    overage_usd: Decimal
    outside_usd: Decimal
    seats_usd: Decimal
    credit_note_usd: Decimal

    @property
    def start_cash_usd(self) -> Decimal:
        return self.commitment_usd + self.resettled_usd + self.support_usd

    @property
    def cash_usd(self) -> Decimal:
        end = self.drawn_bill_usd + self.true_up_usd + self.overage_usd + self.outside_usd + self.seats_usd
        return self.start_cash_usd + end + self.credit_note_usd


def in_cents(amounts: Sequence[Decimal]) -> list[Decimal]:
    """Cents whose running total is the exact running total, rounded half-even.

    >>> [str(cents) for cents in in_cents([Decimal("0.004")] * 4)]
    ['0.00', '0.01', '0.00', '0.01']
    """
    found, exact, shown = [], ZERO, ZERO
    for amount in amounts:
        exact += amount
        total = exact.quantize(CENT, rounding=ROUND_HALF_EVEN)
        found.append(total - shown)
        shown = total
    return found
