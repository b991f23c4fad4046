"""The evidence record on disk: appended and fsynced, and walked again by a trial that was killed.

A trial says the same things in the same order every time. So a resumed one walks the lines that are there, each of
which must be what it says itself, and appends from where they end.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from baseload.errors import UsageError
from baseload.quality.record import Kind, Line, Tampered, chained, line_bytes, read_record

NAME: Final = "record.jsonl"


class Evidence:
    """An open record. Whoever writes it holds the lock of the trial's journal."""

    def __init__(self, path: Path) -> None:
        """A torn last line was never acted on and is cut off. Raises Tampered where the chain does not hold."""
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self.lines = self._read()
        except Tampered:
            self.close()
            raise
        self._at = 0

    def _read(self) -> list[Line]:
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(self._file, whole)
            os.fsync(self._file)
        return read_record(data[:whole]) if whole else []

    @property
    def head(self) -> str:
        """The hash of the last line; "" before the first."""
        return self.lines[-1].sha256 if self.lines else ""

    def next(self, kind: Kind) -> Mapping[str, Any] | None:
        """The body of the line that is there already where the next one is of this kind; it is not passed."""
        if self._at < len(self.lines) and self.lines[self._at].kind == kind:
            return self.lines[self._at].body
        return None

    def put(self, *said: tuple[Kind, Mapping[str, Any]]) -> None:
        """Say the next lines: those that are there must be the same, the others are on disk when this returns.

        Raises UsageError where the record says something else: it is of another trial, or of other calls.
        """
        new: list[Line] = []
        for kind, body in said:
            if self._at + len(new) < len(self.lines):
                self._same(self.lines[self._at], kind, body)
                self._at += 1
            else:
                before = new[-1] if new else self.lines[-1] if self.lines else None
                new.append(chained(kind, msgspec.to_builtins(body), before))
        if new:
            self._append(new)

    def walk(self) -> None:
        """Pass all lines: what is said next is appended."""
        self._at = len(self.lines)

    def skip(self) -> None:
        """Pass a line that was taken as it stands."""
        self._at += 1

    def _same(self, line: Line, kind: Kind, body: Mapping[str, Any]) -> None:
        if line.kind != kind or _spelt(line.body) != _spelt(body):
            raise UsageError(
                f"{self.path}, line {line.seq + 1}: a {line.kind} that is not this trial's; its bar, its calls or "
                "Baseload itself changed since it began. "
                "Rename its folder to one that ends in ~1, or the next number, and run it anew."
            )

    def _append(self, lines: Sequence[Line]) -> None:
        data = b"".join(map(line_bytes, lines))
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)
        self.lines.extend(lines)
        self._at += len(lines)

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _spelt(body: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(msgspec.to_builtins(body), order="sorted")


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file so that a reader, or a restart, finds all of the old one or all of the new one."""
    beside = path.with_name(f".{path.name}.new")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        left = data
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    finally:
        os.close(file)
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
