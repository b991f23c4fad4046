"""The one place that turns a file on disk into bytes: decompressed, bounded, as UTF-8, from where the last run stopped.

Every fault of the file itself (cut gzip, zip bomb, over-long line, wrong encoding) is one Problem and never an
exception for the readers of lines; whole-file readers get a UsageError that `read.py` turns into one Problem.
"""

from __future__ import annotations

import codecs
import hashlib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from baseload.errors import UsageError
from baseload.usage.fields import BadRecord
from baseload.usage.reader import Line
from baseload.values import Problem

HEAD_BYTES: Final = 64 * 1024
BLOCK_BYTES: Final = 1024 * 1024
MIB: Final = 1024 * 1024


class Limits(NamedTuple):
    """What one file may cost. Tests pass small ones."""

    line_bytes: int = 10 * MIB
    whole_bytes: int = 512 * MIB  # of a file that must be read in one piece
    sibling_bytes: int = 64 * MIB
    expanded_ratio: int = 250  # decompressed : compressed, judged only past `expanded_free`
    expanded_free: int = 64 * MIB
    expanded_bytes: int = 64 * 1024 * MIB


LIMITS: Final = Limits()


class Block(NamedTuple):
    """Whole lines of a file: ends in a line end, except the last block of a file that does not."""

    offset: int  # of its first byte in the decompressed file
    data: bytes


class LocalFile:
    """A file on disk as readers see it; the concrete `usage.reader.SourceFile`.

    `shown` is the path in provenance and problems; `root` is the folder the user gave: siblings never leave it.
    `start` is the decompressed offset of the first unread line and `first_row` its 1-based number. Iterate `lines()` or `blocks()` or call `data()`, once.
    Afterwards `end_offset` and `end_row` say where the last whole line ended, and `problems` holds the file's faults.
    """

    def __init__(
        self, path: Path, *, shown: str = "", root: Path | None = None, start: int = 0, rows: int = 0,
        limits: Limits = LIMITS,
    ) -> None:
        self._path = path
        self._root = (root or path.parent).resolve()
        self._shown = shown or str(path)
        self._limits = limits
        self._start = start
        self._head: bytes | None = None
        self.source = ""  # the reader's name, once detected: problems carry it
        self.end_offset = start
        self.rows = rows  # whole lines before `end_offset`
        self.problems: list[Problem] = []
