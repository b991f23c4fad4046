"""How far a file has been read: what lets a second import skip it, or read only what was appended."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

CHECKED_BYTES: Final = 8 * 1024
"""Enough to know a log again: its first lines hold ids and times."""


class FileMark(msgspec.Struct, frozen=True, kw_only=True):
    """One file as it was when it was read.

    A file of the same path, size and modification time is unchanged. One that only grew (its first
    `checked_bytes` still hash to `head_digest`) is read on from `offset`, where its last whole line ended; `rows` is
    the number of lines before it. `offset` 0 means: read it again from the start when it changes. `declared` is what
    its folder's note said then; under another note the file is another source. `forced` marks were made by a named
    source: without that name the file is detected anew. `read_from` is the offset the reading started at.
    """

    path: str
    reader: str
    size: int
    mtime_ns: int
    offset: int = 0
    rows: int = 0
    checked_bytes: int = 0
    head_digest: str = ""
    declared: str = ""
    forced: bool = False
    read_from: int = 0

    def is_by(self, source: str) -> bool:
        """Whether a run under `source` ("" = detection) reads the file as this one did."""
        return self.reader == source if source else not self.forced

    def is_same(self, other: FileMark) -> bool:
        return (self.size, self.mtime_ns, self.declared) == (other.size, other.mtime_ns, other.declared)

    def is_start_of(self, head: bytes, other: FileMark) -> bool:
        """Whether a file with this head is the marked one with lines appended."""
        return (
            0 < self.offset <= other.size
            and self.declared == other.declared
            and self.checked_bytes <= len(head)
            and digest_of(head[: self.checked_bytes]) == self.head_digest
        )


def digest_of(head: bytes) -> str:
    return hashlib.blake2b(head, digest_size=16).hexdigest()
