"""Killed at random moments under load, again and again, on one log and one state: what is lost, and what is counted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import msgspec
import pytest
from test_gateway_sdk import records

from baseload.demo.upstream.faults import Behaviour
from baseload.demo.upstream.server import Upstream
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore
from baseload.usage.gateway_records import End, Start
from baseload.values import NANO_PER_USD

PROGRAM = Path(__file__).with_name("gateway_program.py")
CALLERS = 12
CAP_USD = 40
SECRET = "sk-ant-secret-of-the-kills"
WORDS = "confidential words of a caller"


class Seen(NamedTuple):
    """What callers saw: numbers of the questions they asked, and of those answered to the last byte."""

    asked: set[int]
    answered: set[int]


@contextlib.contextmanager
def gateway(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    with (
        (folder / "stderr.txt").open("a") as errors,
        subprocess.Popen(
            [sys.executable, str(PROGRAM), str(folder)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline().split()
            assert line[:1] == ["port"], (folder / "stderr.txt").read_text()[-2000:]
            yield process, int(line[1])
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


async def call(session: aiohttp.ClientSession, port: int, number: int, stream: bool, seen: Seen) -> None:
    seen.asked.add(number)
    body = {
        "model": "claude-opus-4-8",
        "max_tokens": 40,
        "stream": stream,
        "messages": [{"role": "user", "content": f"Question {number}: {WORDS}"}],
    }
    headers = {"x-api-key": SECRET, "anthropic-version": "2023-06-01", "x-baseload-tag-number": str(number)}
    async with session.post(f"http://127.0.0.1:{port}/v1/messages", json=body, headers=headers) as answer:
        text = await answer.read()
        if answer.status == 200 and (not stream or b"message_stop" in text):
            seen.answered.add(number)


async def load_until_killed(
    process: subprocess.Popen[str], port: int, after_s: float, numbers: Iterator[int], seen: Seen
) -> None:
    async def caller() -> None:
        while process.poll() is None:
            number = next(numbers)
            with contextlib.suppress(aiohttp.ClientError, ConnectionError, asyncio.TimeoutError):
                await call(session, port, number, number % 2 == 0, seen)

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        callers = [asyncio.create_task(caller()) for _ in range(CALLERS)]
        await asyncio.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        await asyncio.gather(*callers)


def run(upstream: Upstream, folder: Path, kills: int, seed: int) -> Seen:
    (folder / "gateway.toml").write_text(
        f'[listen]\nport = 0\n[[upstream]]\nbase_url = "{upstream.base_url}"\n[[budget]]\nusd = "{CAP_USD}"\n'
    )
    upstream.service.behaviour = Behaviour(latency_s=0.01, event_gap_s=0.002)
    chance = random.Random(seed)
    seen, numbers = Seen(set(), set()), iter(range(10_000_000))
    for _ in range(kills):
        with gateway(folder) as (process, port):
            asyncio.run(load_until_killed(process, port, chance.uniform(0.02, 0.4), numbers, seen))
    with gateway(folder):  # takes over what the last one left
        pass
    return seen


def numbers_upstream(upstream: Upstream) -> Counter[int]:
    """How often each question reached the upstream."""
    found: Counter[int] = Counter()
    for request in upstream.requests:
        body: Any = msgspec.json.decode(request.body)
        found[int(body["messages"][0]["content"].split()[1].rstrip(":"))] += 1
    return found


def check(upstream: Upstream, folder: Path, seen: Seen) -> dict[str, int]:
    """Nothing lost, nothing twice, no secret anywhere, and the budget's books are right."""
    found = records(folder)
    starts = {(one.trip, one.attempt): one for one in found if isinstance(one, Start)}
    numbers = Counter(int(msgspec.json.decode(one.tags)["number"]) for one in starts.values())
    reached = numbers_upstream(upstream)
    assert max(reached.values()) == 1, "a question was sent twice"
    assert not reached.keys() - numbers.keys(), "a call reached the upstream without a start in the log"
    assert max(numbers.values()) == 1
    ends = [one for one in found if isinstance(one, End) and one.status == 200]
    messages = Counter(one.message_id for one in ends if one.message_id)
    assert max(messages.values()) == 1, "an answer is booked twice"
    ended = ended_numbers(found)
    assert not seen.answered - ended, "a caller has its answer and the log has no end"
    text = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert SECRET.encode() not in text
    assert WORDS.encode() not in text
    spent = sum(one.cost_nano or 0 for one in found if isinstance(one, End))
    database = SqliteDatabase(folder / ".baseload/gateway/state.db")
    store = StateStore(database)
    rows = store.budgets(next(one.period for one in starts.values() if one.period))
    store.close()
    booked = sum(row.spent_nano for row in rows)
    held = sum(row.held_nano for row in rows)
    assert booked == spent, "the budget's books differ from the log"
    assert booked + held <= CAP_USD * NANO_PER_USD
    return {
        "calls asked": len(seen.asked),
        "calls upstream": sum(reached.values()),
        "answered whole": len(seen.answered),
        "ends": len(ends),
        "in flight at a kill": len(numbers) - len(ended),
    }


def ended_numbers(found: list[Any]) -> set[int]:
    """Questions whose attempt has an end: starts and ends of one replica go by their number."""
    ended, number_of, replica = set(), {}, ""
    for one in found:
        if hasattr(one, "replica_id"):
            replica = one.replica_id
        elif isinstance(one, Start):
            number_of[replica, one.seq] = int(msgspec.json.decode(one.tags)["number"])
        elif isinstance(one, End):
            ended.add(number_of[replica, one.seq])
    return ended


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def unlimited(upstream: Upstream) -> Upstream:
    from collections import deque

    upstream.requests = deque()
    return upstream


def test_a_killed_gateway_loses_no_call_and_books_none_twice(upstream: Upstream, folder: Path) -> None:
    found = check(upstream, folder, run(unlimited(upstream), folder, kills=6, seed=1))
    assert found["answered whole"] > 50


@pytest.mark.prove
def test_two_hundred_kills_lose_nothing(
    upstream: Upstream, folder: Path, record_property: Callable[[str, object], None]
) -> None:
    seen = run(unlimited(upstream), folder, kills=200, seed=2)
    record_property("kills", 200)
    for name, value in check(upstream, folder, seen).items():
        record_property(name, value)
    record_property("records lost", 0)
    record_property("booked twice", 0)
    record_property("secrets in any file", 0)
