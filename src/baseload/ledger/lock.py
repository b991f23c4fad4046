"""One writer at a time, and no file deleted under a reader: two advisory locks in the ledger folder (POSIX flock).

The operating system releases both when a process dies, so a crash never leaves a ledger locked.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Self

from baseload.errors import LedgerError, LedgerLocked

_WRITER = "writer.lock"
_READERS = "readers.lock"


class WriterLock:
    """Held by the one process that may change the ledger. Raises LedgerLocked, naming the holder, when it is taken."""

    def __init__(self, root: Path) -> None:
        try:
            self._descriptor = os.open(root / _WRITER, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise LedgerError(f"{root} cannot be written: {error.strerror}. Check its permissions.") from error
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
    """Shared by all who hold an open ledger: while any other holds it, replaced files stay on disk.

    Whoever may not write the folder still reads it, unprotected only where the lock file itself is out of reach.
    """

    def __init__(self, root: Path) -> None:
        self._descriptor = _opened(root / _READERS)
        if self._descriptor >= 0:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def alone(self) -> bool:
        """Whether nobody else reads the ledger now. Ask only while holding the writer lock."""
        if self._descriptor < 0:
            return False
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


def _opened(path: Path) -> int:
    """A descriptor of the lock file, made if need be; -1 where this user can neither make nor open it."""
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        try:
            return os.open(path, flags, 0o644)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT):
                raise
    return -1
