"""A whole message as the stream it would have been: what is joined again by a client is that message.

All of `usage` stands in the first event and in the last: clients take the later value, and both are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

PING: Final = b'event: ping\ndata: {"type": "ping"}\n\n'
_PIECE: Final = 2_000  # characters of a delta
_AT_THE_END: Final = ("stop_reason", "stop_sequence", "stop_details", "container")
_WITH_INPUT: Final = ("tool_use", "server_tool_use", "mcp_tool_use")


def events(message: Mapping[str, Any]) -> Iterator[bytes]:
    """The events of a message. Blocks of a kind that comes in no deltas stand whole where they begin."""
    begun = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    yield _event("message_start", message=begun)
    for index, block in enumerate(message.get("content") or ()):
        first, deltas = _parts(block)
        yield _event("content_block_start", index=index, content_block=first)
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    ended = {name: message[name] for name in _AT_THE_END if name in message}
    yield _event("message_delta", delta=ended, usage=message.get("usage") or {"output_tokens": 0})
    yield _event("message_stop")


def failure(body: bytes) -> bytes:
    """An error's JSON as the event that ends a stream, with the id it can be asked about by, where it has one."""
    error, more = None, {}
    try:
        found = msgspec.json.decode(body)
        error = found.get("error")
        more = {"request_id": named} if isinstance(named := found.get("request_id"), str) else {}
    except (msgspec.DecodeError, AttributeError, UnicodeError):
        pass
    return _event("error", error=error or {"type": "api_error", "message": "The call failed."}, **more)


def _event(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **fields}))


def _parts(block: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How a block begins, and the deltas that complete it."""
    kind = block.get("type")
    if kind == "text":
        return _text(block)
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": one} for one in _pieces(block.get("thinking") or "")]
        deltas.append({"type": "signature_delta", "signature": block.get("signature") or ""})
        return {**block, "thinking": "", "signature": ""}, deltas
    if kind in _WITH_INPUT:
        text = msgspec.json.encode(block.get("input") or {}).decode()
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": one} for one in _pieces(text)]
    return dict(block), []


def _text(block: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    first = {**block, "text": ""}
    cited = block.get("citations") or []
    if cited:
        first["citations"] = []
    deltas = [{"type": "text_delta", "text": one} for one in _pieces(block.get("text") or "")]
    return first, deltas + [{"type": "citations_delta", "citation": one} for one in cited]


def _pieces(text: str) -> list[str]:
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
