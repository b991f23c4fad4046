"""The tables of `baseload prices`, drawn from its documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec
from rich.console import Console
from rich.table import Table

from baseload.cli.output import stdout
from baseload.cli.price_contract import print_contract
from baseload.cli.price_schema import (
    AddDocument,
    BookPart,
    CheckDocument,
    DiffDocument,
    DisagreementPart,
    HistoryRow,
    ImpactDocument,
    ImpactLine,
    ModelDetail,
    ModelLine,
    RangePart,
    RatesPart,
    ShowDocument,
)
from baseload.prices.changes import Change
from baseload.prices.rates import RATE_FIELDS
from baseload.prices.reasons import NOTES

_FILE_WIDTH = 220
_RATE_HEADS = ("input", "cache read", "write 5m", "write 1h", "output")


def print_show(document: ShowDocument) -> None:
    console = _console()
    table = _table(f"USD per million tokens on {document.day} · {' · '.join(document.service.values())}")
    table.add_column("model", no_wrap=True)
    table.add_column("status")
    for head in (*_RATE_HEADS, "context", "min cache"):
        table.add_column(head, justify="right")
    for line in document.models:
        limits = (_short(line.context_tokens), _count(line.min_cacheable_tokens))
        table.add_row(line.model, line.status, *_rate_cells(line), *limits)
    console.print(table)
    _print_notes(console, document.models)
    if document.detail:
        _print_detail(console, document.detail)
    _print_age(console, document.book)


def print_check(document: CheckDocument, *, brief: bool) -> None:
    console = _console()
    console.print(
        f"{document.compared:,} requests compared with {document.peer} up to {document.last_day}: "
        f"{document.agreeing:,} equal, {len(document.disagreements) - len(document.unexpected):,} known faults of that "
        f"list, {len(document.unexpected):,} unexpected."
    )
    known = [part for part in document.disagreements if part.faults]
    if not brief:
        _print_disagreements(console, "Known faults: ours and theirs, USD of the request", known)
    table = _table("Known faults")
    for head in ("fault", "requests", "why"):
        table.add_column(head, justify="right" if head == "requests" else "left")
    for fault in document.known_faults:
        table.add_row(fault.code, f"{fault.requests:,}", fault.explanation)
    console.print(table)
    for code, text in document.traps.items():
        console.print(f"trap {code}: {text}", markup=False)
    for code in document.gone_faults:
        console.print(f"fault {code} explains nothing any more: take it off the list in prices/faults.py", markup=False)
    for name in document.unknown_names:
        console.print(f"unexpected: it lists {name}, which this book does not know", markup=False)
    _print_disagreements(console, "Unexpected: ours and theirs, USD of the request", document.unexpected)
    _print_age(console, document.book)


def print_diff(document: DiffDocument) -> None:
    console = _console()
    if not document.changes:
        console.print(f"Nothing changed between {document.first} and {document.last}.")
    else:
        table = _table(f"Changes from {document.first} to {document.last} (USD per million tokens)")
        for head in ("day", "kind", "subject", "what", "before", "after", "source"):
            table.add_column(head)
        for change in _joined(document.changes):
            table.add_row(*(getattr(change, name) or "–" for name in change.__struct_fields__))
        console.print(table)
    _print_age(console, document.book)


def _joined(changes: Iterable[Change]) -> Iterator[Change]:
    """Changes, the five rates of a price that is new (or gone) as one line."""
    for _, group in groupby(changes, key=lambda change: (change.day, change.kind, change.subject)):
        same = list(group)
        sides = {(not change.before, not change.after) for change in same}
        if same[0].kind != "price" or len(same) == 1 or len(sides) > 1 or (False, False) in sides:
            yield from same
            continue
        ends = {
            name: " · ".join(f"{change.what} {getattr(change, name)}" for change in same if getattr(change, name))
            for name in ("before", "after")
        }
        yield msgspec.structs.replace(same[0], what="all classes", **ends)


def print_impact(document: ImpactDocument) -> None:
    console = _console()
    days = document.window["days"]
    console.print(
        f"{document.source}: {days} days, prices of {document.before.day} against {document.after.day}"
        f"{' with your contract' if document.after.contract else ''}. Tokens stay as they were."
    )
    table = _table("USD of the window, and of a year at this rate")
    for head in ("model", "before", "after", "change", "change a year"):
        table.add_column(head, justify="left" if head == "model" else "right")
    for line in (*document.by_model, document.total):
        table.add_row(line.key, *_impact_cells(line))
    console.print(table)
    for key in document.without_price:
        console.print(f"no price on one of the days, left out: {key}", markup=False)
    if document.contract:
        print_contract(console, document.contract)
    _print_age(console, document.book)


def print_add(document: AddDocument) -> None:
    console = _console()
    table = _table(f"{document.file}: checked")
    for head in ("from", "to", "speed", "over", *_RATE_HEADS, "source", "checked"):
        table.add_column(head)
    for row in document.prices:
        table.add_row(*_history_cells(row))
    if document.prices:
        console.print(table)
    rows = ", ".join(f"{name} {count}" for name, count in document.rows.items() if count)
    where = f"kept in {document.stored}" if document.stored else "not stored (--dry-run)"
    console.print(f"{rows}; {where}.", markup=False)
    _print_age(console, document.book)


def _print_detail(console: Console, detail: ModelDetail) -> None:
    life = {
        "released": detail.released,
        "deprecated": detail.deprecated,
        "retires": detail.retires,
        "retires not before": detail.retires_not_before,
        "line": detail.line,
        "tokenizer": detail.tokenizer,
        "max output": _count(detail.max_output_tokens),
        "rate-limit pool": detail.pool,
        "access": detail.access,
    }
    console.print(" · ".join(f"{name} {value}" for name, value in life.items() if value), markup=False)
    table = _table("Price history (list, global, standard tier)")
    for head in ("from", "to", "speed", "over", *_RATE_HEADS, "source", "checked"):
        table.add_column(head)
    for row in detail.history:
        table.add_row(*_history_cells(row))
    console.print(table)
    features = _table("Request features")
    features.add_column("feature")
    features.add_column("what the model does")
    for name, value in detail.capabilities.items():
        features.add_row(name, value)
    if detail.capabilities:
        console.print(features)
    for code, text in detail.sources.items():
        console.print(f"{code}: {text}", markup=False)


def _print_disagreements(console: Console, title: str, parts: Iterable[DisagreementPart]) -> None:
    """One line per request of one model, way of buying and charge; equal values on several days are one line."""
    listed = sorted(parts, key=lambda part: (part.faults, part.price_key, part.charge, part.ours_usd, part.day))
    if not listed:
        return
    table = _table(title)
    for head in ("fault", "price key", "charge", "days", "ours", "theirs"):
        table.add_column(head, overflow="fold")
    for _, group in groupby(listed, key=lambda part: (part.faults, part.price_key, part.charge, part.ours_usd)):
        same = list(group)
        days = same[0].day if len(same) == 1 else f"{same[0].day} … {same[-1].day}"
        one = same[0]
        theirs = "no price" if one.theirs_usd is None else one.theirs_usd
        table.add_row(", ".join(one.faults) or "unexpected", one.price_key, one.charge, days, one.ours_usd, theirs)
    console.print(table)


def _print_notes(console: Console, lines: Iterable[ModelLine]) -> None:
    listed = list(lines)
    for line in listed:
        if line.why_unpriced:
            console.print(f"{line.model}: no price. {line.why_unpriced}", markup=False)
    for note in sorted({note for line in listed for note in line.notes}):
        console.print(NOTES.get(note, note), markup=False)


def _print_age(console: Console, book: BookPart) -> None:
    console.print(book.line, markup=False)
    if book.warning:
        console.print(f"[yellow]{book.warning}[/]")


def _console() -> Console:
    """Standard output; wide where it is not a terminal, so that a pipe or a file loses no column."""
    console = stdout()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    return console


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, pad_edge=False, show_edge=False)


def _rate_cells(line: ModelLine) -> list[str]:
    return [_rate_cell(line.low, line.high, name) for name in RATE_FIELDS]


def _rate_cell(low: RatesPart | None, high: RatesPart | None, name: str) -> str:
    first, last = _rate(low, name), _rate(high, name)
    return first if first == last else f"{first}-{last}"


def _rate(rates: RatesPart | None, name: str) -> str:
    """A rate with at least two decimals, so that a column of them reads as money."""
    text: str | None = getattr(rates, name, None)
    if text is None:
        return "–"
    whole, _, part = text.partition(".")
    return f"{whole}.{part.ljust(2, '0')}"


def _history_cells(row: HistoryRow) -> list[str]:
    rates = [_rate(row.rates, name) for name in RATE_FIELDS]
    over = f"{row.over_tokens:,}" if row.over_tokens else ""
    return [row.valid_from, row.valid_to or "open", row.speed, over, *rates, row.source, row.checked]


def _impact_cells(line: ImpactLine) -> list[str]:
    return [_dollars(part) for part in (line.before, line.after, line.delta, line.annual_delta)]


def _dollars(part: RangePart | None) -> str:
    if part is None:
        return "–"
    low, high = (f"{float(value):,.2f}" for value in (part.low_usd, part.high_usd))  # shown, not computed with
    return low if low == high else f"{low} to {high}"


def _short(tokens: int) -> str:
    """1M, 200K, or a dash where it is not known."""
    return f"{tokens // 1_000_000}M" if tokens >= 1_000_000 else f"{tokens // 1000}K" if tokens else "–"


def _count(number: int) -> str:
    return f"{number:,}" if number else "–"
