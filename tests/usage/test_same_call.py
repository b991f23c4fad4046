"""One call, written as every source writes it: the same token classes and the same model from all of them.

The call, worked out by hand: a prompt of 130,213 tokens, of which 128,955 were read from the cache, 1,253 written to it
(253 for 5 minutes, 1,000 for an hour) and 5 were neither; 400 tokens of output. Sources that do not split writes by TTL
count all 1,253 as 5-minute writes and say so with `ttl_unknown`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from cloud_reading import KEY, classes, read_rows

from baseload.prices.load import load_book
from baseload.usage import (
    bedrock_log,
    claude_code_otel,
    helicone,
    langfuse,
    litellm,
    messages,
    otel_genai,
    vertex,
)
from baseload.usage.reader import ReadContext, Reader
from baseload.values import Call

MODEL: Final = "claude-sonnet-4-5-20250929"
UNCACHED, READ, WRITE_5M, WRITE_1H, OUTPUT = 5, 128_955, 253, 1_000, 400
WRITE: Final = 1_253
PROMPT: Final = 130_213
START: Final = "2026-08-07T02:48:23Z"
START_NS: Final = "1786070903000000000"

SPLIT: Final = (UNCACHED, READ, WRITE_5M, WRITE_1H, OUTPUT)
UNSPLIT: Final = (UNCACHED, READ, WRITE, 0, OUTPUT)

USAGE: Final[Mapping[str, Any]] = {
    "input_tokens": UNCACHED,
    "cache_read_input_tokens": READ,
    "cache_creation_input_tokens": WRITE,
    "cache_creation": {"ephemeral_5m_input_tokens": WRITE_5M, "ephemeral_1h_input_tokens": WRITE_1H},
    "output_tokens": OUTPUT,
}
REQUEST: Final = {"model": MODEL, "max_tokens": 512, "messages": [{"role": "user", "content": "Hello"}]}
RESPONSE: Final = {
    "id": "msg_01Same",
    "type": "message",
    "role": "assistant",
    "model": MODEL,
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "usage": dict(USAGE),
}
EVENTS: Final = [
    {"type": "message_start", "message": {**RESPONSE, "content": [], "usage": {**USAGE, "output_tokens": 1}}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": OUTPUT}},
    {"type": "message_stop"},
]


def bedrock(output_body: Any, operation: str) -> dict[str, Any]:
    return {
        "schemaType": "ModelInvocationLog",
        "timestamp": START,
        "requestId": "11111111-2222-3333-4444-555555555555",
        "region": "us-east-1",
        "operation": operation,
        "modelId": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "input": {"inputTokenCount": UNCACHED, "cacheReadInputTokenCount": READ, "cacheWriteInputTokenCount": WRITE},
        "output": {"outputBodyJson": output_body, "outputTokenCount": OUTPUT},
    }


CONVERSE_USAGE: Final = {
    "inputTokens": UNCACHED,
    "outputTokens": OUTPUT,
    "totalTokens": PROMPT + OUTPUT,
    "cacheReadInputTokens": READ,
    "cacheWriteInputTokens": WRITE,
}
CACHE_DETAILS: Final = [{"ttl": "5m", "inputTokens": WRITE_5M}, {"ttl": "1h", "inputTokens": WRITE_1H}]


def span(input_tokens: int) -> dict[str, Any]:
    numbers = {
        "gen_ai.usage.input_tokens": input_tokens,
        "gen_ai.usage.output_tokens": OUTPUT,
        "gen_ai.usage.cache_read.input_tokens": READ,
        "gen_ai.usage.cache_creation.input_tokens": WRITE,
    }
    texts = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": MODEL}
    attributes = [{"key": key, "value": {"intValue": str(value)}} for key, value in numbers.items()]
    attributes += [{"key": key, "value": {"stringValue": value}} for key, value in texts.items()]
    one = {"traceId": "a" * 32, "spanId": "b" * 16, "startTimeUnixNano": START_NS, "attributes": attributes}
    return {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "library"}, "spans": [one]}]}]}


def litellm_row(usage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "request_id": "chatcmpl-1",
        "call_type": "acompletion",
        "startTime": "2026-08-07 02:48:23.000",
        "endTime": "2026-08-07 02:48:29.000",
        "model": MODEL,
        "custom_llm_provider": "anthropic",
        "spend": 0.05,
        "metadata": json.dumps({"usage_object": usage}),
    }


LITELLM: Final = {
    "prompt_tokens": PROMPT,
    "completion_tokens": OUTPUT,
    "total_tokens": PROMPT + OUTPUT,
    "cache_read_input_tokens": READ,
    "cache_creation_input_tokens": WRITE,
}
LITELLM_SPLIT: Final = {
    **LITELLM,
    "prompt_tokens_details": {"cached_tokens": READ, "cache_creation_token_details": USAGE["cache_creation"]},
}


def claude_code_event() -> dict[str, Any]:
    numbers = {
        "input_tokens": UNCACHED,
        "output_tokens": OUTPUT,
        "cache_read_tokens": READ,
        "cache_creation_tokens": WRITE,
    }
    attributes = [{"key": key, "value": {"intValue": value}} for key, value in numbers.items()]
    attributes.append({"key": "model", "value": {"stringValue": MODEL}})
    record = {"timeUnixNano": START_NS, "body": {"stringValue": "claude_code.api_request"}, "attributes": attributes}
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


def helicone_row(**changes: Any) -> dict[str, Any]:
    return {
        "request_id": "q-1",
        "request_created_at": START,
        "response_status": 200,
        "response_model": MODEL,
        "provider": "ANTHROPIC",
        "prompt_tokens": UNCACHED,
        "prompt_cache_read_tokens": READ,
        "prompt_cache_write_tokens": WRITE,
        "completion_tokens": OUTPUT,
        **changes,
    }


def langfuse_row(usage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": "o-1",
        "traceId": "t-1",
        "type": "GENERATION",
        "startTime": START,
        "model": MODEL,
        "usageDetails": usage,
    }


LANGFUSE: Final = {"input": UNCACHED, "input_cache_read": READ, "input_cache_creation": WRITE, "output": OUTPUT}
LANGFUSE_SPLIT: Final = {
    "input": UNCACHED,
    "input_cache_read": READ,
    "input_cache_creation_5m": WRITE_5M,
    "input_cache_creation_1h": WRITE_1H,
    "output": OUTPUT,
}
VERTEX: Final = {
    "endpoint": "projects/1/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929",
    "logging_time": START,
    "model": "claude-sonnet-4-5",
    "model_version": "20250929",
    "api_method": "rawPredict",
    "full_request": REQUEST,
    "full_response": RESPONSE,
}

WITH_TTL: Final[dict[str, tuple[Reader, Any]]] = {
    "messages": (messages.READER, {"timestamp": START, "request": REQUEST, "response": RESPONSE}),
    "bedrock invoke": (bedrock_log.READER, bedrock(RESPONSE, "InvokeModel")),
    "bedrock stream": (bedrock_log.READER, bedrock(EVENTS, "InvokeModelWithResponseStream")),
    "bedrock converse": (
        bedrock_log.READER,
        bedrock({"output": {}, "usage": {**CONVERSE_USAGE, "cacheDetails": CACHE_DETAILS}}, "Converse"),
    ),
    "vertex": (vertex.READER, VERTEX),
    "vertex stream": (vertex.READER, {**VERTEX, "api_method": "streamRawPredict", "full_response": EVENTS}),
    "litellm": (litellm.READER, litellm_row(LITELLM_SPLIT)),
    "helicone body": (helicone.READER, helicone_row(response_body=RESPONSE)),
    "langfuse": (langfuse.READER, langfuse_row(LANGFUSE_SPLIT)),
}
WITHOUT_TTL: Final[dict[str, tuple[Reader, Any]]] = {
    "bedrock, body elsewhere": (bedrock_log.READER, bedrock(None, "InvokeModel")),
    "bedrock converse": (bedrock_log.READER, bedrock({"output": {}, "usage": CONVERSE_USAGE}, "Converse")),
    "otel, input with cached tokens": (otel_genai.READER, span(PROMPT)),
    "otel, input without": (otel_genai.READER, span(UNCACHED)),
    "litellm": (litellm.READER, litellm_row(LITELLM)),
    "claude code otel": (claude_code_otel.READER, claude_code_event()),
    "helicone columns": (helicone.READER, helicone_row()),
    "langfuse": (langfuse.READER, langfuse_row(LANGFUSE)),
}


@pytest.fixture(scope="module")
def run() -> ReadContext:
    return ReadContext(org_key=KEY, resolve_model=load_book().resolve)


def the_call(reader: Reader, record: Any, folder: Path, run: ReadContext) -> Call:
    calls, problems = read_rows(reader, [record], folder, run=run)
    assert problems == []
    assert len(calls) == 1
    return calls[0]


@pytest.mark.parametrize("source", WITH_TTL)
def test_sources_that_split_writes_give_every_class_exactly(source: str, tmp_path: Path, run: ReadContext) -> None:
    call = the_call(*WITH_TTL[source], tmp_path, run)
    assert classes(call) == SPLIT
    assert call.prompt_tokens == PROMPT
    assert call.model == MODEL
    assert "ttl_unknown" not in call.flags


@pytest.mark.parametrize("source", WITHOUT_TTL)
def test_sources_that_do_not_split_writes_say_so(source: str, tmp_path: Path, run: ReadContext) -> None:
    call = the_call(*WITHOUT_TTL[source], tmp_path, run)
    assert classes(call) == UNSPLIT
    assert call.prompt_tokens == PROMPT
    assert call.model == MODEL
    assert "ttl_unknown" in call.flags
    assert "input_ambiguous" not in call.flags


def test_sources_that_keep_the_message_id_agree_on_the_identity(tmp_path: Path, run: ReadContext) -> None:
    kept = ("messages", "bedrock invoke", "bedrock stream", "vertex", "vertex stream", "helicone body")
    ids = {the_call(*WITH_TTL[source], tmp_path, run).call_id for source in kept}
    assert len(ids) == 1


def test_sources_that_see_the_request_agree_on_its_fingerprints(tmp_path: Path, run: ReadContext) -> None:
    body = helicone_row(response_body=RESPONSE, request_body=REQUEST)
    seen = [
        the_call(*WITH_TTL["messages"], tmp_path, run),
        the_call(*WITH_TTL["vertex"], tmp_path, run),
        the_call(helicone.READER, body, tmp_path, run),
    ]
    assert len({call.template_id for call in seen}) == 1
    assert len({call.request_hash for call in seen}) == 1
    assert {call.messages for call in seen} == {1}


def test_every_source_of_this_test_has_its_time(tmp_path: Path, run: ReadContext) -> None:
    starts = {the_call(*record, tmp_path, run).start_us for record in {**WITH_TTL, **WITHOUT_TTL}.values()}
    assert starts == {1_786_070_903_000_000}  # 2026-08-07T02:48:23Z
