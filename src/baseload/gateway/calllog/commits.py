"""Group commit: what was written is made durable by one `fdatasync` for many records, off the event loop."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path


class Commits:
    """A thread that makes durable what was written, many records by one `fdatasync`; asleep while nothing is."""

    def __init__(self, folder: Path, fd: int, interval_s: float, sync: Callable[[int], None]) -> None:
        self.awake = False  # a commit is due that will see what was written until now
        self._folder = folder
        self._interval_s = interval_s
        self._sync = sync
        self._fd = fd
        self._retired: list[int] = []
        self._new_names = True
        self._dirty = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self.failed = 0  # commits the disk refused
        self._thread = threading.Thread(target=self._run, name="baseload-calllog", daemon=True)
        self._thread.start()

    def wrote(self) -> None:
        """Something was. Needed only while not `awake`: a commit looks away before it begins, and is told again."""
        self.awake = True
        self._dirty.set()

    def retire(self, old: int, new: int) -> None:
        """`old` is complete: it is made durable once more and closed."""
        with self._lock:
            self._retired.append(old)
            self._new_names = True
            self._fd = new
        self.wrote()

    def flush(self) -> None:
        with self._turn:
            with self._lock:  # never held while the disk works: the event loop may want it
                self._dirty.clear()
                self.awake = False  # in this order: who writes from here on sets both again
                retired, self._retired = self._retired, []
                names, self._new_names = self._new_names, False
                current = self._fd
            for fd in (*retired, current):
                self._one(self._sync, fd)
            for fd in retired:
                os.close(fd)
            if names:
                self._names()

    def close(self, fd: int) -> None:
        self._stopped.set()
        self._dirty.set()
        self._thread.join()
        self._fd = fd
        self.flush()
        os.close(fd)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._dirty.wait()
            if self._stopped.wait(self._interval_s):
                return
            self.flush()

    def _one(self, sync: Callable[[int], None], fd: int) -> None:
        try:
            sync(fd)
        except OSError:
            self.failed += 1

    def _names(self) -> None:
        """New files' names are durable too."""
        try:
            fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            self.failed += 1
            return
        self._one(os.fsync, fd)
        os.close(fd)
