"""The queue on SQLite and on a real PostgreSQL: each step taken once, whoever asks for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from baseload.gateway.batch.intents import Outcome, Queue
from baseload.gateway.batch.records import Item
from baseload.gateway.batch.rules import Times
from baseload.gateway.state.database import Database
from baseload.gateway.state.postgres import PostgresDatabase
from baseload.gateway.state.sqlite import SqliteDatabase

S = 1_000_000
_schemas = itertools.count()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def queues(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Queue, Queue]]:
    """Two replicas' views of one queue."""
    if request.param == "sqlite":

        def new() -> Database:
            return SqliteDatabase(tmp_path / "state.db")
    else:
        dsn, schema = request.getfixturevalue("server"), f"batch_{next(_schemas)}"
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")

        def new() -> Database:
            return PostgresDatabase(dsn, schema=schema)

    both = Queue(new()), Queue(new())
    yield both
    for one in both:
        one.close()


def item(name: str, **more: object) -> Item:
    fields: dict[str, object] = {
        "item_id": name,
        "group": "g",
        "mode": "stream",
        "replica_id": "a",
        "key_id": "key_1",
        "idem": "",
        "same": f"same-{name}",
        "workload": "w",
        "created_us": 0,
        "times": Times(1 * S, 5 * S, 9 * S),
        "size": 10,
        "kept": "sealed",
        "budgets": ("workload=;key=",),
        "held_nano": 7,
    }
    return Item(**{**fields, **more})  # type: ignore[arg-type]  # fields of many types


def stood(queue: Queue, name: str) -> tuple[str, str]:
    found = queue.seen(name)
    assert found is not None
    return found.wants, found.sent


def sent(queue: Queue, *names: str, intent: str = "i1") -> None:
    """In a batch of replica `a`."""
    queue.beat("a", 1, 100 * S)
    for name in names:
        queue.add(item(name))
    assert queue.intend("a", intent, queue.queued(), 0) == len(names)
    assert queue.submitted(intent, "msgbatch_1", 1, adopted=False)


def test_one_leads_until_it_is_not_heard_of(queues: tuple[Queue, Queue]) -> None:
    one, other = queues
    assert one.beat("a", 1, 10)
    assert not other.beat("b", 5, 10)
    assert one.beat("a", 8, 10)
    assert not other.beat("b", 18, 10)
    assert other.beat("b", 19, 10)
    assert not one.beat("a", 20, 10)
    one.add(item("x"))
    assert one.intend("a", "i1", one.queued(), 20) == 0  # it may not have heard of it yet
    assert other.intend("b", "i1", one.queued(), 20) == 1


def test_an_item_is_in_one_intent_only(queues: tuple[Queue, Queue]) -> None:
    one, _ = queues
    one.beat("a", 1, 100)
    for name in ("x", "y"):
        one.add(item(name))
    rows = one.queued()
    assert one.intend("a", "i1", rows[:1], 0) == 1
    assert one.intend("a", "i2", rows, 0) == 1
    assert (one.member_ids("i1"), one.member_ids("i2")) == (["x"], ["y"])


def test_an_intent_that_was_given_up_is_not_submitted(queues: tuple[Queue, Queue]) -> None:
    one, other = queues
    one.beat("a", 1, 100)
    one.add(item("x"))
    one.intend("a", "i1", one.queued(), 0)
    other.give_up("i1", 5, again=True, form_us=5)
    assert stood(one, "x") == ("waiting", "queued")
    assert not one.submitted("i1", "msgbatch_1", 6, adopted=False)
    one.intend("a", "i2", one.queued(), 7)
    assert one.submitted("i2", "msgbatch_2", 8, adopted=True)
    assert [intent.batch_id for intent in other.open_intents()] == ["msgbatch_2"]
    assert one.counts() == {"adopted": 1}


def test_an_item_that_no_batch_takes_goes_alone_after_five(queues: tuple[Queue, Queue]) -> None:
    one, _ = queues
    one.beat("a", 1, 100)
    one.add(item("x"))
    for number in range(5):
        assert one.intend("a", f"i{number}", one.queued(), 0) == 1
        one.give_up(f"i{number}", 0, again=True)
    assert stood(one, "x") == ("again", "never")
    one.add(item("y"))
    one.intend("a", "i9", one.queued(), 0)
    one.give_up("i9", 0, again=False)
    assert stood(one, "y") == ("again", "never")


