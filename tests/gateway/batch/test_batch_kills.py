"""kill -9 at every step of a batch's life: nothing lost, nothing submitted twice beyond what is counted."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anthropic
import httpx2
import psycopg
import pytest
from batch_world import NIGHTLY, a_key, asked, batched, eventually, fetched, pairs, slow_batches

from baseload.demo.upstream.server import Upstream
from baseload.gateway.state.postgres import PostgresDatabase
from baseload.gateway.state.sqlite import SqliteDatabase

PROCESS = Path(__file__).parent / "batch_process.py"


@contextlib.contextmanager
def mortal(
    folder: Path, upstream: Upstream, key: str, step: str, *dsn: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A gateway in a process of its own, and its address."""
    command = [sys.executable, str(PROCESS), str(folder), upstream.base_url, key, step, *dsn]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def ticket(url: str, key: str, text: str) -> str:
    headers = {"x-api-key": key, "anthropic-version": "2023-06-01", "prefer": "respond-async", **NIGHTLY}
    found: str = httpx2.post(f"{url}/v1/messages", json=asked(text), headers=headers).json()["id"]
    return found


def killed(process: subprocess.Popen[str]) -> bool:
    return process.wait(timeout=10) == -9


@pytest.mark.parametrize(
    ("step", "submits", "counted"),
    [
        ("intent", 1, {"sent_again": 3}),  # nothing went: sent once, when no batch of it had appeared
        ("submitted", 1, {"adopted": 1}),  # its answer was lost: found by its custom ids
        ("fetched", 1, {}),
        ("recorded", 1, {}),  # the records are there twice, under the same message ids
    ],
)
def test_a_kill_loses_no_ticket_and_pays_none_twice(
    upstream: Upstream, tmp_path: Path, step: str, submits: int, counted: dict[str, int]
) -> None:
    key = a_key(SqliteDatabase(tmp_path / ".baseload/gateway/state.db"))
    with mortal(tmp_path, upstream, key, step) as (url, process):
        tickets = [ticket(url, key, f"Question {n}") for n in range(3)]
        assert killed(process)
    with batched(upstream, tmp_path, key=key) as gateway:
        answers = [fetched(gateway, one) for one in tickets]
        counts = gateway.counts()
    assert [answer.status_code for answer in answers] == [200] * 3
    assert upstream.count["POST /v1/messages/batches"] == submits
    assert [one.tier for one in upstream.service.billed] == ["batch"] * 3
    assert counts == counted
    ids = [end.message_id for _, end in pairs(tmp_path) if end is not None]
    assert len(set(ids)) == 3
    assert len(ids) == (6 if step == "recorded" else 3)


def test_a_held_caller_that_comes_back_after_a_kill_has_the_batch_it_paid_for(
    upstream: Upstream, tmp_path: Path
) -> None:
    key = a_key(SqliteDatabase(tmp_path / ".baseload/gateway/state.db"))
    with mortal(tmp_path, upstream, key, "submitted") as (url, process):
        with (
            anthropic.Anthropic(base_url=url, api_key=key, default_headers=NIGHTLY, max_retries=0) as client,
            pytest.raises((anthropic.APIConnectionError, httpx2.TransportError)),
            client.messages.stream(**asked("Hold on")) as stream,
        ):
            stream.get_final_message()
        assert killed(process)
    with batched(upstream, tmp_path, key=key) as gateway:
        eventually(lambda: wants(tmp_path) == ["orphan"])
        with gateway.client().messages.stream(**asked("Hold on")) as stream:
            assert stream.get_final_message().usage.service_tier == "batch"
        assert gateway.counts() == {"adopted": 1, "attached": 1, "orphaned": 1}
    assert [one.tier for one in upstream.service.billed] == ["batch"]


def wants(folder: Path) -> list[str]:
    with sqlite3.connect(folder / ".baseload/gateway/state.db") as connection:
        return [row[0] for row in connection.execute("SELECT wants FROM batch_items")]


@pytest.mark.postgres
def test_another_replica_adopts_what_a_killed_one_submitted(upstream: Upstream, tmp_path: Path, server: str) -> None:
    slow_batches(upstream, 0.3)
    mine, others = (a_key(SqliteDatabase(tmp_path / name / ".baseload/gateway/state.db")) for name in ("b", "a"))
    with (
        mortal(tmp_path / "a", upstream, others, "submitted", server) as (url, process),
        batched(upstream, tmp_path / "b", key=mine, database=lambda: PostgresDatabase(server)) as gateway,
    ):
        assert not gateway.desk.leads
        own = ticket(gateway.served.base_url, mine, "Mine")
        theirs = ticket(url, others, "Theirs")
        assert killed(process)
        assert fetched(gateway, own, within_s=8).status_code == 200
        eventually(lambda: gateway.desk.leads)

        def states() -> list[tuple[str, str]]:
            with psycopg.connect(server) as connection:
                return connection.execute("SELECT wants, sent FROM batch_items").fetchall()

        eventually(lambda: states() == [("ready", "settled")] * 2)
        assert gateway.counts() == {"adopted": 1}
        assert theirs
    assert upstream.count["POST /v1/messages/batches"] == 1
    assert [one.tier for one in upstream.service.billed] == ["batch"] * 2
