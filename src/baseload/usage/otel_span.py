"""One GenAI span as a draft call, under every name its numbers have had.

Names, newest first: semantic conventions; their deprecated names; OpenLLMetry; pydantic-ai; OpenInference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from baseload.usage.conventions import Counts, Draft
from baseload.usage.features import NO_FEATURES, Features, features_of, session_fp
from baseload.usage.normal import (
    BadRecord,
    UsageTokens,
    call_id,
    completeness_rank,
    geo_of,
    join_flags,
    tags_text,
    tier_of,
    tokens_from_usage,
    totals_of,
)
from baseload.usage.openai_shape import stop_reason_of
from baseload.usage.otel_content import request_of
from baseload.usage.otlp import Entry, count, moment, resource_tags, shape_count, text
from baseload.usage.providers import Geo, bedrock_geo, hints_of, is_claude, platform_of, region_of, vertex_geo
from baseload.usage.reader import ReadContext
from baseload.values import Call

SOURCE: Final = "otel_genai"
CHAT: Final = "chat"
OTHER: Final = "other"

INPUT: Final = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.usage.prompt_tokens",
    "llm.token_count.prompt",
)
OUTPUT: Final = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
    "llm.token_count.completion",
)
READ: Final = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "llm.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
)
WRITE: Final = (
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "llm.usage.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
)
THINKING: Final = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
)
TOTAL: Final = ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total")
MODEL: Final = (
    "gen_ai.response.model",
    "gen_ai.request.model",
    "llm.response.model",
    "llm.request.model",
    "llm.model_name",
)
PROVIDER: Final = ("gen_ai.provider.name", "gen_ai.system", "llm.system", "llm.vendor", "llm.provider")

_CHAT_OPERATIONS: Final = ("chat", "text_completion", "generate_content", "message", "messages", "completion")
_FIRST_CHUNK: Final = ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token")
_ERROR_STATUS: Final = (2, "2", "STATUS_CODE_ERROR")
_VERTEX_HOST: Final = re.compile(r"^([a-z0-9-]+)-aiplatform\.")


def chat_kind(entry: Entry) -> str:
    """`chat` for a span of one request to a model; `other` for agents, tools, embeddings and everything else."""
    said = entry.attributes
    operation = text(said, "gen_ai.operation.name")
    if operation:
        return CHAT if operation.lower() in _CHAT_OPERATIONS else OTHER
    if text(said, "openinference.span.kind"):
        return CHAT if text(said, "openinference.span.kind") == "LLM" else OTHER
    if text(said, "llm.request.type"):
        return CHAT if text(said, "llm.request.type") in ("chat", "completion") else OTHER
    return CHAT if text(said, *MODEL) and any(said.get(name) is not None for name in INPUT) else OTHER


def draft_of(entry: Entry, path: str, context: ReadContext) -> Draft | None:
    """The draft of one chat span; None for another provider's model. Raises BadRecord."""
    said = entry.attributes
    model_raw = text(said, *MODEL)
    model = context.resolve_model(model_raw)
    if not is_claude(model_raw, model):
        return None
    counts = Counts(
        input=count(said, *INPUT) or 0,
        read=count(said, *READ) or 0,
        write=count(said, *WRITE) or 0,
        output=count(said, *OUTPUT) or 0,
        total=count(said, *TOTAL),
    )
    found = tokens_from_usage(
        {
            "output_tokens": counts.output,
            "cache_read_input_tokens": counts.read,
            "cache_creation_input_tokens": counts.write,
            "output_tokens_details": {"thinking_tokens": count(said, *THINKING)},
        }
    )
    failed = not counts.input and not totals_of(found)
    if failed and not _is_error(entry.record):
        raise BadRecord("no-usage", "The span has no token counts", expected=INPUT[0])
    request = request_of(said) if context.want_features else {}
    features = features_of(request, context.org_key) if request else NO_FEATURES
    call = _call(entry, path, context, found, features, model=(model_raw, model), failed=failed)
    return Draft(call=call, counts=counts, key=(entry.scope, text(said, *PROVIDER), model or model_raw))


