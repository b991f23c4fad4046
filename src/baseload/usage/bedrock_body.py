"""Bodies of Bedrock calls, invoke or converse, read as the Messages shape that every other rule is written for.

Sources: usage-sources 2.6; Bedrock API reference (Converse `TokenUsage`, `CacheDetail` with its TTL).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from baseload.usage.fields import int_field, optional_object, text_of
from baseload.usage.streams import messages_in

METRICS: Final = "amazon-bedrock-invocationMetrics"
_MAX_MS: Final = 10**9
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
    started_output: int = 0  # what a stream's start put in the place of the output: 1 to 8
    settled: bool = True  # False for a stream that broke off before its final usage
    message: Mapping[str, Any] = {}  # in the Messages shape
    stop_reason: str = ""
    service_tier: str = ""
    latency_ms: int | None = None
    first_byte_ms: int | None = None

    @property
    def message_id(self) -> str:
        return text_of(self.message, "id")

    @property
    def model(self) -> str:
        return text_of(self.message, "model")


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
        message=body,
        stop_reason=text_of(body, "stop_reason"),
        latency_ms=_milliseconds(metrics, "invocationLatency"),
        first_byte_ms=_milliseconds(metrics, "firstByteLatency"),
    )


def _converse(body: Mapping[str, Any]) -> Answer:
    metrics = _object(body, "metrics")
    said = _object(_object(body, "output"), "message")
    return Answer(
        usage=_converse_usage(optional_object(body, "usage")),
        message={"content": blocks_of(said.get("content"))},
        stop_reason=text_of(body, "stopReason"),
        service_tier=text_of(_object(body, "serviceTier"), "type"),
        latency_ms=_milliseconds(metrics, "latencyMs"),
        first_byte_ms=_milliseconds(metrics, "timeToFirstByteMs"),
    )


def _object(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What only describes a call, as an object: whatever else stands there is empty and costs nothing."""
    value = parent.get(name)
    return value if isinstance(value, Mapping) else {}


def _milliseconds(metrics: Mapping[str, Any], name: str) -> int | None:
    value = metrics.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value) if 0 <= value < _MAX_MS else None


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
    """The events of one stream put together; Converse has its own, with the usage in `metadata`."""
    parts = {
        key: optional_object(event, key) for event in events for key in ("metadata", "messageStop") if key in event
    }
    if parts:
        return _converse({**parts.get("metadata", {}), **parts.get("messageStop", {})})
    streamed = next(messages_in(events), None)
    if streamed is None:
        return Answer()
    metrics = next((event[METRICS] for event in events if METRICS in event), None)
    answer = _message({**streamed.message, METRICS: metrics})
    if streamed.settled:
        return answer
    usage = {key: value for key, value in answer.usage.items() if key != "output_tokens"}
    started = int_field(answer.usage, "output_tokens") or 0
    return msgspec.structs.replace(answer, usage=usage, started_output=started, settled=False)


def request_of(body: object) -> Mapping[str, Any]:
    """A request body in the Messages shape: invoke bodies are it already, Converse ones are translated."""
    if not isinstance(body, Mapping):
        return {}
    if not any(key in body for key in ("inferenceConfig", "toolConfig", "modelId")) and not _is_converse_turns(body):
        return body
    config = _object(body, "inferenceConfig")
    extra = body.get("additionalModelRequestFields")
    request: dict[str, Any] = dict(extra) if isinstance(extra, Mapping) else {}
    request["messages"] = [{**turn, "content": blocks_of(turn.get("content"))} for turn in _maps(body.get("messages"))]
    if body.get("system") is not None:
        request["system"] = blocks_of(body.get("system"))
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


def blocks_of(content: object) -> list[dict[str, Any]]:
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
            "content": blocks_of(result.get("content")),
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
            schema = _object(spec, "inputSchema").get("json")
            tools.append({"name": spec.get("name"), "description": spec.get("description"), "input_schema": schema})
        elif "cachePoint" in item and tools:
            tools[-1]["cache_control"] = _cache_control(item["cachePoint"])
    return tools
