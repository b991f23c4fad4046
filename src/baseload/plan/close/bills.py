"""What a month was charged, account by account: the two ends of the bridge.

An account is bridged from invoice to invoice where both months have one in USD, else from ledger to ledger: mixing the
two would show tax and seats as a move. An account's bill is

    list dollars x paid ratio + uncovered + overage + unexplained + tax + seats - credits

where the paid ratio is billed over list dollars on the days that a cost report covers. Without any cost report the
invoice's own ratio stands in for it, at most 1: what the invoice has beyond list price is unexplained, not a price. A
ratio outside LEAST_PAID to MOST_PAID is no discount but a bill and usage that do not belong together: then 1 is taken,
and the difference is uncovered or unexplained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import msgspec

from baseload.ledger.month_usage import Key, MonthUsage
from baseload.plan.close.effects import PRECISION
from baseload.plan.close.months import Owner
from baseload.project import Invoice
from baseload.values import nano_from_usd

LEAST_PAID, MOST_PAID = Decimal("0.4"), Decimal("1.1")
PARTS = ("uncovered", "overage", "unexplained", "tax", "credits", "seats")
"""What a bill holds besides usage at the paid ratio, as lines of the bridge."""


class Overage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What usage beyond a commitment cost *more* than the committed price, on one invoice: a part of its amount."""

    month: str
    channel: str = "anthropic"
    account: str = ""
    usd: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account's bill of one month in nano-dollars; `paid` is what a list dollar cost."""

    owner: Owner
    basis: str  # invoice | ledger
    paid: Decimal
    paid_from: str  # cost report | invoice | list price, or why it is list price
    list_nano: int
    billed_nano: int
    usage_nano: int  # list_nano x paid, to the nano-dollar
    parts: Mapping[str, int]  # by PARTS; credits are negative

    @property
    def bill_nano(self) -> int:
        return self.usage_nano + sum(self.parts.values())


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What an invoice says, several of one kind added. `usage` is the amount without its other parts."""

    amount: int
    tax: int
    credits: int
    seats: int
    overage: int

    @property
    def usage(self) -> int:
        return self.amount - self.tax - self.seats - self.overage + self.credits


class Invoices:
    """The invoices in USD by month, and which of them an account's usage is on."""

    def __init__(self, invoices: Iterable[Invoice], overages: Iterable[Overage] = ()) -> None:
        self._by_month: dict[str, dict[Owner, Statement]] = {}
        self.foreign: dict[str, list[Owner]] = {}  # in another currency: never compared with the ledger
        extra: dict[tuple[str, str, str], int] = {}
        for one in overages:
            key = one.month, one.channel, one.account
            extra[key] = extra.get(key, 0) + nano_from_usd(one.usd)
        for invoice in invoices:
            owner = invoice.channel, invoice.account
            if invoice.currency.upper() != "USD":
                self.foreign.setdefault(invoice.month, []).append(owner)
                continue
            found = self._by_month.setdefault(invoice.month, {})
            found[owner] = _added(found.get(owner), invoice, extra.pop((invoice.month, *owner), 0))
        self.stray_overages = tuple(sorted(extra))

    def of(self, month: str) -> Mapping[Owner, Statement]:
        return self._by_month.get(month, {})

    def owner_of(self, months: Sequence[str]) -> Callable[[Owner], Owner]:
        """Which account's invoice a usage is on: its own, else that of its channel's invoice without an account."""
        named = {owner for month in months for owner in self.of(month)}

        def owner_of(owner: Owner) -> Owner:
            return owner if owner in named or (owner[0], "") not in named else (owner[0], "")

        return owner_of


def _added(before: Statement | None, invoice: Invoice, overage: int) -> Statement:
    old = before or Statement(amount=0, tax=0, credits=0, seats=0, overage=0)
    return Statement(
        amount=old.amount + invoice.amount_nano,
        tax=old.tax + nano_from_usd(invoice.tax),
        credits=old.credits + nano_from_usd(invoice.credits),
        seats=old.seats + nano_from_usd(invoice.seats),
        overage=old.overage + overage,
    )


def accounts(
    usage: Mapping[Key, MonthUsage], month: str, invoices: Invoices, months: Sequence[str]
) -> dict[Owner, Account]:
    """Every account's bill of `month`, as it is bridged between `months` (both ends; one for a month alone)."""
    owner_of = invoices.owner_of(months)
    own: dict[Owner, MonthUsage] = {}
    for (of_month, channel, account), found in usage.items():
        if of_month == month:
            owner = owner_of((channel, account))
            own[owner] = own.get(owner, MonthUsage()) + found
    invoiced = {owner for owner in invoices.of(month) if all(owner in invoices.of(other) for other in months)}
    return {
        owner: _account(owner, own.get(owner, MonthUsage()), invoices.of(month)[owner] if owner in invoiced else None)
        for owner in sorted({*own, *invoiced})
    }


def _account(owner: Owner, usage: MonthUsage, statement: Statement | None) -> Account:
    with localcontext() as context:
        context.prec = PRECISION
        paid, origin = _paid(usage, statement)
        at_paid = int((usage.listed * paid).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    # what the cost report says was charged, whatever no cost report reaches at list price, Priority usage at list
    ledger = at_paid if origin == "invoice" else usage.ledger + usage.priority
    parts = dict.fromkeys(PARTS, 0) | {"uncovered": ledger - at_paid}
    if statement:
        parts |= {
            "overage": statement.overage,
            "unexplained": statement.usage - ledger,
            "tax": statement.tax,
            "credits": -statement.credits,
            "seats": statement.seats,
        }
    return Account(
        owner=owner,
        basis="invoice" if statement else "ledger",
        paid=paid,
        paid_from=origin,
        list_nano=usage.listed,
        billed_nano=usage.billed,
        usage_nano=at_paid,
        parts=parts,
    )


def _paid(usage: MonthUsage, statement: Statement | None) -> tuple[Decimal, str]:
    """What was paid of a list dollar, and who says so."""
    reached = usage.listed - usage.list_only - usage.priority
    if usage.billed > 0 and reached > 0:
        ratio, origin = Decimal(usage.billed) / reached, "cost report"
    elif statement and not usage.billed and usage.listed > 0:
        ratio, origin = min(Decimal(1), Decimal(statement.usage) / usage.listed), "invoice"
    else:
        return Decimal(1), "list price"
    return (ratio, origin) if LEAST_PAID <= ratio <= MOST_PAID else (Decimal(1), f"list price, not the {origin}")
