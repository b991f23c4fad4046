"""Faults of our own: whatever raises inside, the caller gets its answer, and the call is in the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from faults_world import (
    SECRET,
    WORDS,
    Caller,
    Told,
    answer_bytes,
    asked,
    books,
    check,
    reached,
    request_bytes,
    rough,
    stream_bytes,
)
from served import Served, serving, settings

import baseload.gateway.door as door_module
from baseload.gateway.calllog.meter import Meter
from baseload.gateway.core import Core

POLICY = """schema_version: 1
entries:
  - workload: {id: all}
    match: {api_key: ["*"]}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v1
"""
BUDGET = '[[budget]]\nusd = "5"\n'


def broken(*_: object, **__: object) -> Any:
    """A fault whose text is what must not be told."""
    raise RuntimeError(f"{WORDS} {SECRET}")


class Bad:
    """A watcher, a planner and an upstream's memory that always raise."""

    finished = keeps = marks = answered = again = staticmethod(broken)


def bad_decide(_: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(door_module, "decide", broken)


def bad_facts(_: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(door_module, "facts_of", broken)


def bad_apply(_: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(door_module, "apply", broken)


def bad_watcher(gateway: Served, _: pytest.MonkeyPatch) -> None:
    gateway.gateway.core.watchers = (Bad(),)  # type: ignore[assignment]


def bad_planner(gateway: Served, _: pytest.MonkeyPatch) -> None:
    gateway.gateway.core.online = Bad()  # type: ignore[assignment]


def bad_meter(_: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Meter, "data", broken)


def bad_metered(_: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Meter, "metered", broken)


def bad_price(_: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Core, "cost_nano", broken)


def bad_content(gateway: Served, _: pytest.MonkeyPatch) -> None:
    gateway.gateway.core.content.work_out = broken  # type: ignore[method-assign]


def bad_bound(_: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Core, "most_nano", broken)


def bad_start(_: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Core, "start_of", broken)


def bad_answered(gateway: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(type(gateway.gateway.core.upstreams), "answered", broken)


FAULTS: tuple[Callable[[Served, pytest.MonkeyPatch], None], ...] = (
    bad_decide, bad_facts, bad_apply, bad_watcher, bad_planner, bad_meter, bad_metered, bad_price, bad_content,
    bad_bound, bad_answered, bad_start,
)  # fmt: skip


@contextmanager
def world(folder: Path, stream: bool, text: str = BUDGET) -> Iterator[tuple[Served, Any]]:
    def behave(line: Any) -> None:
        while (number := line.request()) is not None:
            line.send(stream_bytes(number) if stream else answer_bytes(number))

    given = '[policy]\nstart = "at_once"\nholdback = 0.0\n' + text
    with rough(behave) as upstream, serving(settings(upstream.base_url, given, POLICY, folder)) as gateway:
        yield gateway, upstream


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])
def test_a_fault_of_ours_costs_no_caller_its_answer_and_no_call_its_record(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stream: bool,
    fault: Callable[[Served, pytest.MonkeyPatch], None],
) -> None:
    with world(tmp_path, stream) as (gateway, upstream):
        fault(gateway, monkeypatch)
        body = json.dumps(asked(1, stream=stream), indent=1).encode()  # spelled as no encoder of ours does
        with Caller(gateway.gateway.port) as caller:
            caller.send(request_bytes(1, body=body))
            told = caller.told()
            assert (told.status, told.whole) == (200, True)
            caller.send(request_bytes(2, body=body.replace(b"Question 1", b"Question 2")))
            assert caller.told().whole
        assert upstream.bodies[1] == body or fault == bad_planner
        assert upstream.numbers == {1: 1, 2: 1}
        reserved = gateway.call(lambda: [one.reserved for one in gateway.gateway.budgets._leases.values()])
        assert reserved in ([], [0])  # nothing is held for a call that is over
    found = books(tmp_path)
    assert len(found.starts) == len(found.ends) == 2
    assert all(end.outcome == "ok" for _, end in found.ends)


def test_where_nothing_can_be_decided_the_request_goes_on_byte_for_byte_and_is_metered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, False) as (gateway, upstream):
        bad_facts(gateway, monkeypatch)
        for number in range(20):
            body = json.dumps(asked(number), indent=number % 4).encode()
            with Caller(gateway.gateway.port) as caller:
                caller.send(request_bytes(number, body=body))
                assert caller.told().json["id"] == f"msg_{number:08d}"
            assert upstream.bodies[number] == body
            assert f"x-api-key: {SECRET}".encode() in upstream.heads[number]
    found = books(tmp_path)
    assert [end.message_id for _, end in found.ends] == [f"msg_{number:08d}" for number in range(20)]
    assert all(end.usage and end.usage["output_tokens"] == 7 for _, end in found.ends)
    assert all((end.cost_nano or 0) > 0 for _, end in found.ends)


def test_a_door_that_fails_twice_still_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even the way around is broken: an error in the API's shape, and nothing stays open."""
    with world(tmp_path, False) as (gateway, _):
        monkeypatch.setattr(type(gateway.gateway.door), "_decided", broken)
        monkeypatch.setattr(type(gateway.gateway.door), "untouched", broken)
        for number in range(3):
            with Caller(gateway.gateway.port) as caller:
                caller.send(request_bytes(number))
                told: Told = caller.told()
                assert (told.status, told.error) == (500, "api_error")
        assert gateway.gateway.server.exchanges == 0


def test_a_door_that_fails_twice_after_waiting_still_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path, False) as (gateway, _):
        monkeypatch.setattr(type(gateway.gateway.budgets), "ask", broken)
        monkeypatch.setattr(type(gateway.gateway.door), "untouched", broken)
        with Caller(gateway.gateway.port) as caller:
            caller.send(request_bytes(1))
            told: Told = caller.told()
            assert (told.status, told.error) == (500, "api_error")
        assert gateway.gateway.server.exchanges == 0


