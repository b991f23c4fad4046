"""The official SDK with the plan inside: the same decisions, no hop; a fault of ours never costs a call."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest
from decide_made import BOOK, HAIKU, KEY, NOW_US, OPUS, made_entry, made_policy, mark

from baseload.demo.upstream.faults import Fault
from baseload.demo.upstream.server import Upstream
from baseload.gateway.decide.apply import Applied
from baseload.gateway.decide.decide import Decision
from baseload.gateway.decide.fit import Capabilities
from baseload.gateway.decide.memo import Memo
from baseload.gateway.decide.rules import Rules, Ways
from baseload.gateway.decide.sdk import SERVED, AsyncBaseloadTransport, BaseloadTransport, InProcess
from baseload.gateway.decide.state import Sessions, State
from baseload.plan.policy import Cache

ASK: list[Any] = [{"role": "user", "content": "Which queue? My parcel is late."}]
LONG = "Be brief. " * 2000
ENTRY = made_entry(effort="low", cache=Cache(marks=(mark("system:0", "1h"),)))


class Told:
    """Who was told what."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.applied: list[Applied] = []

    def __call__(self, decision: Decision, applied: Applied) -> None:
        self.decisions.append(decision)
        self.applied.append(applied)


def planner_of(told: Any = None, **more: Any) -> InProcess:
    rules = Rules(made_policy(ENTRY), BOOK, KEY, ways=Ways(start="at_once", holdback=0.0))
    return InProcess(
        rules, State({}, Sessions()), Memo(KEY), Capabilities(BOOK.models), told=told, clock_us=lambda: NOW_US, **more
    )


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def client(upstream: Upstream, told: Told) -> Iterator[anthropic.Anthropic]:
    http = httpx2.Client(transport=BaseloadTransport(planner_of(told)))
    with anthropic.Anthropic(base_url=upstream.base_url, api_key="sk-test", http_client=http, max_retries=0) as found:
        yield found


def sent(upstream: Upstream, at: int = -1) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(upstream.requests[at].body)
    return found


def test_a_call_is_answered_by_the_policys_model(client: anthropic.Anthropic, upstream: Upstream, told: Told) -> None:
    said = client.messages.with_raw_response.create(model=OPUS, max_tokens=900, system=LONG, messages=ASK)
    assert said.parse().model == HAIKU
    assert said.headers[SERVED] == HAIKU
    assert said.headers["request-id"]
    body = sent(upstream)
    assert (body["model"], body["output_config"]) == (HAIKU, {"effort": "low"})
    assert body["system"] == [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    assert [one.reason for one in told.decisions] == ["candidate"]
    assert told.applied[0].marks == (mark("system:0", "1h"),)


def test_streams_come_as_streams(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model=OPUS, max_tokens=900, messages=ASK) as stream:
        text = "".join(stream.text_stream)
        assert stream.get_final_message().model == HAIKU
    assert text


def test_a_pin_in_one_line_sends_the_very_request(upstream: Upstream) -> None:
    bodies = []
    for transport in (httpx2.HTTPTransport(), BaseloadTransport(planner_of())):
        http = httpx2.Client(transport=transport)
        with anthropic.Anthropic(base_url=upstream.base_url, api_key="sk-test", http_client=http) as client:
            client.messages.create(
                model=OPUS, max_tokens=900, messages=ASK, extra_headers={"X-Baseload-Pin": "original"}
            )
        bodies.append(upstream.requests[-1].body)
    assert bodies[0] == bodies[1]
    assert upstream.requests[-2].header("x-baseload-pin") == "original"
    assert upstream.requests[-1].header("x-baseload-pin") == ""  # for us, and no further


def test_counts_and_batches_pass_as_they_are(client: anthropic.Anthropic, upstream: Upstream, told: Told) -> None:
    client.messages.count_tokens(model=OPUS, messages=ASK)
    assert sent(upstream)["model"] == OPUS
    item: Any = {"custom_id": "a", "params": {"model": OPUS, "max_tokens": 9, "messages": ASK}}
    client.messages.batches.create(requests=[item])
    assert sent(upstream) == {"requests": [item]}
    assert told.decisions == []


def test_a_400_on_an_edited_request_is_answered_by_the_original(
    client: anthropic.Anthropic, upstream: Upstream
) -> None:
    upstream.faults.add(Fault(kind="status", status=400))
    said = client.messages.with_raw_response.create(model=OPUS, max_tokens=900, messages=ASK)
    assert said.parse().model == OPUS
    assert SERVED not in said.headers
    assert [json.loads(one.body)["model"] for one in list(upstream.requests)[-2:]] == [HAIKU, OPUS]
    again = client.messages.create(model=OPUS, max_tokens=900, messages=ASK)
    assert again.model == OPUS  # its session stays there


def test_other_errors_are_the_callers(client: anthropic.Anthropic, upstream: Upstream) -> None:
    upstream.faults.add(Fault(kind="status", status=529))
    with pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(model=OPUS, max_tokens=900, messages=ASK)
    assert caught.value.status_code == 529
    assert upstream.count["POST /v1/messages"] == 1


def test_a_fault_of_ours_sends_the_original(upstream: Upstream) -> None:
    planner = planner_of()
    planner._state = None  # type: ignore[assignment]
    http = httpx2.Client(transport=BaseloadTransport(planner))
    with anthropic.Anthropic(base_url=upstream.base_url, api_key="sk-test", http_client=http) as client:
        assert client.messages.create(model=OPUS, max_tokens=900, messages=ASK).model == OPUS


def test_a_listener_that_fails_changes_nothing(upstream: Upstream) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    http = httpx2.Client(transport=BaseloadTransport(planner_of(broken)))
    with anthropic.Anthropic(base_url=upstream.base_url, api_key="sk-test", http_client=http) as client:
        assert client.messages.create(model=OPUS, max_tokens=900, messages=ASK).model == HAIKU


def test_async_calls_and_streams(upstream: Upstream) -> None:
    async def run() -> None:
        http = httpx2.AsyncClient(transport=AsyncBaseloadTransport(planner_of()))
        async with anthropic.AsyncAnthropic(base_url=upstream.base_url, api_key="sk-test", http_client=http) as client:
            said = await client.messages.create(model=OPUS, max_tokens=900, messages=ASK)
            assert said.model == HAIKU
            async with client.messages.stream(model=OPUS, max_tokens=900, messages=ASK) as stream:
                assert (await stream.get_final_message()).model == HAIKU
            upstream.faults.add(Fault(kind="status", status=400))
            other: list[Any] = [{"role": "user", "content": "Another session."}]
            assert (await client.messages.create(model=OPUS, max_tokens=900, messages=other)).model == OPUS
            await client.messages.count_tokens(model=OPUS, messages=ASK)

    asyncio.run(run())
    assert sent(upstream)["model"] == OPUS


def test_threads_share_one_planner(client: anthropic.Anthropic, told: Told) -> None:
    def ask(number: int) -> None:
        client.messages.create(model=OPUS, max_tokens=900, messages=[{"role": "user", "content": f"q{number}"}])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.model for one in told.decisions] == [HAIKU] * 8


def test_nothing_shown_holds_the_key() -> None:
    assert repr(planner_of()).startswith("InProcess(Rules('p-")
