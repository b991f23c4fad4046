"""The one place that opens files for readers: decompressed, bounded, as UTF-8, from where the last run stopped.

A fault of the file itself (cut gzip, zip bomb, over-long line, wrong encoding) is one Problem for readers of lines;
readers of whole files get a BadFile, which `read.py` turns into one Problem.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from baseload.errors import UsageError
from baseload.usage.expand import LIMITS, Limits, Text, open_text, pieces_of
from baseload.usage.fields import BadRecord
from baseload.usage.reader import Line
from baseload.values import Problem

HEAD_BYTES: Final = 64 * 1024


class BadFile(UsageError):
    """A file that must be read whole cannot be; carries the fault."""

    def __init__(self, fault: BadRecord) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Block(NamedTuple):
    """Whole lines: ends in a line end, except a file's last block when the file does not."""

    row: int  # 1-based, of its first line; 0 when rows are not counted
    offset: int  # of its first byte
    lines: int  # a last one without a line end included; 0 when rows are not counted
    data: bytes


class LocalFile:
    """A file on disk as readers see it; the concrete `usage.reader.SourceFile`.

    Use one of `lines()`, `blocks()`, `data()`, once, then `close()`. `start` and `rows` skip what an earlier run
    read (plain files only). Afterwards `end_offset` and `rows` tell where the last whole line ended, for the next run.
    """

    def __init__(self, path: Path, *, shown: str = "", start: int = 0, rows: int = 0, limits: Limits = LIMITS) -> None:
        self._path = path
        self._shown = shown or shown_path(path)
        self._limits = limits
        self._start = start
        self._file: BinaryIO | None = None
        self._text: Text | None = None
        self._head = b""
        self._problems: list[Problem] = []
        self._said_encoding = False
        self.source = ""  # the reader's name once known: problems carry it
        self.end_offset = start
        self.rows = rows

    # what every reader sees

    @property
    def path(self) -> str:
        return self._shown

    @property
    def digest(self) -> str:
        """Hash of the first line (at most 64 KiB): it stays when the file grows."""
        return hashlib.blake2b(self.head().split(b"\n", 1)[0], digest_size=16).hexdigest()

    @property
    def modified_us(self) -> int | None:
        try:
            return self._path.stat().st_mtime_ns // 1000
        except OSError:
            return None

    def lines(self) -> Iterator[Line | Problem]:
        """Each line without its end, as valid UTF-8, empty ones too; faults of the file come in between."""
        for block in self.blocks():
            yield from self._lines_of(block)
            yield from self.take_problems()
        yield from self.take_problems()

    def data(self) -> bytes:
        """The whole file as UTF-8; read whole again when it changes. Raises BadFile when damaged or too large."""
        pieces: list[bytes] = []
        size = 0
        try:
            for piece in self._pieces():
                pieces.append(piece)
                size += len(piece)
                if size > self._limits.whole_bytes:
                    raise _too_large(self._limits.whole_bytes)
        except BadRecord as fault:
            raise BadFile(fault) from None
        return self._as_utf8(b"".join(pieces), row=0)

    def sibling(self, name: str) -> bytes | None:
        """A file in or below this file's folder; None when absent, too large, damaged or leading out of the folder."""
        folder = self._path.parent.resolve()
        try:
            target = (folder / name).resolve()
            if not target.is_relative_to(folder) or not target.is_file():
                return None
            beside = LocalFile(target, limits=self._limits._replace(whole_bytes=self._limits.sibling_bytes))
            try:
                return beside.data()
            finally:
                beside.close()
        except (OSError, ValueError, RuntimeError, BadFile):  # RuntimeError: a loop of symbolic links
            return None

    def siblings(self, suffix: str) -> list[str]:
        """Names, not paths, of the files in this file's folder that end in `suffix`."""
        try:
            return sorted(entry.name for entry in self._path.parent.iterdir() if entry.name.endswith(suffix))
        except OSError:
            return []

    # what `read.py` and the quick look use

    @property
    def location(self) -> Path:
        """Where the file is, to open it once more."""
        return self._path

    @property
    def start(self) -> int:
        """The offset the reading starts at."""
        return self._start

    @property
    def plain(self) -> bool:
        """True when offsets are those on disk: no gzip, no byte-order mark, no transcoding."""
        return self._open().plain

    def head(self) -> bytes:
        """The first 64 KiB of text; less when the file is shorter or damaged there. Raises OSError, BadRecord."""
        self._open()
        return self._head

    def before(self, offset: int, size: int) -> bytes:
        """The `size` bytes on disk that end at `offset`; fewer where the file has fewer. Raises OSError."""
        with self._path.open("rb") as file:
            file.seek(max(0, offset - size))
            return file.read(min(size, offset))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def take_problems(self) -> list[Problem]:
        """The file's faults found since the last call."""
        taken, self._problems = self._problems, []
        return taken

    def note(self, row: int, fault: BadRecord) -> None:
        """Remember one fault of the file (`row` 0 = the whole of it)."""
        self._problems.append(fault.problem(self.source, self._shown, row))

    def blocks(self, *, count_rows: bool = True) -> Iterator[Block]:
        """The file in blocks of whole lines, not checked for UTF-8; take each before asking for the next.

        A line that does not end within the limit is one problem and left out. Counting rows costs as much as reading:
        without, `row_at` tells the row of the few places where it matters.
        """
        rest: list[bytes] = []  # pieces of a line not yet ended; joined once, because it may be many
        rest_bytes, skipping = 0, False
        position = self._start
        try:
            for piece in self._pieces():
                if skipping:
                    end = piece.find(b"\n") + 1
                    position += end or len(piece)
                    if not end:
                        continue
                    skipping, piece = False, piece[end:]
                    self._passed(position, 1)
                cut = piece.rfind(b"\n") + 1
                if cut:
                    data = b"".join((*rest, piece[:cut]))
                    rest, rest_bytes = [], 0
                    lines = data.count(b"\n") if count_rows else 0
                    yield Block(self.rows + 1 if count_rows else 0, position, lines, data)
                    position += len(data)
                    self._passed(position, lines)
                if cut < len(piece):
                    rest.append(piece[cut:])
                    rest_bytes += len(piece) - cut
                if not self.is_short(self.rows + 1, rest_bytes):
                    position, skipping = position + rest_bytes, True
                    rest, rest_bytes = [], 0
        except BadRecord as fault:
            if skipping:
                self._problems.pop()  # the endless line is part of this fault
            self.note(0, fault)
        if rest:
            yield Block(self.rows + 1 if count_rows else 0, position, 1 if count_rows else 0, b"".join(rest))

    def row_at(self, offset: int) -> int:
        """The 1-based row of the line that starts at an offset, by reading the file again up to there."""
        again = LocalFile(self._path, limits=self._limits)
        row, position = 1, 0
        try:
            for piece in again._pieces():
                row += piece.count(b"\n", 0, offset - position)
                position += len(piece)
                if position >= offset:
                    break
        finally:
            again.close()
        return row

    # inside

    def _passed(self, position: int, lines: int) -> None:
        """Remember where the last whole line ended: a last line without a line end is read again next time."""
        self.rows += lines
        self.end_offset = position

    def is_short(self, row: int, line_bytes: int) -> bool:
        """False, and one problem, when a line is longer than any record."""
        if line_bytes <= self._limits.line_bytes:
            return True
        self.note(row, _too_long(line_bytes, self._limits.line_bytes))
        return False

    def _open(self) -> Text:
        if self._text is None:
            self._file = self._path.open("rb", buffering=0)
            if self._start:
                self._head = self._file.read(HEAD_BYTES)
                self._file.seek(self._start)
                self._text = Text(pieces_of(self._file), plain=True, encoding="utf-8")
            else:
                self._text, start = open_text(self._file, self._limits)
                self._head = start[:HEAD_BYTES]
        return self._text

    def _pieces(self) -> Iterator[bytes]:
        text = self._open()
        if text.encoding.startswith("utf-16"):
            self.note(0, _encoding_fault("The file is UTF-16; it was read as such", text.encoding))
        yield from text.pieces
        self.close()

    def _lines_of(self, block: Block) -> Iterator[Line]:
        valid = _is_utf8(block.data)
        offset = block.offset
        for row, line in enumerate(lines_in(block), start=block.row):
            if self.is_short(row, len(line)):
                text = line[:-1] if line.endswith(b"\r") else line
                yield Line(row, offset, text if valid else self._as_utf8(text, row))
            offset += len(line) + 1

    def _as_utf8(self, data: bytes, row: int) -> bytes:
        """`data` with what is not UTF-8 replaced; the first time in a file it is one problem."""
        if _is_utf8(data):
            return data
        if not self._said_encoding:
            self._said_encoding = True
            self.note(row, _encoding_fault("Some text is not UTF-8; the wrong bytes were replaced", "other bytes"))
        return data.decode("utf-8", "replace").encode()


def shown_path(path: Path) -> str:
    """The path as text that can be written anywhere: bytes of a name that are not UTF-8 as `\\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def lines_in(block: Block) -> list[bytes]:
    """The lines of a block, without their line ends."""
    lines = block.data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _encoding_fault(message: str, value: str) -> BadRecord:
    return BadRecord("wrong-encoding", message, value=value, expected="UTF-8", next_step="Save the file as UTF-8.")


def _too_long(line_bytes: int, limit: int) -> BadRecord:
    return BadRecord(
        "line-too-long",
        "The line is longer than any record; it was left out, and the dollars of its call are missing",
        value=f"at least {line_bytes} bytes",
        expected=f"at most {limit} bytes",
        next_step="If it is a whole JSON document, save it as .json, one document a file.",
    )


def _too_large(limit: int) -> BadRecord:
    return BadRecord(
        "file-too-large",
        "The file is too large to be read in one piece",
        value=f"more than {limit} bytes",
        expected=f"at most {limit} bytes",
        next_step="Export a shorter period, or one record a line (.jsonl).",
    )
