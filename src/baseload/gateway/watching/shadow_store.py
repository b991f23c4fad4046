"""Shadow calls on their way by batch, in the state store: on disk before a batch is made, gone when they are graded.

Prompts and answers (`kept`) are sealed, or not kept; all else is ids, times, and records as the call log has them in
clear. Every item and batch is one replica's; those of one that is not heard of any more are another's to take.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from baseload.gateway.state.database import Database, Transaction, migrate

OWNER: Final = "shadow"
MIGRATIONS: Final = (
    (
        """CREATE TABLE shadow_items (
            item_id TEXT PRIMARY KEY, replica_id TEXT NOT NULL, intent_id TEXT NOT NULL, grp TEXT NOT NULL,
            created_us BIGINT NOT NULL, held_nano BIGINT NOT NULL, starts TEXT NOT NULL, kept TEXT NOT NULL)""",
        "CREATE INDEX shadow_items_replica ON shadow_items (replica_id)",
        "CREATE INDEX shadow_items_intent ON shadow_items (intent_id)",
        """CREATE TABLE shadow_intents (
            intent_id TEXT PRIMARY KEY, replica_id TEXT NOT NULL, grp TEXT NOT NULL, batch_id TEXT NOT NULL,
            requests BIGINT NOT NULL, intent_us BIGINT NOT NULL)""",
        "CREATE TABLE shadow_replicas (replica_id TEXT PRIMARY KEY, seen_us BIGINT NOT NULL)",
    ),
)


class Row(NamedTuple):
    """One item. `intent_id` "" = in no batch yet; `starts` a JSON array of records; `kept` "" = no text was kept."""

    item_id: str
    intent_id: str
    group: str
    created_us: int
    held_nano: int
    starts: str
    kept: str


class Intent(NamedTuple):
    """One batch, written down before it is submitted. `batch_id` "" = nobody knows whether it exists."""

    intent_id: str
    group: str
    batch_id: str
    requests: int
    intent_us: int

    def custom_id(self, item_id: str, place: int) -> str:
        return f"{item_id}-{place}-{self.intent_id}"


_ITEM: Final = "item_id, intent_id, grp, created_us, held_nano, starts, kept"
_INTENT: Final = "intent_id, grp, batch_id, requests, intent_us"


class ShadowStore:
    """The tables for one replica; every call is one transaction. Raises StateDown."""

    def __init__(self, database: Database, replica_id: str) -> None:
        self._database = database
        self._replica_id = replica_id
        migrate(database, OWNER, MIGRATIONS)

    def put(self, rows: Sequence[Row], now_us: int) -> None:
        """New items, and known ones that go on to their next question."""
        with self._database.transaction() as run:
            _seen(run, self._replica_id, now_us)
            for row in rows:
                run.run(
                    f"INSERT INTO shadow_items (replica_id, {_ITEM}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (item_id) DO UPDATE SET intent_id = excluded.intent_id, grp = excluded.grp,"
                    " created_us = excluded.created_us, held_nano = excluded.held_nano, starts = excluded.starts,"
                    " kept = excluded.kept",
                    (self._replica_id, *row),
                )

    def drop(self, item_ids: Sequence[str]) -> None:
        with self._database.transaction() as run:
            for item_id in item_ids:
                run.run("DELETE FROM shadow_items WHERE item_id = ?", (item_id,))

    def intend(self, intent: Intent, item_ids: Sequence[str]) -> None:
        with self._database.transaction() as run:
            run.run(
                f"INSERT INTO shadow_intents (replica_id, {_INTENT}) VALUES (?, ?, ?, ?, ?, ?)",
                (self._replica_id, *intent),
            )
            for item_id in item_ids:
                run.run("UPDATE shadow_items SET intent_id = ? WHERE item_id = ?", (intent.intent_id, item_id))

    def submitted(self, intent_id: str, batch_id: str) -> None:
        with self._database.transaction() as run:
            run.run("UPDATE shadow_intents SET batch_id = ? WHERE intent_id = ?", (batch_id, intent_id))

    def ended(self, intent_id: str) -> None:
        """The batch is settled, or was never made; items that are still its own are free for another."""
        with self._database.transaction() as run:
            run.run("DELETE FROM shadow_intents WHERE intent_id = ?", (intent_id,))
            run.run("UPDATE shadow_items SET intent_id = '' WHERE intent_id = ?", (intent_id,))

    def owns(self, intent_id: str) -> bool:
        """Whether a batch is still this replica's: one that was not heard of may have lost it."""
        with self._database.transaction() as run:
            found = run.rows("SELECT replica_id FROM shadow_intents WHERE intent_id = ?", (intent_id,))
            return bool(found) and found[0][0] == self._replica_id

    def intents(self) -> list[Intent]:
        """This replica's."""
        with self._database.transaction() as run:
            found = run.rows(
                f"SELECT {_INTENT} FROM shadow_intents WHERE replica_id = ? ORDER BY intent_us", (self._replica_id,)
            )
            return [Intent(*row) for row in found]

    def items(self) -> list[Row]:
        """This replica's."""
        with self._database.transaction() as run:
            found = run.rows(
                f"SELECT {_ITEM} FROM shadow_items WHERE replica_id = ? ORDER BY created_us, item_id",
                (self._replica_id,),
            )
            return [Row(*row) for row in found]

    def held_elsewhere(self, since_us: int) -> dict[str, int]:
        """Item -> what is held for it by a replica that was not heard of since."""
        with self._database.transaction() as run:
            found = run.rows(
                "SELECT item_id, held_nano FROM shadow_items WHERE replica_id <> ? AND held_nano > 0 AND replica_id IN"
                " (SELECT replica_id FROM shadow_replicas WHERE seen_us <= ?)",
                (self._replica_id, since_us),
            )
            return {str(item_id): int(held) for item_id, held in found}

    def batch_ids(self) -> set[str]:
        """Of every replica."""
        with self._database.transaction() as run:
            return {str(row[0]) for row in run.rows("SELECT batch_id FROM shadow_intents WHERE batch_id <> ''")}

    # who lives

    def beat(self, now_us: int) -> None:
        with self._database.transaction() as run:
            _seen(run, self._replica_id, now_us)

    def adopt(self, before_us: int, now_us: int) -> int:
        """Take over what replicas not heard of since `before_us` had under way; how many items that is."""
        with self._database.transaction() as run:
            gone = run.rows(
                "SELECT replica_id, seen_us FROM shadow_replicas WHERE replica_id <> ? AND seen_us < ?",
                (self._replica_id, before_us),
            )
            count = 0
            for replica_id, seen_us in gone:
                if not run.run(
                    "DELETE FROM shadow_replicas WHERE replica_id = ? AND seen_us = ?", (replica_id, seen_us)
                ):
                    continue  # it lives, or another has it
                ours = (self._replica_id, replica_id)
                count += run.run("UPDATE shadow_items SET replica_id = ? WHERE replica_id = ?", ours)
                run.run("UPDATE shadow_intents SET replica_id = ? WHERE replica_id = ?", ours)
            if gone:
                _seen(run, self._replica_id, now_us)
            return count

    def leave(self) -> None:
        """This process ends: whoever comes next may take its items at once. Their money was counted as spent."""
        with self._database.transaction() as run:
            run.run("UPDATE shadow_items SET held_nano = 0 WHERE replica_id = ?", (self._replica_id,))
            run.run("UPDATE shadow_replicas SET seen_us = 0 WHERE replica_id = ?", (self._replica_id,))


def _seen(run: Transaction, replica_id: str, now_us: int) -> None:
    run.run(
        "INSERT INTO shadow_replicas (replica_id, seen_us) VALUES (?, ?)"
        " ON CONFLICT (replica_id) DO UPDATE SET seen_us = excluded.seen_us",
        (replica_id, now_us),
    )


__all__ = ["Intent", "Row", "ShadowStore"]
