"""One LiteLLM record (a SpendLogs row or a StandardLoggingPayload) as a draft call.

`prompt_tokens` contains cached reads and writes for Anthropic; on Bedrock some versions add reads only, and some routes
log Anthropic's own counts (usage-sources 1.2 and 2.8): the row proves its own convention or its file decides.
`spend` is LiteLLM's estimate at its own price list, never a bill. JSON columns come as values or as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from baseload.usage.buckets import amount_field
from baseload.usage.conventions import Draft
from baseload.usage.features import NO_FEATURES, Features, features_of, session_fp
from baseload.usage.litellm_labels import labels_of, text_in
from baseload.usage.litellm_usage import counted, usage_of
from baseload.usage.names import model_text
from baseload.usage.normal import (
    BadRecord,
    UsageTokens,
    call_id,
    completeness_rank,
    decode_json,
    geo_of,
    int_field,
    join_flags,
    object_of,
    text_of,
    time_field,
    tokens_from_usage,
    totals_of,
)
from baseload.usage.openai_shape import messages_request, stop_reason_of
from baseload.usage.providers import Geo, bedrock_geo, hints_of, is_claude, platform_of, region_of, vertex_geo
from baseload.usage.reader import ReadContext
from baseload.usage.rows import Row
from baseload.values import DAY_US, Call

NAME: Final = "litellm"
BATCH_ACCOUNT: Final = "litellm batches"
MICROSECONDS: Final = 1_000_000


def draft_of(row: Row, file: str, context: ReadContext) -> Draft | Call | None:
    """The draft of one record, its call where nothing is open, None for another provider's. Raises BadRecord."""
    record = row.record
    metadata = json_column(record, "metadata")
    model_raw = text_of(record, "model")
    provider = text_of(record, "custom_llm_provider")
    model = context.resolve_model(model_raw) or context.resolve_model(text_of(record, "model_group"))
    if not is_claude(model_raw, model) and provider != "anthropic":
        return None
    response = _optional_json(record, "response")
    counts, found = counted(record, usage_of(record, metadata, response), metadata)
    if _is_own_hit(record):
        counts, found = None, tokens_from_usage({})
    request = _request(record)
    features = NO_FEATURES
    if context.want_features and request:
        features = features_of(messages_request(request), context.org_key)
    call = msgspec.structs.replace(
        _call(record, metadata, row, found, context, features),
        source_file=file,
        model_raw=model_text(model_raw),
        model=model,
        stop_reason=_stop_reason(response),
        body_ref=row.body_ref if request else "",
    )
    call = _as_billed(call, record)
    key = (provider, text_of(record, "call_type"), model or model_raw)
    return call if counts is None else Draft(call=call, counts=counts, key=key)


def _is_own_hit(record: Mapping[str, Any]) -> bool:
    """True when LiteLLM answered from its own cache: nothing was sent on and nothing is billed."""
    return str(record.get("cache_hit")).lower() == "true"


def _as_billed(call: Call, record: Mapping[str, Any]) -> Call:
    """The call with its request count: none for own cache hits and failures without tokens, unknown for batches.

    A batch row is the total of many requests, whose prompt lengths nobody knows: a bucket of its day, in an account of
    its own so that it is added to the calls and does not enclose them.
    """
    flags = call.flags.split(",")
    if "batch" in text_of(record, "call_type"):
        return msgspec.structs.replace(
            call,
            account=BATCH_ACCOUNT,
            grain="day",
            requests=None,
            tier="batch",
            start_us=call.start_us - call.start_us % DAY_US,
            first_token_us=None,
            end_us=call.start_us - call.start_us % DAY_US + DAY_US,
            flags=join_flags(*flags, "batch_total"),
        )
    if _is_own_hit(record):
        return msgspec.structs.replace(call, requests=0, flags=join_flags(*flags, "gateway_cache_hit"))
    failed = text_of(record, "status") == "failure" and not (call.prompt_tokens or call.output_tokens)
    return msgspec.structs.replace(call, requests=0, flags=join_flags(*flags, "failed")) if failed else call


