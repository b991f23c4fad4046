"""Vertex AI request-response logging of Claude, exported from its BigQuery table as JSON.

Bodies are Anthropic's own Messages JSON, so `input_tokens` is without cached tokens and the TTL split is there. Claude
is logged on regional endpoints only, where the price is 10 % over global (anthropic-facts section 2). A table logged
with a sampling rate under 1 holds 1 in N calls; rows over 10 MB are dropped by the service (usage-sources 2.7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from baseload.usage.bedrock_body import Answer, answer_of
from baseload.usage.features import NO_FEATURES, features_of
from baseload.usage.normal import (
    BadRecord,
    call_id,
    completeness_rank,
    decode_json,
    join_flags,
    tags_text,
    text_of,
    time_field,
    tokens_from_usage,
    totals_of,
)
from baseload.usage.parts import with_parts
from baseload.usage.providers import LeftOut, is_claude, vertex_geo
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.usage.rows import Row, json_rows
from baseload.usage.streams import events_in, is_stream
from baseload.values import Call, Tokens

NAME: Final = "vertex"
_STREAMING: Final = {"rawpredict": False, "streamrawpredict": True}
_BODIES: Final = re.compile(rb'"(?:full_request|request_payload)"\s*:')
_PROJECT: Final = re.compile(r"projects/([^/]+)/")
_MAX_RATE: Final = 1_000_000


def recognise(head: bytes, _name: str) -> int:
    """2 for rows with the table's own column names, whatever the model; 1 when only the bodies' columns are there."""
    if not _BODIES.search(head):  # as a key: the table's schema names its columns too
        return 0
    return 2 if b'"logging_time"' in head and (b'"endpoint"' in head or b'"api_method"' in head) else 1


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """Calls of an exported table; failed requests are calls with `requests` 0."""
    left_out = LeftOut()
    for row in json_rows(file, NAME):
        if not isinstance(row, Row):
            yield row
            continue
        try:
            calls = _calls(row, file, context)
        except BadRecord as bad:
            yield bad.problem(NAME, file.path, row.number)
            continue
        yield from calls
        if not calls:
            left_out.add()
    yield from left_out.problems(NAME, file.path)


def _calls(row: Row, file: SourceFile, context: ReadContext) -> list[Call]:
    """The call of one table row and its parts; none for another publisher's model. Raises BadRecord."""
    record = row.record
    endpoint = text_of(record, "endpoint")
    answer, failed = _answer(record)
    model_raw = _model(record, endpoint) or answer.model
    model = context.resolve_model(model_raw) or (context.resolve_model(answer.model) if answer.model else "")
    if not is_claude(model_raw + endpoint, model):
        return []
    if not answer.usage and not failed:
        raise BadRecord("no-usage", "The response has no usage", expected="full_response.usage")
    start_us, naive = _moment(record.get("logging_time"))
    found = tokens_from_usage({"output_tokens": answer.started_output, **answer.usage}, model=answer.model)
    geo = vertex_geo(endpoint)
    rate = _sampling_rate(record)
    request = _json(record, "full_request") or _first_payload(record)
    project = _PROJECT.search(endpoint)
    call = Call(
        call_id=_identity(record, answer),
        rank=completeness_rank(
            totals_of(found),
            settled=not failed and answer.settled,
            detail=("ttl_unknown" not in found.flags) + 2 + 4 * bool(request),
        ),
        source=NAME,
        account=context.account or (project[1] if project else ""),
        source_file=file.path,
        source_row=row.number,
        flags=join_flags(
            *found.flags,
            geo.flag,
            "naive_time" if naive else "",
            "sampled" if rate > 1 else "",
            "" if answer.settled else "aborted",
            "failed" if failed else "",
        ),
        requests=0 if failed else 1,
        sampling_rate=rate,
        start_us=start_us,
        tags=_labels(record, request),
        model_raw=model_raw,
        model=model,
        platform="vertex",
        geo=geo.geo,
        tier=found.tier,
        stop_reason=answer.stop_reason,
        thinking_tokens=found.thinking_tokens,
        web_search_requests=found.web_search_requests,
        body_ref=row.body_ref if request else "",
        **msgspec.structs.asdict(found.tokens),
        **_shape(record, request, answer, found.tokens, context),
    )
    return list(with_parts(call, found, context))