def test_answer_and_spill_exclude_each_other(queues: tuple[Queue, Queue]) -> None:
    one, other = queues
    sent(one, "x", "y")
    assert other.step("x", "spilling", ("waiting", "again"), 2)
    assert not one.step("x", "spilling", ("waiting", "again"), 2)
    one.settle([Outcome("x", "answer-x"), Outcome("y", "answer-y")], 3)
    assert not other.step("y", "spilling", ("waiting", "again"), 4)
    assert (stood(one, "x"), stood(one, "y")) == (("spilling", "settled"), ("ready", "settled"))
    assert [found and found.answer for found in map(one.seen, "xy")] == [None, "answer-y"]
    assert one.awake("a") == ["y"]


def test_an_item_without_an_answer_goes_alone(queues: tuple[Queue, Queue]) -> None:
    one, _ = queues
    sent(one, "x")
    one.settle([Outcome("x", None)], 3)
    assert stood(one, "x") == ("again", "settled")


def test_only_its_own_replica_steps_for_a_held_caller(queues: tuple[Queue, Queue]) -> None:
    one, _ = queues
    one.add(item("x"))
    assert not one.step("x", "orphan", ("waiting",), 1, of="b")
    assert one.step("x", "orphan", ("waiting",), 1, of="a")


def test_a_dead_replicas_callers_are_orphans_and_the_same_request_takes_their_place(
    queues: tuple[Queue, Queue],
) -> None:
    one, other = queues
    one.add(item("x", same="s"))
    one.add(item("t", mode="ticket"))
    one.beat("a", 0, 1)
    assert one.bury(5 * S, 10 * S) == 0
    assert other.bury(11 * S, 10 * S) == 1
    assert (stood(one, "x"), stood(one, "t")) == (("orphan", "queued"), ("waiting", "queued"))
    assert [row.item_id for row in one.queued()] == ["t"]  # nobody waits for it: it is not paid for
    assert other.add(item("z", same="other", replica_id="b")).how == "new"
    added = other.add(item("y", same="s", replica_id="b"))
    assert (added.item_id, added.how) == ("x", "attached")
    assert stood(one, "x") == ("waiting", "queued")
    assert other.add(item("w", same="s", replica_id="b")).how == "new"  # one place, one caller


def test_a_ticket_is_named_once_by_a_key(queues: tuple[Queue, Queue]) -> None:
    one, other = queues
    named = {"mode": "ticket", "idem": "n"}
    assert one.add(item("x", same="s", **named)).how == "new"
    assert other.add(item("y", same="s", **named)) == ("x", "known")
    assert other.add(item("z", same="r", **named)).how == "conflict"
    assert other.add(item("w", same="r", key_id="key_2", **named)).how == "new"


def test_money_is_held_by_one_replica_until_the_result_is_there(queues: tuple[Queue, Queue]) -> None:
    one, other = queues
    sent(one, "x", "y")
    assert [(row.item_id, row.held_nano) for row in other.untaken("b")] == [("x", 7), ("y", 7)]
    assert one.settled_of(["x", "y"], "a") == set()
    other.taken(["x"], "b")
    assert one.settled_of(["x", "y"], "a") == {"x"}
    one.settle([Outcome("x", "r"), Outcome("y", "r")], 3)
    assert other.settled_of(["x"], "b") == {"x"}
    assert other.untaken("b") == []


def test_what_nobody_waits_for_is_forgotten_in_time_but_never_while_it_is_out(queues: tuple[Queue, Queue]) -> None:
    one, _ = queues
    sent(one, "x", "y")
    one.step("x", "left", ("waiting",), 0)
    assert one.forget(1_000 * S, 100 * S) == 0
    one.settle([Outcome("x", "r"), Outcome("y", "r")], 0)
    assert one.forget(90 * S, 100 * S) == 1  # a minute after it was told or called off
    assert one.forget(101 * S, 100 * S) == 1
    assert one.seen("y") is None
