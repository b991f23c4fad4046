"""`baseload-source.json`: what a folder's files do not say themselves, declared once beside them.

The nearest note at or above a file, up to the PATH it was found under, holds for it. Fields a record states itself win
over the note, except the sampling rate, which only the note can know (docs/how-to/sampling.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec

from baseload.usage.reader import Record
from baseload.usage.source_file import shown_path
from baseload.values import Call, Problem

NOTE_NAME: Final = "baseload-source.json"
SCHEMA: Final = "baseload.source/1"
SAMPLED_WHOLE: Final = "sampled_whole"
MOST_BYTES: Final = 64 * 1024


class SourceNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The note of one folder. `sampling_rate` N means that every unit stands for N like it; 1 = all are here.

    `sampling_unit` says what was kept or dropped as a whole: "call" (also when unsaid), or something larger, such as
    "session", inside which the calls and their gaps are complete; then the calls carry the flag SAMPLED_WHOLE.
    """

    schema: str
    sampling_rate: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    sampling_unit: str = ""
    account: str = ""
    workspace: str = ""
    api_key: str = ""


class SourceNotes:
    """The notes of a run, each read once."""

    def __init__(self) -> None:
        self._found: dict[Path, SourceNote | Problem | None] = {}

    def of(self, file: Path, top: Path) -> SourceNote | Problem | None:
        """The note that holds for a file found under `top`; a note that cannot be used is a problem."""
        folder = file.parent
        while True:
            note = self._in(folder)
            if note is not None or folder in (top, folder.parent):
                return note
            folder = folder.parent

    def _in(self, folder: Path) -> SourceNote | Problem | None:
        if folder not in self._found:
            self._found[folder] = _read(folder / NOTE_NAME)
        return self._found[folder]


def with_note(records: Iterable[Record], note: SourceNote) -> Iterator[Record]:
    """The records with what the note adds; problems pass unchanged. Control totals are never a sample."""
    whole = note.sampling_rate > 1 and note.sampling_unit not in ("", "call")
    for record in records:
        if not isinstance(record, Call):
            yield record
            continue
        yield msgspec.structs.replace(
            record,
            flags=_with_flag(record.flags) if whole else record.flags,
            sampling_rate=note.sampling_rate if record.grain == "call" else record.sampling_rate,
            account=record.account or note.account,
            workspace=record.workspace or note.workspace,
            api_key=record.api_key or note.api_key,
        )


def _with_flag(flags: str) -> str:
    return ",".join(sorted({SAMPLED_WHOLE, *flags.split(",")} - {""}))


def _read(path: Path) -> SourceNote | Problem | None:
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            note = msgspec.json.decode(file.read(MOST_BYTES), type=SourceNote)
    except (OSError, msgspec.DecodeError) as error:
        return _unusable(path, str(error))
    if note.schema != SCHEMA:
        return _unusable(path, f"schema is {note.schema[:40]!r}")
    return note


def _unusable(path: Path, why: str) -> Problem:
    return Problem(
        source="files",
        file=shown_path(path),
        row=0,
        code="bad-source-note",
        message=f"The note cannot be used, so nothing it declares holds: {why[:200]}",
        expected=f'a JSON object with "schema": "{SCHEMA}"',
        next_step="See docs/how-to/sampling.md, mend the note and run again.",
    )
