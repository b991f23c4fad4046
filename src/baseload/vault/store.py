"""The vault: a folder of sealed bodies with a cap on size and age, from which any part can be forgotten.

Its index is the heads of its own records, so that none can fall out of step with it. One process writes at a time;
readers need no lock. docs/reference/vault.md has the file format, docs/decisions/vault.md the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from baseload.ledger.lock import WriterLock
from baseload.values import Problem
from baseload.vault.body import Body
from baseload.vault.faults import VaultError, VaultKeyError, VaultTampered
from baseload.vault.frame import Entry, Frame, opened, sealed
from baseload.vault.key import VaultKey
from baseload.vault.mark import MARK_NAME, begin, check_key
from baseload.vault.segment import SUFFIX, Scan, append, box_of, scan, sweep, without

SOURCE: Final = "vault"
MIB: Final = 1024 * 1024


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """What a vault may keep. Past `total_bytes` the oldest files go first; `days` count from the day of storing."""

    total_bytes: int = 1024 * MIB
    days: int = 30
    record_bytes: int = 48 * MIB

    @property
    def file_bytes(self) -> int:
        """A file is not appended to beyond this: what goes for room goes in pieces of at most an eighth."""
        return min(16 * MIB, max(1, self.total_bytes // 8))


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What an append did, in records: `known` were there already, `pushed_out` went for room, `expired` for age."""

    stored: int
    known: int
    expired: int
    pushed_out: int
    problems: tuple[Problem, ...] = ()


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """What is gone from disk. `unreadable_bytes` lay in damaged parts, which cannot be told apart and went too."""

    records: int
    bytes: int
    unreadable_bytes: int


