"""Message content of GenAI spans (opt-in attributes, as JSON text or as structure) in the Messages shape.

Semantic conventions: parts with `type` text, tool_call, tool_call_response, reasoning; system instructions apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baseload.usage.fields import BadRecord, decode_json


def request_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """The request a span describes; {} where its instrumentation records no content."""
    messages = [_turn(turn) for turn in _list(said, "gen_ai.input.messages")]
    if not messages:
        return {}
    request: dict[str, Any] = {"messages": messages}
    system = [_part(part) for part in _list(said, "gen_ai.system_instructions")]
    if system:
        request["system"] = system
    tools = _list(said, "gen_ai.tool.definitions")
    if tools:
        request["tools"] = [{"input_schema": tool.get("parameters"), **tool} for tool in tools]
    names = {
        "gen_ai.request.model": "model",
        "gen_ai.request.temperature": "temperature",
        "gen_ai.request.top_p": "top_p",
    }
    request.update({ours: said[name] for name, ours in names.items() if said.get(name) is not None})
    return request


def _list(said: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = said.get(name)
    if isinstance(value, str):
        try:
            value = decode_json(value)
        except BadRecord:  # content is only for fingerprints: it never costs a record
            return []
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _turn(turn: Mapping[str, Any]) -> dict[str, Any]:
    parts = turn.get("parts")
    blocks = [_part(part) for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []
    role = "assistant" if turn.get("role") == "assistant" else "user"
    return {"role": role, "content": blocks or turn.get("content")}


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if kind == "tool_call":
        return {"type": "tool_use", "id": part.get("id"), "name": part.get("name"), "input": part.get("arguments")}
    if kind == "tool_call_response":
        return {
            "type": "tool_result",
            "tool_use_id": part.get("id"),
            "content": part.get("response", part.get("result")),
        }
    if kind == "reasoning":
        return {"type": "thinking"}
    return {"type": "text", "text": part.get("content")} if kind == "text" else dict(part)
