"""A gateway with a batch desk before the local upstream, and callers that hold a virtual key."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anthropic
import httpx2
from served import Served, serving, settings

from baseload.demo.upstream.faults import Behaviour
from baseload.demo.upstream.server import Upstream
from baseload.gateway.batch.api import BatchApi
from baseload.gateway.batch.desk import BatchDesk
from baseload.gateway.batch.unbatched import NotBatched
from baseload.gateway.batch.work import Pace
from baseload.gateway.runtime import Gateway, Part
from baseload.gateway.state.database import Database
from baseload.gateway.state.keys import new_key
from baseload.gateway.state.records import KeyScope
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore
from baseload.plan.policy import Batch, Entry, Match, Policy, WorkloadRef, policy
from baseload.usage.gateway_records import End, LogRecord, Note, Start, json_of, record_of
from baseload.vault.key import VaultKey

HAIKU = "claude-haiku-4-5-20251001"
VAULT_KEY = VaultKey(b"v" * 32)
OUR_KEY = "sk-ant-ours"
QUICK = Pace(round_s=0.05, beat_s=0.1, stale_s=0.6, settle_s=0.4)
NIGHTLY = {"x-baseload-workload": "nightly"}


def waiting(deadline: str = "20s", window: str = "1s") -> Policy:
    """The workload `nightly` may wait."""
    entry = Entry(
        workload=WorkloadRef(id="nightly", name="nightly"),
        match=Match(tag={"job": "nightly"}),
        batch=Batch(deadline=deadline, window=window),
    )
    return policy((entry,), created="2026-11-22", prices_checked="2026-11-21")


def a_key(database: Database, name: str = "caller") -> str:
    """A virtual key in the state store."""
    store = StateStore(database)
    made = new_key(name, KeyScope(), time.time_ns() // 1_000)
    store.add_key(made.row)
    store.close()
    return made.secret


class Batched:
    """The running gateway, its desk, and a key for its callers."""

    def __init__(self, served: Served, desk: BatchDesk, key: str, folder: Path) -> None:
        self.served = served
        self.desk = desk
        self.key = key
        self.folder = folder
        self.clients: list[anthropic.Anthropic] = []

    def client(self, **more: Any) -> anthropic.Anthropic:
        given: dict[str, Any] = {"api_key": self.key, "max_retries": 0, "default_headers": NIGHTLY, **more}
        self.clients.append(anthropic.Anthropic(base_url=self.served.base_url, **given))
        return self.clients[-1]

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = self.served.call(self.desk.counts)
        return found


@contextmanager
def batched(
    upstream: Upstream,
    folder: Path,
    *,
    deadline: str = "20s",
    window: str = "1s",
    text: str = "",
    batch: str = "",
    database: Callable[[], Database] | None = None,
    key: str = "",
    name: str = "test",
    pace: Pace = QUICK,
    api: Callable[[Gateway], BatchApi] | None = None,
) -> Iterator[Batched]:
    """The gateway until the block ends. `text` and `batch` are more TOML, the latter of the [batch] table."""
    make = database or (lambda: SqliteDatabase(folder / ".baseload/gateway/state.db"))
    secret = key or a_key(SqliteDatabase(folder / ".baseload/gateway/state.db"))
    lines = f"{text}\n[batch]\nenabled = true\npoll_s = 0.05\nping_s = 0.1\n{batch}"
    loaded = settings(upstream.base_url, lines, waiting(deadline, window), folder)
    desks: list[BatchDesk] = []

    def parts(gateway: Gateway) -> tuple[Part, ...]:
        counts = NotBatched(gateway.core, lambda: loaded.policy, has_desk=True)
        gateway.core.watchers = (counts,)
        desk = BatchDesk(
            gateway.core,
            database=make(),
            client=gateway.client,
            upstream=loaded.config.upstream[0],
            keys=lambda: (OUR_KEY.encode(),),
            vault_key=VAULT_KEY,
            pace=pace,
            api=api(gateway) if api else None,
            not_batched=counts,
        )
        gateway.door.diversion = desk
        desks.append(desk)
        return (desk, counts)

    with serving(loaded, env={"ANTHROPIC_API_KEY": OUR_KEY}, name=name, parts=parts) as served:
        world = Batched(served, desks[0], secret, folder)
        try:
            yield world
        finally:
            for one in world.clients:
                one.close()


def slow_batches(upstream: Upstream, batch_s: float) -> None:
    upstream.service.behaviour = Behaviour(batch_s=batch_s)


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {"model": HAIKU, "max_tokens": 200, "messages": [{"role": "user", "content": text}], **more}


def records(folder: Path) -> list[LogRecord]:
    found = []
    for path in sorted((folder / ".baseload/gateway/log").glob("*.log")):
        for line in path.read_bytes().splitlines():
            body = json_of(line)
            if body is not None:
                found.append(record_of(body))
    return found


def pairs(folder: Path) -> list[tuple[Start, End | None]]:
    """Starts with their ends, of one replica or of several."""
    found: list[tuple[Start, End | None]] = []
    for path in sorted((folder / ".baseload/gateway/log").glob("*.log")):
        of_file = [record_of(body) for line in path.read_bytes().splitlines() if (body := json_of(line))]
        ends = {one.seq: one for one in of_file if isinstance(one, End)}
        found += [(one, ends.get(one.seq)) for one in of_file if isinstance(one, Start)]
    return found


def notes(folder: Path) -> list[Note]:
    return [one for one in records(folder) if isinstance(one, Note)]


def eventually(true: Callable[[], object], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        time.sleep(0.02)


def fetched(gateway: Batched, ticket: str, within_s: float = 30.0) -> httpx2.Response:
    """A ticket's answer once there is one."""
    end = time.monotonic() + within_s
    while True:
        found = httpx2.get(
            f"{gateway.served.base_url}/v1/baseload/tickets/{ticket}", headers={"x-api-key": gateway.key}
        )
        if found.status_code != 202:
            return found
        assert int(found.headers["retry-after"]) >= 1
        assert time.monotonic() < end, "no answer came"
        time.sleep(0.05)


def posted(gateway: Batched, body: dict[str, Any], **headers: str) -> httpx2.Response:
    given = {"x-api-key": gateway.key, "anthropic-version": "2023-06-01", **NIGHTLY, **headers}
    return httpx2.post(f"{gateway.served.base_url}/v1/messages", json=body, headers=given, timeout=20)
