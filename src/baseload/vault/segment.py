"""Files of frames: appended to, scanned by their heads alone, and rewritten without what is to be forgotten."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from baseload.vault.frame import MAGIC, MOST_HEAD_BYTES, START, Frame, read_head

SUFFIX: Final = ".vault"
TEMPORARY: Final = ".tmp"
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC


class Scan(NamedTuple):
    """The frames of a file, in order. `end` is where the last whole one ends."""

    frames: list[Frame]
    end: int
    size: int
    damage: str  # "" none; "torn": the file ends inside a frame; "unreadable": what follows `end` is no frame


def scan(path: Path, before: Scan | None = None) -> Scan:
    """What a file holds; `before` = what it held when last looked at, and only grew since.

    Raises FileNotFoundError where it has been forgotten meanwhile.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        frames = [] if before is None else before.frames
        offset = 0 if before is None else before.end
        while offset < size:
            frame, damage = _frame_at(file, offset, size)
            if frame is None:
                return Scan(frames, offset, size, damage)
            frames.append(frame)
            offset = frame.end
    return Scan(frames, offset, size, "")


def _frame_at(file: BinaryIO, offset: int, size: int) -> tuple[Frame | None, str]:
    file.seek(offset)
    start = file.read(START.size)
    if not MAGIC.startswith(start[:4]):
        return None, "unreadable"
    if len(start) < START.size:
        return None, "torn"
    _, head_bytes, box_bytes = START.unpack(start)
    if head_bytes > MOST_HEAD_BYTES:
        return None, "unreadable"
    box_offset = offset + START.size + head_bytes
    if box_offset + box_bytes > size:
        return None, "torn"
    head = file.read(head_bytes)
    entry = read_head(head)
    if entry is None:
        return None, "unreadable"
    return Frame(entry, head, offset, box_offset, box_offset + box_bytes), ""


def box_of(path: Path, frame: Frame) -> bytes | None:
    """The encrypted part of a frame; None where the file has something else there by now, or is gone."""
    try:
        with path.open("rb") as file:
            file.seek(frame.offset + START.size)
            if file.read(len(frame.head)) != frame.head:
                return None
            box = file.read(frame.end - frame.box_offset)
    except FileNotFoundError:
        return None
    return box if len(box) == frame.end - frame.box_offset else None


def append(path: Path, frames: Iterable[bytes]) -> int:
    """Add frames at the end of a file, on disk before this returns; bytes written.

    A crash leaves whole frames and at most one torn one: such a file is not appended to again.
    """
    is_new = not path.exists()
    written = 0
    with os.fdopen(os.open(path, _FLAGS | os.O_APPEND, 0o600), "ab") as file:
        for frame in frames:
            written += file.write(frame)
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_folder(path.parent)
    return written


def without(path: Path, frames: Iterable[Frame], gone: Collection[str]) -> None:
    """Rewrite a file without the frames of these calls, and without what cannot be read; no frame left = no file.

    The new file is on disk before it takes the old one's place: a crash leaves one of the two.
    """
    kept = [frame for frame in frames if frame.entry.call_id not in gone]
    if not kept:
        path.unlink()
        sync_folder(path.parent)
        return
    temporary = path.with_suffix(TEMPORARY)
    with path.open("rb") as old, os.fdopen(os.open(temporary, _FLAGS | os.O_TRUNC, 0o600), "wb") as new:
        for frame in kept:
            old.seek(frame.offset)
            new.write(old.read(frame.end - frame.offset))
        new.flush()
        os.fsync(new.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until a folder's names are on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove what a killed rewrite left. Only while the writer's lock is held."""
    for path in folder.glob(f"*{TEMPORARY}"):
        path.unlink()
