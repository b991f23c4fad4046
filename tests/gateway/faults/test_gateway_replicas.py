"""Two replicas on one PostgreSQL, one of them killed under load: nothing is lost and the budget holds."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from postgres_server import postgres
from test_gateway_kills import CALLERS, Seen, call, ended_numbers, gateway, numbers_upstream, unlimited
from test_gateway_sdk import records

from baseload.demo.upstream.faults import Behaviour
from baseload.demo.upstream.server import Upstream
from baseload.gateway.state.postgres import PostgresDatabase
from baseload.gateway.state.store import StateStore
from baseload.usage.gateway_records import End, Start
from baseload.values import NANO_PER_USD

CAP_USD = 1
"""So little that it is nearly used up: a replica is refused what the other has leased."""


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    with postgres() as address:
        yield address


def settings(folder: Path, upstream: Upstream) -> Path:
    folder.mkdir()
    (folder / "gateway.toml").write_text(
        f'[listen]\nport = 0\n[[upstream]]\nbase_url = "{upstream.base_url}"\n[state]\nurl_env = "STATE_URL"\n'
        f'[[budget]]\nusd = "{CAP_USD}"\n[log]\nship_to = ""\n'
    )
    return folder


async def callers(ports: Callable[[], list[int]], until: asyncio.Event, numbers: Iterator[int], seen: Seen) -> None:
    """Ask whichever replica is there; one that goes away costs a caller one failed call."""

    async def one(place: int) -> None:
        while not until.is_set():
            number = next(numbers)
            with contextlib.suppress(aiohttp.ClientError, ConnectionError, asyncio.TimeoutError):
                found = ports()
                await call(session, found[(place + number) % len(found)], number, number % 2 == 0, seen)
            await asyncio.sleep(0.002)

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        await asyncio.gather(*(one(place) for place in range(CALLERS)))


async def story(
    first: tuple[subprocess.Popen[str], int], folder: Path, port: int, kills: int, chance: random.Random, seen: Seen
) -> None:
    """The first replica serves throughout; the second is killed and comes back, `kills` times."""
    ports, numbers, done = [first[1], port], iter(range(10_000_000)), asyncio.Event()
    load = asyncio.create_task(callers(lambda: ports, done, numbers, seen))
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.1, 0.4))
        with contextlib.ExitStack() as stack:
            process, fresh = await asyncio.to_thread(stack.enter_context, gateway(folder))
            ports[1] = fresh
            await asyncio.sleep(chance.uniform(0.1, 0.5))
            process.kill()
            process.wait()
    done.set()
    await load


def run(upstream: Upstream, tmp_path: Path, dsn: str, kills: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    monkeypatch.setenv("STATE_URL", dsn)
    upstream.service.behaviour = Behaviour(latency_s=0.01, event_gap_s=0.001)
    one, two = settings(tmp_path / "one", upstream), settings(tmp_path / "two", upstream)
    seen = Seen(set(), set())
    with gateway(one) as first:
        with gateway(two) as second:
            port = second[1]
        asyncio.run(story(first, two, port, kills, random.Random(3), seen))
    for folder in (one, two):  # take over what was left
        with gateway(folder):
            pass
    return checked(upstream, (one, two), dsn, seen)


def checked(upstream: Upstream, folders: tuple[Path, Path], dsn: str, seen: Seen) -> dict[str, int]:
    found: list[Any] = [record for folder in folders for record in records(folder)]
    starts = [one for one in found if isinstance(one, Start)]
    numbers = Counter(int(msgspec.json.decode(one.tags)["number"]) for one in starts)
    reached = numbers_upstream(upstream)
    assert max(reached.values()) == 1
    assert not reached.keys() - numbers.keys(), "a call reached the upstream without a start in a log"
    messages = Counter(one.message_id for one in found if isinstance(one, End) and one.message_id)
    assert max(messages.values()) == 1, "an answer is booked twice"
    assert not seen.answered - ended_numbers(found), "a caller has its answer and no log has its end"
    store = StateStore(PostgresDatabase(dsn))
    rows = store.budgets(starts[0].period)
    store.close()
    spent = sum(one.cost_nano or 0 for one in found if isinstance(one, End))
    booked, held = sum(row.spent_nano for row in rows), sum(row.held_nano for row in rows)
    assert booked == spent, "the budget's books differ from the logs"
    assert booked + held <= CAP_USD * NANO_PER_USD, "the cap was passed"
    return {
        "calls": len(seen.asked), "answered whole": len(seen.answered), "replicas": 2,
        "spent of the cap, %": round(100 * booked / (CAP_USD * NANO_PER_USD)),
    }  # fmt: skip


@pytest.mark.postgres
def test_one_of_two_replicas_dies_and_nothing_is_lost(
    upstream: Upstream, tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run(unlimited(upstream), tmp_path, dsn, 4, monkeypatch)
    assert found["answered whole"] > 50


@pytest.mark.postgres
@pytest.mark.prove
def test_thirty_deaths_of_a_replica_lose_nothing(
    upstream: Upstream,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    with postgres() as address:
        found = run(unlimited(upstream), tmp_path, address, 30, monkeypatch)
    record_property("kills", 30)
    for name, value in found.items():
        record_property(name, value)
