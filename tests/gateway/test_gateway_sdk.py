"""The official SDK through the gateway: the same answers, the same bytes upstream, and a record of every attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from served import Served, serving, settings

from baseload.demo.upstream.server import Upstream
from baseload.usage.gateway_records import End, LogRecord, Start, json_of, record_of

HAIKU = "claude-haiku-4-5-20251001"
ASK: list[Any] = [{"role": "user", "content": "Where is my parcel?"}]
TOOL: dict[str, Any] = {
    "name": "look_up",
    "description": "Looks an order up",
    "input_schema": {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]},
}


@pytest.fixture
def observing(upstream: Upstream, tmp_path: Path) -> Iterator[Served]:
    with serving(settings(upstream.base_url, folder=tmp_path)) as gateway:
        yield gateway


def records(folder: Path) -> list[LogRecord]:
    found = []
    for path in sorted((folder / ".baseload/gateway/log").glob("*.log")):
        for line in path.read_bytes().splitlines():
            body = json_of(line)
            assert body is not None
            found.append(record_of(body))
    return found


_OPEN: list[anthropic.Anthropic] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Every client of a test is closed after it."""
    yield
    while _OPEN:
        _OPEN.pop().close()


def clients(upstream: Upstream, gateway: Served) -> tuple[anthropic.Anthropic, anthropic.Anthropic]:
    """(direct, through the gateway)."""
    made = [anthropic.Anthropic(base_url=url, api_key="sk-ant-caller") for url in (upstream.base_url, gateway.base_url)]
    _OPEN.extend(made)
    return made[0], made[1]


def test_a_message_a_stream_tools_and_counts_are_those_of_the_api(upstream: Upstream, observing: Served) -> None:
    direct, ours = clients(upstream, observing)
    for given in (
        {"messages": ASK},
        {"messages": ASK, "system": "Be brief."},
        {"messages": ASK, "tools": [TOOL], "tool_choice": {"type": "tool", "name": "look_up"}},
    ):
        asked: dict[str, Any] = {"model": HAIKU, "max_tokens": 200, **given}
        one, other = direct.messages.create(**asked), ours.messages.create(**asked)
        assert (one.content, one.stop_reason, one.model) == (other.content, other.stop_reason, other.model)
        assert one.usage.output_tokens == other.usage.output_tokens
        with direct.messages.stream(**asked) as stream, ours.messages.stream(**asked) as mirrored:
            assert stream.get_final_message().content == mirrored.get_final_message().content
    counts = [client.messages.count_tokens(model=HAIKU, messages=ASK).input_tokens for client in (direct, ours)]
    assert counts[0] == counts[1]
    assert [model.id for model in ours.models.list(limit=3)] == [model.id for model in direct.models.list(limit=3)]


def test_batches_pass_through_to_their_results(upstream: Upstream, observing: Served) -> None:
    _, ours = clients(upstream, observing)
    params: Any = {"model": HAIKU, "max_tokens": 20, "messages": ASK}
    made = ours.messages.batches.create(requests=[{"custom_id": f"c{n}", "params": params} for n in range(3)])
    for _ in range(100):
        if ours.messages.batches.retrieve(made.id).processing_status == "ended":
            break
    results = list(ours.messages.batches.results(made.id))
    assert sorted(result.custom_id for result in results) == ["c0", "c1", "c2"]
    assert {result.result.type for result in results} == {"succeeded"}


def test_async_streams_run_side_by_side(upstream: Upstream, observing: Served) -> None:
    async def ask() -> list[anthropic.types.Message]:
        async with anthropic.AsyncAnthropic(base_url=observing.base_url, api_key="sk-ant-caller") as client:

            async def one(number: int) -> anthropic.types.Message:
                words: Any = [{"role": "user", "content": f"Question {number}"}]
                async with client.messages.stream(model=HAIKU, max_tokens=50, messages=words) as stream:
                    return await stream.get_final_message()

            return list(await asyncio.gather(*(one(number) for number in range(20))))

    assert all(message.content for message in asyncio.run(ask()))


