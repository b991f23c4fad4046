"""From each invoice to the ledger: line by line, and all invoices in one table so that they can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from baseload.report.bars import RangeBar, scale
from baseload.report.document import BridgeLine, BridgePart

ORDER = ("Tax", "Credits", "Seats", "Priority tier", "Cloud channels", "Restatement", "Unattributed", "Ledger")
"""From the invoice to the ledger (`ledger.bridge`)."""
RECONCILED = "reconciled"
SHOWN_IN_FULL = 2
"""More invoices than this are one table; the lines of those that reconcile are then folded away."""


class InvoiceBridge(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice, its lines with their bars, and what no line holds."""

    part: BridgePart
    opening: RangeBar
    lines: tuple[tuple[BridgeLine, RangeBar], ...]
    amounts: tuple[str | None, ...]  # by label of the table; None where this invoice has no such line
    left_over_usd: str | None  # invoice less all lines; None when the lines add up to the invoice
    in_full: bool  # its lines are in sight; else one click away


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """All invoices. Totals are None where the invoices are not in one currency."""

    labels: tuple[str, ...]
    invoices: tuple[InvoiceBridge, ...]
    currency: str
    total_usd: str | None
    totals: tuple[str, ...] | None
    left_over_usd: str | None
    as_table: bool

    @property
    def shown_in_full(self) -> int:
        return sum(invoice.in_full for invoice in self.invoices)


def bridge(parts: Sequence[BridgePart]) -> Bridge | None:
    """The invoices in the document's order, lines under their labels; None without an invoice."""
    if not parts:
        return None
    found = dict.fromkeys(line.label for part in parts for line in part.lines)
    labels = tuple(sorted(found, key=_place))
    many = len(parts) > SHOWN_IN_FULL
    invoices = tuple(_invoice(part, labels, in_full=not many or part.status != RECONCILED) for part in parts)
    currencies = {part.currency for part in parts}
    one = len(currencies) == 1
    left_over = total_usd(invoice.left_over_usd or "0" for invoice in invoices)
    by_label = [[invoice.amounts[at] or "0" for invoice in invoices] for at in range(len(labels))]
    return Bridge(
        labels=labels,
        invoices=invoices,
        currency=currencies.pop() if one else "",
        total_usd=total_usd(part.invoice_usd for part in parts) if one else None,
        totals=tuple(total_usd(amounts) for amounts in by_label) if one else None,
        left_over_usd=left_over if one and Decimal(left_over) else None,
        as_table=many,
    )


def total_usd(amounts: Iterable[str]) -> str:
    """The exact sum of decimal strings."""
    return f"{sum((Decimal(amount) for amount in amounts), Decimal(0)):f}"


def _place(label: str) -> int:
    """The bridge's own order; a label it does not know stands before what is left over and the ledger."""
    return ORDER.index(label) if label in ORDER else ORDER.index("Unattributed")


def _invoice(part: BridgePart, labels: Sequence[str], *, in_full: bool) -> InvoiceBridge:
    amounts = [Decimal(line.usd) for line in part.lines]
    invoice = Decimal(part.invoice_usd)
    draw = scale([Decimal(0), invoice, *amounts])
    left_over = invoice - sum(amounts, Decimal(0))
    by_label = {label: [line.usd for line in part.lines if line.label == label] for label in labels}
    return InvoiceBridge(
        part=part,
        opening=draw(Decimal(0), invoice),
        lines=tuple((line, draw(Decimal(0), amount)) for line, amount in zip(part.lines, amounts, strict=True)),
        amounts=tuple(total_usd(found) if found else None for found in by_label.values()),
        left_over_usd=f"{left_over:f}" if left_over else None,
        in_full=in_full,
    )
