"""Helicone requests, as `@helicone/export` and its query API give them.

The provider's own usage in `response_body` is used where bodies were exported; the columns count cached tokens apart
from `prompt_tokens` (usage-sources 2.10, inferred from the type). An answer from Helicone's edge cache costs nothing.
`cost` is Helicone's estimate at list price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from baseload.usage import csv_rows
from baseload.usage.buckets import amount_field
from baseload.usage.conventions import Counts, Draft, settle
from baseload.usage.features import NO_FEATURES, Features, features_of, session_fp
from baseload.usage.normal import (
    BadRecord,
    UsageTokens,
    call_id,
    completeness_rank,
    decode_json,
    geo_of,
    int_field,
    join_flags,
    tags_text,
    text_of,
    time_field,
    tokens_field,
    tokens_from_usage,
    totals_of,
)
from baseload.usage.openai_shape import messages_request, stop_reason_of
from baseload.usage.parts import with_parts
from baseload.usage.providers import Geo, LeftOut, bedrock_geo, hints_of, is_claude, platform_of, region_of, vertex_geo
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.usage.rows import Row, json_rows
from baseload.values import Call, Problem

NAME: Final = "helicone"
_MARKS: Final = (b'"request_created_at"', b'"response_status"')
_SESSION: Final = ("Helicone-Session-Id", "Session-Id", "helicone-session-id")
_OWN: Final = "helicone-"
_NO_REFERENCE: Final = "00000000-0000-0000-0000-000000000000"


def recognise(head: bytes, _name: str) -> int:
    """2 for requests with Helicone's own column names, as JSON or CSV."""
    if all(mark in head for mark in _MARKS):
        return 2
    return 2 if {"request_created_at", "response_status", "prompt_tokens"} <= csv_rows.header_of(head) else 0


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """Calls of an export; failed requests and edge cache hits are calls with `requests` 0."""
    left_out = LeftOut()
    yield from settle(_drafts(file, context, left_out), documented="none")
    yield from left_out.problems(NAME, file.path)


def _drafts(file: SourceFile, context: ReadContext, left_out: LeftOut) -> Iterator[Draft | Record]:
    is_csv = file.path.lower().removesuffix(".gz").endswith((".csv", ".tsv"))
    for row in _csv(file) if is_csv else json_rows(file, NAME, inside=("data",)):
        if not isinstance(row, Row):
            yield row
            continue
        try:
            drafts = _of_row(row, file.path, context)
        except BadRecord as bad:
            yield bad.problem(NAME, file.path, row.number)
            continue
        yield from drafts
        if not drafts:
            left_out.add()


def _csv(file: SourceFile) -> Iterator[Row | Problem]:
    for item in csv_rows.rows(NAME, file):
        yield item if isinstance(item, Problem) else Row(*item)


def _of_row(row: Row, path: str, context: ReadContext) -> list[Draft | Call]:
    """The call of one request, with its parts; none for another provider's model. Raises BadRecord."""
    record = row.record
    request, response = _body(record, "request_body"), _body(record, "response_body")
    names = [text_of(holder, name) for holder, name in _model_places(record, request, response)]
    model_raw = next((name for name in names if name), "")
    model = next((resolved for name in names if name and (resolved := context.resolve_model(name))), "")
    if not is_claude(model_raw, model):
        return []
    usage = response.get("usage")
    raw = usage if isinstance(usage, Mapping) and "input_tokens" in usage else None
    counts, found = (None, tokens_from_usage(raw, model=text_of(response, "model"))) if raw else _columns(record)
    if _is_edge_hit(record):
        counts, found = None, tokens_from_usage({})
    features = NO_FEATURES
    if context.want_features and request:
        features = features_of(messages_request(request), context.org_key, response=response)
    call = _call(record, row, path, found, features, context)
    call = msgspec.structs.replace(
        _as_billed(call, record), model_raw=model_raw, model=model, stop_reason=_stop_reason(response)
    )
    if counts is None:
        return list(with_parts(call, found, context))
    return [Draft(call=call, counts=counts, key=(call.platform, model or model_raw))]


def _model_places(
    record: Mapping[str, Any], request: Mapping[str, Any], response: Mapping[str, Any]
) -> tuple[tuple[Mapping[str, Any], str], ...]:
    """Where the model that answered is named, most reliable first."""
    return (
        (response, "model"),
        (record, "response_model"),
        (record, "model_override"),
        (record, "request_model"),
        (record, "model"),
        (request, "model"),
    )


def _columns(record: Mapping[str, Any]) -> tuple[Counts, UsageTokens]:
    """Helicone's own counts. Raises BadRecord `no-usage` for an answered request without any."""
    split = {
        f"ephemeral_{ttl}_input_tokens": tokens_field(record, f"prompt_cache_write_{ttl}_tokens", text=True)
        for ttl in ("5m", "1h")
    }
    written = max(tokens_field(record, "prompt_cache_write_tokens", text=True), sum(split.values()))
    counts = Counts(
        input=tokens_field(record, "prompt_tokens", text=True),
        read=tokens_field(record, "prompt_cache_read_tokens", text=True),
        write=written,
        output=tokens_field(record, "completion_tokens", text=True),
    )
    if not (counts.input or counts.cached or counts.output) and _status(record) == 200:
        raise BadRecord("no-usage", "The request has no token counts", expected="prompt_tokens or a response body")
    found = tokens_from_usage(
        {
            "output_tokens": counts.output,
            "cache_read_input_tokens": counts.read,
            "cache_creation_input_tokens": written,
            "cache_creation": split,
        }
    )
    return counts, found


