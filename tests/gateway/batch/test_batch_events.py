"""A stored message as a stream: what the official SDK joins again is the message."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseload.gateway.batch.events import events, failure
from baseload.gateway.calllog.meter import Meter

USAGE = {
    "input_tokens": 12, "output_tokens": 34, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 6,
    "cache_creation": {"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 0},
    "output_tokens_details": {"thinking_tokens": 7}, "service_tier": "batch",
}  # fmt: skip
CITED = {"type": "char_location", "cited_text": "c", "document_index": 0, "document_title": None,
         "start_char_index": 0, "end_char_index": 1, "file_id": None}  # fmt: skip


def message(*content: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-5-5", "content": list(content),
        "stop_reason": "end_turn", "stop_sequence": None, "usage": USAGE, **more,
    }  # fmt: skip


def joined(made: dict[str, Any]) -> dict[str, Any]:
    """Through the official SDK's own accumulator."""
    body = b"".join(events(made))

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http,
        anthropic.Anthropic(api_key="k", http_client=http, base_url="http://127.0.0.1:1") as client,
        client.messages.stream(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}]) as stream,
    ):
        return stream.get_final_message().to_dict(mode="json", exclude_unset=True)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": "short"},
        {"type": "text", "text": "é\n" * 3_000},
        {"type": "text", "text": ""},
        {"type": "text", "text": "cited", "citations": [CITED, {**CITED, "cited_text": "d"}]},
        {"type": "thinking", "thinking": "hm " * 2_000, "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "eHh4"},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": [1, {"b": "\u2028"}]}},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
    ],
)
def test_a_block_of_every_kind_is_joined_again(block: dict[str, Any]) -> None:
    found = joined(message(block))["content"][0]
    assert {name: found[name] for name in block} == block


def test_stop_reason_usage_and_ids_are_the_messages() -> None:
    made = message({"type": "text", "text": "x"}, stop_reason="stop_sequence", stop_sequence="END")
    found = joined(made)
    for name in ("id", "model", "role", "stop_reason", "stop_sequence"):
        assert found[name] == made[name]
    assert {name: found["usage"][name] for name in USAGE} == USAGE


@given(st.text(max_size=50), st.recursive(st.integers() | st.text(), st.lists, max_leaves=5))
def test_text_and_input_of_any_content_are_whole_in_the_deltas(text: str, value: Any) -> None:
    text = text.encode("utf-8", "ignore").decode()
    try:
        made = list(events(message({"type": "text", "text": text}, {"type": "tool_use", "input": {"v": value}})))
    except UnicodeEncodeError:
        return  # a lone surrogate is no JSON
    data = [msgspec.json.decode(one.split(b"data: ", 1)[1]) for one in made]
    deltas = [one["delta"] for one in data if one["type"] == "content_block_delta"]
    assert "".join(one.get("text", "") for one in deltas) == text
    assert msgspec.json.decode("".join(one.get("partial_json", "") for one in deltas)) == {"v": value}


def test_the_gateways_own_meter_reads_the_same_usage() -> None:
    meter = Meter(b"text/event-stream")
    for piece in events(message({"type": "text", "text": "x"})):
        meter.data(piece)
    assert (meter.metered().usage, meter.metered().stop_reason) == (USAGE, "end_turn")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"type":"error","error":{"type":"overloaded_error","message":"m"}}', "overloaded_error"),
        (b"no json", "api_error"),
        (b"[]", "api_error"),
    ],
)
def test_a_failure_ends_a_stream_as_an_error_event(body: bytes, expected: str) -> None:
    event = failure(body)
    assert event.startswith(b"event: error\ndata: ")
    assert msgspec.json.decode(event.split(b"data: ", 1)[1])["error"]["type"] == expected
