"""From one API exchange to rows: what was billed, by whom, and what the request was like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from baseload.usage.cues import output_cues
from baseload.usage.exchanges import Exchange, header
from baseload.usage.features import FEATURES_VERSION, NO_FEATURES, Features, features_of, session_fp
from baseload.usage.fields import BadRecord, object_of, text_of
from baseload.usage.normal import (
    UsageTokens,
    call_id,
    completeness_rank,
    derived_call_id,
    geo_of,
    join_flags,
    speed_of,
    tags_text,
    tokens_from_usage,
    totals_of,
)
from baseload.usage.reader import ReadContext
from baseload.usage.streams import Streamed, events_in, is_stream, messages_in
from baseload.values import TOKEN_CLASSES, Call, Tokens

AGENT_NAMES: Final = ("agent", "agent_name", "app", "prompt_name", "trace_name")
SESSION_NAMES: Final = ("session_id", "sessionId", "conversation_id")
USER_NAMES: Final = ("user_id", "userId", "user")
KEY_NAMES: Final = ("api_key_id", "api_key_name", "api_key")
MISS_FLAG: Final = "miss_"
MISS_REASONS: Final = frozenset({"model_changed", "system_changed", "tools_changed", "messages_changed"})
"""Cache diagnostics that say something; `previous_message_not_found` and `unavailable` do not."""
_PLATFORMS = {"msg_bdrk_": "bedrock", "msg_vrtx_": "vertex"}
_KEY_MATERIAL: Final = "sk-"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record stands, and what its reader knows that the record does not say."""

    source: str
    file: str
    row: int
    body_ref: str = ""
    flags: tuple[str, ...] = ()
    tier: str = ""  # overrides the response's own


def calls_of(exchange: Exchange, context: ReadContext, origin: Origin) -> Iterator[Call]:
    """The rows of one exchange, which must have a start. Raises BadRecord when usage is missing or its counts are bad.

    A failed request is a row with `requests` 0; a token count (free) is none.
    """
    streamed = _streamed(exchange)
    message: Mapping[str, Any] = streamed.message if streamed else object_of(exchange.response, "response")
    if message.get("type") == "error" or (exchange.status or 200) >= 400:
        yield _failed(exchange, message, context, origin)
        return
    if "input_tokens" in message:
        return
    usage = message.get("usage")
    if not isinstance(usage, Mapping) or not usage:
        raise _no_usage(message)
    requested = (streamed.requested_model if streamed else "") or text_of(exchange.request, "model")
    model = text_of(message, "model") or requested
    found = tokens_from_usage(usage, model=model, requested=requested)
    common = _common(exchange, message, found.tokens, context, origin) | {
        "rank": _rank(found, streamed, exchange),
        "tier": origin.tier or found.tier,
        "speed": found.speed if usage.get("speed") else speed_of(exchange.request.get("speed")),
        "geo": found.geo if usage.get("inference_geo") else geo_of(exchange.request.get("inference_geo")),
        "flags": join_flags(*origin.flags, *found.flags, *_stream_flags(streamed), _miss_flag(message)),
    }
    identifier = _identity(exchange, text_of(message, "id"), common, model, origin)
    yield Call(
        call_id=identifier,
        **common,
        **_counts(found.tokens),
        **_model(model, context),
        thinking_tokens=found.thinking_tokens,
        web_search_requests=found.web_search_requests,
        web_fetch_requests=found.web_fetch_requests,
        code_execution_requests=found.code_execution_requests,
    )
    for part in found.extra:
        part_id = derived_call_id(identifier, f"{part.kind}:{part.model}")
        yield Call(call_id=part_id, **(common | {"requests": 0}), **_counts(part.tokens), **_model(part.model, context))


def _streamed(exchange: Exchange) -> Streamed | None:
    """The message of a stream text; None when the response is an object."""
    if exchange.streamed is not None or not isinstance(exchange.response, str):
        return exchange.streamed
    streamed = next(messages_in(events_in(exchange.response)), None) if is_stream(exchange.response) else None
    if streamed is not None:
        return streamed
    if (exchange.status or 200) >= 400 or '"error"' in exchange.response:
        return Streamed(message={"type": "error"}, failed=True)
    raise BadRecord("no-response", "The response is neither a message nor a stream", expected="a Messages response")


def _failed(exchange: Exchange, message: Mapping[str, Any], context: ReadContext, origin: Origin) -> Call:
    """A request that got no answer: not billed, kept because retries and identical repeats are waste."""
    common = _common(exchange, message, Tokens(), context, origin)
    common |= {
        "requests": 0,
        "flags": join_flags(*origin.flags, "failed"),
        "rank": completeness_rank(0, settled=False),
        "tier": origin.tier or "standard",
    }
    model = text_of(exchange.request, "model")
    exchange.request_id = exchange.request_id or text_of(message, "request_id")
    identifier = _identity(exchange, "", common, model, origin)
    return Call(call_id=identifier, **common, **_model(model, context))


