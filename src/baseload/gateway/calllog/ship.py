"""Sealed segments, or the table that replicas share, into the project's ledger. It loads the engine, so it runs in a
process apart from the data path.

Shipping again changes nothing: a file's mark says that it was read, and a call has one id, by the provider's or by
(replica_id, seq), wherever and however often it is read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from baseload.gateway.calllog.recover import is_sealed
from baseload.gateway.calllog.segment import SUFFIX
from baseload.gateway.calllog.ship_postgres import PostgresSink
from baseload.gateway.calllog.to_calls import call_rows
from baseload.ledger.importing import import_records
from baseload.ledger.store import Ledger
from baseload.usage.gateway_rows import NAME
from baseload.usage.read import FileResult, read_paths
from baseload.usage.reader import ReadContext
from baseload.usage.source_file import shown_path
from baseload.values import Problem

TABLE: Final = "postgresql:call_log"
"""Where rows of the shared table say that they come from."""
_US_PER_NS: Final = 1_000


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """What one shipping did: segments read now, rows new in the ledger, and what was wrong."""

    segments: int
    rows: int
    problems: tuple[Problem, ...]


def ship(folder: Path, ledger_root: Path, context: ReadContext, *, as_of_us: int) -> Shipped:
    """Every sealed segment that the ledger has not read. Raises LedgerLocked while another process writes it."""
    segments = sealed_segments(folder)
    with Ledger.open(ledger_root, create=True) as ledger:
        results = read_paths(segments, context, as_of_us=as_of_us, source=NAME, marks=ledger.file_marks)
        summary = import_records(ledger, results)
    return Shipped(
        segments=summary.files - summary.unchanged_files, rows=summary.new_rows, problems=tuple(summary.problems)
    )


def ship_table(sink: PostgresSink, ledger_root: Path, context: ReadContext, *, first_day: int = 0) -> Shipped:
    """Every attempt of the shared table that started on or after a day (since 1970). Raises LedgerLocked, StateDown.

    The table has no marks: what the ledger has already is read again, and told by its id.
    """
    with Ledger.open(ledger_root, create=True) as ledger:
        rows = call_rows(sink.pairs(first_day), context, TABLE)
        summary = import_records(ledger, [FileResult(TABLE, NAME, rows)])
    return Shipped(segments=0, rows=summary.new_rows, problems=tuple(summary.problems))


def sealed_segments(folder: Path) -> list[Path]:
    """Segments that will not change any more, by replica and number."""
    return [path for path in sorted(folder.glob(f"calls-*{SUFFIX}")) if is_sealed(path)]


def delete_shipped(folder: Path, ledger_root: Path, *, before_us: int) -> Sequence[Path]:
    """Removes sealed segments last written before a time, if the ledger has read them; returns those removed."""
    with Ledger.open(ledger_root) as ledger:
        marks = dict(ledger.file_marks)
    removed = []
    for path in sealed_segments(folder):
        with contextlib.suppress(FileNotFoundError):  # another shipping was first
            mark, state = marks.get(shown_path(path.absolute())), path.stat()
            read = mark is not None and (mark.size, mark.mtime_ns) == (state.st_size, state.st_mtime_ns)
            if read and state.st_mtime_ns // _US_PER_NS < before_us:
                path.unlink()
                removed.append(path)
    return removed
