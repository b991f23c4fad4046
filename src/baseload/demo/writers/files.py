"""Writing the demo's files, with their sizes counted and the sampling of a folder declared beside them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import msgspec

SOURCE_NOTE = "baseload-source.json"


class SourceNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a folder's files do not say themselves; see docs/how-to/sampling.md."""

    schema: str
    sampling_rate: int = 1  # 1-in-N: every unit stands for N like it
    sampling_unit: str = ""  # call | session | prefix_day: what was kept or dropped as a whole
    account: str = ""
    workspace: str = ""
    api_key: str = ""


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
        self.write(f"{folder}/{SOURCE_NOTE}", msgspec.json.format(msgspec.json.encode(note), indent=2) + b"\n")