def test_retries_that_cannot_be_decided_end_in_an_error_and_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def behave(line: Any) -> None:
        line.request()
        line.reset()

    with rough(behave) as upstream, serving(settings(upstream.base_url, BUDGET, folder=tmp_path)) as gateway:
        monkeypatch.setattr(type(gateway.gateway.core.upstreams), "again", broken)
        with Caller(gateway.gateway.port) as caller:
            caller.send(request_bytes(1))
            assert (caller.told().status, len(upstream.numbers)) == (502, 1)
        assert gateway.call(lambda: [one.reserved for one in gateway.gateway.budgets._leases.values()]) == [0]
    found = books(tmp_path)
    assert len(found.starts) == len(found.ends) == 1


ODD: tuple[bytes, ...] = (
    b"{}", b"[]", b"null", b'"text"', b"{", b"\xff\xfe", b'{"model":5,"messages":7}', b'{"messages":["a",1,null,[]]}',
    b'{"messages":[{"role":5,"content":{"a":1}}]}', b'{"messages":[{"role":"user","content":[1,{"type":5}]}]}',
    b'{"model":"claude-haiku-4-5","messages":[{"role":"user","content":[{"type":"text"}]}],"tools":{"a":1},"system":3}',
    b'{"model":"claude-haiku-4-5","messages":[{"role":"user","content":"a"}],"tools":[null,1],"system":[1,{}]}',
    b'{"model":"claude-haiku-4-5","messages":[{"role":"user","content":[{"type":"tool_result","content":5}]}]}',
    b'{"model":"claude-haiku-4-5","max_tokens":1e400,"messages":[]}', b"[" * 5_000, b'{"a":' * 2_000,
    b'{"model":"claude-haiku-4-5","metadata":{"user_id":{"a":1}},"messages":[{"role":"user","content":"a\\ud800"}]}',
    b'{"model":"claude-haiku-4-5","output_config":[1],"thinking":3,"stream":"yes","messages":{"0":"a"}}',
)  # fmt: skip
"""Bodies that are no request: the API says so, not we."""


def test_bodies_that_are_no_request_go_to_the_api_as_they_are(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def behave(line: Any) -> None:
        rest = b""
        while data := line.socket.recv(65536):
            rest += data
            head, found, body = rest.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
            if found and len(body) >= length:
                seen.append(body)
                rest = b""
                line.send(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")

    text = '[policy]\nstart = "at_once"\ncache = "online"\n' + BUDGET
    with rough(behave) as upstream, serving(settings(upstream.base_url, text, POLICY, tmp_path)) as gateway:
        for body in ODD:
            with Caller(gateway.gateway.port) as caller:
                caller.send(request_bytes(0, body=body))
                assert caller.told().status == 400, body[:60]
    assert seen == list(ODD)
    found = books(tmp_path)
    assert len(found.starts) == len(found.ends) == len(ODD)


ODD_USAGE: tuple[Any, ...] = (
    None, 5, [], {}, {"input_tokens": -1}, {"input_tokens": "many"}, {"input_tokens": 10**30, "output_tokens": 1},
    {"input_tokens": 1.5}, {"input_tokens": None, "output_tokens": 2}, {"cache_creation": 5, "input_tokens": 1},
    {"iterations": 5, "input_tokens": 1}, {"server_tool_use": "x", "input_tokens": 1},
    {"a": {"b": [1, {"c": None}]}},
)  # fmt: skip


def test_an_answer_with_nonsense_for_usage_reaches_its_caller_and_has_an_end(tmp_path: Path) -> None:
    def behave(line: Any) -> None:
        while (number := line.request()) is not None:
            message = json.loads(answer_bytes(number).partition(b"\r\n\r\n")[2])
            message["usage"] = ODD_USAGE[number]
            body = json.dumps(message).encode()
            line.send(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
            )

    with rough(behave) as upstream, serving(settings(upstream.base_url, BUDGET, folder=tmp_path)) as gateway:
        for number in range(len(ODD_USAGE)):
            with Caller(gateway.gateway.port) as caller:
                caller.send(request_bytes(number))
                assert caller.told().json["usage"] == ODD_USAGE[number]
        assert gateway.call(lambda: [one.reserved for one in gateway.gateway.budgets._leases.values()]) == [0]
    found = books(tmp_path)
    assert len(found.ends) == len(ODD_USAGE)
    check(tmp_path, reached(upstream), set(range(len(ODD_USAGE))))
