"""Writing the call log: whole lines by `write` at once, made durable together every few milliseconds.

A line is in the kernel's hands before `append` returns: killing the process loses none. A power failure loses at most
what was written since the last commit, one interval. Nothing is queued in memory. Where the disk refuses, the half
line is taken back, and the call is served and counted as missing, or refused (`on_full`).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

from baseload.errors import BaseloadError
from baseload.gateway.calllog.commits import Commits
from baseload.gateway.calllog.records import End, Head, LogRecord, Note, Seal, Start, line_of

SUFFIX: Final = ".log"
SEGMENT_BYTES: Final = 64 * 1024 * 1024
SEGMENT_US: Final = 300_000_000
COMMIT_SECONDS: Final = 0.02

OnFull = Literal["serve", "refuse"]


class LogFull(BaseloadError):
    """A start could not be written, and the policy is to refuse calls that would not be logged."""


class CallLog:
    """One writer of one process. All but the commit runs on the caller's thread, which must be always the same.

    `spent` gives what the replica's budgets have settled, by month and budget: right after an end is written its cost
    is settled, before anything else is. `write` and `sync` are `os.write` and `os.fdatasync`; `clock_us` gives UTC
    microseconds. Raises LogFull where the folder cannot be written at all.
    """

    def __init__(
        self,
        folder: Path,
        replica_id: str,
        *,
        clock_us: Callable[[], int],
        account: str = "",
        on_full: OnFull = "serve",
        commit_s: float = COMMIT_SECONDS,
        segment_bytes: int = SEGMENT_BYTES,
        segment_us: int = SEGMENT_US,
        spent: Callable[[], Mapping[str, Mapping[str, int]]] = dict,
        write: Callable[[int, bytes], int] = os.write,
        sync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        self.replica_id = replica_id
        self.dropped = 0  # calls and notes the log lacks
        self.is_full = False  # the last record could not be written
        self._folder = folder
        self._account = account
        self._on_full = on_full
        self._clock_us = clock_us
        self._segment_bytes = segment_bytes
        self._segment_us = segment_us
        self._spent = spent
        self._write = write
        self._seq = 0
        self._number = 0
        self._told_dropped = 0
        self._torn = False
        self._open: dict[int, tuple[int, int]] = {}  # seq of a start without an end -> its offset and length here
        self._missed: set[int] = set()  # seqs of starts that could not be written
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._fd, self._size, self._began_us = self._new_segment()
        except OSError as error:
            raise LogFull(f"the call log cannot be written: {error.strerror}. Check its folder and its disk.") from None
        self._commits = Commits(folder, self._fd, commit_s, sync)
        self._commits.wrote()

    def __repr__(self) -> str:
        return f"CallLog({self.replica_id})"

    def next_seq(self) -> int:
        """The number of the next start or note: each is used once."""
        self._seq += 1
        return self._seq

    @property
    def open_starts(self) -> int:
        """Calls under way."""
        return len(self._open)

    @property
    def refuses(self) -> bool:
        """No call may go now: the disk is full, and unlogged calls are not wanted. `append` and `tick` try it again."""
        return self.is_full and self._on_full == "refuse"

    def append(self, record: Start | End | Note, start: Start | None = None) -> bool:
        """Write one record; False where the disk refused it. Raises LogFull for a start where the policy is to refuse.

        An end is never refused: its call is paid already. With its `start` beside it, a start that could not be
        written is written now.
        """
        if self._told_dropped != self.dropped and not self._tell_dropped():
            return self._drop(record)
        if isinstance(record, Start):
            return self._put_start(record) or self._drop(record)
        if isinstance(record, End) and record.seq in self._missed and not (start and self._put_start(start)):
            return self._drop(record)
        line = line_of(record)
        if self._size + len(line) > self._segment_bytes:
            self._make_room()
        if not self._put(line):
            return self._drop(record)
        if isinstance(record, End):
            self._open.pop(record.seq, None)
        return True

    def tick(self) -> None:
        """About once a second: a full disk is tried again, and a segment open for long completed, to be shipped."""
        if self.is_full:
            self._put(line_of(Note(seq=self.next_seq(), us=self._clock_us(), kind="disk-was-full")))
        if self._clock_us() - self._began_us >= self._segment_us and self._size > self._head_bytes:
            self.rotate()

    def rotate(self) -> None:
        """Complete the segment and go on in a new one, with the open starts at its head. Stays where it cannot."""
        try:
            carried = {seq: os.pread(self._fd, length, offset) for seq, (offset, length) in self._open.items()}
            fd, size, began_us = self._new_segment()
        except OSError:
            self.is_full = True
            return
        old, self._fd, self._size, self._began_us = self._fd, fd, size, began_us
        kept: dict[int, tuple[int, int]] = {}
        for seq, line in carried.items():
            offset = self._size
            if not self._put(line):
                break
            kept[seq] = offset, len(line)
        if len(kept) < len(carried):  # the disk is full: the old segment goes on
            self._fd, self._size, self._began_us = old, os.lseek(old, 0, os.SEEK_END), self._clock_us()
            self._abandon(fd)
            return
        self._open = kept
        self._seal(old, Seal(us=self._clock_us(), why="full", carried=tuple(kept)))
        self._commits.retire(old, self._fd)

    def flush(self) -> None:
        """Make everything durable now; blocks for a disk's turn."""
        self._commits.flush()

    def close(self) -> None:
        """Complete the segment and make it durable. Starts still open are in flight for ever."""
        if self._fd < 0:
            return
        self.dropped += len(self._missed)
        if self._told_dropped != self.dropped:
            self._tell_dropped()
        self._seal(self._fd, Seal(us=self._clock_us(), why="closed"))
        self._commits.close(self._fd)
        self._fd = -1

    # inside

    def _put(self, line: bytes) -> bool:
        """One whole line, or nothing."""
        if self._torn:  # half a line could not be taken back: end it, its checksum tells
            line = b"\n" + line
        try:
            written = self._write(self._fd, line)
        except OSError:
            written = 0
        if written == len(line):
            self._size += written
            self.is_full = self._torn = False
            if not self._commits.awake:
                self._commits.wrote()
            return True
        self.is_full = True
        if written:
            try:
                os.ftruncate(self._fd, self._size)
            except OSError:
                self._torn = True
                self._size += written
        return False

    def _put_start(self, start: Start) -> bool:
        line = line_of(start)
        size = len(line)
        if self._size + size > self._segment_bytes:
            self._make_room()
        if not self._put(line):
            return False
        self._open[start.seq] = self._size - size, size
        if self._missed:
            self._missed.discard(start.seq)
        return True

    def _make_room(self) -> None:
        """A new segment, where this one holds a record."""
        if self._size > self._head_bytes:
            self.rotate()

    def _drop(self, record: LogRecord) -> bool:
        if isinstance(record, Start):
            if self._on_full == "refuse":
                raise LogFull("the call log cannot be written, and the policy is to refuse. Make room on its disk.")
            self._missed.add(record.seq)  # counted at its end, unless that brings it back
            return False
        if isinstance(record, End):
            self._open.pop(record.seq, None)
            self._missed.discard(record.seq)
        self.dropped += 1
        return False

    def _tell_dropped(self) -> bool:
        """The log itself says what it lacks, as soon as it can be written again."""
        count = self.dropped - self._told_dropped
        note = Note(seq=self.next_seq(), us=self._clock_us(), kind="dropped", values={"dropped": count})
        if not self._put(line_of(note)):
            return False
        self._told_dropped += count
        return True

    def _new_segment(self) -> tuple[int, int, int]:
        """A new file with its head: descriptor, size, time. Locked as long as this process lives. Raises OSError."""
        self._number += 1
        now_us = self._clock_us()
        path = segment_path(self._folder, self.replica_id, self._number)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            spent = {period: dict(budgets) for period, budgets in self._spent().items()}
            head = line_of(
                Head(
                    replica_id=self.replica_id,
                    began_us=now_us,
                    segment=self._number,
                    account=self._account,
                    spent=spent,
                )
            )
            if self._write(fd, head) != len(head):
                raise OSError("the head was not written")
        except OSError:
            self._abandon(fd)
            raise
        self._head_bytes = len(head)
        return fd, len(head), now_us

    def _abandon(self, fd: int) -> None:
        """A segment without a record is taken away again."""
        segment_path(self._folder, self.replica_id, self._number).unlink(missing_ok=True)
        os.close(fd)

    def _seal(self, fd: int, seal: Seal) -> None:
        line = line_of(seal)
        size = os.lseek(fd, 0, os.SEEK_END)
        try:
            if self._write(fd, line) != len(line):
                os.ftruncate(fd, size)
        except OSError:
            return  # unsealed: the next start on this folder seals it


def segment_path(folder: Path, replica_id: str, number: int) -> Path:
    return folder / f"calls-{replica_id}-{number:06d}{SUFFIX}"