def _is_edge_hit(record: Mapping[str, Any]) -> bool:
    """True when Helicone answered from its own cache: the row refers to the request whose answer it repeats."""
    reference = text_of(record, "cache_reference_id")
    return reference not in ("", _NO_REFERENCE, text_of(record, "request_id"))


def _as_billed(call: Call, record: Mapping[str, Any]) -> Call:
    flags = call.flags.split(",")
    if _is_edge_hit(record):
        return msgspec.structs.replace(
            call, requests=0, reported_cost_nano_usd=0, flags=join_flags(*flags, "gateway_cache_hit")
        )
    failed = (_status(record) or 200) != 200 and not (call.prompt_tokens or call.output_tokens)
    return msgspec.structs.replace(call, requests=0, flags=join_flags(*flags, "failed")) if failed else call


def _call(
    record: Mapping[str, Any], row: Row, path: str, found: UsageTokens, features: Features, context: ReadContext
) -> Call:
    start_us, naive = time_field(record.get("request_created_at"), "request_created_at")
    model = text_of(record, "model") or text_of(record, "request_model")
    platform = platform_of(text_of(record, "provider"), hints_of(model).platform or "anthropic")
    geo = _geo(record, platform, model, found)
    properties = _properties(record)
    user = text_of(record, "request_user_id")
    session = next((properties[name] for name in _SESSION if name in properties), "")
    status = _status(record)
    return Call(
        **{
            **msgspec.structs.asdict(features),
            **msgspec.structs.asdict(found.tokens),
            "user_id": context.org_key.fingerprint("user", user) if user else features.user_id,
            "session_id": session_fp(context.org_key, str(session)) or features.session_id,
        },
        call_id=_identity(record),
        rank=completeness_rank(
            totals_of(found), detail=("ttl_unknown" not in found.flags) + 4 * bool(features.request_hash)
        ),
        source=NAME,
        account=context.account,
        source_file=path,
        source_row=row.number,
        flags=join_flags(*found.flags, geo.flag, "naive_time" if naive else ""),
        start_us=start_us,
        first_token_us=_after(start_us, record, "time_to_first_token"),
        end_us=_after(start_us, record, "delay_ms"),
        agent=text_of(record, "prompt_id"),
        tags=tags_text({k: v for k, v in properties.items() if not k.lower().startswith(_OWN) and k not in _SESSION}),
        platform=platform,
        geo=geo.geo,
        tier=found.tier,
        speed=found.speed,
        http_status=status if status is not None and 100 <= status <= 599 else None,
        thinking_tokens=found.thinking_tokens,
        web_search_requests=found.web_search_requests,
        web_fetch_requests=found.web_fetch_requests,
        code_execution_requests=found.code_execution_requests,
        reported_cost_nano_usd=_cost(record),
        body_ref=row.body_ref if features.request_hash else "",
    )


def _body(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A body, as value or as text; one that was not exported or is no object is empty."""
    value = record.get(name)
    if isinstance(value, str):
        try:
            value = decode_json(value)
        except BadRecord:
            return {}
    return value if isinstance(value, Mapping) else {}


def _status(record: Mapping[str, Any]) -> int | None:
    """HTTP status; Helicone writes negative numbers for requests that it cancelled itself."""
    value = record.get("response_status")
    text = str(value) if not isinstance(value, bool) else ""
    return int(text) if text.removeprefix("-").isdecimal() and len(text) <= 4 else None


def _geo(record: Mapping[str, Any], platform: str, model: str, found: UsageTokens) -> Geo:
    url = text_of(record, "target_url")
    if platform == "bedrock":
        return bedrock_geo(model, region_of(url))
    if platform == "vertex":
        return vertex_geo(url if "/locations/" in url else "")
    return Geo(geo_of(found.geo))


def _after(start_us: int, record: Mapping[str, Any], name: str) -> int | None:
    """The moment so many milliseconds later; None where the record does not say it in whole ones."""
    try:
        milliseconds = int_field(record, name, default=None, text=True)
    except BadRecord:
        return None
    return None if milliseconds is None else start_us + milliseconds * 1000


def _cost(record: Mapping[str, Any]) -> int | None:
    name = "costUSD" if record.get("costUSD") not in (None, "") else "costusd" if record.get("costusd") else "cost"
    return amount_field(record, name, cents=False)


def _properties(record: Mapping[str, Any]) -> dict[str, Any]:
    found = {**_body(record, "properties"), **_body(record, "request_properties")}
    return {str(key): value for key, value in found.items() if isinstance(value, str | int | float)}


def _stop_reason(response: Mapping[str, Any]) -> str:
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else {}
    return text_of(response, "stop_reason") or stop_reason_of(first.get("finish_reason"))


def _identity(record: Mapping[str, Any]) -> str:
    """The provider's message id, except for an edge hit, whose body repeats another request's id."""
    message_id = text_of(_body(record, "response_body"), "id")
    is_own = message_id.startswith("msg_") and not _is_edge_hit(record)
    content = [str(record.get(name)) for name in ("request_created_at", "model", "prompt_tokens", "completion_tokens")]
    return call_id(
        message_id=message_id if is_own else "",
        source=NAME,
        native_id=text_of(record, "request_id"),
        content=msgspec.json.encode(content),
    )


READER: Final = Reader(name=NAME, recognise=recognise, read=read)