class Vault:
    """An open vault. Without a key it can be listed and forgotten from, neither read nor filled."""

    def __init__(self, root: Path, key: VaultKey | None, caps: Caps) -> None:
        self.root = root
        self.caps = caps
        self._key = key
        self._places: dict[str, tuple[Path, Frame]] = {}
        self._scans: dict[Path, Scan] = {}
        self._look()

    @classmethod
    def open(cls, root: Path, key: VaultKey | None, *, create: bool = False, caps: Caps | None = None) -> Vault:
        """The vault of a folder. Raises VaultError where there is none, VaultKeyError where the key is another's."""
        mark = root / MARK_NAME
        if create and not mark.exists():
            begin(root, key)
        try:
            text = mark.read_bytes()
        except OSError as error:
            raise VaultError(f"{root} is no vault ({error.strerror}). Storing bodies is off until one is made.") from (
                error
            )
        if key is not None:
            check_key(text, key, root)
        return cls(root, key, caps or Caps())

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is stored, without text; expired ones are among them until they are forgotten."""
        return tuple(frame.entry for _, frame in self._places.values())

    @property
    def bytes(self) -> int:
        """On disk."""
        return sum(scan.size for scan in self._scans.values())

    def problems(self) -> list[Problem]:
        """One for each file with a damaged part."""
        return [_damaged(path, found) for path, found in self._scans.items() if found.damage]

    def read(self, call_id: str, as_of_day: int) -> Body | None:
        """The body of a call; None where it is not stored, expired or forgotten.

        Raises VaultTampered where it is not what was stored, VaultKeyError without a key.
        """
        place = self._places.get(call_id)
        if place is None or self._expired(place[1].entry, as_of_day):
            return None
        path, frame = place
        box = box_of(path, frame)
        if box is None:  # another process rewrote the file
            self._look()
            return self.read(call_id, as_of_day) if self._places.get(call_id, place) != place else None
        try:
            return opened(box, frame.head, self._needed_key())
        except VaultTampered as error:
            raise VaultTampered(f"{path.name}, call {call_id}: {error}") from error

    def store(self, records: Iterable[tuple[Entry, Body]], as_of_day: int) -> Stored:
        """Add bodies; a call that is there already is not stored again. The cap holds at every moment."""
        key = self._needed_key()
        with self._writing():
            expired = self._drop(lambda entry: self._expired(entry, as_of_day)).records
            batch = _Batch(limit=min(MIB, self.caps.file_bytes))
            known = pushed_out = 0
            problems: list[Problem] = []
            for entry, body in records:
                if entry.call_id in self._places or entry.call_id in batch.calls:
                    known += 1
                    continue
                frame = sealed(msgspec.structs.replace(entry, day=as_of_day), body, key)
                if len(frame) > min(self.caps.record_bytes, self.caps.total_bytes):
                    problems.append(_too_large(entry, len(frame)))
                    continue
                if not batch.takes(frame):
                    pushed_out += self._write(batch, as_of_day)
                batch.add(entry.call_id, frame)
            pushed_out += self._write(batch, as_of_day)
            return Stored(
                stored=batch.written, known=known, expired=expired, pushed_out=pushed_out, problems=tuple(problems)
            )

    def forget(self, chosen: Callable[[Entry], bool]) -> Forgotten:
        """Take the chosen records off the disk, and with them every part of a file that cannot be read."""
        with self._writing():
            return self._drop(chosen, damaged=True)

    def expire(self, as_of_day: int) -> Forgotten:
        """Forget what is `caps.days` old or older."""
        return self.forget(lambda entry: self._expired(entry, as_of_day))

    # inside

    def _look(self) -> None:
        """Read the heads of all files. Of a call stored twice the first counts."""
        self._places, self._scans = {}, {}
        for path in sorted(self.root.glob(f"*{SUFFIX}")):
            try:
                self._see(path)
            except FileNotFoundError:
                continue

    def _see(self, path: Path) -> None:
        before = self._scans.get(path)
        start = 0 if before is None else len(before.frames)
        found = self._scans[path] = scan(path, before)
        for frame in found.frames[start:]:
            self._places.setdefault(frame.entry.call_id, (path, frame))

    def _needed_key(self) -> VaultKey:
        if self._key is None:
            raise VaultKeyError(
                f"{self.root} needs its key to be read or filled; set the variable or name the key file"
            )
        return self._key

    def _expired(self, entry: Entry, as_of_day: int) -> bool:
        return as_of_day - entry.day >= self.caps.days

    @contextmanager
    def _writing(self) -> Iterator[None]:
        lock = WriterLock(self.root)
        try:
            sweep(self.root)
            self._look()
            yield
        finally:
            lock.release()

    def _drop(self, chosen: Callable[[Entry], bool], *, damaged: bool = False) -> Forgotten:
        before, unreadable = self.bytes, 0
        gone = 0
        for path, found in list(self._scans.items()):
            calls = {frame.entry.call_id for frame in found.frames if chosen(frame.entry)}
            if calls or (damaged and found.damage):
                gone += sum(frame.entry.call_id in calls for frame in found.frames)
                unreadable += found.size - found.end
                without(path, found.frames, calls)
        self._look()
        return Forgotten(records=gone, bytes=before - self.bytes, unreadable_bytes=unreadable)

    def _make_room(self, needed: int) -> int:
        """Remove the oldest files until so many bytes fit; records gone."""
        gone = 0
        while self._scans and self.bytes + needed > self.caps.total_bytes:
            oldest = min(self._scans)
            gone += len(self._scans[oldest].frames)
            without(oldest, (), ())
            self._forget_file(oldest)
        return gone

    def _forget_file(self, path: Path) -> None:
        del self._scans[path]
        self._places = {call: place for call, place in self._places.items() if place[0] != path}

    def _write(self, batch: _Batch, day: int) -> int:
        """Put the batch on disk and begin a new one; records that went for room."""
        if not batch.frames:
            return 0
        gone = self._make_room(batch.bytes)
        path = self._file_for(batch.bytes, day)
        append(path, batch.frames)
        self._see(path)
        batch.clear()
        return gone

    def _file_for(self, needed: int, day: int) -> Path:
        """The file of the day that still has room and no damage, or the next new one."""
        last = max(self._scans, default=None)
        number = 0
        if last is not None:
            number, name_day = (int(part) for part in last.stem.split("-"))
            found = self._scans[last]
            if name_day == day and not found.damage and found.size + needed <= self.caps.file_bytes:
                return last
        return self.root / f"{number + 1:010d}-{day}{SUFFIX}"


class _Batch:
    """Frames that are written together: one wait for the disk each."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.calls: set[str] = set()
        self.frames: list[bytes] = []
        self.bytes = 0
        self.written = 0

    def takes(self, frame: bytes) -> bool:
        return not self.frames or self.bytes + len(frame) <= self._limit

    def add(self, call_id: str, frame: bytes) -> None:
        self.calls.add(call_id)
        self.frames.append(frame)
        self.bytes += len(frame)

    def clear(self) -> None:
        self.written += len(self.frames)
        self.calls, self.frames, self.bytes = set(), [], 0


def _damaged(path: Path, found: Scan) -> Problem:
    return Problem(
        source=SOURCE,
        file=path.name,
        row=len(found.frames) + 1,
        code="vault-torn" if found.damage == "torn" else "vault-unreadable",
        message="A part of this vault file is no whole record; the records before it are used",
        value=f"{found.size - found.end} bytes",
        expected="whole records",
        next_step="Torn: a write was cut short, nothing else is lost. Any `baseload forget` removes the part.",
    )


def _too_large(entry: Entry, size: int) -> Problem:
    return Problem(
        source=SOURCE,
        file="",
        row=0,
        code="vault-record-too-large",
        message="The body is larger than the vault takes; it was not stored",
        value=f"{size} bytes",
        expected="a body within the vault's caps",
        next_step=f"Raise the cap, or leave call {entry.call_id[:32]} out of trials.",
    )
