"""The journal of a replay: append-only JSONL, every record on disk before the step after it is taken.

It holds ids, dollars, token counts and the answers themselves (sealed, where a vault gives a seal): once a batch has
been deleted upstream, the journal is where its results are. Requests and keys are never in it. One process at a time.
"""

from __future__ import annotations

import fcntl
import os
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import msgspec

from baseload.quality.replay.errors import JournalBroken, JournalLocked

SCHEMA: Final = "baseload.replay/1"
Outcome = Literal["succeeded", "errored", "expired", "canceled", "missing", "gone"]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """One line."""


class Begun(Record, frozen=True, kw_only=True, tag="begun"):
    """The first line. `nonce` marks everything this replay submits; `workspace` is where it does."""

    schema: str = SCHEMA
    nonce: str
    plan_sha256: str
    workspace: str = ""


class Intent(Record, frozen=True, kw_only=True, tag="intent"):
    """Written before a submit: the items, and the dollars reserved for them. `at` is seconds since 1970."""

    n: int
    transport: Literal["batch", "synchronous"]
    items: tuple[str, ...]
    reserved_usd: Decimal
    at: float


class Submitted(Record, frozen=True, kw_only=True, tag="submitted"):
    """The batch of an intent; `adopted` = found upstream after nobody had heard of it."""

    n: int
    batch_id: str
    adopted: bool = False


class Absent(Record, frozen=True, kw_only=True, tag="absent"):
    """The submit did not happen, or was refused: the reservation is free again."""

    n: int
    why: str


class Lost(Record, frozen=True, kw_only=True, tag="lost"):
    """A synchronous call whose answer nobody has: perhaps paid, so its reservation is kept for good."""

    n: int
    why: str


class Result(Record, frozen=True, kw_only=True, tag="result"):
    """What became of one item. `body` is the sealed answer, empty without one; `usage` as the API gave it."""

    n: int
    item: str
    outcome: Outcome
    usd: Decimal
    error: str = ""
    model: str = ""
    usage: dict[str, Any] = {}
    body: bytes = b""


class Settled(Record, frozen=True, kw_only=True, tag="settled"):
    """All results of an intent stand before this line; `usd` is what they cost and replaces the reservation."""

    n: int
    usd: Decimal


class Deleted(Record, frozen=True, kw_only=True, tag="deleted"):
    """The batch and its results are gone upstream."""

    batch_id: str


Line = Begun | Intent | Submitted | Absent | Lost | Result | Settled | Deleted
_LINES: Final = msgspec.json.Decoder(Line)


class Seal(Protocol):
    """How answers lie on disk."""

    def seal(self, plain: bytes) -> bytes: ...

    def open(self, sealed: bytes) -> bytes: ...


class Plain:
    """Answers as they are, in a file only its owner can read."""

    def seal(self, plain: bytes) -> bytes:
        return plain

    def open(self, sealed: bytes) -> bytes:
        return sealed


class Journal:
    """An open journal; the lock on it is held until `close`. `lines` are all of it, in order."""

    def __init__(self, path: Path, seal: Seal | None = None) -> None:
        """A torn last line was never acted on and is cut off. Raises JournalBroken, JournalLocked."""
        self.path = path
        self.seal = seal or Plain()
        is_new = not path.exists()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise JournalLocked(f"{path.name}: another replay is writing it. Wait for it or stop it.") from error
        try:
            self.lines, self.torn = self._read()
        except JournalBroken:
            self.close()
            raise
        if is_new:
            _sync_folder(path)

    def _read(self) -> tuple[list[Line], bool]:
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(self._file, whole)
            os.fsync(self._file)
        found = []
        for number, raw in enumerate(data[:whole].splitlines(), start=1):
            try:
                found.append(_LINES.decode(raw))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise JournalBroken(
                    f"{self.path.name}, line {number}: {type(error).__name__}; expected a record of {SCHEMA}. "
                    "Keep the file and ask the provider's console what was submitted."
                ) from error
        return found, whole < len(data)

    def append(self, *lines: Line) -> None:
        """Returns when they are on disk, all of them in one write."""
        data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)
        self.lines.extend(lines)

    def close(self) -> None:
        os.close(self._file)


def _sync_folder(path: Path) -> None:
    """The file's name is on disk too."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
