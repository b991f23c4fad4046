"""Frozen months on disk: `.baseload/close/2026-11.json`, and every earlier revision beside it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from baseload.errors import UsageError
from baseload.plan.close.document import CloseDocument
from baseload.plan.close.freeze import FAMILY, Frozen, frozen_bytes, read_frozen

FOLDER = Path(".baseload") / "close"


def load_frozen(project: Path, month: str) -> Frozen | None:
    """A frozen month, or None where it is not frozen. Raises UsageError on a file that is none."""
    path = project / FOLDER / f"{month}.json"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}). Check its permissions.") from error
    try:
        found = read_frozen(data)
    except msgspec.DecodeError as error:
        raise UsageError(
            f"{path}: not a frozen month ({error}). Restore it, or move it away and freeze again."
        ) from None
    document = found.document
    if not document.schema.startswith(FAMILY) or document.figures.month != month or document.seal is None:
        raise UsageError(f"{path}: not the frozen month {month}. Restore it, or move it away and freeze again.")
    return found


def write_frozen(project: Path, document: CloseDocument, *, replaces: int) -> Path:
    """Put a frozen month on disk in one step; `replaces` is the revision it takes the place of, 0 for the first.

    A first freeze never replaces a file, not even one that appeared a moment ago; a later one keeps the old file as
    `YYYY-MM.rN.json`. Raises UsageError where that is not possible.
    """
    folder = project / FOLDER
    path = folder / f"{document.figures.month}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = _written(folder, document)
        try:
            if replaces:
                os.link(path, path.with_name(f"{document.figures.month}.r{replaces}.json"))
                temporary.replace(path)
            else:
                os.link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync(folder)
    except FileExistsError as error:
        raise UsageError(
            f"{error.filename2 or path} exists and is not overwritten. Move it away, or run again with --refreeze."
        ) from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror or error}). Check the folder.") from error
    return path


def _written(folder: Path, document: CloseDocument) -> Path:
    temporary = folder / f".{document.figures.month}.{os.getpid()}.tmp"
    with temporary.open("wb") as file:
        file.write(frozen_bytes(document))
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
