"""The edition that leaves the house: built from a list of what may be shown, never by taking something out.

May be shown: what the vendor's own invoices say, in-scope list dollars already used, the hash of that usage, and the
asks in Baseload's own words. Nothing is ranked by worth, no text of the document is quoted, and no figure about the
future exists here. Its id is a hash of what it shows: one of anything else (a saving, a cost of capital) could be
guessed field by field until it fits. The offer's hash is not shown either: its file holds terms of our own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from baseload.commit.asks.wording import DEFINITIONS
from baseload.commit.brief.document import BilledMonth, CounterpartyBrief, Evidence, Request
from baseload.commit.brief.figures import RUN_ID_DIGITS, SHA256, dollars, usd_of
from baseload.commit.brief.invoices import InvoiceMonth, Shown, span_of
from baseload.commit.contract import MONTHS_PER_YEAR
from baseload.commit.refusal import CommitError
from baseload.commit.size.document import SizeDocument
from baseload.commit.worth.asks import ASKS, BY_NAME

FROM_LEDGER: Final = (
    "Usage is read from call logs and usage reports. A call counts once; reports are control totals for their calls.",
    "Tokens are counted in four classes of input that never overlap, at the list prices of the day of the reading.",
)
FROM_FILE: Final = "Usage is stated month by month in list dollars; it was not worked out from calls in this edition."
FROM_PATHS: Final = "No usage seen is stated in this edition."
RECONCILED: Final = (
    "Invoices are led over to the ledger of the calls: tax, credits and seats are taken off, the rest is compared with "
    "its tokens at the list price of the UTC day of the call."
)
SIMULATED: Final = "Each term of the offer is run month by month through a ledger that conserves every dollar."
HASHED: Final = "The usage that the baseline was made from is named by its hash below."
_NOTHING: Final = Shown((), 0)


def counterparty_brief(
    size: SizeDocument,
    *,
    version: str,
    asks: Sequence[str] | None = None,
    invoices: Shown = _NOTHING,
    by_month: bool = False,
) -> CounterpartyBrief:
    """`asks` names those to make, in any order; None = of each clause the dearest that is surely worth something.

    `by_month` shows each invoice beside their totals. Raises CommitError on a name that is no ask, and on two asks of
    one clause.
    """
    chosen = _chosen(size, asks)
    requests = tuple(Request(asks=ask.says, wording=ask.wording) for ask in ASKS if ask.name in chosen)
    evidence = _evidence(size)
    shown = CounterpartyBrief(
        edition_id="",
        version=version,
        method=_method(size, bool(invoices.months), bool(evidence)),
        baseline=_baseline(size, invoices),
        months=tuple(_month(one) for one in invoices.months) if by_month else (),
        evidence=evidence,
        requests=requests,
        definitions=_definitions(requests),
    )
    digest = hashlib.sha256(msgspec.json.encode(shown, order="sorted")).hexdigest()
    return msgspec.structs.replace(shown, edition_id="edition-" + digest[:RUN_ID_DIGITS])


def _method(size: SizeDocument, invoiced: bool, hashed: bool) -> tuple[str, ...]:
    """Only what was done for this edition."""
    source = size.inputs.demand_source
    said = list(FROM_LEDGER) if source == "ledger" else [FROM_FILE if source == "demand" else FROM_PATHS]
    also = (
        (RECONCILED, invoiced),
        (SIMULATED, size.recommended.expected_cost_usd is not None),
        (HASHED, hashed),
    )
    return (*said, *(sentence for sentence, done in also if done))


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


def _baseline(size: SizeDocument, invoices: Shown) -> tuple[str, ...]:
    """Only what was used or invoiced already."""
    found = []
    if size.guard.last_12_months_usd is not None and 0 < size.guard.known_months <= MONTHS_PER_YEAR:
        used = dollars(usd_of(size.guard, "last_12_months_usd"))
        prices = "today's list prices" if size.inputs.demand_source == "ledger" else "list prices, as stated,"
        found.append(f"Usage at {prices} in the last {size.guard.known_months} whole months: {used}.")
    if size.scope is not None:
        covered = dollars(usd_of(size.scope, "in_scope_usd"))
        found.append(f"Of the usage read, {covered} at list is surely in the scope of this contract.")
    if not invoices.months:
        return (*found, "Not reconciled with invoices in this edition.")
    return (*found, *_invoiced(invoices))


def _invoiced(invoices: Shown) -> Sequence[str]:
    """All of them in one sentence; what is not shown as a count alone."""
    months, left_out = invoices
    billed, used, held = (
        dollars(sum(amounts))
        for amounts in (
            [usd_of(one, "invoice_usd") for one in months],
            [one.usage_usd for one in months],
            [one.ledger_usd for one in months],
        )
    )
    agreed = sum(one.status == "reconciled" for one in months)
    said = (
        f"Your invoices of {span_of(months)}: {billed}, of which {used} is usage; the ledger holds {held}. Of "
        f"{len(months)}, {agreed} are explained to 95 % or more."
    )
    return (said, f"Invoices that are not shown in this edition: {left_out}.") if left_out else (said,)


def _month(one: InvoiceMonth) -> BilledMonth:
    return BilledMonth(
        month=one.month,
        channel=one.channel,
        invoiced_usd=dollars(usd_of(one, "invoice_usd")),
        usage_usd=dollars(one.usage_usd),
        ledger_usd=dollars(one.ledger_usd),
        explained=round(one.explained_share, 3),
        status=one.status,
    )


def _evidence(size: SizeDocument) -> tuple[Evidence, ...]:
    """The usage alone: sample paths hold the future, the offer's file terms of our own."""
    sha = size.inputs.demand_sha256
    if size.inputs.demand_source not in ("demand", "ledger") or not SHA256.fullmatch(sha):
        return ()
    return (Evidence(what="usage, month by month", sha256=sha),)


def _definitions(requests: Sequence[Request]) -> tuple[str, ...]:
    said = " ".join(one.wording for one in requests)
    return tuple(f'"{word}" means {meaning}.' for word, meaning in DEFINITIONS.items() if word in said)
