"""Files read by `baseload.usage` into a ledger: whole files, each with its mark and its problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

import msgspec

from baseload.ledger.storable import clean_problem
from baseload.ledger.store import Ledger
from baseload.ledger.writer import Writer
from baseload.usage.marks import FileMark
from baseload.values import Call, Problem

_CHUNK: Final = 10_000

MOST_PROBLEMS_OF_A_FILE: Final = 1_000
"""A file that is all problems keeps this many in full and counts the rest in one more."""


class FileRecords(Protocol):
    """What is known of one file: `records` must be used up before `mark` is read."""

    path: str
    reader: str
    records: Iterator[Call | Problem]
    unchanged: bool
    mark: FileMark | None  # None where the file could not be read


class ImportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What one import did. `records` were read, `new_rows` of them are in the ledger for the first time."""

    files: int
    unchanged_files: int
    records: int
    new_rows: int
    readers: dict[str, int]  # source -> files read now
    problems: list[Problem]  # of the files read now

    @property
    def copies(self) -> int:
        """Records the ledger already had, or that only repeat another record of this import."""
        return self.records - self.new_rows


def import_records(ledger: Ledger, results: Iterable[FileRecords]) -> ImportSummary:
    """Read every file to its end into `ledger`; unchanged files cost nothing.

    Committed about every million calls and at the end, each time with whole files only. Raises LedgerLocked while
    another process writes.
    """
    files = unchanged = records = 0
    readers: Counter[str] = Counter()
    problems: list[Problem] = []
    with ledger.writer() as writer:
        before = ledger.rows
        for result in results:
            files += 1
            if result.unchanged:
                unchanged += 1
                continue
            found, count = _import_file(writer, result)
            records += count
            readers[result.reader] += 1
            problems += map(clean_problem, found)
        writer.commit()
        problems += writer.refused
    return ImportSummary(
        files=files,
        unchanged_files=unchanged,
        records=records,
        new_rows=ledger.rows - before,
        readers={name: readers[name] for name in sorted(readers) if name},
        problems=problems,
    )


def _import_file(writer: Writer, result: FileRecords) -> tuple[list[Problem], int]:
    """Append a file's calls; returns its problems and how many calls it had."""
    problems: list[Problem] = []
    calls: list[Call] = []
    count = more = 0
    codes: Counter[str] = Counter()
    first_row = 0
    for record in result.records:
        if isinstance(record, Call):
            first_row = first_row or record.source_row
            calls.append(record)
            if len(calls) == _CHUNK:
                writer.append(calls)
                count += len(calls)
                calls = []
        else:
            first_row = first_row or record.row
            if len(problems) < MOST_PROBLEMS_OF_A_FILE:
                problems.append(record)
            else:
                more += 1
                codes[record.code] += 1
    writer.append(calls)
    count += len(calls)
    if more:
        problems.append(_more(result, codes))
    _note(writer, result, problems, first_row)
    return problems, count


def _note(writer: Writer, result: FileRecords, problems: list[Problem], first_row: int) -> None:
    """The mark and the problems; those of an earlier reading stay when this one went on where that one ended."""
    if result.mark is None:
        writer.note_problems(str(Path(result.path).absolute()), problems)
        return
    known = writer.file_marks.get(result.mark.path)
    continued = (
        known is not None
        and known.rows > 0
        and (first_row > known.rows or (not first_row and result.mark.read_from == known.offset > 0))
    )
    writer.note_file(result.mark, problems, continued=continued)


def _more(result: FileRecords, codes: Counter[str]) -> Problem:
    listed = ", ".join(f"{code} x {count:,}" for code, count in codes.most_common())
    return Problem(
        source=result.reader,
        file=result.path,
        row=0,
        code="more-problems",
        message=f"{codes.total():,} more problems of this file are counted here and not listed: {listed}",
        next_step="Mend what the listed ones name, then import again.",
    )
