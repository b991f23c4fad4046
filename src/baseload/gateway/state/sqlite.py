"""The embedded state store: one SQLite file in WAL mode, for the replicas of one machine."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from baseload.gateway.state.database import Row, Value
from baseload.gateway.state.faults import StateDown

BUSY_SECONDS: Final = 5.0
"""How long one replica waits for another's transaction; each takes well under a millisecond."""


class SqliteDatabase:
    """One connection behind a lock. A commit is on disk before it returns (`synchronous=FULL`)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # which file it was; None before the first time

    def __repr__(self) -> str:
        return "SqliteDatabase(…)"

    @contextmanager
    def transaction(self) -> Iterator[_Statements]:
        with self._lock:
            try:
                connection = self._connected()
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                self._forget()
                raise _down(error) from None
            try:
                yield _Statements(connection)
                connection.execute("COMMIT")
            except BaseException as error:
                self._undo(connection)
                if isinstance(error, sqlite3.Error):
                    raise _down(error) from None
                raise

    migrating = transaction

    def close(self) -> None:
        with self._lock:
            self._forget()

    def _connected(self) -> sqlite3.Connection:
        """Raises StateDown where the file was removed: a new one would say that nothing was ever spent."""
        if self._file is not None and self._found() != self._file:
            self._forget()
            if self._found() is None:
                raise StateDown("the state store's file was removed. Put it back, or start the gateway again.")
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            self._path.chmod(0o600)
            self._connection, self._file = connection, self._found()
        return self._connection

    def _found(self) -> tuple[int, int] | None:
        """Which file is there now."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _undo(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._forget()

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Statements:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, args: Sequence[Value] = ()) -> list[Row]:
        return self._connection.execute(sql, args).fetchall()

    def run(self, sql: str, args: Sequence[Value] = ()) -> int:
        return self._connection.execute(sql, args).rowcount


def _down(error: sqlite3.Error) -> StateDown:
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    return StateDown(f"the state store's file cannot be used ({name}). Check its folder, its disk and its rights.")
