"""CSV exports by header name: rows as mappings, whatever the column order, byte-order mark or separator.

Columns that are missing are absent from the mapping, extra ones are ignored by whoever reads it. A file is streamed:
a damaged line is one problem and the rest goes on. A record with more or fewer cells than there are names is damaged:
cut off, or with separators inside its numbers, it would be read as other numbers than those that were billed. Row
numbers count CSV records, the header being row 1.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from baseload.usage.normal import problem
from baseload.usage.reader import SourceFile
from baseload.values import Call, Problem

SEPARATORS: Final = ",;\t"

Row = tuple[int, dict[str, str]]


def header_of(head: bytes) -> frozenset[str]:
    """Column names in the first line of a file's head, lower case, as `rows` gives them; empty for binary data."""
    line = head.split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    try:
        return frozenset(_names(next(csv.reader([line], delimiter=_separator(line)), [])) if line else ())
    except csv.Error:  # a carriage return or NUL inside: binary data, or line ends of another age
        return frozenset()


def rows(source: str, file: SourceFile) -> Iterator[Row | Problem]:
    """Every record as {column name in lower case: text}, blank lines and repeated header lines left out."""
    faults: list[Problem] = []
    reader: Iterator[list[str]] | None = None
    names: list[str] = []
    count = 0
    lines = _texts(file, faults)
    first = next(lines, "")
    if first:
        reader = csv.reader(_chain(first, lines), delimiter=_separator(first))
    while reader is not None:
        count += 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield problem(
                source, file.path, count, "bad-csv", "The CSV record cannot be read", value=error, expected="a CSV row"
            )
            continue
        yield from faults
        faults.clear()
        if cells is None:
            break
        if not names:
            names = _names(cells)
        elif cells and _names(cells) != names:
            yield _row(source, file, count, names, cells)
    yield from faults


def _row(source: str, file: SourceFile, count: int, names: list[str], cells: list[str]) -> Row | Problem:
    """The record by its names; a problem where their numbers differ, but for empty cells at its end."""
    while len(cells) > len(names) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) == len(names):
        return count, dict(zip(names, cells, strict=True))
    return problem(
        source,
        file.path,
        count,
        "bad-csv",
        "The CSV record has fewer cells than the header: it is cut off"
        if len(cells) < len(names)
        else "The CSV record has more cells than the header: is there a separator inside a number?",
        value=len(cells),
        expected=f"{len(names)} cells",
        next_step="Export the file anew, and do not save it from a spreadsheet.",
    )


def number_repeats(calls: Sequence[Call], renumber: Callable[[Call, int], str]) -> list[Call]:
    """Rows that a source gives no difference but their size, told apart by rank, largest first.

    Two API keys of one name make two rows of one description. `renumber(call, n)` is the id of the n-th (n >= 1);
    numbering by size keeps the ids the same in every export, whatever its order.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, call in enumerate(calls):
        places[call.call_id].append(place)
    result = list(calls)
    for found in places.values():
        for number, place in enumerate(sorted(found, key=lambda place: -calls[place].rank)[1:], 1):
            result[place] = msgspec.structs.replace(calls[place], call_id=renumber(calls[place], number))
    return result


def _texts(file: SourceFile, faults: list[Problem]) -> Iterator[str]:
    for line in file.lines():
        if isinstance(line, Problem):
            faults.append(line)
        else:
            yield line.data.decode("utf-8", "replace").removeprefix("\ufeff") + "\n"


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip().removeprefix("\ufeff").strip('"').lower().replace(" ", "_") for cell in cells]


def _separator(header: str) -> str:
    return max(SEPARATORS, key=header.count)
