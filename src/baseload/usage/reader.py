"""What a reader is: the one shape every source module has, and what it is given.

A source module defines one constant, `READER = Reader(name=…, recognise=…, read=…)`, and nothing else public.
`detect.READERS` lists them. A reader opens nothing itself: `SourceFile` hands it lines or bytes, decompressed and
bounded, and its siblings; so every reader can be tested with literals.
"""

from __future__ import annotations

import csv
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from baseload.values import Call, OrgKey, Problem

Record = Call | Problem

READER_FAULTS: Final = (
    LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, EOFError,
    csv.Error, struct.error, zlib.error, msgspec.MsgspecError,
)  # fmt: skip
"""What a reader may trip over in a record or head nobody foresaw: it costs that file, and is said so."""


class Line(NamedTuple):
    """One line of a file, without its line end."""

    row: int  # 1-based
    offset: int  # of its first byte in the (decompressed) file
    data: bytes


class SourceFile(Protocol):
    """A file as a reader sees it: decompressed, bounded in size, already skipped to the first unread line."""

    @property
    def path(self) -> str:
        """The path as shown to people and stored as provenance."""

    @property
    def digest(self) -> str:
        """A short hash that names the file's content for `body_ref`."""

    @property
    def modified_us(self) -> int | None:
        """When the file was last written, in UTC microseconds: the time of a call whose record has none."""

    def lines(self) -> Iterator[Line | Problem]:
        """Each complete or last line; an over-long line is one problem and is skipped."""

    def data(self) -> bytes:
        """The whole file. Raises `baseload.errors.UsageError` past the size limit."""

    def sibling(self, name: str) -> bytes | None:
        """A small file beside this one (`name` may have folders below, never above), or None."""

    def siblings(self, suffix: str) -> list[str]:
        """Names of the files beside this one that end in `suffix`, sorted."""


class ReadContext(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for every file of a run."""

    org_key: OrgKey
    resolve_model: Callable[[str], str]
    """Raw model name -> resolved id of the price book; "" when unknown. Cached, cheap to call per row."""
    account: str = ""
    """The account the caller declared for these paths; "" lets the reader take it from the record."""
    want_features: bool = True
    """False for quick totals: a reader may then skip the content pass (cues, templates, hashes)."""
    memo: dict[str, Any] = msgspec.field(default_factory=dict)
    """What a reader found out about a folder and needs again for its next file; keys start with the reader's name."""


class Reader(NamedTuple):
    """One source. `recognise` scores the head of a file: 0 = not mine, 1 = maybe, 2 = surely."""

    name: str
    recognise: Callable[[bytes, str], int]
    """(first 64 KiB decompressed, file name) -> 0 | 1 | 2."""
    read: Callable[[SourceFile, ReadContext], Iterator[Record]]
    appendable: bool = False
    """True when the format grows by whole lines, so that a second import may read only what was appended."""
