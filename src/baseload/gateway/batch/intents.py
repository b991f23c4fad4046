"""The upstream's side of the queue: who leads, batches intended, submitted, adopted and settled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from baseload.gateway.batch.queue import Items, counted, portions
from baseload.gateway.batch.records import Intent, Member
from baseload.gateway.batch.rules import MOST_TRIES, Queued
from baseload.gateway.state.database import Row

_INTENT: Final = "intent_id, grp, state, batch_id, items, intent_us, sent_us, cancelled"
_MOST_QUEUED: Final = 100_000
_TOLD_KEPT_US: Final = 60_000_000


class Outcome(NamedTuple):
    """What an item's result means for its caller: a sealed answer, or None: it goes synchronously."""

    item_id: str
    answer: str | None


class Untaken(NamedTuple):
    """An item whose money another replica holds."""

    item_id: str
    budgets: tuple[str, ...]
    held_nano: int
    created_us: int


class Queue(Items):
    """All of the queue. Every method may raise StateDown."""

    # who is there, who leads

    def beat(self, replica_id: str, now_us: int, lease_us: int) -> bool:
        """This replica lives; whether it leads until `lease_us` from now. One leads at a time, by their clocks."""
        with self.database.transaction() as run:
            run.run(
                "INSERT INTO batch_replicas (replica_id, seen_us) VALUES (?, ?)"
                " ON CONFLICT (replica_id) DO UPDATE SET seen_us = excluded.seen_us",
                (replica_id, now_us),
            )
            return (
                run.run(
                    "UPDATE batch_leader SET replica_id = ?, until_us = ?"
                    " WHERE name = 'desk' AND (replica_id = ? OR until_us < ?)",
                    (replica_id, now_us + lease_us, replica_id, now_us),
                )
                > 0
            )

    def resign(self, replica_id: str) -> None:
        """Another may lead at once, and nothing waits here any more."""
        with self.database.transaction() as run:
            run.run("UPDATE batch_leader SET until_us = 0 WHERE replica_id = ?", (replica_id,))
            run.run("UPDATE batch_replicas SET seen_us = 0 WHERE replica_id = ?", (replica_id,))

    def bury(self, now_us: int, stale_us: int) -> int:
        """Callers of replicas unheard of are gone; tickets they were sending are sent again, and counted."""
        dead = "replica_id IN (SELECT replica_id FROM batch_replicas WHERE seen_us < ?)"
        with self.database.transaction() as run:
            gone = run.run(
                "UPDATE batch_items SET wants = 'orphan', changed_us = ? WHERE mode <> 'ticket'"
                f" AND wants IN ('waiting', 'again', 'ready', 'spilling') AND {dead}",
                (now_us, now_us - stale_us),
            )
            again = run.run(
                f"UPDATE batch_items SET wants = 'again' WHERE mode = 'ticket' AND wants = 'spilling' AND {dead}",
                (now_us - stale_us,),
            )
            counted(run, "orphaned", gone)
            counted(run, "spilled_again", again)
            return gone + again

    # money

    def untaken(self, holder: str) -> list[Untaken]:
        with self.database.transaction() as run:
            found = run.rows(
                "SELECT item_id, budgets, held_nano, created_us FROM batch_items WHERE holder <> ? AND held_nano > 0"
                " AND (sent = 'out' OR (sent = 'queued' AND wants = 'waiting')) LIMIT ?",
                (holder, _MOST_QUEUED),
            )
        return [Untaken(row[0], tuple(json.loads(row[1])), row[2], row[3]) for row in found]

    def taken(self, item_ids: Sequence[str], holder: str) -> None:
        with self.database.transaction() as run:
            for part in portions(item_ids):
                run.run(
                    f"UPDATE batch_items SET holder = ? WHERE item_id IN ({', '.join('?' * len(part))})",
                    (holder, *part),
                )

    # batches

    def queued(self) -> list[Queued]:
        with self.database.transaction() as run:
            found = run.rows(
                "SELECT item_id, grp, workload, size, created_us, form_us FROM batch_items"
                " WHERE sent = 'queued' AND wants = 'waiting' ORDER BY created_us, item_id LIMIT ?",
                (_MOST_QUEUED,),
            )
        return [Queued(*row) for row in found]

    def intend(self, replica_id: str, intent_id: str, items: Sequence[Queued], now_us: int) -> int:
        """How many items are now this intent's; 0 where none is left, or this replica does not lead any more."""
        with self.database.transaction() as run:
            if not run.run("UPDATE batch_leader SET until_us = until_us WHERE replica_id = ?", (replica_id,)):
                return 0
            claimed = 0
            for part in portions([one.item_id for one in items]):
                claimed += run.run(
                    "UPDATE batch_items SET intent_id = ?, sent = 'out', tries = tries + 1"
                    f" WHERE sent = 'queued' AND wants = 'waiting' AND item_id IN ({', '.join('?' * len(part))})",
                    (intent_id, *part),
                )
            if claimed:
                run.run(
                    "INSERT INTO batch_intents (intent_id, grp, state, replica_id, batch_id, items, intent_us, sent_us,"
                    " ended_us, adopted, cancelled, deleted) VALUES (?, ?, 'intent', ?, '', ?, ?, 0, 0, 0, 0, 0)",
                    (intent_id, items[0].group, replica_id, claimed, now_us),
                )
            return claimed

    def open_intents(self) -> list[Intent]:
        """Those that may exist upstream and are not settled."""
        with self.database.transaction() as run:
            found = run.rows(
                f"SELECT {_INTENT} FROM batch_intents WHERE state IN ('intent', 'sent') ORDER BY intent_us"
            )
        return [_intent(row) for row in found]

    def member_ids(self, intent_id: str) -> list[str]:
        with self.database.transaction() as run:
            found = run.rows("SELECT item_id FROM batch_items WHERE intent_id = ?", (intent_id,))
        return [str(row[0]) for row in found]

    def members(self, intent_id: str, item_ids: Sequence[str]) -> list[Member]:
        """Those of the items that this intent sent and that are not settled."""
        found: list[Row] = []
        with self.database.transaction() as run:
            for part in portions(item_ids):
                found += run.rows(
                    "SELECT item_id, kept, wants, ends_us, budgets, held_nano FROM batch_items WHERE intent_id = ?"
                    f" AND sent = 'out' AND item_id IN ({', '.join('?' * len(part))})",
                    (intent_id, *part),
                )
        return [Member(row[0], row[1], row[2], row[3], tuple(json.loads(row[4])), row[5]) for row in found]

    def batch_ids(self) -> set[str]:
        with self.database.transaction() as run:
            return {str(row[0]) for row in run.rows("SELECT batch_id FROM batch_intents WHERE batch_id <> ''")}

    def submitted(self, intent_id: str, batch_id: str, now_us: int, *, adopted: bool) -> bool:
        """False where the intent was given up meanwhile: its items may be in another batch already."""
        with self.database.transaction() as run:
            changed = run.run(
                "UPDATE batch_intents SET state = 'sent', batch_id = ?, sent_us = ?, adopted = ?"
                " WHERE intent_id = ? AND state = 'intent'",
                (batch_id, now_us, int(adopted), intent_id),
            )
            counted(run, "adopted", int(adopted and changed > 0))
            return changed > 0

    def give_up(self, intent_id: str, now_us: int, *, again: bool, form_us: int = 0) -> None:
        """No batch of this intent exists. Its items are free for another (`again`), or go synchronously.

        One that was in several already is not tried in another.
        """
        with self.database.transaction() as run:
            if not run.run(
                "UPDATE batch_intents SET state = 'absent' WHERE intent_id = ? AND state = 'intent'", (intent_id,)
            ):
                return
            last = MOST_TRIES if again else 0
            run.run(
                "UPDATE batch_items SET sent = 'never', intent_id = '', changed_us = ?,"
                " wants = CASE WHEN wants = 'waiting' THEN 'again' ELSE wants END WHERE intent_id = ? AND tries >= ?",
                (now_us, intent_id, last),
            )
            run.run(
                "UPDATE batch_items SET sent = 'queued', intent_id = '', form_us = ? WHERE intent_id = ?",
                (form_us, intent_id),
            )

    def settle(self, outcomes: Sequence[Outcome], now_us: int) -> None:
        """Results are here. An answer whose caller was served otherwise is not kept."""
        with self.database.transaction() as run:
            for item_id, answer in outcomes:
                run.run(
                    "UPDATE batch_items SET sent = 'settled', changed_us = ?,"
                    " answer = CASE WHEN wants IN ('waiting', 'orphan') THEN ? ELSE answer END,"
                    " wants = CASE WHEN wants = 'waiting' THEN ? ELSE wants END WHERE item_id = ? AND sent = 'out'",
                    (now_us, answer, "again" if answer is None else "ready", item_id),
                )

    def ended(self, intent_id: str, now_us: int) -> None:
        """Every item of it is settled."""
        with self.database.transaction() as run:
            run.run("UPDATE batch_intents SET state = 'settled', ended_us = ? WHERE intent_id = ?", (now_us, intent_id))

    def waited_for(self, intent_id: str, now_us: int, grace_us: int) -> bool:
        """Whether anybody may still take an answer of this batch."""
        with self.database.transaction() as run:
            found = run.rows(
                "SELECT COUNT(*) FROM batch_items WHERE intent_id = ?"
                " AND (wants = 'waiting' OR (wants = 'orphan' AND changed_us > ?))",
                (intent_id, now_us - grace_us),
            )
            return int(found[0][0]) > 0

    def cancelled(self, intent_id: str) -> None:
        with self.database.transaction() as run:
            run.run("UPDATE batch_intents SET cancelled = 1 WHERE intent_id = ?", (intent_id,))
            counted(run, "batches_cancelled", 1)

    def undeleted(self, before_us: int) -> list[Intent]:
        """Batches whose results have been here since `before_us` and are still there."""
        with self.database.transaction() as run:
            found = run.rows(
                f"SELECT {_INTENT} FROM batch_intents WHERE state = 'settled' AND deleted = 0"
                " AND ended_us <= ? LIMIT 20",
                (before_us,),
            )
        return [_intent(row) for row in found]

    def deleted(self, intent_id: str) -> None:
        with self.database.transaction() as run:
            run.run("UPDATE batch_intents SET deleted = 1 WHERE intent_id = ?", (intent_id,))

    def took_s(self, since_us: int) -> list[float]:
        """How long the last batches took, in seconds."""
        with self.database.transaction() as run:
            found = run.rows(
                "SELECT ended_us - sent_us FROM batch_intents WHERE state = 'settled' AND cancelled = 0"
                " AND ended_us > ? ORDER BY ended_us DESC LIMIT 50",
                (since_us,),
            )
        return [int(row[0]) / 1_000_000 for row in found]

    def forget(self, now_us: int, keep_us: int) -> int:
        """Items that nobody waits for and no batch holds are taken out when their time has come."""
        with self.database.transaction() as run:
            return run.run(
                "DELETE FROM batch_items WHERE sent <> 'out' AND ((wants IN ('told', 'left') AND changed_us < ?)"
                " OR (wants IN ('ready', 'orphan') AND changed_us < ?))",
                (now_us - _TOLD_KEPT_US, now_us - keep_us),
            )


def _intent(row: Row) -> Intent:
    return Intent(row[0], row[1], row[2], row[3], int(row[4]), int(row[5]), int(row[6]), bool(row[7]))
