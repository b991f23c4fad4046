"""Whether what was read once still stands: files only added or appended to, none gone and none rewritten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from baseload.usage.fields import BadRecord
from baseload.usage.files import Found, find_files
from baseload.usage.marks import FileMark
from baseload.usage.read import fresh_mark
from baseload.usage.source_file import LocalFile
from baseload.usage.source_note import SourceNotes


def still_stands(paths: Iterable[Path], marks: Mapping[str, FileMark], *, source: str = "") -> bool:
    """True when every marked file is still found under the paths, unchanged or with lines appended.

    A file that is gone, was rewritten, lies under another note, or was read as another `source` than this run names
    ("" = detection) makes its rows wrong: what was read of it has to be forgotten. Rows cannot be taken back one file
    at a time, because copies of a call live in several.
    """
    notes = SourceNotes()
    seen = set()
    for found in find_files(paths):
        if not isinstance(found, Found):
            continue
        path = str(found.path.absolute())
        mark = marks.get(path)
        if mark is None:
            continue
        seen.add(path)
        if not mark.is_by(source) or not _is_continued(found, mark, notes):
            return False
    return seen == set(marks)


def _is_continued(found: Found, mark: FileMark, notes: SourceNotes) -> bool:
    try:
        fresh = fresh_mark(found.path, notes.of(found.path, found.top if not found.named else found.path.parent))
        if mark.is_same(fresh):
            return True
        file = LocalFile(found.path)
        try:
            return bool(mark.offset) and mark.is_start_of(file, fresh)
        finally:
            file.close()
    except (OSError, BadRecord):
        return False
