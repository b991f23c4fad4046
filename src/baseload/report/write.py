"""The report as a folder: the page, the same figures as JSON, and a CSV for each table."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from baseload.errors import UsageError
from baseload.report.csv_tables import tables
from baseload.report.document import MapDocument
from baseload.report.html import render_html

PAGE = "index.html"
JSON = "map.json"


def write_report(document: MapDocument, out_dir: Path) -> list[Path]:
    """Write every file of the report into `out_dir` (made if absent) and return them, the page first.

    Each file appears whole or not at all, the page last, so that a reader never sees a page newer than its data.
    Files of an earlier report are replaced; others in the folder are left alone. Raises UsageError where the folder
    cannot be written.
    """
    files = {
        JSON: msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n",
        **tables(document),
        PAGE: render_html(document),
    }
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _replace(out_dir / name, content)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"cannot write the report in {out_dir}: {reason}. Give another folder with -o.") from error
    return [out_dir / PAGE, *(out_dir / name for name in files if name != PAGE)]


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
