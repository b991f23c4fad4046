"""The callers' side of the queue: items in, answers out. Every method takes place whole or not at all.

`wants` is what a caller waits for and `sent` what the upstream has; the two change on their own, each step by a
comparison with what it was, so that of two that want the same step only one has it. A commit is on disk.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, Literal, NamedTuple, ParamSpec, TypeVar

from baseload.gateway.batch.records import Item, Seen, Wants
from baseload.gateway.batch.schema import MIGRATIONS, OWNER
from baseload.gateway.state.database import Database, Row, Transaction, migrate

_T = TypeVar("_T")
_P = ParamSpec("_P")
AT_ONCE: Final = 500
"""Ids in one statement."""
_SEEN: Final = "item_id, key_id, mode, wants, sent, created_us, due_us, ends_us, answer, workload"


class Added(NamedTuple):
    """`known`: the caller named it before; `conflict`: that was another request; `attached`: it takes the place of
    the same request whose connection was lost."""

    item_id: str
    how: Literal["new", "known", "conflict", "attached"]


class Items:
    """Every method may raise StateDown."""

    def __init__(self, database: Database) -> None:
        self.database = database
        migrate(database, OWNER, MIGRATIONS)

    def close(self) -> None:
        self.database.close()

    def add(self, item: Item) -> Added:
        with self.database.transaction() as run:
            known = self._named(run, item)
            if known is not None:
                return known
            if item.mode != "ticket" and (orphan := self._orphan(run, item)):
                return Added(orphan, "attached")
            added = run.run(
                "INSERT INTO batch_items (item_id, grp, mode, replica_id, wants, sent, intent_id, tries, key_id, idem,"
                " same, workload, created_us, form_us, due_us, ends_us, changed_us, size, kept, answer, budgets,"
                " held_nano, holder) VALUES (?, ?, ?, ?, 'waiting', 'queued', '', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                " NULL, ?, ?, ?) ON CONFLICT DO NOTHING",
                (item.item_id, item.group, item.mode, item.replica_id, item.key_id, item.idem or None, item.same,
                 item.workload, item.created_us, *item.times, item.created_us, item.size, item.kept,
                 json.dumps(item.budgets), item.held_nano, item.replica_id),
            )  # fmt: skip
            if added:
                return Added(item.item_id, "new")
            return self._named(run, item) or Added("", "conflict")

    def seen(self, item_id: str) -> Seen | None:
        with self.database.transaction() as run:
            found = run.rows(f"SELECT {_SEEN} FROM batch_items WHERE item_id = ?", (item_id,))
            return Seen(*found[0]) if found else None

    def step(self, item_id: str, to: Wants, since: Sequence[Wants], at_us: int, *, of: str = "", by: str = "") -> bool:
        """Whether the item took the step: it wanted one of `since`, and is the replica's own (`of`, "" = whoever's).

        `by` takes it over. An answer that was told is forgotten.
        """
        forget = ", answer = NULL" if to in ("told", "left") else ""
        takes, taker = (", replica_id = ?", (by,)) if by else ("", ())
        mine, me = (" AND replica_id = ?", (of,)) if of else ("", ())
        with self.database.transaction() as run:
            return (
                run.run(
                    f"UPDATE batch_items SET wants = ?, changed_us = ?{takes}{forget}"
                    f" WHERE item_id = ? AND wants IN ({_marks(since)}){mine}",
                    (to, at_us, *taker, item_id, *since, *me),
                )
                > 0
            )

    def store(self, item_id: str, answer: str, at_us: int) -> bool:
        """The answer of a ticket that was sent synchronously."""
        with self.database.transaction() as run:
            return (
                run.run(
                    "UPDATE batch_items SET wants = 'ready', answer = ?, changed_us = ?"
                    " WHERE item_id = ? AND wants = 'spilling'",
                    (answer, at_us, item_id),
                )
                > 0
            )

    def kept(self, item_id: str) -> str:
        """The sealed request; "" where there is none."""
        with self.database.transaction() as run:
            found = run.rows("SELECT kept FROM batch_items WHERE item_id = ?", (item_id,))
            return str(found[0][0]) if found else ""

    def awake(self, replica_id: str) -> list[str]:
        """This replica's held callers for whom there is something."""
        with self.database.transaction() as run:
            return _firsts(
                run.rows(
                    "SELECT item_id FROM batch_items WHERE replica_id = ? AND wants IN ('ready', 'again')"
                    " AND mode <> 'ticket'",
                    (replica_id,),
                )
            )

    def tickets_due(self, now_us: int, most: int) -> list[str]:
        """Tickets whose item failed, or whose time for a batch is over."""
        with self.database.transaction() as run:
            return _firsts(
                run.rows(
                    "SELECT item_id FROM batch_items WHERE mode = 'ticket'"
                    " AND (wants = 'again' OR (wants = 'waiting' AND due_us <= ?)) ORDER BY due_us LIMIT ?",
                    (now_us, most),
                )
            )

    def orphan(self, replica_id: str, at_us: int) -> int:
        """All callers this replica holds are gone."""
        with self.database.transaction() as run:
            return run.run(
                "UPDATE batch_items SET wants = 'orphan', changed_us = ? WHERE replica_id = ? AND mode <> 'ticket'"
                " AND wants IN ('waiting', 'again', 'ready', 'spilling')",
                (at_us, replica_id),
            )

    def settled_of(self, item_ids: Sequence[str], holder: str) -> set[str]:
        """Of these items, those whose money `holder` need not hold any longer."""
        open_now: set[str] = set()
        with self.database.transaction() as run:
            for part in portions(item_ids):
                open_now |= set(
                    _firsts(
                        run.rows(
                            "SELECT item_id FROM batch_items WHERE holder = ? AND (sent = 'out' OR (sent = 'queued'"
                            f" AND wants = 'waiting')) AND item_id IN ({_marks(part)})",
                            (holder, *part),
                        )
                    )
                )
        return set(item_ids) - open_now

    def counts(self) -> dict[str, int]:
        """Since the queue was made: spilled, attached, expired, sent_twice and others."""
        with self.database.transaction() as run:
            return {name: int(count) for name, count in run.rows("SELECT name, count FROM batch_counts")}

    def count(self, name: str, more: int = 1) -> None:
        self.count_all({name: more})

    def count_all(self, more: Mapping[str, int]) -> None:
        """Several counts at once, or none of them."""
        with self.database.transaction() as run:
            for name, count in sorted(more.items()):
                counted(run, name, count)

    # inside

    def _named(self, run: Transaction, item: Item) -> Added | None:
        if not item.idem:
            return None
        found = run.rows(
            "SELECT item_id, same FROM batch_items WHERE key_id = ? AND idem = ?", (item.key_id, item.idem)
        )
        if not found:
            return None
        return Added(found[0][0], "known" if found[0][1] == item.same else "conflict")

    def _orphan(self, run: Transaction, item: Item) -> str:
        found = run.rows(
            "UPDATE batch_items SET replica_id = ?, holder = ?, mode = ?, due_us = ?, ends_us = ?, changed_us = ?,"
            " wants = CASE WHEN answer IS NOT NULL THEN 'ready' WHEN sent = 'settled' THEN 'again'"
            " ELSE 'waiting' END"
            " WHERE wants = 'orphan' AND item_id = (SELECT item_id FROM batch_items WHERE same = ? AND wants = 'orphan'"
            " AND sent <> 'never' ORDER BY created_us, item_id LIMIT 1) RETURNING item_id",
            (
                item.replica_id,
                item.replica_id,
                item.mode,
                item.times.due_us,
                item.times.ends_us,
                item.created_us,
                item.same,
            ),
        )
        if found:
            counted(run, "attached", 1)
        return str(found[0][0]) if found else ""


class QueueThread:
    """`await thread(queue.add, item)`: the queue's calls one after the other, off the event loop."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="baseload-batch")

    async def __call__(self, ask: Callable[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
        """Raises StateDown. A cancelled wait does not undo what the thread does."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(ask, *args, **named))

    def close(self) -> None:
        self._thread.shutdown(wait=True)


def counted(run: Transaction, name: str, more: int) -> None:
    if more:
        run.run(
            "INSERT INTO batch_counts (name, count) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET count = batch_counts.count + excluded.count",
            (name, more),
        )


def portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _firsts(rows: list[Row]) -> list[str]:
    return [str(row[0]) for row in rows]
