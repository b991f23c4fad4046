"""The journal of a replay: append-only JSONL, every record on disk before the step after it is taken.

It holds ids, dollars, token counts and the answers themselves (sealed, where a vault gives a seal): once a batch has
been deleted upstream, the journal is where its results are. Requests and keys are never in it. One process at a time.

A verdict is made of these answers, so each line ends in a hash of itself and of the line before, under a key where one
is given: a line that was edited, left out or put in elsewhere than at the end shows before anything is graded. Lines
cut from the end do not: what they held is asked again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import msgspec

from baseload.quality.replay.errors import JournalBroken, JournalLocked

SCHEMA: Final = "baseload.replay/2"
_CHAIN: Final = re.compile(rb',"chain":"([0-9a-f]{32})"\}\Z')
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


def unchained(raw: bytes) -> tuple[bytes, str]:
    """A line as it lies on disk without its hash, and the hash; "" where it has none."""
    found = _CHAIN.search(raw)
    return (raw, "") if found is None else (raw[: found.start()] + b"}", found[1].decode())


class Journal:
    """An open journal; the lock on it is held until `close`. `lines` are all of it, in order."""

    def __init__(self, path: Path, seal: Seal | None = None, key: bytes = b"") -> None:
        """A torn last line was never acted on and is cut off. `key` is that of the chain, at most 64 bytes.

        Raises JournalBroken, JournalLocked.
        """
        self.path = path
        self.seal = seal or Plain()
        self._key, self._last = key, ""
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
                found.append(self._chained(raw))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
                why = str(error) if type(error) is ValueError else type(error).__name__
                raise JournalBroken(
                    f"{self.path.name}, line {number}: {why}; expected a record of {SCHEMA}. "
                    "Keep the file and ask the provider's console what was submitted."
                ) from error
        return found, whole < len(data)

    def _chained(self, raw: bytes) -> Line:
        """A line that follows the last one. Raises ValueError where it was changed, or follows another."""
        bare, stated = unchained(raw)
        line: Line = _LINES.decode(bare)
        if stated != self._follows(bare):
            raise ValueError("it was changed, or a line before it was, or the key is another")
        self._last = stated
        return line

    def _follows(self, bare: bytes) -> str:
        """The hash of a line after the last one."""
        return hashlib.blake2b(self._last.encode() + bare, key=self._key, digest_size=16).hexdigest()

    def append(self, *lines: Line) -> None:
        """Returns when they are on disk, all of them in one write."""
        data = b"".join(map(self._written, lines))
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)
        self.lines.extend(lines)

    def _written(self, line: Line) -> bytes:
        bare = msgspec.json.encode(line)
        self._last = self._follows(bare)
        return bare[:-1] + f',"chain":"{self._last}"}}\n'.encode()

    def close(self) -> None:
        os.close(self._file)


def _sync_folder(path: Path) -> None:
    """The file's name is on disk too."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
