"""An answer model that knows nothing and always answers: words, a tool use or a JSON object drawn from a hash.

For protocol tests, load and a first look; what it says has no quality to measure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from baseload.demo.upstream.answers import Answer, AnswerModel

_WORDS: Final = (
    "order", "invoice", "delivery", "customer", "refund", "contract", "please", "check", "the", "and", "with", "note",
    "open", "today", "status", "team", "reply", "part", "amount", "ready",
)  # fmt: skip
_VALUES: Final[Mapping[str, Any]] = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}
_DEEPEST: Final = 8


def seeded_answers(seed: int) -> AnswerModel:
    """The same words for the same model and question, others for another seed."""

    def say(model: str, request: Mapping[str, Any], asked: str) -> Answer:
        digest = hashlib.sha256(f"{seed}/{model}/{asked}".encode()).digest()
        tool = _tool(request, digest)
        if tool is not None:
            use = {"type": "tool_use", "id": f"toolu_{digest.hex()[:24]}", **tool}
            return Answer(content=(use,), stop_reason="tool_use")
        schema = _format(request)
        text = " ".join(_drawn(digest)) if schema is None else msgspec.json.encode(_instance(schema, 0)).decode()
        return Answer(content=({"type": "text", "text": text},))

    return say


def _drawn(digest: bytes) -> Iterator[str]:
    for place in range(12 + digest[0] % 40):
        yield _WORDS[digest[place % len(digest)] * (place + 1) % len(_WORDS)]


def _tool(request: Mapping[str, Any], digest: bytes) -> dict[str, Any] | None:
    """A tool is used where one is forced, and by every other question that may use one and was not just answered."""
    tools = [tool for tool in request.get("tools") or () if isinstance(tool, Mapping) and "input_schema" in tool]
    choice = request.get("tool_choice") or {}
    kind = choice.get("type", "auto")
    if not tools or kind == "none" or (kind == "auto" and (digest[1] % 2 or _answered(request))):
        return None
    wanted = choice.get("name") if kind == "tool" else None
    tool = next((one for one in tools if one.get("name") == wanted), tools[digest[2] % len(tools)])
    return {"name": tool.get("name", "tool"), "input": _instance(tool["input_schema"], 0)}


def _answered(request: Mapping[str, Any]) -> bool:
    content = (request.get("messages") or [{}])[-1].get("content")
    return isinstance(content, list) and any(one.get("type") == "tool_result" for one in content)


def _format(request: Mapping[str, Any]) -> Mapping[str, Any] | None:
    wanted = (request.get("output_config") or {}).get("format")
    schema = wanted.get("schema") if isinstance(wanted, Mapping) else None
    return schema if isinstance(schema, Mapping) else None


def _instance(schema: Any, depth: int) -> Any:
    """A smallest value the schema takes, as far as type, enum, const, properties and items say."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return {}
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), Sequence) and schema["enum"]:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        fields = schema.get("properties")
        return {name: _instance(inner, depth + 1) for name, inner in fields.items()} if fields else {}
    if kind == "array":
        return [_instance(schema.get("items"), depth + 1)]
    return _VALUES.get(kind, {})
