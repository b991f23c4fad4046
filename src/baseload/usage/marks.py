"""How far a file has been read: what lets a second import skip it, or read only what was appended."""

from __future__ import annotations

import hashlib
from typing import Final, Protocol

import msgspec

CHECKED_BYTES: Final = 64 * 1024
"""Of a log's beginning, and of what lies before the place where reading stopped: its lines hold ids and times, so that
a file written anew under the old name differs in one of the two."""


class Beginning(Protocol):
    """What is asked of a file to know it again."""

    def head(self) -> bytes:
        """Its first bytes, at least CHECKED_BYTES of them where it has as many."""

    def before(self, offset: int, size: int) -> bytes:
        """The `size` bytes that end at `offset`; fewer where there are fewer."""


class FileMark(msgspec.Struct, frozen=True, kw_only=True):
    """One file as it was when it was read.

    A file of the same path, size and modification time is unchanged. One that only grew (its first
    `checked_bytes` still hash to `head_digest`, and the `tail_bytes` before `offset` to `tail_digest`) is read on from
    `offset`, where its last whole line ended; `rows` is the number of lines before it. `offset` 0 means: read it again
    from the start when it changes. `declared` is what its folder's note said then; under another note the file is
    another source. `forced` marks were made by a named source: without that name the file is detected anew.
    `read_from` is the offset the reading started at.
    """

    path: str
    reader: str
    size: int
    mtime_ns: int
    offset: int = 0
    rows: int = 0
    checked_bytes: int = 0
    head_digest: str = ""
    tail_bytes: int = 0  # 0: made before there was a digest of them
    tail_digest: str = ""
    declared: str = ""
    forced: bool = False
    read_from: int = 0

    def is_by(self, source: str) -> bool:
        """Whether a run under `source` ("" = detection) reads the file as this one did."""
        return self.reader == source if source else not self.forced

    def is_same(self, other: FileMark) -> bool:
        return (self.size, self.mtime_ns, self.declared) == (other.size, other.mtime_ns, other.declared)

    def is_start_of(self, file: Beginning, other: FileMark) -> bool:
        """Whether this file is the marked one with lines appended. Raises OSError, or BadRecord on a damaged one."""
        if not 0 < self.offset <= other.size or self.declared != other.declared:
            return False
        head = file.head()
        return (
            self.checked_bytes <= len(head)
            and digest_of(head[: self.checked_bytes]) == self.head_digest
            and (not self.tail_bytes or digest_of(file.before(self.offset, self.tail_bytes)) == self.tail_digest)
        )


def digest_of(head: bytes) -> str:
    return hashlib.blake2b(head, digest_size=16).hexdigest()
