"""Bodies of Bedrock calls, invoke or converse, read as the Messages shape that every other rule is written for.

Sources: usage-sources 2.6; Bedrock API reference (Converse `TokenUsage`, `CacheDetail` with its TTL).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from baseload.usage.fields import int_field, optional_object, text_of

METRICS: Final = "amazon-bedrock-invocationMetrics"
_COUNTS: Final = {
    "input_tokens": ("inputTokens", "inputTokenCount"),
    "output_tokens": ("outputTokens", "outputTokenCount"),
    "cache_read_input_tokens": ("cacheReadInputTokens", "cacheReadInputTokenCount"),
    "cache_creation_input_tokens": ("cacheWriteInputTokens", "cacheWriteInputTokenCount"),
}
"""Messages usage key -> names in Converse usage, invocation metrics and log records (some carry both)."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a response body says. `usage` has Messages keys, only those the body states; empty when it states none."""

    usage: dict[str, Any] = {}  # msgspec copies an empty default for each instance
    metered: dict[str, Any] = {}  # same keys, from the invocation metrics of a stream
    message_id: str = ""
    model: str = ""
    stop_reason: str = ""
    service_tier: str = ""
    latency_ms: int | None = None
    first_byte_ms: int | None = None


def counts_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Token counts under either of Bedrock's names as Messages usage keys; absent ones stay absent."""
    found = {}
    for name, spellings in _COUNTS.items():
        value = next((record[key] for key in spellings if record.get(key) is not None), None)
        if value is not None:
            found[name] = value
    return found


def answer_of(body: object) -> Answer:
    """What a response body says, whatever its kind: Messages, Converse, or the event list of either's stream."""
    if isinstance(body, list):
        return _streamed([event for event in body if isinstance(event, Mapping)])
    if not isinstance(body, Mapping):
        return Answer()
    return _message(body) if "output" not in body else _converse(body)


def _message(body: Mapping[str, Any]) -> Answer:
    metrics = optional_object(body, METRICS)
    return Answer(
        usage={key: value for key, value in optional_object(body, "usage").items() if value is not None},
        metered=counts_of(metrics),
        message_id=text_of(body, "id"),
        model=text_of(body, "model"),
        stop_reason=text_of(body, "stop_reason"),
        latency_ms=int_field(metrics, "invocationLatency", default=None),
        first_byte_ms=int_field(metrics, "firstByteLatency", default=None),
    )


def _converse(body: Mapping[str, Any]) -> Answer:
    metrics = optional_object(body, "metrics")
    return Answer(
        usage=_converse_usage(optional_object(body, "usage")),
        stop_reason=text_of(body, "stopReason"),
        service_tier=text_of(optional_object(body, "serviceTier"), "type"),
        latency_ms=int_field(metrics, "latencyMs", default=None),
        first_byte_ms=int_field(metrics, "timeToFirstByteMs", default=None),
    )


def _converse_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Converse usage in Messages keys; `cacheDetails` gives the TTL split where it is present."""
    found = counts_of(usage)
    details = usage.get("cacheDetails")
    if isinstance(details, list):
        split = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
        for detail in details:
            key = f"ephemeral_{text_of(detail, 'ttl')}_input_tokens" if isinstance(detail, Mapping) else ""
            if key in split:
                split[key] += int_field(detail, "inputTokens") or 0
        found["cache_creation"] = split
    return found


def _streamed(events: list[Mapping[str, Any]]) -> Answer:
    """A stream's events added up: the start gives input, the last delta is cumulative and final (facts 5.2)."""
    converse = next((event for event in events if "metadata" in event), None)
    if converse is not None or any("messageStop" in event for event in events):
        metadata = optional_object(converse or {}, "metadata")
        stops = [optional_object(event, "messageStop") for event in events if "messageStop" in event]
        return _converse({**metadata, "stopReason": stops[-1].get("stopReason") if stops else None})
    answer: dict[str, Any] = {"usage": {}}
    for event in events:
        kind = event.get("type")
        if kind == "message_start":
            start = optional_object(event, "message")
            answer.update({key: start.get(key) for key in ("id", "model", "stop_reason")})
            answer["usage"] = {**optional_object(start, "usage"), "output_tokens": None}  # a placeholder of 1 to 8
        elif kind == "message_delta":
            answer["usage"].update({k: v for k, v in optional_object(event, "usage").items() if v is not None})
            answer["stop_reason"] = optional_object(event, "delta").get("stop_reason")
        if METRICS in event:
            answer[METRICS] = event[METRICS]
    return _message(answer)


