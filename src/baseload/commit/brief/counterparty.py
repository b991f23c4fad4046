"""The edition that leaves the house: built from a list of what may be shown, never by taking something out.

May be shown: what the vendor's own invoices say, in-scope list dollars already used, hashes, the term and basis of the
offer it made, and the asks in Baseload's own words. Nothing is ranked by worth, no text of the document is quoted, and
no figure about the future exists here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from baseload.commit.asks.wording import DEFINITIONS
from baseload.commit.brief.document import BilledMonth, CounterpartyBrief, Evidence, Request
from baseload.commit.brief.figures import SHA256, dollars, run_id, usd_of
from baseload.commit.contract import MONTHS_PER_YEAR
from baseload.commit.refusal import CommitError
from baseload.commit.size.document import SizeDocument
from baseload.commit.worth.asks import ASKS, BY_NAME

METHOD: Final = (
    "Usage is read from call logs and usage reports. A call counts once; reports are control totals for their calls.",
    "Tokens are priced at the list price of the UTC day of the call, in four classes of input that never overlap.",
    "Every invoice is led over to the ledger: tax, credits and seats are taken off, the rest is compared with usage.",
    "Each term of the offer is run month by month through a ledger that conserves every dollar.",
    "The same inputs give the same bytes: the run and the files it was made from are named by hashes below.",
)
CHANNELS: Final = frozenset({"anthropic", "aws", "gcp", "azure", "openrouter"})
STATUSES: Final = frozenset({"reconciled", "PARTIAL"})
BESIDE: Final = frozenset({"Tax", "Credits", "Seats"})
"""Lines of an invoice that are no usage; with their sign they are parts of what it says."""
LEDGER: Final = "Ledger"
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)


class InvoiceMonth(msgspec.Struct, frozen=True, kw_only=True):
    """What the brief reads of one month of `baseload.map/1`'s bridge; all else of the map is never decoded."""

    month: str
    channel: str
    currency: str
    invoice_usd: str
    lines: tuple[InvoiceLine, ...]
    explained_share: float
    status: str


class InvoiceLine(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    usd: str


def counterparty_brief(
    size: SizeDocument, *, version: str, asks: Sequence[str] | None = None, bridge: Sequence[InvoiceMonth] = ()
) -> CounterpartyBrief:
    """`asks` names those to make, in any order; None = of each clause the dearest that is surely worth something.

    Raises CommitError on a name that is no ask, and on two asks of one clause.
    """
    chosen = _chosen(size, asks)
    requests = tuple(Request(asks=ask.says, wording=ask.wording) for ask in ASKS if ask.name in chosen)
    return CounterpartyBrief(
        run_id=run_id(size.inputs, version),
        version=version,
        method=METHOD,
        baseline=_baseline(size, bridge),
        months=tuple(month for one in bridge if (month := _month(one)) is not None),
        evidence=_evidence(size),
        requests=requests,
        definitions=_definitions(requests),
    )


def _chosen(size: SizeDocument, asks: Sequence[str] | None) -> set[str]:
    """At most one ask of a clause: a weaker one beside it would be the fall-back."""
    if asks is not None:
        return _named(asks)
    worth: dict[str, tuple[float, str]] = {}
    for row in size.clauses:
        ask = BY_NAME.get(row.clause)
        if row.kind == "ask" and ask is not None and usd_of(row, "low_usd") > 0:
            worth[ask.clause] = max(worth.get(ask.clause, (0.0, "")), (usd_of(row, "value_usd"), ask.name))
    return {name for _, name in worth.values()}


def _named(asks: Sequence[str]) -> set[str]:
    """Raises CommitError on a name that is no ask, and on two asks of one clause."""
    clauses: dict[str, str] = {}
    for name in dict.fromkeys(asks):
        if name not in BY_NAME:
            raise CommitError("--ask", name, f"one of {', '.join(BY_NAME)}")
        other = clauses.setdefault(BY_NAME[name].clause, name)
        if other != name:
            raise CommitError("--ask", f"{other} and {name}", "one ask of each clause: the other is a fall-back")
    return set(asks)


def _baseline(size: SizeDocument, bridge: Sequence[InvoiceMonth]) -> tuple[str, ...]:
    """Only what was used or invoiced already."""
    found = []
    if size.guard.last_12_months_usd is not None and 0 < size.guard.known_months <= MONTHS_PER_YEAR:
        used = dollars(usd_of(size.guard, "last_12_months_usd"))
        found.append(f"Usage at today's list prices in the last {size.guard.known_months} whole months: {used}.")
    if size.scope is not None:
        covered = dollars(usd_of(size.scope, "in_scope_usd"))
        found.append(f"Of the usage read, {covered} at list is surely in the scope of this contract.")
    usable = [one for one in bridge if _month(one) is not None]
    if usable:
        agreed = sum(one.status == "reconciled" for one in usable)
        found.append(
            f"Invoices led over to the ledger: {len(usable)}, of which {agreed} are explained to 95 % or more."
        )
    else:
        found.append("Not reconciled with invoices in this edition.")
    return tuple(found)


def _month(one: InvoiceMonth) -> BilledMonth | None:
    """None where a word in it is none of the few that may be shown."""
    known = one.channel in CHANNELS and one.status in STATUSES and one.currency == "USD"
    if not known or not _MONTH.fullmatch(one.month) or not 0 <= one.explained_share <= 10:
        return None
    invoiced = usd_of(one, "invoice_usd")
    beside = sum(usd_of(line, "usd") for line in one.lines if line.label in BESIDE)
    ledger = sum(usd_of(line, "usd") for line in one.lines if line.label == LEDGER)
    return BilledMonth(
        month=one.month,
        channel=one.channel,
        invoiced_usd=dollars(invoiced),
        usage_usd=dollars(invoiced - beside),
        ledger_usd=dollars(ledger),
        explained=round(one.explained_share, 3),
        status=one.status,
    )


def _evidence(size: SizeDocument) -> tuple[Evidence, ...]:
    named = (
        ("the offer as it was read", size.inputs.offer_sha256),
        ("usage, month by month", size.inputs.demand_sha256),
    )
    return tuple(Evidence(what=what, sha256=sha) for what, sha in named if SHA256.fullmatch(sha))


def _definitions(requests: Sequence[Request]) -> tuple[str, ...]:
    said = " ".join(one.wording for one in requests)
    return tuple(f'"{word}" means {meaning}.' for word, meaning in DEFINITIONS.items() if word in said)


def read_bridge(data: bytes, name: str) -> tuple[InvoiceMonth, ...]:
    """The invoices of a map document (`baseload.map/1`); nothing else of it is decoded. Raises CommitError."""
    try:
        found: Any = msgspec.json.decode(data, type=_Map)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommitError("", str(error), "baseload.map/1, as `baseload map --json` prints it", where=name) from error
    if found.schema != "baseload.map/1":
        raise CommitError("schema", found.schema, "baseload.map/1", where=name)
    bridge: tuple[InvoiceMonth, ...] = found.bridge
    return bridge


class _Map(msgspec.Struct, frozen=True, kw_only=True):
    schema: str
    bridge: tuple[InvoiceMonth, ...] = ()
