"""The user's own additions to the book: what `prices add` stores, and what every command lays over the packaged book.

Stored as compiled JSON, one file per addition, numbered in the order they were added; the later one wins. The folder is
passed in (the command line uses `prices/` in the user's configuration folder).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from baseload.errors import PriceBookError
from baseload.prices.records import BookRecord

_STORED = re.compile(r"^(\d{4})-[a-z0-9-]+\.json$")


def stored_files(folder: Path) -> list[Path]:
    """The additions of a folder, oldest first; none where there is no folder."""
    return sorted(path for path in folder.glob("*.json") if _STORED.match(path.name)) if folder.is_dir() else []


def stored_additions(folder: Path) -> list[bytes]:
    """Their contents, ready for `load_book(additions=…)`. Raises PriceBookError where a file cannot be read."""
    try:
        return [path.read_bytes() for path in stored_files(folder)]
    except OSError as error:
        raise PriceBookError(f"{error.filename}: {error.strerror}; expected a readable price addition") from error


def store_addition(folder: Path, name: str, addition: BookRecord) -> Path:
    """Keep an addition under the next number. Written whole or not at all; an equal one is not stored twice."""
    data = msgspec.json.encode(addition)
    for path in stored_files(folder):
        if path.read_bytes() == data:
            return path
    folder.mkdir(parents=True, exist_ok=True)
    numbers = [int(path.name[:4]) for path in stored_files(folder)]
    slug = re.sub(r"[^a-z0-9]+", "-", Path(name).stem.lower()).strip("-")[:40] or "prices"
    target = folder / f"{max(numbers, default=0) + 1:04d}-{slug}.json"
    temporary = folder / f".{target.name}.{os.getpid()}"
    temporary.write_bytes(data)
    temporary.replace(target)
    return target
