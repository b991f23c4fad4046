"""Starts and ends of a call log brought together: one pair an attempt, in the order they ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from baseload.usage.fields import BadRecord
from baseload.usage.gateway_records import End, Head, LogRecord, Note, Seal, Start, json_of, record_of


class Pair(NamedTuple):
    """One attempt. Without an end it was in flight when its segment was sealed: what it cost is not known."""

    head: Head
    start: Start
    end: End | None
    row: int  # of the end, or of the start without one


class Placed(NamedTuple):
    """A record or a fault with its 1-based line."""

    row: int
    record: LogRecord | BadRecord


def records_in(lines: Iterable[bytes]) -> Iterator[Placed]:
    """The records of lines without their line feeds; a line that holds none is a fault. Empty lines are passed over."""
    for row, line in enumerate(lines, start=1):
        if line:
            yield Placed(row, record_at(line))


def record_at(line: bytes) -> LogRecord | BadRecord:
    """One line's record, or why it is none."""
    body = json_of(line)
    if body is None:
        return BadRecord(
            "torn-record",
            "The line does not match its checksum: it was cut by a crash, or changed; it was left out",
            value=f"{len(line)} bytes",
            expected="a line as the gateway wrote it",
            next_step="A last line cut by a crash can be ignored: its call had not been answered.",
        )
    try:
        return record_of(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        return BadRecord(
            "unknown-record",
            "The record is not one this version knows",
            value=type(error).__name__,
            expected="head, start, end, note or seal",
            next_step="Read it with the version of Baseload that wrote it, or a newer one.",
        )


class Pairing:
    """Takes the records of one segment, gives its pairs. Starts that nothing ended are left in `open`."""

    def __init__(self) -> None:
        self.head: Head | None = None
        self.seal: Seal | None = None
        self.open: dict[int, tuple[Start, int]] = {}
        self.notes: list[Note] = []
        self.last_seq = 0

    def take(self, placed: Placed) -> Pair | None:
        """The pair an end completes. Raises BadRecord: an end without its start, a record before the head."""
        record = placed.record
        if isinstance(record, BadRecord):
            raise record
        if isinstance(record, Head):
            self.head = record
            return None
        if self.head is None:
            raise BadRecord("no-head", "The segment does not say who wrote it", expected="a head record first")
        if isinstance(record, Seal):
            self.seal = record
            return None
        self.last_seq = max(self.last_seq, record.seq)
        if isinstance(record, Start):
            self.open[record.seq] = record, placed.row
        elif isinstance(record, End):
            return self._ended(self.head, record, placed.row)
        else:
            self.notes.append(record)
        return None

    def _ended(self, head: Head, end: End, row: int) -> Pair:
        found = self.open.pop(end.seq, None)
        if found is None:
            raise BadRecord(
                "no-start",
                "The end of a call whose start is not in this segment: its tokens are not counted",
                value=end.seq,
                expected="a start record with this seq before it",
            )
        return Pair(head, found[0], end, row)

    def in_flight(self) -> list[Pair]:
        """Attempts that will never end. None while the segment is not sealed: they may still."""
        if self.head is None or self.seal is None:
            return []
        carried = set(self.seal.carried)
        return [Pair(self.head, start, None, row) for seq, (start, row) in self.open.items() if seq not in carried]
