"""Shadow calls on their way by batch when their process ends: the next takes them over, nothing is sent twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from watching_world import HAIKU, Running, ask, until

from baseload.demo.upstream.faults import Fault
from baseload.demo.upstream.server import Upstream
from baseload.gateway.state.keys import new_key
from baseload.gateway.state.records import KeyScope
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore
from baseload.gateway.watching.cap import NAME

VAULT = {"BASELOAD_VAULT_KEY": "ab" * 32}
OWN = {"ANTHROPIC_API_KEY": "sk-ant-own-0001"}
SETTINGS = """
[policy]
file = "policy.yaml"
settings = "baseload.toml"
holdback = 0.0
[shadow]
usd_per_day = "5"
transport = "batch"
"""
PROMPT = "A prompt nobody may read."
NEVER = 3_600.0
Start = Callable[..., Running]
TOO_OLD = -1
"""So that every other replica counts as ended."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    found = StateStore(SqliteDatabase(tmp_path / "state.db"))
    yield found
    found.close()


@pytest.fixture
def secret(store: StateStore) -> str:
    made = new_key("team", KeyScope(), 1)
    assert store.add_key(made.row)
    return made.secret


@pytest.fixture
def start(tmp_path: Path, upstream: Upstream) -> Iterator[Start]:
    running: list[Running] = []

    def begin(name: str, env: dict[str, str], *, gather_s: float = 0.0, poll_s: float = 0.0) -> Running:
        one = Running(tmp_path, upstream.base_url, SETTINGS, name=name, env=env)
        batches = one.watching.batches
        batches.gather_s, batches.poll_s = gather_s, poll_s
        running.append(one)
        return one

    yield begin
    for one in running:
        if not one.loop.loop.is_closed():
            one.stop()


def paired_calls(gateway: Running, secret: str, count: int) -> None:
    client = anthropic.Anthropic(base_url=gateway.url, api_key=secret, max_retries=0)
    ask(client, "s-0")
    until(lambda: bool(gateway.gateway.core.routes))
    gateway.pair_all()
    for number in range(count):
        ask(client, f"s-{number + 1}", PROMPT)
    gateway.settle()


def rows(store: StateStore, sql: str) -> list[Any]:
    with store.database.transaction() as run:
        return run.rows(sql)


def submitted(store: StateStore) -> bool:
    return bool(rows(store, "SELECT 1 FROM shadow_intents WHERE batch_id <> ''"))


def killed(gateway: Running) -> None:
    """It ends without a word: nothing is left to anybody, and what it had reserved is not reported."""

    async def nothing() -> None:
        return None

    async def no_turn(_now_us: int) -> None:
        return None

    gateway.watching.batches.tick = no_turn
    gateway.watching.batches.stop = nothing


def batches_made(upstream: Upstream) -> list[list[str]]:
    """Models of each."""
    made = [one for one in upstream.requests if one.method == "POST" and one.path == "/v1/messages/batches"]
    return [[one["params"]["model"] for one in json.loads(batch.body)["requests"]] for batch in made]


def in_log(folder: Path, text: bytes) -> int:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("log-*/*"))).count(text)


def test_what_a_stopped_process_left_is_graded_by_the_next(
    start: Start, store: StateStore, secret: str, upstream: Upstream, tmp_path: Path
) -> None:
    one = start("a", OWN | VAULT, poll_s=NEVER)
    paired_calls(one, secret, 3)
    until(lambda: submitted(store))
    one.stop()
    assert in_log(tmp_path, b'"purpose":"shadow"') == 0  # start and end are written with the result
    two = start("b", OWN | VAULT)
    until(lambda: two.watching.outcomes() == {("shadow", "graded"): 3})
    until(lambda: rows(store, "SELECT 1 FROM shadow_items UNION ALL SELECT 1 FROM shadow_intents") == [])
    assert batches_made(upstream) == [[HAIKU] * 3]
    assert sum(one.method == "DELETE" for one in upstream.requests) == 1
    assert in_log(tmp_path, b'"purpose":"shadow"') == 3
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert PROMPT.encode() not in written


