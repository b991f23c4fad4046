"""One writer at a time, and no file deleted under a reader: two advisory locks in the ledger folder (POSIX flock).

The operating system releases both when a process dies, so a crash never leaves a ledger locked.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from baseload.errors import LedgerLocked

_WRITER = "writer.lock"
_READERS = "readers.lock"


class WriterLock:
    """Held by the one process that may change the ledger. Raises LedgerLocked, naming the holder, when it is taken."""

    def __init__(self, root: Path) -> None:
        self._path = root / _WRITER
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise LedgerLocked(
                f"{root} is being written by process {holder}. Wait for it to finish, then run again."
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._descriptor)


class ReaderLock:
    """Shared by all who hold an open ledger: while any other holds it, replaced files stay on disk."""

    def __init__(self, root: Path) -> None:
        self._descriptor = os.open(root / _READERS, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def alone(self) -> bool:
        """Whether nobody else reads the ledger now. Ask only while holding the writer lock."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)  # a failed conversion may drop the shared lock
            return False
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        return True

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
