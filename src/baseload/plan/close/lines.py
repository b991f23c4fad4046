"""The bridge's lines in words: label, how each is known, and what a reader must know of it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from baseload.plan.close.bridge import LINES, Bridge
from baseload.plan.close.document import LinePart
from baseload.plan.close.figures import ratio
from baseload.values import Grade, usd_text

LABELS: Final = {
    "restatement": "Restated since it was closed",
    "retired": "Retired workloads",
    "new": "New workloads",
    "days": "Days of data",
    "volume": "Volume",
    "prompt": "Prompt text per call",
    "output": "Output text per call",
    "model": "Model mix",
    "tokenizer": "Tokenizer",
    "cache": "Cache",
    "batch": "Batch",
    "options": "Region, speed, tier, band",
    "other": "Searches and other charges",
    "price": "Price moves",
    "discount": "Discount",
    "unattributed": "Unattributed usage",
    "uncovered": "No cost report, or no list price",
    "overage": "Overage",
    "unexplained": "On the invoice only",
    "tax": "Tax",
    "credits": "Credits",
    "seats": "Seats",
}
_INVOICED = ("overage", "unexplained", "tax", "credits", "seats")
_TEXT = ("prompt", "output", "tokenizer")
_USAGE = LINES[: LINES.index("discount")]


def line_parts(bridge: Bridge, restated_nano: int, *, sampled: bool) -> tuple[LinePart, ...]:
    """Every line in its order, those of 0 too. `restated_nano` is what the first month moved by since it was frozen."""
    start = bridge.from_nano - restated_nano
    amounts = {"restatement": restated_nano, **bridge.lines}
    crossed = any(move.tokenizer_low_nano or move.tokenizer_high_nano for move in bridge.moves)
    return tuple(
        _line(bridge, name, amounts[name], start, _grade(bridge, name, sampled=sampled, crossed=crossed))
        for name in LINES
    )


def _line(bridge: Bridge, name: str, nano: int, start: int, grade: Grade) -> LinePart:
    low = high = nano
    if name == "tokenizer":
        low, high = _tokenizer_range(bridge, nano)
    return LinePart(
        line=name,
        label=LABELS[name],
        usd=usd_text(nano),
        share=ratio(Decimal(nano) / start) if start else None,
        grade=grade,
        low_usd=usd_text(low),
        high_usd=usd_text(high),
        note=_note(bridge, name) if nano else "",
    )


def _tokenizer_range(bridge: Bridge, nano: int) -> tuple[int, int]:
    low = sum(move.tokenizer_low_nano for move in bridge.moves)
    high = sum(move.tokenizer_high_nano for move in bridge.moves)
    return min(low, high, nano), max(low, high, nano)


def _grade(bridge: Bridge, name: str, *, sampled: bool, crossed: bool) -> Grade:
    if name in _INVOICED:
        return "billed"
    if name == "discount":
        origins = {account.paid_from for account in bridge.accounts_after.values() if account.list_nano}
        return "assumed" if "invoice" in origins else "billed" if "cost report" in origins else "measured"
    if name == "uncovered":
        return "assumed"
    if crossed and name in _TEXT:
        return "simulated"
    return "sampled" if sampled and name in _USAGE else "measured"


def _note(bridge: Bridge, name: str) -> str:
    before, after = len(bridge.before.days), len(bridge.after.days)
    by_text = sum(move.unit == "text" for move in bridge.moves)
    notes = {
        "days": f"{after} against {before} days with data.",
        "volume": f"{by_text} workloads are counted by prompt tokens: their source counts no calls." if by_text else "",
        "tokenizer": "Estimated; what it is off by is in the text per call.",
        "uncovered": "List price on days without a cost report, and bills without a list price.",
        "unexplained": "On the invoices and in no source.",
        "unattributed": "More or less of what names no call, key or workspace.",
        "discount": _discount(bridge),
    }
    return notes.get(name, "")


def _discount(bridge: Bridge) -> str:
    """How the ratio moved, account by account; and where only an invoice says it."""
    said = []
    for owner, after in bridge.accounts_after.items():
        before = bridge.accounts_before.get(owner)
        if before and before.list_nano and after.list_nano and before.paid != after.paid:
            account = " ".join(filter(None, owner))
            origin = ", by the invoice alone" if after.paid_from == "invoice" else ""
            said.append(f"{account}: {before.paid:.2%} of list price to {after.paid:.2%}{origin}")
    return _listed(said)


def _listed(said: Iterable[str]) -> str:
    text = "; ".join(said)
    return f"{text}." if text else ""