def _shape(
    record: Mapping[str, Any], request: object, answer: Answer, tokens: Tokens, context: ReadContext
) -> dict[str, Any]:
    """Features of the request and the streaming mode, as Call fields."""
    features = NO_FEATURES
    if context.want_features and isinstance(request, Mapping):
        features = features_of(
            request,
            context.org_key,
            response=answer.message,
            prompt_tokens=tokens.prompt_tokens,
            cached_tokens=tokens.prompt_tokens - tokens.uncached_input_tokens,
        )
    stream = _STREAMING.get(text_of(record, "api_method").lower(), features.stream)
    return {**msgspec.structs.asdict(features), "stream": stream}


def _json(record: Mapping[str, Any], field: str) -> Any:
    """A JSON column: exports write it as the value itself or as its text; "" and null are None."""
    value = record.get(field)
    if isinstance(value, str):
        return decode_json(value) if value.strip() else None
    return value


def _first_payload(record: Mapping[str, Any]) -> Any:
    payload = record.get("request_payload")
    text = "".join(part for part in payload if isinstance(part, str)) if isinstance(payload, list) else ""
    return decode_json(text) if text.strip() else None


def _answer(record: Mapping[str, Any]) -> tuple[Answer, bool]:
    """What the response says, and whether it is an error. Streams come as a list of events or as event-stream text."""
    body = _json(record, "full_response")
    if body is None:
        body = _payload_events(record.get("response_payload"))
    events = body if isinstance(body, list) else [body]
    failed = any(isinstance(event, Mapping) and "error" in event for event in events)
    answer = answer_of(body)
    return answer, failed and not answer.usage


def _payload_events(payload: object) -> list[Any]:
    """Events of `response_payload`: JSON texts, or server-sent events cut anywhere."""
    parts = [part for part in payload if isinstance(part, str)] if isinstance(payload, list) else []
    text = "".join(parts)
    return list(events_in(text)) if is_stream(text) else [decode_json(part) for part in parts]


def _model(record: Mapping[str, Any], endpoint: str) -> str:
    """`model@version` of the columns, else the model in the endpoint's path."""
    model, version = text_of(record, "model"), text_of(record, "model_version")
    model = model.rsplit("/", 1)[-1] or endpoint.partition("/models/")[2].partition(":")[0]
    return f"{model}@{version}" if model and version and version != "default" and "@" not in model else model


def _moment(value: object) -> tuple[int, bool]:
    """`logging_time` as BigQuery's exports write it: ISO 8601, or with " UTC" behind, or without a zone (UTC)."""
    text = value.removesuffix(" UTC") + "Z" if isinstance(value, str) and value.endswith(" UTC") else value
    return time_field(text, "logging_time")


def _sampling_rate(record: Mapping[str, Any]) -> int:
    """1-in-N of the logging configuration, where the row's metadata state it; 1 otherwise."""
    metadata = _json(record, "metadata")
    if not isinstance(metadata, Mapping):
        return 1
    rate = metadata.get("samplingRate", metadata.get("sampling_rate"))
    if rate is None:
        return 1
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 1 / _MAX_RATE <= rate <= 1:
        raise BadRecord("bad-sampling-rate", "samplingRate is not a fraction", value=rate, expected="above 0, up to 1")
    return round(1 / rate)


def _labels(record: Mapping[str, Any], request: object) -> str:
    """Request labels become tags; they stand in the metadata or in the request."""
    metadata = _json(record, "metadata")
    for holder in (metadata, request):
        labels = holder.get("labels") if isinstance(holder, Mapping) else None
        if isinstance(labels, Mapping):
            return tags_text(labels)
    return ""


def _identity(record: Mapping[str, Any], answer: Answer) -> str:
    number = record.get("request_id")
    native = str(number) if isinstance(number, int | str) and not isinstance(number, bool) else ""
    content = msgspec.json.encode(
        [record.get("logging_time"), record.get("endpoint"), sorted(answer.usage.items(), key=str)]
    )
    return call_id(message_id=answer.message_id, source=NAME, native_id=native, content=content)


READER: Final = Reader(name=NAME, recognise=recognise, read=read)
