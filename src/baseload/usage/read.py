"""PATHs in, records out: finds the files, names their source, skips what was read before, and never raises.

The order is fixed (the PATHs as given, folders in natural order, lines as written), so two runs agree.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from baseload.errors import BaseloadError
from baseload.usage.detect import READERS, detect, reader_named
from baseload.usage.fields import BadRecord
from baseload.usage.files import QUIET_SUFFIXES, SOURCE, Found, find_files, unreadable
from baseload.usage.marks import CHECKED_BYTES, FileMark, digest_of
from baseload.usage.reader import ReadContext, Reader, Record
from baseload.usage.source_file import BadFile, LocalFile
from baseload.values import DAY_US, Call, Problem

Progress = Callable[[int, int, str], None]
"""(bytes done, bytes in all, current file)."""

EARLIEST_US: Final = int(dt.datetime(2023, 1, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000
"""No Claude call is older: an earlier time is a wrong clock."""
_READER_FAULTS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What a reader may trip over in a record nobody foresaw: the rest of its file is lost, and said so."""


class FileResult:
    """One file of a run. Iterate `records` to the end; then `mark` says how far it was read.

    `reader` is "" where no source was recognised; `unchanged` files have no records and their old mark.
    """

    def __init__(self, path: str, reader: str = "", records: Iterable[Record] = (), *, unchanged: bool = False) -> None:
        self.path = path
        self.reader = reader
        self.records: Iterator[Record] = iter(records)
        self.unchanged = unchanged
        self.mark: FileMark | None = None


def read_paths(
    paths: Iterable[Path],
    context: ReadContext,
    *,
    as_of_us: int,
    source: str = "",
    marks: Mapping[str, FileMark] | None = None,
    progress: Progress | None = None,
    readers: Sequence[Reader] = READERS,
) -> Iterator[FileResult]:
    """Every file the paths mean, in turn; finish one's `records` before taking the next.

    `source` names the reader instead of detection. `marks` (by absolute path) are those of the last run: unchanged
    files are skipped and appendable ones read on. Calls before 2023 or more than a day after `as_of_us` become
    problems. Raises UsageError only for an unknown `source`.
    """
    forced = reader_named(source, readers) if source else None
    found = list(find_files(paths))
    total = sum(_size_of(item.path) for item in found if isinstance(item, Found))
    done = 0
    for item in found:
        if isinstance(item, Problem):
            yield FileResult(item.file, records=[item])
            continue
        if progress is not None:
            progress(done, total, item.path.name)
        yield _read_file(item, context, as_of_us, forced, marks or {}, readers)
        done += _size_of(item.path)
    if progress is not None:
        progress(total, total, "")


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read_file(
    found: Found,
    context: ReadContext,
    as_of_us: int,
    forced: Reader | None,
    marks: Mapping[str, FileMark],
    readers: Sequence[Reader],
) -> FileResult:
    shown = str(found.path)
    try:
        state = found.path.stat()
        fresh = FileMark(path=str(found.path.absolute()), reader="", size=state.st_size, mtime_ns=state.st_mtime_ns)
        old = marks.get(fresh.path)
        if old is not None and (forced is None or old.reader == forced.name):
            if old.is_same(fresh.size, fresh.mtime_ns):
                result = FileResult(shown, old.reader, unchanged=True)
                result.mark = old
                return result
            file, reader = _reopened(found, old, fresh, readers)
        else:
            file, reader = LocalFile(found.path), forced
        if reader is None:
            reader = forced or detect(file.head(), found.path.name, readers)
    except OSError as error:
        return FileResult(shown, records=[unreadable(shown, error.strerror or "it cannot be opened")])
    except BadRecord as fault:
        return FileResult(shown, records=[fault.problem(SOURCE, shown, 0)])
    if reader is None:
        file.close()
        return FileResult(shown, records=_unknown(found, fresh.size))
    file.source = reader.name
    result = FileResult(shown, reader.name)
    result.records = _records(file, reader, context, as_of_us, result, fresh)
    return result


def _reopened(found: Found, old: FileMark, fresh: FileMark, readers: Sequence[Reader]) -> tuple[LocalFile, Reader | None]:
    """The file from where it was left when lines were only appended to it, else from its start."""
    reader = next((reader for reader in readers if reader.name == old.reader), None)
    if reader is not None and reader.appendable and old.offset:
        file = LocalFile(found.path, start=old.offset, rows=old.rows)
        if old.is_start_of(file.head(), fresh.size):
            return file, reader
        file.close()
    return LocalFile(found.path), None


def _records(
    file: LocalFile, reader: Reader, context: ReadContext, as_of_us: int, result: FileResult, fresh: FileMark
) -> Iterator[Record]:
    """The reader's records with the clock checked, then the file's own faults, then the mark."""
    latest_us = as_of_us + DAY_US
    try:
        for record in reader.read(file, context):
            if isinstance(record, Call) and not EARLIEST_US <= record.start_us <= latest_us:
                yield _clock_skew(record)
            else:
                yield record
    except BadFile as bad:
        file.note(0, bad.fault)
    except BadRecord as fault:
        file.note(0, fault)
    except OSError as error:
        yield unreadable(file.path, error.strerror or "reading broke off")
    except BaseloadError as error:
        file.note(0, BadRecord("unreadable-file", str(error)))
    except _READER_FAULTS as error:
        file.note(0, _reader_failed(error))
    finally:
        file.close()
    yield from file.take_problems()
    result.mark = _mark_of(file, reader, fresh)


def _mark_of(file: LocalFile, reader: Reader, fresh: FileMark) -> FileMark:
    if not (reader.appendable and file.plain):
        return FileMark(path=fresh.path, reader=reader.name, size=fresh.size, mtime_ns=fresh.mtime_ns)
    checked = min(file.end_offset, CHECKED_BYTES)
    return FileMark(
        path=fresh.path,
        reader=reader.name,
        size=fresh.size,
        mtime_ns=fresh.mtime_ns,
        offset=file.end_offset,
        rows=file.rows,
        checked_bytes=checked,
        head_digest=digest_of(file.head()[:checked]),
    )


def _clock_skew(call: Call) -> Problem:
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    try:
        shown = (moment + dt.timedelta(microseconds=call.start_us)).isoformat(timespec="seconds")
    except OverflowError:
        shown = f"{call.start_us} microseconds"
    fault = BadRecord(
        "clock-skew",
        "The call's time is before any Claude call or in the future",
        value=shown,
        expected="a time from 2023 to now",
        next_step="Mend the clock of the machine that wrote it, or the time zone of the export.",
    )
    return fault.problem(call.source, call.source_file, call.source_row)


def _reader_failed(error: Exception) -> BadRecord:
    return BadRecord(
        "reader-failed",
        "A record nobody foresaw stopped the reading of this file; what came before was used",
        value=type(error).__name__,
        next_step="Please report it with the record's shape (field names, no content).",
    )


def _unknown(found: Found, size: int) -> list[Record]:
    """No reader knows the file: one problem, unless it is empty or merely lay in a folder under a general name."""
    if not found.named and (not size or found.path.name.lower().endswith(QUIET_SUFFIXES)):
        return []
    fault = BadRecord(
        "unknown-format" if size else "empty-file",
        "No source was recognised in this file" if size else "The file is empty",
        expected="a usage log or export of a known source",
        next_step="If you know its source, name it with --source.",
    )
    return [fault.problem(SOURCE, str(found.path), 0)]
