"""The official SDK through the bare pipe to the local upstream: the same as talking to it directly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from wire_world import World

from baseload.demo.upstream.faults import Fault
from baseload.demo.upstream.server import Upstream
from baseload.gateway.exchange import Origin
from baseload.gateway.wire.bare import BareDoor

HAIKU = "claude-haiku-5-5"
ASK: list[Any] = [{"role": "user", "content": "Which queue? My parcel is late."}]
TOOL: Any = {
    "name": "look_up",
    "description": "An order by number",
    "input_schema": {"type": "object", "properties": {"order": {"type": "string"}}},
}


@pytest.fixture
def piped(upstream: Upstream) -> Iterator[World]:
    found = World(BareDoor(Origin("127.0.0.1", upstream.port, tls=False)))
    yield found
    found.stop()


@pytest.fixture
def client(piped: World) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=piped.url, api_key="sk-test", max_retries=0) as found:
        yield found


def test_a_message_and_its_request_id_come_through(client: anthropic.Anthropic) -> None:
    said = client.messages.create(model=HAIKU, max_tokens=50, messages=ASK)
    assert said.content[0].type == "text"
    assert said._request_id == "req_000000000000000000000001"


def test_a_stream_comes_through(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model=HAIKU, max_tokens=50, messages=ASK) as stream:
        text = "".join(stream.text_stream)
        assert text
        assert stream.get_final_message().usage.output_tokens > 0


def test_tools_counts_models_and_batches_come_through(client: anthropic.Anthropic) -> None:
    assert client.messages.create(model=HAIKU, max_tokens=50, messages=ASK, tools=[TOOL]).usage.input_tokens > 0
    assert client.messages.count_tokens(model=HAIKU, messages=ASK).input_tokens > 0
    assert HAIKU in [one.id for one in client.models.list()]
    params: Any = {"model": HAIKU, "max_tokens": 20, "messages": ASK}
    made = client.messages.batches.create(requests=[{"custom_id": "a", "params": params}])
    assert [one.custom_id for one in client.messages.batches.results(made.id)] == ["a"]


def test_the_upstream_gets_the_bytes_the_sdk_sent(client: anthropic.Anthropic, upstream: Upstream) -> None:
    with anthropic.Anthropic(base_url=upstream.base_url, api_key="sk-test", max_retries=0) as direct:
        for one in (direct, client):
            one.messages.create(model=HAIKU, max_tokens=50, messages=ASK, extra_headers={"X-Mixed-Case": "Kept"})
    straight, through = upstream.requests
    assert straight.body == through.body
    assert (straight.method, straight.target) == (through.method, through.target)

    def passed_on(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
        return [one for one in headers if one[0].lower() not in ("host", "connection", "content-length")]

    assert passed_on(straight.headers) == passed_on(through.headers)


def test_an_api_error_comes_through_as_the_same_exception(client: anthropic.Anthropic, upstream: Upstream) -> None:
    upstream.faults.add(Fault(kind="status", status=529, retry_after_s=2))
    with pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(model=HAIKU, max_tokens=50, messages=ASK)
    assert caught.value.status_code == 529
    assert caught.value.response.headers["retry-after"] == "2"


def test_a_stream_that_breaks_off_ends_in_an_error_of_the_api(client: anthropic.Anthropic, upstream: Upstream) -> None:
    upstream.faults.add(Fault(kind="reset_after", after=400))
    with (
        pytest.raises(anthropic.APIStatusError, match="closed the connection"),
        client.messages.stream(model=HAIKU, max_tokens=50, messages=ASK) as stream,
    ):
        list(stream)


def test_the_async_sdk_comes_through_with_many_at_once(piped: World) -> None:
    async def all_of_them() -> list[Any]:
        async with anthropic.AsyncAnthropic(base_url=piped.url, api_key="sk-test", max_retries=0) as found:
            ask = (found.messages.create(model=HAIKU, max_tokens=20, messages=ASK) for _ in range(20))
            return await asyncio.gather(*ask)

    assert len(asyncio.run(all_of_them())) == 20
