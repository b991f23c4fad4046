"""Requests and replies in the chat-completions shape, as gateways and tracers store them, in the Messages shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
"""Chat-completions finish reasons as Messages stop reasons; others are kept as they are."""
_KEPT: Final = ("model", "max_tokens", "temperature", "top_p", "stream", "thinking", "output_config", "tool_choice")


def stop_reason_of(finish_reason: object) -> str:
    """A finish reason in the words of the Messages API; "" for none."""
    return STOP_REASONS.get(finish_reason, finish_reason) if isinstance(finish_reason, str) else ""


def messages_request(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request in the Messages shape: system and developer turns apart, function tools as tools.

    A body that is a Messages request already comes back as it is.
    """
    turns, tools = _objects(body.get("messages")), _objects(body.get("tools"))
    system = [turn for turn in turns if turn.get("role") in ("system", "developer")]
    if not system and not any("function" in tool for tool in tools) and not any(t.get("role") == "tool" for t in turns):
        return body
    request = {key: body[key] for key in _KEPT if body.get(key) is not None}
    limit = body.get("max_completion_tokens")
    if limit is not None and "max_tokens" not in request:
        request["max_tokens"] = limit
    request["messages"] = [_turn(turn) for turn in turns if turn.get("role") not in ("system", "developer")]
    blocks = [block for turn in system for block in _blocks(turn.get("content"))]
    if blocks:
        request["system"] = blocks
    if tools:
        request["tools"] = [_tool(tool) for tool in tools]
    return request


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _blocks(content: object) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(content) if isinstance(content, list) else []


def _turn(turn: Mapping[str, Any]) -> dict[str, Any]:
    if turn.get("role") == "tool":
        result = {"type": "tool_result", "tool_use_id": turn.get("tool_call_id"), "content": turn.get("content")}
        return {"role": "user", "content": [result]}
    calls = _objects(turn.get("tool_calls"))
    if not calls:
        return {"role": turn.get("role"), "content": turn.get("content")}
    uses = [{"type": "tool_use", "id": call.get("id"), **_function(call)} for call in calls]
    return {"role": "assistant", "content": [*_blocks(turn.get("content")), *uses]}


def _function(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    named = function if isinstance(function, Mapping) else {}
    return {"name": named.get("name"), "input": named.get("arguments")}


def _tool(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    function = tool.get("function")
    if not isinstance(function, Mapping):
        return tool
    return {
        "name": function.get("name"),
        "description": function.get("description"),
        "input_schema": function.get("parameters"),
    }
