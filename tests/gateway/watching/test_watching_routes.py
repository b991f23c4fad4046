"""Stages, shadow calls and roll-backs through real gateways, a real store and the official SDK."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from watching_world import HAIKU, OPUS, PROJECT, SECRET, Running, ask, entry, made_policy

from baseload.demo.upstream.server import Upstream
from baseload.errors import UsageError
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore
from baseload.gateway.watching.orders import hold, lift, resume, roll_back
from baseload.gateway.watching.shadow import Graded as Pair
from baseload.gateway.watching.views import standing_of
from baseload.quality.watch.events import Graded
from baseload.values import day_of, iso_day

POLICY = """
[policy]
file = "policy.yaml"
settings = "baseload.toml"
holdback = 0.0
[shadow]
usd_per_day = "5"
transport = "synchronous"
"""
KEY = ("w-1", made_policy().policy_id)
Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path, upstream: Upstream) -> Iterator[Start]:
    """Starts gateways on one store; stops them."""
    running: list[Running] = []

    def begin(settings: str = POLICY, **more: Any) -> Running:
        running.append(Running(tmp_path, upstream.base_url, settings, **more))
        return running[-1]

    yield begin
    for one in running:
        one.stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    found = StateStore(SqliteDatabase(tmp_path / "state.db"))
    yield found
    found.close()


def until(holds: Callable[[], bool], seconds: float = 30.0) -> float:
    """How long it took."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise AssertionError("it did not come to hold")
        time.sleep(0.01)
    return time.monotonic() - began


def all_paired(gateway: Running) -> None:
    """From now on every session is paired."""

    def widened(store: StateStore) -> bool:
        row = store.routes()[0]
        state = json.loads(row.state)
        state["terms"]["shadow_share"] = 1.0
        state["events"] = row.events + 1
        fresh = msgspec.structs.replace(row, events=row.events + 1, state=json.dumps(state))
        return store.swap_route(fresh, row.events)

    while not gateway.loop.run(gateway.gateway.state(widened)):  # a tick was first
        pass
    gateway.loop.run(gateway.watching.watch.book.load())


def test_a_route_begins_when_first_served_and_climbs_by_graded_shadow_calls(start: Start, upstream: Upstream) -> None:
    gateway = start()
    client = gateway.client()
    assert gateway.gateway.core.routes == {}
    first = ask(client, "s-0")
    assert first.headers["x-baseload-model"] == OPUS
    assert first.headers["x-baseload-reason"] == "shadow"
    until(lambda: KEY in gateway.gateway.core.routes)
    assert gateway.gateway.core.routes[KEY].stage == "shadow"
    all_paired(gateway)
    for number in range(4):
        ask(client, f"s-{number + 1}")
        ask(client, f"s-{number + 1}", "And this one.")
    gateway.settle()
    assert gateway.watching.outcomes() == {("shadow", "graded"): 4}  # one call a session
    until(lambda: gateway.gateway.core.routes[KEY].share == 0.5)
    models = [json.loads(request.body)["model"] for request in upstream.requests]
    assert models.count(OPUS) == 9
    assert models.count(HAIKU) == 4
    assert gateway.watching.shadow_spent_nano() > 0


def test_a_second_replica_sees_a_rollback_within_a_second_and_serves_the_incumbent(
    start: Start, store: StateStore
) -> None:
    settings = POLICY.replace("[policy]", '[policy]\nstart = "at_once"')
    one, two = start(settings, name="a"), start(settings, name="b")
    assert ask(two.client(), "s-1").headers["x-baseload-model"] == HAIKU
    until(lambda: bool(store.routes()))
    roll_back(store, "w-1", who="ann", why="wrong queue", at_us=1)
    for gateway in (one, two):
        assert until(lambda gateway=gateway: KEY in gateway.gateway.core.routes
                     and gateway.gateway.core.routes[KEY].rolled_back) < 1.0  # fmt: skip
    again = ask(two.client(), "s-1")
    assert (again.headers["x-baseload-model"], again.headers["x-baseload-reason"]) == (OPUS, "rolled-back")
    assert two.watching.rollbacks()[0].says == "ann: wrong queue"


