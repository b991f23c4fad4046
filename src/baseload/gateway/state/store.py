"""Everything replicas share, as operations that take place whole or not at all; over SQLite or PostgreSQL.

Asking again after `StateDown` is always safe: what is reported is absolute (spent in all, granted in all), so the
second time changes nothing. A call blocks while the database works: the gateway makes it on a thread (`threads.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from baseload.gateway.state.database import Database, Row, Transaction, migrate
from baseload.gateway.state.leases import LeaseStore
from baseload.gateway.state.records import KeyRow, KeyScope, Rollback, RouteRow, Topic
from baseload.gateway.state.schema import MIGRATIONS, OWNER

_KEYS: Final = "SELECT key_id, hash, name, scope, created_us, expires_us, revoked_us FROM virtual_keys ORDER BY key_id"
_ROUTES: Final = "SELECT workload, policy_id, events, state, changed_us FROM routes"
_S = TypeVar("_S", RouteRow, Rollback)
_ROLLBACKS: Final = "SELECT workload, candidate, policy_id, reason, says, at_us, lifted_us FROM rollbacks"


class StateStore(LeaseStore):
    """The shared state. Every method may raise StateDown."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        migrate(database, OWNER, MIGRATIONS)

    def close(self) -> None:
        self.database.close()

    def changes(self) -> Mapping[Topic, int]:
        """How often each topic was changed: one small read tells a replica whether to read anything again."""
        with self.database.transaction() as run:
            return {topic: int(count) for topic, count in run.rows("SELECT topic, count FROM changes")}

    # virtual keys

    def key_rows(self) -> list[KeyRow]:
        """All of them, revoked ones too."""
        with self.database.transaction() as run:
            return [_key(row) for row in run.rows(_KEYS)]

    def add_key(self, key: KeyRow) -> bool:
        """False when there is one of this id or hash already."""
        with self.database.transaction() as run:
            added = run.run(
                "INSERT INTO virtual_keys (key_id, hash, name, scope, created_us, expires_us, revoked_us)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (key.key_id, key.hash, key.name, msgspec.json.encode(key.scope).decode(), key.created_us,
                 key.expires_us, key.revoked_us),
            )  # fmt: skip
            return _noted(run, "keys", added)

    def revoke_key(self, key_id: str, at_us: int) -> bool:
        """False when there is no such key, or it was revoked before."""
        with self.database.transaction() as run:
            changed = run.run(
                "UPDATE virtual_keys SET revoked_us = ? WHERE key_id = ? AND revoked_us IS NULL", (at_us, key_id)
            )
            return _noted(run, "keys", changed)

    # routes

    def routes(self) -> list[RouteRow]:
        with self.database.transaction() as run:
            return [_route(row) for row in run.rows(f"{_ROUTES} ORDER BY workload, policy_id")]

    def route(self, workload: str, policy_id: str) -> RouteRow | None:
        with self.database.transaction() as run:
            found = run.rows(f"{_ROUTES} WHERE workload = ? AND policy_id = ?", (workload, policy_id))
            return _route(found[0]) if found else None

    def swap_route(self, route: RouteRow, expected_events: int | None) -> bool:
        """Write a route's state where its `events` are still the expected ones; None = where there is none yet.

        False = another replica was first: read again and take the event once more.
        """
        with self.database.transaction() as run:
            if expected_events is None:
                changed = run.run(
                    "INSERT INTO routes (workload, policy_id, events, state, changed_us) VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    (route.workload, route.policy_id, route.events, route.state, route.changed_us),
                )
            else:
                changed = run.run(
                    "UPDATE routes SET events = ?, state = ?, changed_us = ?"
                    " WHERE workload = ? AND policy_id = ? AND events = ?",
                    (route.events, route.state, route.changed_us, route.workload, route.policy_id, expected_events),
                )
            return _noted(run, "routes", changed)

    # rollbacks

    def rollbacks(self) -> list[Rollback]:
        """Those in force."""
        with self.database.transaction() as run:
            found = run.rows(f"{_ROLLBACKS} WHERE lifted_us IS NULL ORDER BY workload, candidate")
            return [_rollback(row) for row in found]

    def roll_back(self, back: Rollback) -> bool:
        """False where it was rolled back already."""
        with self.database.transaction() as run:
            changed = run.run(
                "INSERT INTO rollbacks (workload, candidate, policy_id, reason, says, at_us, lifted_us)"
                " VALUES (?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (workload, candidate) DO UPDATE SET"
                " policy_id = excluded.policy_id, reason = excluded.reason, says = excluded.says,"
                " at_us = excluded.at_us, lifted_us = NULL WHERE rollbacks.lifted_us IS NOT NULL",
                (back.workload, back.candidate, back.policy_id, back.reason, back.says, back.at_us),
            )
            return _noted(run, "rollbacks", changed)

    def lift(self, workload: str, candidate: str, at_us: int) -> bool:
        """A person lets the candidate serve again. False where nothing was rolled back."""
        with self.database.transaction() as run:
            changed = run.run(
                "UPDATE rollbacks SET lifted_us = ? WHERE workload = ? AND candidate = ? AND lifted_us IS NULL",
                (at_us, workload, candidate),
            )
            return _noted(run, "rollbacks", changed)


def _noted(run: Transaction, topic: Topic, changed: int) -> bool:
    """Counts a change in the same transaction; whether there was one."""
    if changed > 0:
        run.run("UPDATE changes SET count = count + 1 WHERE topic = ?", (topic,))
    return changed > 0


def _key(row: Row) -> KeyRow:
    key_id, hashed, name, scope, created, expires, revoked = row
    return KeyRow(
        key_id=key_id,
        hash=hashed,
        name=name,
        scope=msgspec.json.decode(scope, type=KeyScope),
        created_us=created,
        expires_us=expires,
        revoked_us=revoked,
    )


def _route(row: Row) -> RouteRow:
    return _as(RouteRow, row)


def _rollback(row: Row) -> Rollback:
    return _as(Rollback, row)


def _as(kind: type[_S], row: Sequence[object]) -> _S:
    return msgspec.convert(dict(zip(kind.__struct_fields__, row, strict=True)), kind)
