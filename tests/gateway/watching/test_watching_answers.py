"""Kept answers put back together, and what they show for free."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from baseload.gateway.watching.answers import message_in
from baseload.gateway.watching.signals import AskedAgain, signals_of

USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": ["a", 1]}}
SAID = {"type": "text", "text": 'Grüße "there"\nyou'}


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)


STREAM = sse(
    {
        "type": "message_start",
        "message": {"type": "message", "id": "msg_1", "model": "m", "usage": {"input_tokens": 3}},
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2ln"}},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hel"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "lo"}},
    {"type": "content_block_start", "index": 2, "content_block": {**USE, "input": {}}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"q": ["a"'}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": ", 1]}"}},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
)


def test_a_stream_becomes_the_message_it_carried() -> None:
    message = message_in(STREAM)
    assert message is not None
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "text", "text": "Hello"},
        USE,
    ]
    assert (message["id"], message["stop_reason"]) == ("msg_1", "tool_use")
    assert message["usage"] == {"input_tokens": 3, "output_tokens": 9}


@pytest.mark.parametrize("cut", [10, 300, len(STREAM) - 30])
def test_a_stream_that_broke_off_is_no_message(cut: int) -> None:
    assert message_in(STREAM[:cut]) is None


def test_json_and_gzip_are_read_and_anything_else_is_not() -> None:
    plain = json.dumps({"type": "message", "content": [SAID]}).encode()
    assert message_in(plain) == message_in(gzip.compress(plain)) == {"type": "message", "content": [SAID]}
    assert message_in(gzip.compress(plain)[:-4]) is None
    assert message_in(b'{"type":"error"}') is None
    assert message_in(b"\x00\xff") is None
    assert message_in(b"") is None


def test_signals_are_read_off_how_an_answer_ended() -> None:
    assert list(signals_of("refusal", again=False)) == ["refusal"]
    assert list(signals_of("max_tokens", again=True)) == ["truncation", "retry"]
    assert list(signals_of("end_turn", again=False)) == []


def test_the_same_request_of_a_session_within_ten_minutes_was_asked_again() -> None:
    asked = AskedAgain()
    assert not asked.seen("s", "h", 0)
    assert asked.seen("s", "h", 599_999_999)
    assert not asked.seen("s", "h", 1_199_999_999)
    assert not asked.seen("other", "h", 1_199_999_999)
    assert not asked.seen("s", "", 0)
    assert not asked.seen("s", "", 1)
