"""Keys, routes and rollbacks: what one replica writes all read, on both databases."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from pathlib import Path

import psycopg
import pytest

from baseload.gateway.state import schema
from baseload.gateway.state.database import Database, migrate
from baseload.gateway.state.faults import StateDown, StateTooNew
from baseload.gateway.state.keys import new_key
from baseload.gateway.state.postgres import PostgresDatabase
from baseload.gateway.state.records import KeyScope, Rollback, RouteRow
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore
from baseload.gateway.state.threads import Changes, StateThread

NOW_US = 1_795_003_200_000_000
BACK = Rollback(workload="w", candidate="m", policy_id="p", reason="quality", says="worse", at_us=NOW_US)


def route(events: int, state: str = "{}") -> RouteRow:
    return RouteRow(workload="w", policy_id="p", events=events, state=state, changed_us=NOW_US)


def test_a_key_is_read_back_by_every_replica_with_its_scope(connect) -> None:
    one, two = StateStore(connect()), StateStore(connect())
    key = new_key("team", KeyScope(workloads=("w",), models=("claude-*",), budget="key:team"), NOW_US, expires_us=9)
    assert one.add_key(key.row)
    assert not two.add_key(key.row)
    assert two.key_rows() == [key.row]
    assert one.revoke_key(key.row.key_id, NOW_US + 1)
    assert not two.revoke_key(key.row.key_id, NOW_US + 2)
    assert [row.revoked_us for row in two.key_rows()] == [NOW_US + 1]


def test_a_route_is_written_by_compare_and_swap(connect) -> None:
    one, two = StateStore(connect()), StateStore(connect())
    assert one.route("w", "p") is None
    assert one.swap_route(route(0), None)
    assert not two.swap_route(route(0), None)
    assert two.swap_route(route(1, '{"by":2}'), 0)
    assert not one.swap_route(route(1, '{"by":1}'), 0)  # was too late
    assert one.route("w", "p") == route(1, '{"by":2}')
    assert one.routes() == [route(1, '{"by":2}')]


def test_of_many_swaps_at_once_exactly_one_wins_each_time(connect) -> None:
    stores = [StateStore(connect()) for _ in range(3)]
    assert stores[0].swap_route(route(0), None)
    wins: list[int] = []

    def compete(store: StateStore, who: int) -> None:
        while (found := store.route("w", "p")) is not None and found.events < 30:
            if store.swap_route(route(found.events + 1, str(who)), found.events):
                wins.append(found.events + 1)

    threads = [threading.Thread(target=compete, args=(store, n)) for n, store in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins) == list(range(1, 31))


def test_a_rollback_is_one_row_that_only_a_person_lifts(connect) -> None:
    one, two = StateStore(connect()), StateStore(connect())
    assert one.roll_back(BACK)
    assert not two.roll_back(BACK)
    assert two.rollbacks() == [BACK]
    assert two.lift("w", "m", NOW_US + 1)
    assert not two.lift("w", "m", NOW_US + 1)
    assert one.rollbacks() == []
    assert one.roll_back(BACK)  # again, later
    assert two.rollbacks() == [BACK]


def test_the_change_counter_moves_with_each_change_and_with_nothing_else(connect) -> None:
    store = StateStore(connect())
    before = dict(store.changes())
    store.roll_back(BACK)
    store.roll_back(BACK)
    store.swap_route(route(0), None)
    store.swap_route(route(5), 4)
    after = store.changes()
    assert {topic: after[topic] - before[topic] for topic in after} == {
        "keys": 0, "routes": 1, "rollbacks": 1, "budgets": 0,
    }  # fmt: skip


def test_a_rollback_is_known_to_other_replicas_within_a_second(connect) -> None:
    async def run() -> float:
        one, two = StateThread(StateStore(connect())), StateThread(StateStore(connect()))
        seen = asyncio.Event()

        async def changed(topics: frozenset[str]) -> None:
            if "rollbacks" in topics and await two(lambda store: store.rollbacks()):
                seen.set()

        task = asyncio.create_task(Changes(two).follow(changed, down=lambda error: None))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        assert await one(lambda store: store.roll_back(BACK))
        await asyncio.wait_for(seen.wait(), 5)
        took = time.monotonic() - began
        task.cancel()
        await one.close()
        await two.close()
        return took

    assert asyncio.run(run()) < 1.0


def test_changes_whose_reading_failed_are_told_again(tmp_path: Path) -> None:
    async def run() -> list[frozenset[str]]:
        thread = StateThread(StateStore(SqliteDatabase(tmp_path / "s")))
        told: list[frozenset[str]] = []

        async def changed(topics: frozenset[str]) -> None:
            told.append(topics)
            if len(told) == 1:
                raise StateDown("no answer")

        downs: list[StateDown] = []
        task = asyncio.create_task(Changes(thread).follow(changed, downs.append, every_s=0.01))
        while len(told) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        await thread.close()
        assert len(downs) == 1
        return told

    first, second = asyncio.run(run())
    assert first == second == {"keys", "routes", "rollbacks", "budgets"}


def test_several_replicas_may_open_a_new_store_at_once(connect) -> None:
    faults: list[StateDown] = []

    def open_it() -> None:
        try:
            StateStore(connect())
        except StateDown as error:
            faults.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_other_modules_have_tables_of_their_own(connect) -> None:
    database: Database = connect()
    first = [["CREATE TABLE tickets (id TEXT PRIMARY KEY)"]]
    migrate(database, "batch", first)
    migrate(database, "batch", first)
    migrate(database, "batch", [*first, ["ALTER TABLE tickets ADD COLUMN state TEXT NOT NULL DEFAULT 'held'"]])
    with database.transaction() as run:
        run.run("INSERT INTO tickets (id) VALUES (?)", ("t",))
        assert run.rows("SELECT id, state FROM tickets") == [("t", "held")]


def test_a_store_of_a_newer_version_is_not_touched(connect, monkeypatch: pytest.MonkeyPatch) -> None:
    StateStore(connect())
    monkeypatch.setattr(schema, "MIGRATIONS", ())
    with pytest.raises(StateTooNew, match="Run the newer version"):
        migrate(connect(), schema.OWNER, schema.MIGRATIONS)


def test_what_raises_in_a_transaction_is_undone(connect) -> None:
    database = connect()
    store = StateStore(database)

    def interrupted() -> None:
        with database.transaction() as run:
            run.run("INSERT INTO routes (workload, policy_id, events, state, changed_us) VALUES ('a', 'b', 0, '', 0)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert store.routes() == []


def test_a_statement_that_fails_is_a_store_that_is_down_and_the_next_one_works(connect) -> None:
    database = connect()
    store = StateStore(database)
    with pytest.raises(StateDown), database.transaction() as run:
        run.run("INSERT INTO nowhere (secret) VALUES ('words')")
    assert store.routes() == []


@pytest.mark.postgres
def test_a_server_that_broke_the_connection_is_connected_to_again(server: str) -> None:
    database = PostgresDatabase(server, schema="public")
    with database.transaction() as run:
        (pid,) = run.rows("SELECT pg_backend_pid()")[0]
    with psycopg.connect(server, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))
    with pytest.raises(StateDown), database.transaction() as run:
        run.rows("SELECT 1")
    with database.transaction() as run:
        assert run.rows("SELECT 1") == [(1,)]
    database.close()


def test_the_address_of_a_database_is_never_shown() -> None:
    database = PostgresDatabase("postgresql://ada:s3cr3t@127.0.0.1:1/state")
    with pytest.raises(StateDown) as caught, database.transaction():
        pass
    assert "s3cr3t" not in f"{caught.value!r} {database!r}"
    assert caught.value.__cause__ is None


def test_a_damaged_file_is_a_store_that_is_down(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"not a database, and long enough to be looked at" * 100)
    with pytest.raises(StateDown, match="SQLITE_NOTADB"):
        StateStore(SqliteDatabase(path))


def test_the_file_is_for_its_owner_only_and_survives_a_kill(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "state.sqlite")
    StateStore(database).roll_back(BACK)
    assert (tmp_path / "state.sqlite").stat().st_mode & 0o777 == 0o600
    reader = sqlite3.connect(tmp_path / "state.sqlite")
    assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    reader.close()
    database.close()
