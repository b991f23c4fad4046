"""The quick look priced and grouped: the document of `baseload usage --json` (schema `baseload.usage/1`).

Money is exact: token sums of one price times its rate, in Decimal; parts that have no price are said, never zero.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from baseload.prices.book import PriceBook, PriceKey, RateRange
from baseload.prices.pricing import amounts, dearest_writes
from baseload.usage.quick import Totals
from baseload.usage.quick_cells import Cell, Counts, Sums
from baseload.values import TOKEN_CLASSES, iso_day

SCHEMA: Final = "baseload.usage/1"
GROUPS: Final = ("day", "model", "key", "session")
COUNT_NAMES: Final = ("requests", *TOKEN_CLASSES, "web_search_requests")
_ZERO: Final = Decimal(0)


class Row(NamedTuple):
    """One group: its labels, its counts (requests None where a source does not say) and its list price as a range."""

    labels: tuple[str, ...]
    counts: tuple[int | None, ...]
    list_usd: Decimal  # low end; of what has a price
    list_high_usd: Decimal
    unpriced_tokens: int


class Look(NamedTuple):
    """The whole quick look, ready to be shown."""

    by: tuple[str, ...]
    basis: str  # "calls", or the aggregate source the figures come from where there are no calls
    total: Row
    groups: list[Row]
    unpriced: dict[str, str]  # model as logged -> why some of its tokens have no price
    controls: dict[str, Row]  # aggregate sources that were not counted


def look_of(totals: Totals, book: PriceBook, by: Sequence[str]) -> Look:
    """Group and price what was found. Without any calls the largest aggregate source is shown instead of nothing."""
    basis, cells = "calls", totals.calls
    if not cells and totals.controls:
        basis = max(totals.controls, key=lambda source: sum(sum(c[1:6]) for c in totals.controls[source].values()))
        cells = totals.controls[basis]
    unpriced: dict[str, str] = {}
    grouped: dict[tuple[str, ...], Sums] = {}
    for cell, counts in cells.items():
        grouped.setdefault(tuple(_label(cell, name, book) for name in by), Sums())[cell] = counts
    controls = {source: rows for source, rows in totals.controls.items() if source != basis}
    return Look(
        by=tuple(by),
        basis=basis,
        total=_row((), cells, book, unpriced),
        groups=[_row(labels, grouped[labels], book, unpriced) for labels in sorted(grouped)],
        unpriced=unpriced,
        controls={source: _row((source,), rows, book, {}) for source, rows in controls.items()},
    )


def document_of(look: Look, totals: Totals, book: PriceBook, as_of: dt.date) -> dict[str, Any]:
    """The JSON document; money as decimal strings, see docs/reference/usage-json.md."""
    return {
        "schema": SCHEMA,
        "as_of": as_of.isoformat(),
        "basis": look.basis,
        "by": list(look.by),
        "totals": _fields(look.total),
        "groups": [dict(zip(look.by, row.labels, strict=True)) | _fields(row) for row in look.groups],
        "unpriced": [{"model": model, "why": why} for model, why in sorted(look.unpriced.items())],
        "controls": [{"source": source} | _fields(row) for source, row in look.controls.items()],
        "sampled": totals.is_sampled,
        "copies": totals.copies,
        "files": dict(sorted(totals.files.items())),
        "prices": {"checked": book.checked.isoformat(), "age_days": book.age_days(as_of)},
        "problems": totals.problems,
    }


def usd_string(amount: Decimal) -> str:
    """A decimal string with at least two places and no exponent or idle zeros."""
    text = f"{amount.normalize():f}"
    whole, _, part = text.partition(".")
    return f"{whole}.{part.ljust(2, '0')}"


def _fields(row: Row) -> dict[str, Any]:
    return dict(zip(COUNT_NAMES, row.counts, strict=True)) | {
        "list_usd": usd_string(row.list_usd),
        "list_high_usd": usd_string(row.list_high_usd),
        "unpriced_tokens": row.unpriced_tokens,
    }


def _label(cell: Cell, name: str, book: PriceBook) -> str:
    if name == "day":
        return iso_day(cell.day)
    if name == "model":
        return book.resolve(cell.model) or cell.model
    return cell.key if name == "key" else cell.session


def _row(labels: tuple[str, ...], cells: Mapping[Cell, Counts], book: PriceBook, unpriced: dict[str, str]) -> Row:
    sums = [sum(column) for column in zip(*cells.values(), strict=True)] or [0] * len(COUNT_NAMES)
    requests = None if any(counts[0] < 0 for counts in cells.values()) else sums[0]
    low = high = _ZERO
    left_out = 0
    for cell, counts in cells.items():
        price = _price(cell, counts, book, unpriced)
        if price is None:
            left_out += sum(counts[1:6])
        else:
            low, high = low + price[0], high + price[1]
    return Row(labels, (requests, *sums[1:]), low, high, left_out)


def _price(cell: Cell, counts: Counts, book: PriceBook, unpriced: dict[str, str]) -> tuple[Decimal, Decimal] | None:
    """(low, high) dollars of a cell's tokens and searches; None, and the reason noted, where it has no price."""
    model = book.resolve(cell.model) or f"?{cell.model}"
    key = PriceKey(model, cell.platform, cell.geo, cell.tier, cell.speed, cell.band)
    answer = book.span(key, cell.day).answer
    named = dict(zip(COUNT_NAMES[1:], counts[1:], strict=True))
    if not isinstance(answer, RateRange):
        if any(named.values()):
            when = f"{iso_day(cell.day)}: " if answer.code == "before-release" else ""
            unpriced.setdefault(
                cell.model or "(no model)", f"used on {when}{answer.message}" if when else answer.message
            )
        return None
    unsold = [name for name, count in named.items() if count and name in answer.unsold]
    if unsold:
        unpriced.setdefault(cell.model, f"{unsold[0]} are not sold there")
        return None
    searches = named.pop("web_search_requests") * answer.web_search
    dearest = dearest_writes(answer.high) if cell.ttl_unknown else answer.high
    return (
        sum(amounts(named, answer.low).values(), searches),
        sum(amounts(named, dearest).values(), searches),
    )
