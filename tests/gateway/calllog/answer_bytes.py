"""Answers of the API as bytes, for the tests of the call log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

TEXT = 'The word "message_delta" and {"type":"error"} in a text, and an end of line\n\nevent: message_delta'


def event(name: str, **fields: Any) -> bytes:
    data = json.dumps({"type": name, **fields}, separators=(",", ":"))
    return f"event: {name}\ndata: {data}\n\n".encode()


def stream(
    start: dict[str, Any], deltas: Sequence[dict[str, Any]], *, texts: Sequence[str] = (TEXT,), ended: bool = True
) -> bytes:
    """A whole stream, with an answer that speaks of streams."""
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [],
        "usage": start,
    }
    parts = [event("message_start", message=message), event("ping")]
    parts.append(event("content_block_start", index=0, content_block={"type": "text", "text": ""}))
    parts += [event("content_block_delta", index=0, delta={"type": "text_delta", "text": text}) for text in texts]
    parts.append(event("content_block_stop", index=0))
    parts += [event("message_delta", delta={"stop_reason": "end_turn"}, usage=usage) for usage in deltas]
    if ended:
        parts.append(event("message_stop"))
    return b"".join(parts)


def body(usage: dict[str, Any], *, indent: int | None = None) -> bytes:
    """An answer that is no stream."""
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
        "content": [{"type": "text", "text": TEXT}, {"type": "tool_use", "input": {"usage": {"input_tokens": 99}}}],
        "stop_reason": "end_turn", "usage": usage,
    }  # fmt: skip
    return json.dumps(message, indent=indent).encode()
