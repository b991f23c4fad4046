"""The report as a folder: the page, the same figures as JSON, and a CSV for each table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
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
    return write_files(files, out_dir, REPORT)


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """How a folder of ours is known: its `index` is a JSON document whose `schema` begins with `family`.

    `page` is the file a reader opens; it is written last.
    """

    page: str
    index: str
    family: str


REPORT = Kind(page=PAGE, index=JSON, family=FAMILY)


def write_files(files: Mapping[str, bytes], out_dir: Path, kind: Kind) -> list[Path]:
    """Write files into `out_dir` (made if absent), the page last, and return their paths, the page first.

    Each appears whole or not at all. Raises UsageError where the folder cannot be written, or holds files of these
    names that are not of this kind.
    """
    refuse_foreign(out_dir, tuple(files), kind)
    rest = [name for name in files if name != kind.page]
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name in (*rest, kind.page):
            _replace(out_dir / name, files[name])
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"cannot write the report in {out_dir}: {reason}. Give another folder with -o.") from error
    return [out_dir / name for name in (kind.page, *rest)]


def refuse_foreign(out_dir: Path, names: Sequence[str] = (PAGE, JSON), kind: Kind = REPORT) -> None:
    """Raises UsageError where the folder holds a file of these names and no such report: nobody's work is overwritten.

    An earlier report is known by its index, which is written before its page.
    """
    found = [name for name in names if os.path.lexists(out_dir / name)]
    if found and not _is_of_kind(out_dir / kind.index, kind):
        raise UsageError(
            f"{out_dir / found[0]} was not written by Baseload and is not overwritten. Give another folder with -o."
        )


def _is_of_kind(path: Path, kind: Kind) -> bool:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Written).schema.startswith(kind.family)
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
