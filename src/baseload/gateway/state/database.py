"""The port between SQL text and a database: transactions, `?` for arguments, rows as tuples. Thread-safe.

The text is the subset that SQLite from 3.35 and PostgreSQL from 15 read alike. A read-then-write begins with an
`UPDATE` of the row it is about: that locks it in PostgreSQL, and SQLite's transactions exclude each other anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from baseload.gateway.state.faults import StateTooNew

Value = str | int | None
Row = tuple[Any, ...]

VERSIONS: Final = "CREATE TABLE IF NOT EXISTS schema_versions (owner TEXT PRIMARY KEY, version INTEGER NOT NULL)"


class Transaction(Protocol):
    """Statements that take place together or not at all."""

    def rows(self, sql: str, args: Sequence[Value] = ()) -> list[Row]:
        """What a SELECT, or a statement with RETURNING, gives. Raises StateDown."""

    def run(self, sql: str, args: Sequence[Value] = ()) -> int:
        """How many rows a statement changed. Raises StateDown."""


class Database(Protocol):
    """One database, shared by any number of replicas."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Committed at the end of the block, undone when it raises. Raises StateDown: then it may have been either."""

    def migrating(self) -> AbstractContextManager[Transaction]:
        """A transaction that nobody else who migrates runs beside."""

    def close(self) -> None:
        """For good."""


def migrate(database: Database, owner: str, migrations: Sequence[Sequence[str]]) -> None:
    """Bring the tables of one owner to the newest version: the n-th migration's statements lead to version n.

    Every module with tables of its own has an owner's name and numbered migrations; one that was published never
    changes. Raises StateTooNew, StateDown.
    """
    with database.migrating() as run:
        run.run(VERSIONS)
        found = run.rows("SELECT version FROM schema_versions WHERE owner = ?", (owner,))
        have = int(found[0][0]) if found else 0
        if have > len(migrations):
            raise StateTooNew(
                f"the state store's {owner} tables have version {have}; this Baseload knows {len(migrations)}. "
                "Run the newer version on every replica."
            )
        for statements in migrations[have:]:
            for statement in statements:
                run.run(statement)
        if have < len(migrations):
            run.run(
                "INSERT INTO schema_versions (owner, version) VALUES (?, ?)"
                " ON CONFLICT (owner) DO UPDATE SET version = excluded.version",
                (owner, len(migrations)),
            )
