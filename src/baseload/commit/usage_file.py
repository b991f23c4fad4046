"""Reading one path of usage: a CSV of months and list dollars, refused where it is not whole.

Columns `month` (YYYY-MM, or 0, 1, 2 …; in order, none missing) and `list_usd`; where known `price_index`, `metering`,
`new_model_share` and `outside_usd` (see `audit.UsageMonth`), and `currency`, which must be USD throughout.
"""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from typing import Final

from baseload.commit.audit import UsageMonth
from baseload.commit.refusal import MOST_MONTHS, CommitError

MOST_BYTES: Final = 1024 * 1024
MOST_USD: Final = Decimal(10) ** 10
_MONTH: Final = re.compile(r"(20\d{2})-(0[1-9]|1[0-2])", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,15}(\.\d{1,12})?", re.ASCII)
_LIMITS: Final = {
    "list_usd": (Decimal(0), MOST_USD),
    "outside_usd": (Decimal(0), MOST_USD),
    "price_index": (Decimal("0.001"), Decimal(1000)),
    "metering": (Decimal("0.001"), Decimal(1000)),
    "new_model_share": (Decimal(0), Decimal(1)),
}
"""Column -> least and most, both inclusive."""


def read_usage(data: bytes, name: str = "usage.csv") -> tuple[tuple[str, ...], tuple[UsageMonth, ...]]:
    """Month names and usage, month 0 first. Raises CommitError."""
    rows = _rows(data, name)
    months = tuple(row["month"] for _, row in rows)
    _check_months(months, rows, name)
    return months, tuple(_usage(line, row, name) for line, row in rows)


def _rows(data: bytes, name: str) -> list[tuple[int, dict[str, str]]]:
    """(line, columns) of every row that is not empty."""
    if len(data) > MOST_BYTES:
        raise CommitError("", f"{len(data):,} bytes", f"at most {MOST_BYTES:,}: one row a month", where=name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommitError("", f"byte {error.start}", "text in UTF-8", where=name) from error
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        header = [column.strip() for column in reader.fieldnames or ()]
        _check_header(header, name)
        reader.fieldnames = header
        rows = [(reader.line_num, _cells(row, reader.line_num, len(header), name)) for row in reader]
    except csv.Error as error:
        raise CommitError("", str(error), "comma-separated values with a header", where=name) from error
    if not 1 <= len(rows) <= 2 * MOST_MONTHS:
        raise CommitError("", f"{len(rows)} rows", f"1 to {2 * MOST_MONTHS} months", where=name)
    return rows


def _check_header(header: list[str], name: str) -> None:
    for column in ("month", "list_usd"):
        if column not in header:
            raise CommitError(column, "missing", "a column month and a column list_usd", where=name)
    known = ("month", "currency", *_LIMITS)
    unknown = set(header) - set(known)
    if unknown or len(set(header)) != len(header):
        said = f"column {min(unknown, default='twice')!r}"
        raise CommitError("", said, f"columns, each once, of {', '.join(known)}", where=name)


def _cells(row: dict[str | None, str | list[str] | None], line: int, columns: int, name: str) -> dict[str, str]:
    """A row's cells by column. A row of more or fewer cells is refused: 100,000 would be read as 100."""
    surplus, missing = row.get(None), sum(value is None for value in row.values())
    if surplus or missing:
        cells = columns + len(surplus or ()) - missing
        rule = "as many as there are columns; write thousands without commas, and a decimal point"
        raise CommitError(f"line {line}", f"{cells} cells under {columns} columns", rule, where=name)
    return {key: value.strip() for key, value in row.items() if key is not None and isinstance(value, str)}


def _check_months(months: tuple[str, ...], rows: list[tuple[int, dict[str, str]]], name: str) -> None:
    """One row for every month from the first on."""
    expected, before = None, months[0]
    for (line, _), month in zip(rows, months, strict=True):
        place = _place(month)
        if place is None:
            raise CommitError(f"line {line}, month", month, "YYYY-MM, or a number from 0 on", where=name)
        if expected is not None and place != expected:
            rule = f"{_named(expected, before)}: every month once, in order, none missing"
            raise CommitError(f"line {line}, month", month, rule, where=name)
        expected, before = place + 1, month
    if months[0].isdecimal() and int(months[0]) != 0:
        raise CommitError(f"line {rows[0][0]}, month", months[0], "0, the first month of the contract", where=name)


def _place(month: str) -> int | None:
    """A number that grows by one from month to month."""
    found = _MONTH.fullmatch(month)
    if found:
        return int(found[1]) * 12 + int(found[2]) - 1
    return int(month) if month.isascii() and month.isdecimal() and len(month) <= 3 else None


def _named(place: int, like: str) -> str:
    return f"{place // 12:04d}-{place % 12 + 1:02d}" if "-" in like else str(place)


def _usage(line: int, row: dict[str, str], name: str) -> UsageMonth:
    if row.get("currency", "USD") not in ("", "USD"):
        raise CommitError(f"line {line}, currency", row["currency"], "USD: currencies are not mixed", where=name)
    numbers = {
        column: _number(f"line {line}, {column}", row[column], column, name)
        for column in _LIMITS
        if row.get(column) or column == "list_usd"
    }
    usage = UsageMonth(**numbers)
    if usage.outside_usd is not None and usage.outside_usd > usage.list_usd:
        raise CommitError(f"line {line}, outside_usd", usage.outside_usd, "at most list_usd of the month", where=name)
    return usage


def _number(field: str, text: str, column: str, name: str) -> Decimal:
    least, most = _LIMITS[column]
    if not _NUMBER.fullmatch(text.removeprefix("-")):
        raise CommitError(field, text or "empty", "a plain number: digits and a decimal point", where=name)
    value = Decimal(text)
    if not least <= value <= most:
        raise CommitError(field, text, f"{least:,} to {most:,}", where=name)
    return value
