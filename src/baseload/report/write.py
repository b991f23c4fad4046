"""The report as a folder: the page, the same figures as JSON, and a CSV for each table."""

from __future__ import annotations

import os
import re
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

    `page` is the file a reader opens; it is written last, the index first ("" where a folder has no page). `command` is
    who writes it. An index with `files` lists all that was written: what a later run does not write again goes.
    """

    page: str
    index: str
    family: str
    command: str = "Baseload"


REPORT = Kind(page=PAGE, index=JSON, family=FAMILY)


def write_files(files: Mapping[str, bytes], out_dir: Path, kind: Kind) -> list[Path]:
    """Write files into `out_dir` (made if absent), the page last, and return their paths, the page first.

    Each appears whole or not at all. What an earlier index lists and this run does not write is removed; files nobody
    listed are left alone. Raises UsageError where the folder cannot be written, or holds files of these names that are
    not of this kind.
    """
    refuse_foreign(out_dir, tuple(files), kind)
    last = [kind.page] if kind.page else []
    rest = [kind.index, *(name for name in files if name not in (kind.index, kind.page))]
    stale = [name for name in _listed(out_dir / kind.index, kind) if name not in files]
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name in stale:  # while the old index still lists them
            (out_dir / name).unlink(missing_ok=True)
        for name in (*rest, *last):
            _replace(out_dir / name, files[name])
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"cannot write the report in {out_dir}: {reason}. Give another folder with -o.") from error
    return [out_dir / name for name in (*last, *rest)]


def refuse_foreign(out_dir: Path, names: Sequence[str] = (PAGE, JSON), kind: Kind = REPORT) -> None:
    """Raises UsageError where the folder holds a file of these names and no such report: nobody's work is overwritten.

    An earlier report is known by its index, which is written before its page.
    """
    found = [name for name in names if os.path.lexists(out_dir / name)]
    if found and not _is_of_kind(out_dir / kind.index, kind):
        raise UsageError(
            f"{out_dir / found[0]} was not written by {kind.command} and is not overwritten. "
            "Give another folder with -o."
        )


def refuse_mixture(out_dir: Path, other: Kind) -> None:
    """Raises UsageError where the folder holds another command's files: two families of one ledger in one folder read
    as one, and go stale apart."""
    if _is_of_kind(out_dir / other.index, other):
        raise UsageError(f"{out_dir} holds what {other.command} wrote. Give another folder with -o.")


def _is_of_kind(path: Path, kind: Kind) -> bool:
    return _written(path, kind) is not None


def _listed(path: Path, kind: Kind) -> list[str]:
    """The files an earlier index lists: plain names in its own folder, whatever else stands there."""
    found = _written(path, kind)
    return [name for name in found.files if _NAME.fullmatch(name)] if found else []


def _written(path: Path, kind: Kind) -> _Written | None:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Written)
    except (OSError, msgspec.DecodeError):
        return None
    return found if found.schema.startswith(kind.family) else None


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")


class _Written(msgspec.Struct, frozen=True):
    """All that is asked of an earlier report."""

    schema: str
    files: tuple[str, ...] = ()


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