def _is_error(span: Mapping[str, Any]) -> bool:
    status = span.get("status")
    return isinstance(status, Mapping) and status.get("code") in _ERROR_STATUS


def _call(
    entry: Entry,
    path: str,
    context: ReadContext,
    found: UsageTokens,
    features: Features,
    *,
    model: tuple[str, str],
    failed: bool,
) -> Call:
    said, span = entry.attributes, entry.record
    start_us = moment(span, "startTimeUnixNano")
    if start_us is None:
        raise BadRecord("no-time", "startTimeUnixNano is missing", expected="nanoseconds since 1970")
    platform = platform_of(text(said, *PROVIDER), hints_of(model[0]).platform or "anthropic")
    geo = _geo(said, platform, model[0])
    user = text(said, "enduser.id", "user.id")
    stream = said.get("gen_ai.request.stream", said.get("llm.is_streaming"))
    return Call(
        **{
            **msgspec.structs.asdict(features),
            **msgspec.structs.asdict(found.tokens),
            "max_tokens": shape_count(said, "gen_ai.request.max_tokens", "llm.request.max_tokens"),
            "stream": stream if isinstance(stream, bool) else features.stream,
            "user_id": context.org_key.fingerprint("user", user) if user else "",
            "session_id": session_fp(context.org_key, text(said, "gen_ai.conversation.id", "session.id")),
        },
        call_id=_identity(span, text(said, "gen_ai.response.id")),
        rank=completeness_rank(totals_of(found), settled=not failed, detail=4 * bool(features.request_hash)),
        source=SOURCE,
        account=context.account,
        source_file=path,
        source_row=entry.row,
        flags=join_flags(*found.flags, geo.flag, "failed" if failed else ""),
        requests=0 if failed else 1,
        start_us=start_us,
        first_token_us=_first_token(said, start_us),
        end_us=moment(span, "endTimeUnixNano"),
        agent=text(said, "gen_ai.agent.name", "gen_ai.prompt.name"),
        tags=_tags(entry),
        model_raw=model[0],
        model=model[1],
        platform=platform,
        geo=geo.geo,
        tier=tier_of(text(said, "gen_ai.response.service_tier", "gen_ai.anthropic.response.service_tier")),
        stop_reason=_stop_reason(said),
        thinking_tokens=found.thinking_tokens,
    )


def _geo(said: Mapping[str, Any], platform: str, model_raw: str) -> Geo:
    """Geo class by model id and host; a Vertex or Bedrock host names its region."""
    host = text(said, "server.address")
    if platform == "bedrock":
        return bedrock_geo(model_raw, region_of(host) or text(said, "aws.region", "cloud.region"))
    if platform == "vertex":
        location = _VERTEX_HOST.search(host)
        return vertex_geo(location[1] if location else "global" if host.startswith("aiplatform.") else "")
    return Geo(geo_of(text(said, "gen_ai.response.inference_geo")))


def _first_token(said: Mapping[str, Any], start_us: int) -> int | None:
    for name in _FIRST_CHUNK:
        seconds = said.get(name)
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < 86_400:
            return start_us + round(seconds * 1_000_000)
    return None


def _stop_reason(said: Mapping[str, Any]) -> str:
    reasons = said.get("gen_ai.response.finish_reasons")
    return stop_reason_of(reasons[0] if isinstance(reasons, list) and reasons else reasons)


def _tags(entry: Entry) -> str:
    """The service's name and what the operator set on the resource."""
    service = text(entry.resource, "service.name")
    return tags_text({**({"service.name": service} if service else {}), **resource_tags(entry.resource)})


def _identity(span: Mapping[str, Any], response_id: str) -> str:
    """The provider's message id where the span has it, else trace and span id."""
    is_message = response_id.startswith("msg_")
    ids = text(span, "traceId") + text(span, "spanId")
    times = [span.get(name) for name in ("startTimeUnixNano", "endTimeUnixNano", "name")]
    return call_id(
        message_id=response_id if is_message else "",
        source=SOURCE,
        native_id=ids,
        content=msgspec.json.encode([str(value) for value in times]),
    )
