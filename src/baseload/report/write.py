"""The report as a folder: the page, the same figures as JSON, and a CSV for each table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from baseload.errors import UsageError
from baseload.report.csv_tables import tables
from baseload.report.document import SCHEMA, MapDocument
from baseload.report.html import render_html

PAGE = "index.html"
JSON = "map.json"
FAMILY = SCHEMA.partition("/")[0] + "/"
"""What `schema` begins with in a report of any version."""


def write_report(document: MapDocument, out_dir: Path) -> list[Path]:
    """Write every file of the report into `out_dir` (made if absent) and return them, the page first.

    Each file appears whole or not at all, the page last, so that a reader never sees a page newer than its data.
    Files of an earlier report are replaced; others in the folder are left alone. Raises UsageError where the folder
    cannot be written, or holds files of these names that are of no report.
    """
    files = {
        JSON: msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n",
        **tables(document),
        PAGE: render_html(document),
    }
    refuse_foreign(out_dir, tuple(files))
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _replace(out_dir / name, content)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"cannot write the report in {out_dir}: {reason}. Give another folder with -o.") from error
    return [out_dir / PAGE, *(out_dir / name for name in files if name != PAGE)]


def refuse_foreign(out_dir: Path, names: Sequence[str] = (PAGE, JSON)) -> None:
    """Raises UsageError where the folder holds a file of these names and no report: nobody's work is overwritten.

    An earlier report is known by its `map.json`, which is written first.
    """
    found = [name for name in names if os.path.lexists(out_dir / name)]
    if found and not _is_report(out_dir / JSON):
        raise UsageError(
            f"{out_dir / found[0]} was not written by Baseload and is not overwritten. Give another folder with -o."
        )


def _is_report(path: Path) -> bool:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Written).schema.startswith(FAMILY)
    except (OSError, msgspec.DecodeError):
        return False


class _Written(msgspec.Struct, frozen=True):
    """All that is asked of an earlier report."""

    schema: str


def _replace(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step, on disk before it is seen, with the permissions any new file gets."""
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
