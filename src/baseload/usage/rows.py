"""Rows of the exports that many tools write: JSON lines, or one JSON document that is or holds a list.

A row is a JSON object with the number a person would look for; everything that is not one costs a single Problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from baseload.usage.fields import BadRecord, decode_json, kind_of
from baseload.usage.reader import Line, SourceFile
from baseload.values import Problem

_BOM: Final = b"\xef\xbb\xbf"
_DOCUMENT_STARTS: Final = (b"{", b"[", b"[{")


class Row(NamedTuple):
    """One record of a file, with its number: line, CSV record or array element, from 1."""

    number: int
    record: Mapping[str, Any]
    body_ref: str = ""  # "file-hash:offset:length" of a line; "" for a record inside a larger document


def json_rows(
    file: SourceFile,
    source: str,
    *,
    inside: tuple[str, ...] = (),
    whole: bool = True,
    clean: Callable[[bytes], bytes] = bytes.strip,
) -> Iterator[Row | Problem]:
    """The objects of a JSON-lines file, of a JSON array, or of the list a document keeps under one of `inside`.

    With `whole`, a file named `.json` is read in one piece, because its one line may be longer than a line may be.
    `clean` takes off what a tool put before the JSON of a line; a line it empties is skipped. A line that does not
    parse is a Problem, unless it opens a document written over many lines.
    """
    digest = file.digest
    document = whole and file.path.lower().endswith(".json")
    lines: Iterator[Line | Problem] = _lines_of(file.data()) if document else file.lines()
    for line in lines:
        if isinstance(line, Problem):
            yield line
        elif text := clean(line.data):
            try:
                value = decode_json(text)
            except BadRecord as bad:
                if line.row > 1 or text not in _DOCUMENT_STARTS:
                    yield bad.problem(source, file.path, line.row)
                else:
                    yield from _document_rows(line, lines, file.path, source, inside)
                continue
            if isinstance(value, Mapping) and not _list_inside(value, inside):
                yield Row(line.row, value, f"{digest}:{line.offset}:{len(line.data)}")
            else:
                yield from _elements(value, file.path, source, inside, line.row)


def _document_rows(
    first: Line, rest: Iterator[Line | Problem], path: str, source: str, inside: tuple[str, ...]
) -> Iterator[Row | Problem]:
    parts = [first.data]
    for line in rest:
        if isinstance(line, Problem):
            yield line
        else:
            parts.append(line.data)
    try:
        yield from _elements(decode_json(b"\n".join(parts)), path, source, inside, 1)
    except BadRecord as bad:
        yield bad.problem(source, path, 0)


def _elements(value: Any, path: str, source: str, inside: tuple[str, ...], row: int) -> Iterator[Row | Problem]:
    if isinstance(value, Mapping):
        key = _list_inside(value, inside)
        value = value[key] if key else [value]
    if not isinstance(value, list):
        bad = BadRecord(
            "not-an-object", "The line is not a JSON object", value=kind_of(value), expected="a JSON object"
        )
        yield bad.problem(source, path, row)
        return
    for number, element in enumerate(value, start=1):
        number = number if row == 1 else row
        if isinstance(element, Mapping):
            yield Row(number, element)
        else:
            bad = BadRecord(
                "not-an-object", "The array element is not an object", value=kind_of(element), expected="an object"
            )
            yield bad.problem(source, path, number)


def _list_inside(document: Mapping[str, Any], inside: tuple[str, ...]) -> str:
    """The first of `inside` under which the document keeps its list; "" when it is a record itself."""
    return next((key for key in inside if isinstance(document.get(key), list)), "")


def _lines_of(data: bytes) -> Iterator[Line]:
    offset = 0
    for row, text in enumerate(data.removeprefix(_BOM).split(b"\n"), start=1):
        yield Line(row, offset, text.removesuffix(b"\r"))
        offset += len(text) + 1