def _identity(exchange: Exchange, message_id: str, common: Mapping[str, Any], model: str, origin: Origin) -> str:
    """The call id: by the provider's id, else the source's own, else by time, model and keyed request hash."""
    if message_id or exchange.request_id or exchange.native_id:
        return call_id(
            message_id=message_id,
            request_id=exchange.request_id,
            source=origin.source,
            native_id=exchange.native_id,
        )
    content = [common["start_us"], model, common["request_hash"], common["rank"], common["session_id"]]
    return call_id(source=origin.source, content=msgspec.json.encode(content))


def _common(
    exchange: Exchange, message: Mapping[str, Any], tokens: Tokens, context: ReadContext, origin: Origin
) -> dict[str, Any]:
    """The fields that all rows of an exchange share."""
    record = exchange.record
    features = _features(exchange, message, tokens, context)
    session, user = _first(record, SESSION_NAMES), _first(record, USER_NAMES)
    attempt = record.get("attempt")
    return {
        "source": origin.source,
        "source_file": origin.file,
        "source_row": origin.row,
        "body_ref": origin.body_ref if exchange.request else "",
        "requests": 1,
        "start_us": exchange.start_us,
        "first_token_us": exchange.first_token_us,
        "end_us": exchange.end_us,
        "account": context.account or _first(record, ("account", "organization_id")) or _organization(record),
        "workspace": _first(record, ("workspace_id", "workspace")) or header(record, "anthropic-workspace-id"),
        "api_key": _key(_first(record, KEY_NAMES), context),
        "agent": _first(record, AGENT_NAMES),
        "tags": tags_text(tags) if isinstance(tags := record.get("tags"), Mapping) else "",
        "user_id": context.org_key.fingerprint("user", user) if user else features.user_id,
        "session_id": session_fp(context.org_key, session) if session else features.session_id,
        "platform": _PLATFORMS.get(text_of(message, "id")[:9], "anthropic"),
        "stream": True if isinstance(exchange.response, str) or exchange.streamed else features.stream,
        "stop_reason": text_of(message, "stop_reason"),
        "http_status": exchange.status,
        "attempt": attempt if type(attempt) is int and 0 < attempt < 1000 else None,
        "features_version": FEATURES_VERSION,
        **{name: getattr(features, name) for name in _FEATURE_FIELDS},
    }


_FEATURE_FIELDS = (
    "tools_fp",
    "system_fp",
    "template_id",
    "request_hash",
    "request_features",
    "task_cues",
    "prefix_blocks",
    "messages",
    "max_tokens",
    "effort",
)


def _features(exchange: Exchange, message: Mapping[str, Any], tokens: Tokens, context: ReadContext) -> Features:
    if not context.want_features:
        return NO_FEATURES
    if exchange.request:
        return features_of(
            exchange.request,
            context.org_key,
            response=message,
            prompt_tokens=tokens.prompt_tokens,
            cached_tokens=tokens.prompt_tokens - tokens.uncached_input_tokens,
        )
    return Features(task_cues=join_flags(*output_cues(message.get("content"))))


def _counts(tokens: Tokens) -> dict[str, Any]:
    return {name: getattr(tokens, name) for name in TOKEN_CLASSES}


def _model(raw: str, context: ReadContext) -> dict[str, Any]:
    return {"model_raw": raw, "model": context.resolve_model(raw)}


def _rank(found: UsageTokens, streamed: Streamed | None, exchange: Exchange) -> int:
    detail = (0 if "ttl_unknown" in found.flags else 1) + 2 + (4 if exchange.request else 0)
    return completeness_rank(totals_of(found), settled=streamed is None or streamed.settled, detail=detail)


def _stream_flags(streamed: Streamed | None) -> Iterator[str]:
    if streamed is not None:
        yield "" if streamed.settled else "aborted"
        yield "stream_error" if streamed.failed else ""
        yield "fallback" if streamed.requested_model else ""


def _miss_flag(message: Mapping[str, Any]) -> str:
    """`miss_<reason>` where the response says why its prefix was not read (anthropic-facts section 3), else ""."""
    diagnostics = message.get("diagnostics")
    reason = diagnostics.get("cache_miss_reason") if isinstance(diagnostics, Mapping) else None
    if isinstance(reason, Mapping):
        reason = reason.get("type")
    return MISS_FLAG + reason if isinstance(reason, str) and reason in MISS_REASONS else ""


def _first(record: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((value for name in names if isinstance(value := record.get(name), str) and value), "")


def _organization(record: Mapping[str, Any]) -> str:
    return header(record, "anthropic-organization-id")


def _key(name: str, context: ReadContext) -> str:
    """A key's id or name; a secret that a careless logger wrote becomes a fingerprint."""
    return "key-" + context.org_key.fingerprint("api-key", name)[:12] if name.startswith(_KEY_MATERIAL) else name


def _no_usage(message: Mapping[str, Any]) -> BadRecord:
    return BadRecord(
        "no-usage",
        "The response has no usage: its tokens are not known",
        value=text_of(message, "type") or "object",
        expected="a usage object in the response",
        next_step="Text completions of 2023 never had one; otherwise log the whole response.",
    )
