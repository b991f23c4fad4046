"""LiteLLM's spend: `LiteLLM_SpendLogs` exported as JSON or CSV, and StandardLoggingPayload files of its callbacks.

What each number includes: see `litellm_row`. Straight from the database: `litellm_pg`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from baseload.usage import csv_rows
from baseload.usage.conventions import Draft, settle
from baseload.usage.litellm_row import NAME, draft_of
from baseload.usage.normal import BadRecord
from baseload.usage.providers import LeftOut
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.usage.rows import Row, json_rows
from baseload.values import Problem

_COLUMNS: Final = {"startTime", "endTime", "completionStartTime"}
_RESTORED: Final = {name.lower(): name for name in _COLUMNS}
_ROW_MARKS: Final = (b'"call_type"', b'"startTime"')
_OWN_MARKS: Final = (b'"spend"', b'"response_cost"', b'"custom_llm_provider"', b'"model_group"')


def recognise(head: bytes, _name: str) -> int:
    """2 for the columns of either record in JSON or CSV."""
    if all(mark in head for mark in _ROW_MARKS) and any(mark in head for mark in _OWN_MARKS):
        return 2
    header = csv_rows.header_of(head)
    return 2 if {"request_id", "call_type", "starttime", "spend"} <= header else 0


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """Calls of an export, each row once; failed requests and LiteLLM's own cache hits are calls with `requests` 0."""
    rows: Iterable[Row | Problem]
    rows = _csv(file) if file.path.lower().removesuffix(".gz").endswith((".csv", ".tsv")) else json_rows(file, NAME)
    return read_rows(rows, file.path, context)


def read_rows(rows: Iterable[Row | Problem], path: str, context: ReadContext) -> Iterator[Record]:
    """Records of already separated rows; `path` names where they come from."""
    left_out = LeftOut()
    yield from settle(_drafts(rows, path, context, left_out), documented="all")
    yield from left_out.problems(NAME, path)


def _drafts(
    rows: Iterable[Row | Problem], path: str, context: ReadContext, left_out: LeftOut
) -> Iterator[Draft | Record]:
    for row in rows:
        if not isinstance(row, Row):
            yield row
            continue
        try:
            draft = draft_of(row, path, context)
        except BadRecord as bad:
            yield bad.problem(NAME, path, row.number)
            continue
        if draft is None:
            left_out.add()
        else:
            yield draft


def _csv(file: SourceFile) -> Iterator[Row | Problem]:
    for item in csv_rows.rows(NAME, file):
        if isinstance(item, Problem):
            yield item
        else:
            number, cells = item
            yield Row(number, {_RESTORED.get(name, name): cell for name, cell in cells.items()})


READER: Final = Reader(name=NAME, recognise=recognise, read=read)
