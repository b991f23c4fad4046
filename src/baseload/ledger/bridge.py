"""From the invoice to the ledger: what explains each dollar that was charged, and what nothing explains.

    invoice = tax + seats - credits + priority + cloud channels + restatement + unattributed + ledger

The ledger's dollars of a month are what the provider's cost report bills (after discount, before credits and tax); on
days without a cost report they are list price, and the line says so. Priority-tier usage is in no cost report
(anthropic-facts section 0.8): it is a line of its own, at list price and graded "assumed". `explained_share` is of the
usage on the invoice (amount - tax - seats + credits), so that seats and tax cannot hide missing usage. Under 95 %, or
with a model over half a per cent off the provider's list price, a month is PARTIAL. Currencies are never added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from baseload.ledger.band_notes import BandNote, band_notes
from baseload.ledger.month_usage import CHANNELS, Key, MonthUsage, add_restatements, month_text, month_usage
from baseload.ledger.price_checks import PriceCheck
from baseload.ledger.scope import Settled
from baseload.project import Invoice
from baseload.values import Grade, Problem, Table, date_of_day, decimal_usd, nano_from_usd, usd_text

EXPLAINED: Final = Decimal("0.95")
RECONCILED, PARTIAL, NOT_RECONCILED = "reconciled", "PARTIAL", "not reconciled"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an invoice, in nano-units of its currency; negative where it reduces the amount."""

    label: str
    nano: int
    grade: Grade
    note: str = ""