def test_observing_changes_no_byte_upstream_and_none_of_the_answer(upstream: Upstream, observing: Served) -> None:
    """Method, target, headers but for the host's port, and body, of every request; and the answer's own bytes."""
    direct, ours = clients(upstream, observing)
    seen = []
    for client in (direct, ours):
        before = len(upstream.requests)
        raw = client.messages.with_raw_response.create(
            model=HAIKU,
            max_tokens=50,
            messages=ASK,
            extra_headers={"anthropic-beta": "x-unknown-2030-01-01", "x-odd": "é"},
        )
        seen.append((upstream.requests[before], raw))
    (one, first), (other, second) = seen
    assert (one.method, one.path, one.query, one.body) == (other.method, other.path, other.query, other.body)

    def headers(request: Any) -> list[tuple[str, str]]:
        return sorted((n.lower(), v) for n, v in request.headers if n.lower() not in ("host", "connection"))

    assert headers(one) == headers(other)
    names = {name.lower() for name in second.headers} - {name.lower() for name in first.headers}
    assert not names
    assert second.headers["request-id"].startswith("req_")


def test_every_attempt_has_its_start_and_end_with_the_usage_as_billed(
    upstream: Upstream, observing: Served, tmp_path: Path
) -> None:
    _, ours = clients(upstream, observing)
    whole = ours.messages.create(model=HAIKU, max_tokens=50, messages=ASK)
    with ours.messages.stream(model=HAIKU, max_tokens=50, messages=ASK) as stream:
        streamed = stream.get_final_message()
    found = records(tmp_path)
    starts = [record for record in found if isinstance(record, Start)]
    ends = [record for record in found if isinstance(record, End)]
    assert [start.seq for start in starts] == [end.seq for end in ends]
    assert [end.message_id for end in ends] == [whole.id, streamed.id]
    for end, message in zip(ends, (whole, streamed), strict=True):
        assert end.usage is not None
        assert end.usage["output_tokens"] == message.usage.output_tokens
        assert end.usage["input_tokens"] == message.usage.input_tokens
        assert (end.outcome, end.status, end.settled, end.stop_reason) == ("ok", 200, True, message.stop_reason)
        assert end.prefix_blocks
    assert {start.model for start in starts} == {HAIKU}
    assert [start.stream for start in starts] == [False, True]


def test_what_is_no_call_leaves_no_record(upstream: Upstream, observing: Served, tmp_path: Path) -> None:
    _, ours = clients(upstream, observing)
    ours.messages.count_tokens(model=HAIKU, messages=ASK)
    list(ours.models.list(limit=3))
    ours.messages.create(model=HAIKU, max_tokens=50, messages=ASK)
    assert len([record for record in records(tmp_path) if isinstance(record, Start | End)]) == 2


def test_a_fault_of_ours_serves_the_original_request_and_meters_it(
    upstream: Upstream, observing: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    direct, ours = clients(upstream, observing)
    monkeypatch.setattr("baseload.gateway.door.facts_of", broken)
    asked: dict[str, Any] = {"model": HAIKU, "max_tokens": 50, "messages": ASK}
    assert ours.messages.create(**asked).content == direct.messages.create(**asked).content
    assert upstream.requests[-1].body == upstream.requests[-2].body
    ends = [record for record in records(tmp_path) if isinstance(record, End)]
    assert [bool(end.usage) for end in ends] == [True]


def test_no_prompt_answer_or_key_is_in_the_log(upstream: Upstream, observing: Served, tmp_path: Path) -> None:
    _, ours = clients(upstream, observing)
    said = ours.messages.create(model=HAIKU, max_tokens=50, messages=ASK).content[0].text  # type: ignore[union-attr]
    text = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"parcel" not in text
    assert said.split()[0].encode() + b" " + said.split()[1].encode() not in text
    assert b"sk-ant-caller" not in text


def test_an_error_of_the_api_reaches_its_caller_as_it_is(upstream: Upstream, observing: Served) -> None:
    direct, ours = clients(upstream, observing)
    said = []
    for client in (direct, ours):
        with pytest.raises(anthropic.BadRequestError) as raised:
            client.messages.create(model=HAIKU, max_tokens=5, messages=[])
        said.append(raised.value.body["error"])  # type: ignore[index]
    assert said[0] == said[1]
    assert said[0]["type"] == "invalid_request_error"


def test_bypassing_it_is_one_step(upstream: Upstream, observing: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset ANTHROPIC_BASE_URL (here: set it back) and the same program talks to the API itself."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-caller")
    told = []
    for url in (observing.base_url, upstream.base_url):
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        with anthropic.Anthropic() as client:
            told.append(client.messages.create(model=HAIKU, max_tokens=50, messages=ASK).content)
    assert told[0] == told[1]
