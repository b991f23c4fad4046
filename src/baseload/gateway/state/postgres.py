"""The shared state store: PostgreSQL 15 or newer, by psycopg 3 (extra `pg`)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from baseload.gateway.state.database import Row, Value
from baseload.gateway.state.faults import StateDown

CONNECT_SECONDS: Final = 5
STATEMENT_MS: Final = 5_000
_MIGRATION_LOCK: Final = 4_207_849_001
_OPTIONS: Final = f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={STATEMENT_MS} -c timezone=UTC"


class PostgresDatabase:
    """One connection behind a lock, made again after a failure. The address is a secret: it is never shown.

    `schema` is the search path, for several gateways in one database.
    """

    def __init__(self, dsn: str, *, schema: str = "") -> None:
        self._dsn = dsn
        self._options = _OPTIONS + (f" -c search_path={schema}" if schema else "")
        self._lock = threading.RLock()
        self._connection: psycopg.Connection[Any] | None = None

    def __repr__(self) -> str:
        return "PostgresDatabase(…)"

    @contextmanager
    def transaction(self) -> Iterator[_Statements]:
        with self._lock:
            connection = self._connected()
            try:
                yield _Statements(connection)
                connection.commit()
            except BaseException as error:
                self._undo(connection)
                if isinstance(error, psycopg.Error):
                    raise _down(error) from None
                raise

    @contextmanager
    def migrating(self) -> Iterator[_Statements]:
        with self.transaction() as run:
            run.rows("SELECT pg_advisory_xact_lock(?)", (_MIGRATION_LOCK,))
            yield run

    def close(self) -> None:
        with self._lock:
            self._forget()

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            try:
                self._connection = psycopg.connect(self._dsn, connect_timeout=CONNECT_SECONDS, options=self._options)
            except psycopg.Error as error:
                raise _down(error) from None
        return self._connection

    def _undo(self, connection: psycopg.Connection[Any]) -> None:
        try:
            connection.rollback()
        except psycopg.Error:
            self._forget()

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Statements:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def rows(self, sql: str, args: Sequence[Value] = ()) -> list[Row]:
        return list(self._connection.execute(sql.replace("?", "%s"), args or None).fetchall())

    def run(self, sql: str, args: Sequence[Value] = ()) -> int:
        return int(self._connection.execute(sql.replace("?", "%s"), args or None).rowcount)


def _down(error: psycopg.Error) -> StateDown:
    """In our own words: the driver's text may repeat parts of the address."""
    what = error.sqlstate or type(error).__name__
    return StateDown(f"the state store's database does not answer as it should ({what}). Check that it runs.")
