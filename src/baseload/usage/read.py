"""PATHs in, records out: finds the files, names their source, skips what was read before, and never raises.

The order is fixed (the PATHs as given, folders in natural order, lines as written), so two runs agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from baseload.errors import BaseloadError
from baseload.usage.clock import EARLIEST_US, clock_skew
from baseload.usage.detect import READERS, detect, reader_named
from baseload.usage.fields import BadRecord
from baseload.usage.files import QUIET_SUFFIXES, SOURCE, Found, Progress, find_files, in_turn, unreadable
from baseload.usage.marks import CHECKED_BYTES, FileMark, digest_of
from baseload.usage.names import model_text
from baseload.usage.reader import READER_FAULTS, ReadContext, Reader, Record
from baseload.usage.source_file import BadFile, LocalFile, shown_path
from baseload.usage.source_note import SourceNote, SourceNotes, with_note
from baseload.values import DAY_US, Call, Problem


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
    problems. What a folder's note declares is filled in. Raises UsageError only for an unknown `source`.
    """
    forced = reader_named(source, readers) if source else None
    run = Run(context, as_of_us, forced, marks or {}, readers)
    for item in in_turn(find_files(paths), progress):
        yield FileResult(item.file, records=[item]) if isinstance(item, Problem) else run.open(item)


class Run:
    """What is the same for all files of one run."""

    def __init__(
        self,
        context: ReadContext,
        as_of_us: int,
        forced: Reader | None,
        marks: Mapping[str, FileMark],
        readers: Sequence[Reader],
    ) -> None:
        self._context = context
        self._latest_us = as_of_us + DAY_US
        self._forced = forced
        self._marks = marks
        self._readers = readers
        self._notes = SourceNotes()
        self._bad_notes: set[str] = set()

    def open(self, found: Found) -> FileResult:
        """One file's result, its records still unread."""
        shown = shown_path(found.path)
        note = self._notes.of(found.path, found.top if not found.named else found.path.parent)
        try:
            fresh = fresh_mark(found.path, note)
            old = self._marks.get(fresh.path)
            if old is not None and not old.is_by(self._forced.name if self._forced else ""):
                old = None
            if old is not None and old.is_same(fresh):
                result = FileResult(shown, old.reader, unchanged=True)
                result.mark = old
                return result
            file, reader = self._opened(found.path, old, fresh)
        except OSError as error:
            return FileResult(shown, records=[unreadable(shown, error.strerror or "it cannot be opened")])
        except BadRecord as fault:
            return FileResult(shown, records=[fault.problem(SOURCE, shown, 0)])
        if reader is None:
            file.close()
            return FileResult(shown, records=_unknown(found, fresh.size))
        file.source = reader.name
        result = FileResult(shown, reader.name)
        result.records = self._records(file, reader, note, result, fresh)
        return result

    def _opened(self, path: Path, old: FileMark | None, fresh: FileMark) -> tuple[LocalFile, Reader | None]:
        """The file from where it was left when lines were only appended, else from its start; and its reader."""
        reader = next((reader for reader in self._readers if old is not None and reader.name == old.reader), None)
        if old is not None and reader is not None and reader.appendable and old.offset:
            file = LocalFile(path, start=old.offset, rows=old.rows)
            if old.is_start_of(file, fresh):
                return file, reader
            file.close()
        file = LocalFile(path)
        try:
            return file, self._forced or detect(file.head(), path.name, self._readers)
        except (OSError, BadRecord):
            file.close()
            raise

    def _records(
        self, file: LocalFile, reader: Reader, note: SourceNote | Problem | None, result: FileResult, fresh: FileMark
    ) -> Iterator[Record]:
        """The reader's records with the note filled in and the clock checked, the file's own faults, then the mark."""
        if isinstance(note, Problem):
            yield from self._once(note)
        context = self._context
        if isinstance(note, SourceNote) and note.account and not context.account:
            context = msgspec.structs.replace(context, account=note.account)
        try:
            records: Iterable[Record] = reader.read(file, context)
            for record in with_note(records, note) if isinstance(note, SourceNote) else records:
                if not isinstance(record, Call):
                    yield record
                elif not EARLIEST_US <= record.start_us <= self._latest_us:
                    yield clock_skew(record.start_us).problem(record.source, record.source_file, record.source_row)
                else:
                    name = model_text(record.model_raw)
                    yield record if name == record.model_raw else msgspec.structs.replace(record, model_raw=name)
        except BadFile as bad:
            file.note(0, bad.fault)
        except BadRecord as fault:
            file.note(0, fault)
        except OSError as error:
            yield unreadable(file.path, error.strerror or "reading broke off")
        except BaseloadError as error:
            file.note(0, BadRecord("unreadable-file", str(error)))
        except READER_FAULTS as error:
            file.note(0, _reader_failed(error))
        finally:
            file.close()
        yield from file.take_problems()
        forced = msgspec.structs.replace(fresh, forced=self._forced is not None, read_from=file.start)
        result.mark = _mark_of(file, reader, forced)

    def _once(self, problem: Problem) -> Iterator[Problem]:
        """A folder's unusable note is one problem, not one per file."""
        if problem.file not in self._bad_notes:
            self._bad_notes.add(problem.file)
            yield problem


def fresh_mark(path: Path, note: SourceNote | Problem | None) -> FileMark:
    """A file as it is now, before it is read. Raises OSError."""
    state = path.stat()
    declared = digest_of(msgspec.json.encode(note)) if isinstance(note, SourceNote) else ""
    return FileMark(
        path=shown_path(path.absolute()), reader="", size=state.st_size, mtime_ns=state.st_mtime_ns, declared=declared
    )


def _mark_of(file: LocalFile, reader: Reader, fresh: FileMark) -> FileMark:
    if not (reader.appendable and file.plain and file.end_offset):
        return msgspec.structs.replace(fresh, reader=reader.name)
    checked = min(file.end_offset, CHECKED_BYTES)
    return msgspec.structs.replace(
        fresh,
        reader=reader.name,
        offset=file.end_offset,
        rows=file.rows,
        checked_bytes=checked,
        head_digest=digest_of(file.head()[:checked]),
        tail_bytes=checked,
        tail_digest=digest_of(file.before(file.end_offset, checked)),
    )


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
    return [fault.problem(SOURCE, shown_path(found.path), 0)]
