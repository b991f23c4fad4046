"""Writing the demo's files, with their sizes counted and the sampling of a folder declared beside them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import msgspec

from baseload.usage.source_note import NOTE_NAME, SourceNote


class Output:
    """The files written so far below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = 0
        self.bytes = 0
        self.sampled_calls = 0

    def write(self, name: str, data: bytes) -> None:
        """Create a file; `name` is relative, with forward slashes."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.files += 1
        self.bytes += len(data)

    def write_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """JSON lines, each with its line end."""
        self.write(name, b"".join(part for line in lines for part in (line, b"\n")))

    def write_gzip(self, name: str, lines: Iterable[bytes]) -> None:
        """The same, compressed, without a time stamp so that the bytes depend on the content alone."""
        self.write(name, gzip.compress(b"".join(line + b"\n" for line in lines), 6, mtime=0))

    def note(self, folder: str, note: SourceNote) -> None:
        self.write(f"{folder}/{NOTE_NAME}", msgspec.json.format(msgspec.json.encode(_stated(note)), indent=2) + b"\n")


def _stated(note: SourceNote) -> dict[str, object]:
    """Only what the note says; its empty fields stay unwritten."""
    return {name: value for name, value in msgspec.structs.asdict(note).items() if value}
