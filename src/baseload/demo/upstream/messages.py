"""Message objects and their streams, from what an answer says and how its prompt divides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from baseload.demo.upstream.answers import CHARS_PER_TOKEN, Answer
from baseload.demo.upstream.prompt_cache import Split

_PIECE: Final = 24
"""Characters of one delta."""
PING: Final = b'event: ping\ndata: {"type": "ping"}\n\n'


def message_object(
    answer: Answer, model: str, split: Split, request: Mapping[str, Any], *, message_id: str, tokenizer: str, tier: str
) -> dict[str, Any]:
    """The whole message as a non-streaming caller gets it; cut where max_tokens ends it."""
    content, reason, output = _cut(answer, request.get("max_tokens"), tokenizer)
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": _usage(split, output, min(answer.thinking_tokens, output), request, tier),
    }


def _usage(split: Split, output: int, thinking: int, request: Mapping[str, Any], tier: str) -> dict[str, Any]:
    return {
        "input_tokens": split.uncached,
        "cache_creation_input_tokens": split.written_5m + split.written_1h,
        "cache_read_input_tokens": split.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": split.written_5m,
            "ephemeral_1h_input_tokens": split.written_1h,
        },
        "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": thinking},
        "service_tier": tier,
        "inference_geo": request.get("inference_geo") or "global",
    }


def output_tokens(answer: Answer, tokenizer: str) -> int:
    """As the answer says, else counted from its text; never 0."""
    if answer.output_tokens is not None:
        return answer.output_tokens
    chars = sum(len(_text_of(block)) for block in answer.content)
    return max(1, round(chars / CHARS_PER_TOKEN[tokenizer])) + answer.thinking_tokens


def _cut(answer: Answer, most: Any, tokenizer: str) -> tuple[list[dict[str, Any]], str, int]:
    """Content, stop reason and output tokens; a text is cut in proportion, a tool use that does not fit is dropped."""
    content, output = [dict(block) for block in answer.content], output_tokens(answer, tokenizer)
    if not isinstance(most, int) or output <= most:
        return content, answer.stop_reason, output
    room = sum(len(_text_of(block)) for block in content) * max(most - answer.thinking_tokens, 0) // output
    kept = []
    for block in content:
        if block.get("type") == "text" and room > 0:
            kept.append({**block, "text": block["text"][:room]})
        elif block.get("type") == "thinking":
            kept.append(block)
        room -= len(_text_of(block))
    return kept, "max_tokens", most


def _text_of(block: Mapping[str, Any]) -> str:
    if block.get("type") == "text":
        return str(block.get("text", ""))
    return msgspec.json.encode(block.get("input", {})).decode() if block.get("type") == "tool_use" else ""


def events(message: Mapping[str, Any]) -> Iterator[bytes]:
    """The message as a stream; joined again it is the message, usage included (anthropic-facts 5.2)."""
    usage = message["usage"]
    begun = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    begun["usage"].pop("output_tokens_details")
    yield event("message_start", message=begun)
    yield PING
    for index, block in enumerate(message["content"]):
        first, deltas = _pieces(block)
        yield event("content_block_start", index=index, content_block=first)
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    last = {name: usage[name] for name in _LAST_USAGE}
    yield event("message_delta", delta=ended, usage=last)
    yield event("message_stop")


_LAST_USAGE: Final = (
    "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens", "output_tokens_details",
)  # fmt: skip


def event(kind: str, **fields: Any) -> bytes:
    """One event of a stream."""
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **fields}))


def _pieces(block: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How a block begins, and the deltas that complete it."""
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "text": ""}, [{"type": "text_delta", "text": one} for one in _split(block["text"])]
    if kind == "tool_use":
        text = msgspec.json.encode(block.get("input", {})).decode()
        parts = [{"type": "input_json_delta", "partial_json": one} for one in ("", *_split(text))]
        return {**block, "input": {}}, parts
    if kind == "thinking":
        parts = [{"type": "thinking_delta", "thinking": one} for one in _split(block.get("thinking", ""))]
        signed = {"type": "signature_delta", "signature": block.get("signature", "")}
        return {**block, "thinking": "", "signature": ""}, [*parts, signed]
    return dict(block), []


def _split(text: str) -> list[str]:
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