def test_without_a_vault_key_no_text_is_kept_and_what_was_left_is_booked_but_not_graded(
    start: Start, store: StateStore, secret: str, tmp_path: Path
) -> None:
    one = start("a", OWN, poll_s=NEVER)
    paired_calls(one, secret, 2)
    until(lambda: submitted(store))
    assert rows(store, "SELECT DISTINCT kept FROM shadow_items") == [("",)]
    one.stop()
    two = start("b", OWN)
    reason = "not graded: its process ended, and its texts were not kept"
    until(lambda: two.watching.outcomes() == {("shadow", reason): 2})
    assert in_log(tmp_path, b'"purpose":"shadow"') == 2
    assert in_log(tmp_path, b'"cost_nano"') >= 2


def test_a_batch_nobody_heard_of_is_found_in_the_list_and_never_made_again(
    start: Start, store: StateStore, secret: str, upstream: Upstream
) -> None:
    upstream.faults.add(Fault(kind="answer_lost", match="POST /v1/messages/batches"))
    one = start("a", OWN | VAULT)
    paired_calls(one, secret, 2)
    until(lambda: one.watching.outcomes() == {("shadow", "graded"): 2})
    assert batches_made(upstream) == [[HAIKU] * 2]


def test_a_killed_process_loses_nothing_and_its_money_stays_held(
    start: Start, store: StateStore, secret: str, upstream: Upstream
) -> None:
    one = start("a", OWN | VAULT, poll_s=NEVER)
    paired_calls(one, secret, 2)
    until(lambda: submitted(store))
    held = sum(row[0] for row in rows(store, "SELECT held_nano FROM shadow_items"))
    assert held > 0
    killed(one)
    two = start("b", OWN | VAULT, poll_s=NEVER)
    day = two.watching.watch.desk.cap._days
    assert sum(found.reserved for found in day.values()) == held  # from the start on: nobody gives it away
    two.watching.batches.stale_us = TOO_OLD
    two.watching.batches.poll_s = 0.0
    until(lambda: two.watching.outcomes() == {("shadow", "graded"): 2})
    assert batches_made(upstream) == [[HAIKU] * 2]
    assert sum(found.reserved for found in day.values()) == 0
    assert 0 < two.watching.shadow_spent_nano() < held
    assert any(row.budget == NAME for row in store.leases())


def test_a_replica_that_lives_keeps_its_batches(
    start: Start, store: StateStore, secret: str, upstream: Upstream
) -> None:
    one = start("a", OWN | VAULT, poll_s=NEVER)
    two = start("b", OWN | VAULT)
    paired_calls(one, secret, 2)
    until(lambda: submitted(store))
    before = two.watching.batches._adopted_us
    until(lambda: two.watching.batches._adopted_us > before)
    one.watching.batches.poll_s = 0.0
    until(lambda: one.watching.outcomes() == {("shadow", "graded"): 2})
    assert two.watching.outcomes() == {}


def test_a_refused_batch_costs_nothing_and_a_busy_one_waits(
    start: Start, store: StateStore, secret: str, upstream: Upstream
) -> None:
    upstream.faults.add(
        Fault(kind="status", match="POST /v1/messages/batches", status=429, retry_after_s=0.0),
        Fault(kind="status", match="POST /v1/messages/batches", status=400),
    )
    one = start("a", OWN | VAULT)
    paired_calls(one, secret, 1)
    until(lambda: one.watching.outcomes() == {("shadow", "not submitted"): 1})
    assert len(batches_made(upstream)) == 2
    assert one.watching.shadow_spent_nano() == 0
    assert rows(store, "SELECT 1 FROM shadow_items UNION ALL SELECT 1 FROM shadow_intents") == []
