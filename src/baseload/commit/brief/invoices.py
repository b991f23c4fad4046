"""The invoices of a map that may stand in the counterparty's edition: of its own channel and of the size's period."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from baseload.commit.brief.figures import MOST_BYTES, usd_of
from baseload.commit.refusal import CommitError
from baseload.commit.size.document import Inputs
from baseload.demand.months import month_text, parse_month

SCHEMA: Final = "baseload.map/1"
CHANNELS: Final = ("anthropic", "aws", "azure", "gcp", "openrouter")
STATUSES: Final = frozenset({"reconciled", "PARTIAL"})
BESIDE: Final = frozenset({"Tax", "Credits", "Seats"})
"""Lines of an invoice that are no usage; with their sign they are parts of what it says."""
LEDGER: Final = "Ledger"
MOST_SKIPPED: Final = 24
"""Months between the end of the usage and the contract's first (`commit.size.demand`)."""
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)


class InvoiceLine(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    usd: str


class InvoiceMonth(msgspec.Struct, frozen=True, kw_only=True):
    """What the brief reads of one month of `baseload.map/1`'s bridge; all else of it is never decoded."""

    month: str
    channel: str
    currency: str
    invoice_usd: str
    lines: tuple[InvoiceLine, ...]
    explained_share: float
    status: str

    @property
    def usage_usd(self) -> float:
        """The invoice less what on it is no usage."""
        return usd_of(self, "invoice_usd") - sum(usd_of(line, "usd") for line in self.lines if line.label in BESIDE)

    @property
    def ledger_usd(self) -> float:
        return sum(usd_of(line, "usd") for line in self.lines if line.label == LEDGER)


class MapWindow(msgspec.Struct, frozen=True, kw_only=True):
    end_exclusive: str


class Invoices(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a map that is read."""

    schema: str
    window: MapWindow
    bridge: tuple[InvoiceMonth, ...] = ()


class Shown(NamedTuple):
    """Invoices that may be shown, oldest first, and how many of the map are not."""

    months: tuple[InvoiceMonth, ...]
    left_out: int


def read_bridge(data: bytes, name: str) -> Invoices:
    """The invoices of a map document (`baseload.map/1`). Raises CommitError."""
    if len(data) > MOST_BYTES:
        raise CommitError("", f"{len(data):,} bytes", f"at most {MOST_BYTES:,}", where=name)
    try:
        said: Any = msgspec.json.decode(data, type=_Schema)
        if said.schema != SCHEMA:
            raise CommitError("schema", said.schema, SCHEMA, where=name)
        found: Invoices = msgspec.json.decode(data, type=Invoices)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommitError("", str(error), f"{SCHEMA}, as `baseload map --json` prints it", where=name) from error
    return found


def own_invoices(found: Invoices, size: Inputs, channel: str) -> Shown:
    """Those of one channel in the months that the size was made from. Raises CommitError.

    A map is only tied to a size that read a ledger, and whose usage ends where the map's does. Accounts and names are
    never read, so that nothing of another channel's contract can be told from what is left out but its count.
    """
    if channel not in CHANNELS:
        raise CommitError("--channel", channel, f"the channel that reads it: one of {', '.join(CHANNELS)}")
    first, last = _period(found, size)
    kept = [one for one in found.bridge if one.channel == channel and _shown(one) and first <= one.month < last]
    if not kept:
        raise CommitError("--map", f"no invoice of {channel} from {first} on", "one in the months of the size")
    return Shown(tuple(sorted(kept, key=lambda one: one.month)), len(found.bridge) - len(kept))


def _period(found: Invoices, size: Inputs) -> tuple[str, str]:
    """First month, and the month after the last, of the usage that both read."""
    if size.demand_source != "ledger" or size.first_month is None or not size.history_months:
        rule = "a size of `commit size --ledger`: its map's invoices are led over to that ledger"
        raise CommitError("--map", f"beside a size of --{size.demand_source}", rule)
    end, start = _month_of(found.window.end_exclusive[:7]), _month_of(size.first_month)
    if not 0 <= start - end <= MOST_SKIPPED:
        rule = f"a map of the ledger that the size was made from, whose last whole month is before {size.first_month}"
        raise CommitError("--map", f"usage until {found.window.end_exclusive}", rule)
    return month_text(end - size.history_months), month_text(end)


def _month_of(text: str) -> int:
    try:
        return parse_month(text)
    except ValueError as error:
        raise CommitError("--map", text, "a month, YYYY-MM") from error


def _shown(one: InvoiceMonth) -> bool:
    """Is every word in it one of the few that may be shown?"""
    known = one.status in STATUSES and one.currency == "USD"
    return known and _MONTH.fullmatch(one.month) is not None and 0 <= one.explained_share <= 10


def span_of(months: Sequence[InvoiceMonth]) -> str:
    """
    >>> span_of(())
    ''
    """
    if not months:
        return ""
    first, last = months[0].month, months[-1].month
    return first if first == last else f"{first} to {last}"


class _Schema(msgspec.Struct, frozen=True, kw_only=True):
    schema: str
