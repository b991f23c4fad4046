"""Messages API requests and responses as people log them: one JSON object a line, or JSON documents.

One row per response that was billed, one with `requests` 0 per failed call, one more per part that another model
served. The provider's `usage` is the only source of counts. docs/reference/sources/messages.md lists the wrappings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, Final

from baseload.usage.exchange_rows import Origin, calls_of
from baseload.usage.exchanges import Exchange, exchange_of, refuse_time
from baseload.usage.fields import BadRecord, decode_json
from baseload.usage.normal import NULL_TOKENS, null_tokens
from baseload.usage.reader import Line, ReadContext, Reader, Record, SourceFile
from baseload.values import Problem

NAME: Final = "messages"
_MESSAGE = re.compile(rb'\\?"type\\?"\s*:\s*\\?"message\\?"')
_REQUEST_KEYS = (b'"messages"', b'"max_tokens"', b'"model"')


def recognise(head: bytes, name: str) -> int:
    """1 for JSON that holds Messages bodies: a reader that knows more about the wrapping goes first."""
    del name
    if not head.lstrip().startswith((b"{", b"[")):
        return 0
    if b"input_tokens" in head and (_MESSAGE.search(head) or b"message_start" in head):
        return 1
    is_wrapped = b'"request"' in head or b'"request_body"' in head
    return int(is_wrapped and all(key in head for key in _REQUEST_KEYS))


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """Calls of every exchange in the file; a record that holds none costs one problem."""
    name = PurePath(file.path).name.removesuffix(".gz")
    rows = _Rows(file, context)
    yield from rows.document() if name.endswith(".json") else rows.lines()


class _Rows:
    """One file's records in turn; remembers whether the lack of times or counts was already said."""

    def __init__(self, file: SourceFile, context: ReadContext) -> None:
        self._file = file
        self._context = context
        self._said_time = False
        self._said_null = False

    def lines(self) -> Iterator[Record]:
        for line in self._file.lines():
            if isinstance(line, Problem):
                yield line
            elif line.data.strip():
                yield from self._line(line, f"{self._file.digest}:{line.offset}:{len(line.data)}")

    def document(self) -> Iterator[Record]:
        """One exchange, one response, or a list of them; JSON lines under the wrong name too."""
        data = self._file.data()
        try:
            value = decode_json(data)
        except BadRecord as whole:
            lines = [line for line in data.split(b"\n") if line.strip()]
            if len(lines) < 2 or not lines[0].rstrip().endswith(b"}"):
                yield whole.problem(NAME, self._file.path, 0)
            else:
                for row, text in enumerate(lines, start=1):
                    yield from self._line(Line(row, 0, text), "")
            return
        for row, record in enumerate(value if isinstance(value, list) else [value], start=1):
            yield from self._record(record, row, "")

    def _line(self, line: Line, body_ref: str) -> Iterator[Record]:
        try:
            record = decode_json(line.data)
        except BadRecord as bad:
            yield bad.problem(NAME, self._file.path, line.row)
        else:
            yield from self._record(record, line.row, body_ref)

    def _record(self, record: Any, row: int, body_ref: str) -> Iterator[Record]:
        try:
            exchange = exchange_of(record) if isinstance(record, Mapping) else None
            if exchange is None:
                raise _no_exchange(record)
            flags = _time_flags(exchange, self._file.modified_us)
            origin = Origin(source=NAME, file=self._file.path, row=row, body_ref=body_ref, flags=flags)
            for call in calls_of(exchange, self._context, origin):
                yield call
                if NULL_TOKENS in call.flags and not self._said_null:
                    self._said_null = True
                    yield null_tokens().problem(NAME, self._file.path, row)
        except BadRecord as bad:
            yield bad.problem(NAME, self._file.path, row)
        else:
            if "time_from_file" in flags and not self._said_time:
                self._said_time = True
                yield refuse_time().problem(NAME, self._file.path, row)


def _time_flags(exchange: Exchange, modified_us: int | None) -> tuple[str, ...]:
    """Flags of the exchange's time; where it has none, the file's own is set. Raises BadRecord without either."""
    if exchange.start_us is None:
        exchange.start_us = modified_us
        if modified_us is None:
            raise refuse_time()
        return ("time_from_file",)
    return ("naive_time",) if exchange.naive else ()


def _no_exchange(record: Any) -> BadRecord:
    return BadRecord(
        "no-response",
        "The record holds no Messages API response",
        value="object" if isinstance(record, Mapping) else type(record).__name__,
        expected="request and response bodies, or a response with usage",
        next_step="If it comes from another tool, name it with --source.",
    )


READER: Final = Reader(name=NAME, recognise=recognise, read=read, appendable=True)
