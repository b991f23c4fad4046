"""A close as files: the document, and its lines and workloads as CSV."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from baseload.errors import UsageError
from baseload.plan.close.bridge import LINES
from baseload.plan.close.document import CloseDocument
from baseload.plan.close.freeze import FAMILY
from baseload.report import names
from baseload.report.csv_tables import figure_cell, text_cell

JSON = "close.json"
LINE_COLUMNS = ("line", "label", "usd", "share", "grade", "low_usd", "high_usd", "note")
WORKLOAD_COLUMNS = (
    *("id", "name", "owner", "state", "volume_in", "from_usd", "to_usd", "difference_usd", "calls_from", "calls_to"),
    *("usd_per_call_from", "usd_per_call_to"),
)
_TEXTS = {"line", "label", "grade", "note", "id", "name", "owner", "state", "volume_in"}
_LONGEST = 1_000
_BOM = "\ufeff"


def write_close(document: CloseDocument, folder: Path) -> None:
    """Write close.json, lines.csv and workloads.csv, each whole or not at all, the document first.

    Raises UsageError where the folder cannot be written, or holds files of these names that no close wrote.
    """
    files = {JSON: msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n", **tables(document)}
    foreign = [name for name in files if os.path.lexists(folder / name)]
    if foreign and not _is_close(folder / JSON):
        raise UsageError(
            f"{folder / foreign[0]} was not written by `close` and is not overwritten. Give another folder with -o."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _replace(folder / name, content)
    except OSError as error:
        raise UsageError(
            f"cannot write in {folder}: {error.strerror or error}. Give another folder with -o."
        ) from error


def tables(document: CloseDocument) -> dict[str, bytes]:
    """File name -> CSV. Workloads have one column for each line of the bridge that they can move."""
    figures = document.figures
    lines = ([getattr(part, name) for name in LINE_COLUMNS] for part in figures.lines)
    columns = (*WORKLOAD_COLUMNS, *(f"{name}_usd" for name in LINES))
    workloads = (
        [*(getattr(part, name) for name in WORKLOAD_COLUMNS), *(part.effects.get(name, "0.00") for name in LINES)]
        for part in figures.workloads
    )
    return {"lines.csv": _csv(LINE_COLUMNS, lines), "workloads.csv": _csv(columns, workloads)}


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(column, value) for column, value in zip(columns, row, strict=True)])
    return (_BOM + out.getvalue()).encode("utf-8", "replace")


def _cell(column: str, value: object) -> str:
    return text_cell(names.clean(str(value), _LONGEST)) if column in _TEXTS else figure_cell(value)


def _is_close(path: Path) -> bool:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Written).schema.startswith(FAMILY)
    except (OSError, msgspec.DecodeError):
        return False


class _Written(msgspec.Struct, frozen=True):
    """All that is asked of an earlier file."""

    schema: str


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