def test_a_rollback_survives_the_next_policy_until_a_person_lifts_it(start: Start, store: StateStore) -> None:
    settings = POLICY.replace("[policy]", '[policy]\nstart = "at_once"')
    one = start(settings)
    assert ask(one.client(), "s-1").headers["x-baseload-model"] == HAIKU
    until(lambda: bool(store.routes()))
    roll_back(store, "w-1", who="ann", why="wrong queue", at_us=1)
    later = made_policy(entry(verdict_id="v-2"))
    assert later.policy_id != KEY[1]
    two = start(settings, name="b", served=later)
    answer = ask(two.client(), "s-2")
    assert (answer.headers["x-baseload-model"], answer.headers["x-baseload-reason"]) == (OPUS, "rolled-back")
    assert lift(store, "w-1", who="bob", why="queue mended", at_us=2).changed
    until(lambda: not any(view.rolled_back for view in two.gateway.core.routes.values()))
    assert ask(two.client(), "s-3").headers["x-baseload-model"] == HAIKU


def test_a_held_ramp_stands_still_until_it_is_resumed(start: Start, store: StateStore) -> None:
    gateway = start()
    ask(gateway.client(), "s-0")
    until(lambda: KEY in gateway.gateway.core.routes)
    assert hold(store, "w-1", who="ann", why="audit", at_us=1).changed
    assert not hold(store, "w-1", who="ann", why="audit", at_us=2).changed
    until(lambda: gateway.watching.standings()[KEY].held == "ann: audit")
    assert resume(store, "w-1", who="ann", why="audit over", at_us=3).changed
    until(lambda: gateway.watching.standings()[KEY].held == "")


def test_no_shadow_call_is_sent_beyond_the_cap_of_the_day(start: Start, upstream: Upstream) -> None:
    gateway = start(POLICY.replace('usd_per_day = "5"', 'usd_per_day = "0.0000001"'))
    client = gateway.client()
    ask(client, "s-0")
    until(lambda: KEY in gateway.gateway.core.routes)
    all_paired(gateway)
    ask(client, "s-1")
    gateway.settle()
    assert gateway.watching.outcomes() == {("shadow", "over the cap"): 1}
    assert all(HAIKU.encode() not in request.body for request in upstream.requests)


def test_the_secret_of_a_caller_is_in_no_file_of_the_gateway(start: Start, tmp_path: Path) -> None:
    gateway = start()
    client = gateway.client()
    ask(client, "s-0", "A prompt nobody may read.")
    until(lambda: KEY in gateway.gateway.core.routes)
    all_paired(gateway)
    ask(client, "s-1", "A prompt nobody may read.")
    gateway.settle()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b'"purpose":"shadow"' in written
    assert SECRET.encode() not in written
    assert b"nobody may read" not in written


def test_evidence_of_a_loss_rolls_back_for_every_replica_by_a_row_of_its_own(start: Start, store: StateStore) -> None:
    settings = POLICY.replace("[policy]", '[policy]\nstart = "at_once"')
    one, two = start(settings, name="a"), start(settings, name="b")
    assert ask(one.client(), "s-1").headers["x-baseload-model"] == HAIKU
    until(lambda: bool(store.routes()))
    one.watching.watch.book.note(KEY, [Graded(at_us=1, d=-1.0)] * 60)
    one.tick()
    until(lambda: bool(store.rollbacks()))  # its own tick may have been under way
    (back,) = store.rollbacks()
    assert (back.workload, back.candidate, back.reason) == ("w-1", HAIKU, "quality")
    assert until(lambda: KEY in two.gateway.core.routes and two.gateway.core.routes[KEY].rolled_back) < 1.0
    assert ask(two.client(), "s-9").headers["x-baseload-model"] == OPUS