def request_of(body: object) -> Mapping[str, Any]:
    """A request body in the Messages shape: invoke bodies are it already, Converse ones are translated."""
    if not isinstance(body, Mapping):
        return {}
    if not any(key in body for key in ("inferenceConfig", "toolConfig", "modelId")) and not _is_converse_turns(body):
        return body
    config = optional_object(body, "inferenceConfig")
    extra = body.get("additionalModelRequestFields")
    request: dict[str, Any] = dict(extra) if isinstance(extra, Mapping) else {}
    request["messages"] = [{**turn, "content": _blocks(turn.get("content"))} for turn in _maps(body.get("messages"))]
    if body.get("system") is not None:
        request["system"] = _blocks(body.get("system"))
    names = {
        "maxTokens": "max_tokens",
        "temperature": "temperature",
        "topP": "top_p",
        "stopSequences": "stop_sequences",
    }
    request.update({ours: config[theirs] for theirs, ours in names.items() if config.get(theirs) is not None})
    tools = _tools(body.get("toolConfig"))
    return {**request, "tools": tools} if tools else request


def _is_converse_turns(body: Mapping[str, Any]) -> bool:
    """Converse blocks have no `type`: `{"text": …}` instead of `{"type": "text", "text": …}`."""
    turns = [
        *_maps(body.get("system")),
        *(b for turn in _maps(body.get("messages")) for b in _maps(turn.get("content"))),
    ]
    return bool(turns) and all("type" not in block for block in turns)


def _maps(value: object) -> Iterable[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _blocks(content: object) -> list[dict[str, Any]]:
    """Converse content as Messages blocks; a `cachePoint` marks the block before it."""
    blocks: list[dict[str, Any]] = []
    for item in _maps(content):
        if "cachePoint" in item:
            if blocks:
                blocks[-1]["cache_control"] = _cache_control(item["cachePoint"])
        else:
            blocks.append(_block(item))
    return blocks


def _block(item: Mapping[str, Any]) -> dict[str, Any]:
    if "text" in item:
        return {"type": "text", "text": item["text"]}
    if isinstance(item.get("toolUse"), Mapping):
        use = item["toolUse"]
        return {"type": "tool_use", "id": use.get("toolUseId"), "name": use.get("name"), "input": use.get("input")}
    if isinstance(item.get("toolResult"), Mapping):
        result = item["toolResult"]
        return {
            "type": "tool_result",
            "tool_use_id": result.get("toolUseId"),
            "content": _blocks(result.get("content")),
        }
    if "reasoningContent" in item:
        return {"type": "thinking"}
    kind = next((name for name in ("image", "document", "json") if name in item), "other")
    return {"type": kind, "source": item.get(kind)}


def _cache_control(point: object) -> dict[str, str]:
    ttl = point.get("ttl") if isinstance(point, Mapping) else None
    return {"type": "ephemeral", "ttl": ttl if isinstance(ttl, str) else "5m"}


def _tools(config: object) -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = []
    for item in _maps(config.get("tools") if isinstance(config, Mapping) else None):
        spec = item.get("toolSpec")
        if isinstance(spec, Mapping):
            schema = optional_object(spec, "inputSchema").get("json")
            tools.append({"name": spec.get("name"), "description": spec.get("description"), "input_schema": schema})
        elif "cachePoint" in item and tools:
            tools[-1]["cache_control"] = _cache_control(item["cachePoint"])
    return tools