class MonthBridge(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice taken apart: the lines add up to `invoice_nano` exactly."""

    month: str
    channel: str
    account: str
    currency: str
    invoice_nano: int
    lines: tuple[Line, ...]
    explained_share: float
    status: str  # reconciled | PARTIAL
    why: str


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """Every invoice's bridge, and the headline's verdict over all of them."""

    months: tuple[MonthBridge, ...]
    status: str  # reconciled | PARTIAL | not reconciled
    status_why: str
    bands: tuple[BandNote, ...] = ()  # models whose price band is scaled from a sample, beside the vendor's figure
    problems: tuple[Problem, ...] = ()


def bridge_months(settled: Settled, invoices: Sequence[Invoice], restatements: Table | None = None) -> Bridge:
    """Bridge each (month, channel, account, currency) that has an invoice; several of one kind are one.

    `restatements` has day, source, account, first_nano and current_nano of buckets that were stated again, and
    `first_rank` where the query gives it: then only what was first stated after the month was over is a revision.
    An invoice without an account is of all accounts of its channel that have none of their own.
    """
    usage = month_usage(settled.rows)
    add_restatements(usage, settled.rows, restatements)
    joined = _joined(invoices)
    months = tuple(_bridge(invoice, usage, settled.checks, joined) for invoice in joined)
    status, why = _status(months, usage, settled.checks, _cut_month(settled.rows))
    bands = band_notes(settled.rows, settled.checks)
    why = "; ".join((why, *(note.says for note in bands)))
    return Bridge(months=months, status=status, status_why=why, bands=bands)


# one invoice


class _Joined(msgspec.Struct, frozen=True, kw_only=True):
    """All invoices of one month, channel, account and currency as one."""

    month: str
    channel: str
    account: str
    currency: str
    amount: int
    tax: int
    credits: int
    seats: int

    @property
    def usage(self) -> int:
        """What was charged for API usage: the amount without tax and seats, before credits."""
        return self.amount - self.tax - self.seats + self.credits


def _joined(invoices: Iterable[Invoice]) -> list[_Joined]:
    found: dict[tuple[str, str, str, str], list[Invoice]] = {}
    for invoice in invoices:
        key = invoice.month, invoice.channel, invoice.account, invoice.currency.upper()
        found.setdefault(key, []).append(invoice)
    return [
        _Joined(
            month=month,
            channel=channel,
            account=account,
            currency=currency,
            amount=sum(part.amount_nano for part in parts),
            tax=sum(nano_from_usd(part.tax) for part in parts),
            credits=sum(nano_from_usd(part.credits) for part in parts),
            seats=sum(nano_from_usd(part.seats) for part in parts),
        )
        for (month, channel, account, currency), parts in sorted(found.items())
    ]


def _bridge(
    invoice: _Joined, usage: Mapping[Key, MonthUsage], checks: Sequence[PriceCheck], joined: Sequence[_Joined]
) -> MonthBridge:
    own = _own(invoice, usage, joined)
    comparable = invoice.currency == "USD"
    explained = own.ledger + own.priority - own.restated if comparable else 0
    unattributed = invoice.usage - explained
    share = _explained_share(invoice.usage, unattributed)
    off = [check for check in _checks_of(invoice, checks) if check.verdict in ("differs", "unpriced")]
    reasons = []
    if not comparable:
        reasons.append(f"the invoice is in {invoice.currency} and the ledger in USD: they are not compared")
    elif share < EXPLAINED and unattributed < 0:
        reasons.append(f"the ledger holds {decimal_usd(-unattributed):,.2f} USD more than the invoice")
    elif share < EXPLAINED:
        reasons.append(f"{share:.1%} of the usage on the invoice is explained, under {EXPLAINED:.0%}")
    if off:
        reasons.append(_off(off))
    return MonthBridge(
        month=invoice.month,
        channel=invoice.channel,
        account=invoice.account,
        currency=invoice.currency,
        invoice_nano=invoice.amount,
        lines=_lines(invoice, own, usage, unattributed, comparable=comparable),
        explained_share=float(share),
        status=PARTIAL if reasons else RECONCILED,
        why="; ".join(reasons) or f"{share:.1%} of the usage on the invoice is explained",
    )


def _own(invoice: _Joined, usage: Mapping[Key, MonthUsage], joined: Sequence[_Joined]) -> MonthUsage:
    """The ledger's part that the invoice is for."""
    claimed = {other.account for other in joined if (other.month, other.channel) == (invoice.month, invoice.channel)}
    total = MonthUsage()
    for (month, channel, account), found in usage.items():
        if (month, channel) != (invoice.month, invoice.channel):
            continue
        if account == invoice.account or (not invoice.account and account not in claimed):
            total += found
    return total


def _explained_share(usage: int, unattributed: int) -> Decimal:
    """1 - |what nothing explains| / the usage charged, never under 0: too much is as unexplained as too little."""
    if not usage:
        return Decimal(0) if unattributed else Decimal(1)
    return max(Decimal(0), 1 - Decimal(abs(unattributed)) / abs(usage))


def _lines(
    invoice: _Joined, own: MonthUsage, usage: Mapping[Key, MonthUsage], unattributed: int, *, comparable: bool
) -> tuple[Line, ...]:
    lines = [
        Line(label="Tax", nano=invoice.tax, grade="billed"),
        Line(label="Credits", nano=-invoice.credits, grade="billed", note="Reduce the amount, not the usage."),
        Line(label="Seats", nano=invoice.seats, grade="billed", note="Not API usage."),
    ]
    if comparable and own.priority:
        note = "Usage at list price; no cost report holds the price of Priority capacity."
        lines.append(Line(label="Priority tier", nano=own.priority, grade="assumed", note=note))
    if elsewhere := _elsewhere(invoice, usage):
        lines.append(Line(label="Cloud channels", nano=0, grade="measured", note=elsewhere))
    if comparable and own.restated:
        note = "The provider revised this month after it was over; the invoice is final."
        lines.append(Line(label="Restatement", nano=-own.restated, grade="billed", note=note))
    note = "On the invoice and in no source." if unattributed >= 0 else "In the sources and not on the invoice."
    lines.append(Line(label="Unattributed", nano=unattributed, grade="assumed", note=note if unattributed else ""))
    lines.append(_ledger_line(own) if comparable else Line(label="Ledger", nano=0, grade="measured", note="In USD."))
    return tuple(line for line in lines if line.nano or line.label not in ("Tax", "Credits", "Seats"))


def _ledger_line(own: MonthUsage) -> Line:
    notes = []
    if own.list_only:
        notes.append(f"{usd_text(own.list_only)} of it at list price, on days without a cost report")
    if own.listed and own.unnamed:
        notes.append(f"{own.unnamed / own.listed:.1%} of its list price names no workspace, key or call")
    grade: Grade = "billed" if own.billed and not own.list_only else "measured"
    return Line(label="Ledger", nano=own.ledger, grade=grade, note="; ".join(notes))


def _elsewhere(invoice: _Joined, usage: Mapping[Key, MonthUsage]) -> str:
    """What other channels hold of the same month: not on this invoice."""
    others: dict[str, int] = {}
    for (month, channel, _), found in usage.items():
        if month == invoice.month and channel != invoice.channel:
            others[channel] = others.get(channel, 0) + found.ledger
    parts = [f"{usd_text(nano)} USD by {channel}" for channel, nano in sorted(others.items()) if nano]
    return f"In the ledger and billed elsewhere: {', '.join(parts)}." if parts else ""


def _checks_of(invoice: _Joined, checks: Iterable[PriceCheck]) -> list[PriceCheck]:
    return [
        check
        for check in checks
        if check.month == invoice.month
        and CHANNELS.get(check.platform, check.platform) == invoice.channel
        and invoice.account in ("", check.account)
    ]


def _off(checks: Sequence[PriceCheck]) -> str:
    """Which models are off the provider's list price, and by how much."""
    shown = [
        f"{check.model} {check.difference_share:+.1%}" if check.verdict == "differs" else f"{check.model} has no price"
        for check in checks
    ]
    return f"list price off by more than 0.5 %: {', '.join(dict.fromkeys(shown))}"


# the headline


def _cut_month(rows: Table) -> str:
    """The month that the first row falls into after its first day: only its end is known, so no invoice is expected."""
    days = rows["day"]
    if not len(days) or date_of_day(int(days.min())).day == 1:
        return ""
    return month_text(int(days.min()))


def _status(
    months: Sequence[MonthBridge], usage: Mapping[Key, MonthUsage], checks: Sequence[PriceCheck], cut: str
) -> tuple[str, str]:
    """The verdict over everything. Whole months before the last one that no invoice covers keep it PARTIAL."""
    if not months:
        off = [check for check in checks if check.verdict in ("differs", "unpriced")]
        why = "no [[invoice]] in baseload.toml shows that this usage is the whole bill"
        return NOT_RECONCILED, f"{why}; {_off(off)}" if off else why
    reasons = [f"{bridge.month} {bridge.channel}: {bridge.why}" for bridge in months if bridge.status == PARTIAL]
    last = max(month for month, _, _ in usage) if usage else ""
    covered = {(bridge.month, bridge.channel) for bridge in months}
    bare = sorted(
        {(month, channel) for (month, channel, _), found in usage.items() if cut < month < last and found.ledger}
    )
    missing = [f"{month} {channel}" for month, channel in bare if (month, channel) not in covered]
    if missing:
        reasons.append(f"no invoice for {', '.join(missing)}")
    if reasons:
        return PARTIAL, "; ".join(reasons)
    return RECONCILED, f"{len(months)} of {len(months)} invoices are explained to at least {EXPLAINED:.0%}"