def test_another_grader_than_the_trials_expires_the_verdict(tmp_path: Path, start: Start, store: StateStore) -> None:
    trial = {
        "verdict_id": "v-1", "decided_day": iso_day(day_of(time.time_ns() // 1_000)), "candidate": HAIKU,
        "incumbent": OPUS,
        "bar": {"grader": "signals abc"}, "grader_version": "1",
    }  # fmt: skip
    path = tmp_path / ".baseload/trials/t/trial.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(trial))
    one = start()
    ask(one.client(), "s-1")
    until(lambda: bool(store.routes()))
    for grader, alarms in (("signals abc 1", ()), ("signals def 1", ("verdict expired: grader",))):
        before = store.routes()[0].events
        one.watching.watch.desk._graded.append(Pair(KEY, None, "", grader))
        one.tick()
        until(lambda: store.routes()[0].events > before)  # noqa: B023 - called at once
        assert standing_of(store.routes()[0].state, KEY[1]).alarms == alarms


def test_a_grader_that_cannot_be_made_buys_no_shadow_call(start: Start, store: StateStore, upstream: Upstream) -> None:
    """Its file is gone: nobody could grade what was bought."""
    project = PROJECT.replace('{ kind = "signals" }', '{ kind = "label", truth = "gone.jsonl" }')
    one = start(project=project)
    client = one.client()
    ask(client, "s-0")
    until(lambda: KEY in one.gateway.core.routes)
    all_paired(one)
    for number in range(5):
        ask(client, f"s-{number}")
    one.settle()
    assert one.watching.outcomes() == {}
    assert all(json.loads(request.body)["model"] == OPUS for request in upstream.requests)


def test_two_replicas_lose_no_event_of_each_other(start: Start, store: StateStore) -> None:
    one, two = start(name="a"), start(name="b")
    ask(one.client(), "s-0")
    until(lambda: bool(store.routes()))
    for number in range(5):
        for gateway in (one, two):
            gateway.watching.watch.book.note(KEY, [Graded(at_us=number, d=0.0)])
    until(lambda: json.loads(store.routes()[0].state)["evidence"]["pairs"] == 10)


def test_a_workload_whose_data_may_not_be_used_is_never_sent_twice(start: Start, upstream: Upstream) -> None:
    gateway = start()
    client = gateway.client()
    ask(client, "s-0")
    until(lambda: KEY in gateway.gateway.core.routes)
    all_paired(gateway)
    desk = gateway.watching.watch.desk
    desk.setup = msgspec.structs.replace(desk.setup, data_use={"w-1": "none"})
    for number in range(5):
        ask(client, f"s-{number}")
    gateway.settle()
    assert gateway.watching.outcomes() == {}
    assert all(json.loads(request.body)["model"] == OPUS for request in upstream.requests)


def test_a_route_that_never_served_can_be_barred_by_the_admin_endpoints(start: Start, store: StateStore) -> None:
    one = start()
    done = one.loop.run(one.watching.order("roll_back", "w-1", "ann", "not now", ""))
    assert (done.candidate, done.changed) == (HAIKU, True)
    assert [(back.workload, back.candidate, back.policy_id) for back in store.rollbacks()] == [("w-1", HAIKU, KEY[1])]
    assert ask(one.client(), "s-1").headers["x-baseload-reason"] == "rolled-back"


def test_orders_ask_for_a_name_a_reason_and_a_route(store: StateStore) -> None:
    for who, why in (("", "x"), ("ann", " ")):
        with pytest.raises(UsageError, match="who orders it, and why"):
            roll_back(store, "w-1", who=who, why=why, at_us=1)
    with pytest.raises(UsageError, match="has no route yet"):
        roll_back(store, "w-1", who="ann", why="x", at_us=1)
    with pytest.raises(UsageError, match="0 candidates rolled back"):
        lift(store, "w-1", who="ann", why="x", at_us=1)
    assert roll_back(store, "w-1", who="ann", why="x", at_us=1, candidate=HAIKU).changed