def json_column(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A JSON column as an object, from the value or its text; absent and "" are empty. Raises BadRecord."""
    value = record.get(name)
    if isinstance(value, str):
        value = decode_json(value) if value.strip() else None
    return {} if value is None else object_of(value, name)


def _optional_json(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The same for a column that only describes the call: whatever is not an object is empty."""
    try:
        return json_column(record, name)
    except BadRecord:
        return {}


def _call(
    record: Mapping[str, Any],
    metadata: Mapping[str, Any],
    row: Row,
    found: UsageTokens,
    context: ReadContext,
    features: Features,
) -> Call:
    """Everything but the model, the billing state and the final uncached count."""
    start_us, naive = moment_of(record.get("startTime"), "startTime")
    end_us = _later(record, "endTime")
    first_us = _later(record, "completionStartTime")
    model_raw = text_of(record, "model")
    platform = platform_of(text_of(record, "custom_llm_provider"), hints_of(model_raw).platform or "anthropic")
    geo = _geo(record, platform, found)
    retries = int_field(metadata, "attempted_retries", default=None)
    return Call(
        **msgspec.structs.asdict(found.tokens),
        **_shape(record, metadata, features, context),
        call_id=_identity(record),
        rank=completeness_rank(
            totals_of(found), detail=("ttl_unknown" not in found.flags) + 4 * bool(features.request_hash)
        ),
        source=NAME,
        source_row=row.number,
        flags=join_flags(*found.flags, geo.flag, "naive_time" if naive else ""),
        start_us=start_us,
        end_us=end_us,
        first_token_us=first_us if first_us is not None and end_us is not None and first_us < end_us else None,
        platform=platform,
        geo=geo.geo,
        tier=_tier(record, metadata, found),
        speed=found.speed,
        http_status=_status(metadata),
        attempt=None if retries is None else retries + 1,
        thinking_tokens=found.thinking_tokens,
        web_search_requests=found.web_search_requests,
        web_fetch_requests=found.web_fetch_requests,
        code_execution_requests=found.code_execution_requests,
        reported_cost_nano_usd=_cost(record),
    )


def _shape(
    record: Mapping[str, Any], metadata: Mapping[str, Any], features: Features, context: ReadContext
) -> dict[str, Any]:
    """Features of the request with who the record says it was, as Call fields."""
    labels = labels_of(record, metadata, context)
    session = session_fp(context.org_key, text_in(record, "session_id", "trace_id"))
    stream = record.get("stream")
    return {
        **msgspec.structs.asdict(features),
        **labels,
        "user_id": labels["user_id"] or features.user_id,
        "session_id": session or features.session_id,
        "stream": stream if isinstance(stream, bool) else features.stream,
    }


def _identity(record: Mapping[str, Any]) -> str:
    """LiteLLM's request id, which some routes make the provider's message id; without one the row's own numbers."""
    identity = text_of(record, "request_id") or text_of(record, "id")
    is_message = identity.startswith("msg_")
    return call_id(
        message_id=identity if is_message else "",
        source=NAME,
        native_id=identity,
        content=msgspec.json.encode([record.get(n) for n in ("startTime", "endTime", "model", "total_tokens")]),
    )


def moment_of(value: object, name: str) -> tuple[int, bool]:
    """UTC microseconds of a time column: ISO text (naive is UTC) or seconds since 1970, whole or not."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 <= value < 10**11:
            raise BadRecord("bad-time", f"{name} is not a time", value=value, expected="seconds since 1970")
        return round(value * MICROSECONDS), False
    return time_field(value, name)


def _later(record: Mapping[str, Any], name: str) -> int | None:
    """A time that only describes the call: None where it cannot be read."""
    try:
        return moment_of(record.get(name), name)[0]
    except BadRecord:
        return None


def _geo(record: Mapping[str, Any], platform: str, found: UsageTokens) -> Geo:
    base = text_of(record, "api_base")
    if platform == "bedrock":
        return bedrock_geo(text_of(record, "model"), region_of(base))
    if platform == "vertex":
        return vertex_geo(base if "/locations/" in base else "")
    return Geo(geo_of(found.geo))


def _tier(record: Mapping[str, Any], metadata: Mapping[str, Any], found: UsageTokens) -> str:
    if found.tier != "standard":
        return found.tier
    breakdown = record.get("cost_breakdown") or metadata.get("cost_breakdown")
    said = breakdown.get("service_tier") if isinstance(breakdown, Mapping) else None
    return said if said in ("batch", "priority", "flex") else hints_of(text_of(record, "model")).tier or "standard"


def _cost(record: Mapping[str, Any]) -> int | None:
    """LiteLLM's own estimate in nano-dollars; a hit of its own cache costs nothing."""
    if _is_own_hit(record):
        return 0
    name = "spend" if record.get("spend") not in (None, "") else "response_cost"
    return amount_field(record, name, cents=False)


def _status(metadata: Mapping[str, Any]) -> int | None:
    error = metadata.get("error_information")
    code = str(error.get("error_code", "")) if isinstance(error, Mapping) else ""
    return int(code) if code.isdecimal() and len(code) == 3 else None


def _request(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The stored request: the body the proxy got, else the messages column; empty where prompts are not stored."""
    body = _optional_json(record, "proxy_server_request")
    if body.get("messages"):
        return body
    messages = record.get("messages")
    if isinstance(messages, str):
        try:
            messages = decode_json(messages)
        except BadRecord:
            return {}
    if not isinstance(messages, list) or not messages:
        return {}
    parameters = record.get("model_parameters")
    return {**(parameters if isinstance(parameters, Mapping) else {}), "messages": messages}


def _stop_reason(response: Mapping[str, Any]) -> str:
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else {}
    return stop_reason_of(first.get("finish_reason")) or text_of(response, "stop_reason")
