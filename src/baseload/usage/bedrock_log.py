"""Amazon Bedrock model invocation logs: one record a call, from S3 objects or a CloudWatch Logs export.

Its `inputTokenCount` is *without* cached tokens, like Anthropic's (usage-sources 1.2: total = input + read + write +
output). The TTL of writes is only in the body; bodies over about 100 KB lie in `data/` beside the log object.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from baseload.usage.bedrock_body import Answer, answer_of, counts_of, request_of
from baseload.usage.bedrock_http import is_recording, log_record
from baseload.usage.features import NO_FEATURES, features_of
from baseload.usage.normal import (
    BadRecord,
    UsageTokens,
    call_id,
    completeness_rank,
    decode_json,
    join_flags,
    object_of,
    optional_object,
    tags_text,
    text_of,
    time_field,
    tokens_field,
    tokens_from_usage,
)
from baseload.usage.providers import LeftOut, bedrock_geo, is_claude, principal_of
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.usage.rows import Row, json_rows
from baseload.values import Call, Tokens

NAME: Final = "bedrock_log"
_STREAMING: Final = {
    "InvokeModel": False,
    "Converse": False,
    "InvokeModelWithResponseStream": True,
    "ConverseStream": True,
}
_TIERS: Final = {"priority": "priority", "flex": "flex"}
_GREETING: Final = b"Permissions are correctly set"
_MARKS: Final = (b'"ModelInvocationLog"', b'ModelInvocationLog\\"')
_PROFILE: Final = "application-inference-profile/"
_BODY_NAME: Final = re.compile(r"_(input|output)\.json(\.gz)?$")
"""An offloaded body: it has no time, model or count, and is read through the record that names it."""


def recognise(head: bytes, name: str) -> int:
    """2 for a log record by its schema type or an offloaded body by its name, 1 by the record's own field names."""
    if any(mark in head for mark in _MARKS) or (_BODY_NAME.search(name) and b'"modelId"' not in head):
        return 2
    if b"bedrock-runtime." in head and b'"uri"' in head:
        return 2
    return 1 if b'"modelId"' in head and b'"inputTokenCount"' in head else 0


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """Calls of a log; failed requests are calls with `requests` 0; other providers' are counted and left out."""
    if _BODY_NAME.search(file.path):
        return
    left_out = LeftOut()
    for row in json_rows(file, NAME, inside=("events", "Records"), whole=False, clean=_json_part):
        if not isinstance(row, Row):
            yield row
            continue
        try:
            record = _unwrapped(row.record)
            call = _call(record, row, file, context) if record else None
        except BadRecord as bad:
            yield bad.problem(NAME, file.path, row.number)
            continue
        if call is not None:
            yield call
        elif record:
            left_out.add()
    yield from left_out.problems(NAME, file.path)


def _json_part(line: bytes) -> bytes:
    """A line without the time that a CloudWatch export to S3 puts first; empty for the greeting of a new log group."""
    text = line.strip()
    time, _, rest = text.partition(b" ")
    if time[:1].isdigit() and time.endswith(b"Z"):
        text = rest
    return b"" if text.startswith(_GREETING) else text


def _unwrapped(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The log record of a row: itself, of a recorded HTTP call, or in an event's `message`; empty for the greeting."""
    message = row.get("message", row.get("@message"))
    if is_recording(row):
        return log_record(row)
    if "modelId" not in row and isinstance(message, Mapping):
        return message
    if "modelId" in row or not isinstance(message, str):
        return row
    text = _json_part(message.encode("utf-8", "replace"))
    if not text:
        return {}
    return object_of(decode_json(text), "message")


def _call(record: Mapping[str, Any], row: Row, file: SourceFile, context: ReadContext) -> Call | None:
    """The call of one record; None for another provider's model. Raises BadRecord."""
    model_raw = text_of(record, "modelId")
    if not model_raw:
        raise BadRecord("no-model", "modelId is missing", expected="a Bedrock model id or ARN")
    start_us, naive = time_field(record.get("timestamp"), "timestamp")
    request = _body(optional_object(record, "input"), "input", file)
    response = _body(optional_object(record, "output"), "output", file)
    answer = answer_of(response.value)
    model = context.resolve_model(model_raw) or (context.resolve_model(answer.model) if answer.model else "")
    if not model and not is_claude(model_raw + answer.model) and _PROFILE not in model_raw:
        return None
    found, flags = _tokens(record, answer)
    failed = record.get("errorCode") is not None and not found.tokens.total_tokens
    geo = bedrock_geo(model_raw, text_of(record, "region"), text_of(record, "inferenceRegion"))
    if naive:
        flags.append("naive_time")
    if failed:
        flags.append("failed")
    if request.lost or response.lost:
        flags.append("body_offloaded")
    detail = ("ttl_unknown" not in flags) + 2 * bool(response.value) + 4 * bool(request.value)
    return Call(
        call_id=_identity(record, answer),
        rank=completeness_rank(found.tokens.total_tokens, settled=answer.settled and not failed, detail=detail),
        source=NAME,
        account=context.account or text_of(record, "accountId"),
        source_file=file.path,
        source_row=row.number,
        flags=join_flags(*flags, geo.flag),
        requests=0 if failed else 1,
        start_us=start_us,
        first_token_us=_after(start_us, answer.first_byte_ms),
        end_us=_after(start_us, answer.latency_ms),
        workspace=_PROFILE + model_raw.rsplit("/", 1)[-1] if _PROFILE in model_raw else "",
        tags=_tags(record),
        model_raw=model_raw,
        model=model,
        platform="bedrock",
        geo=geo.geo,
        tier=_tier(record, request.value, answer),
        stop_reason=answer.stop_reason,
        http_status=_status(record),
        thinking_tokens=found.thinking_tokens,
        body_ref=row.body_ref if request.inline else "",
        **msgspec.structs.asdict(found.tokens),
        **_shape(record, request.value, answer, found.tokens, context),
    )


def _tokens(record: Mapping[str, Any], answer: Answer) -> tuple[UsageTokens, list[str]]:
    """Tokens of the call: the body's own usage first, then stream metrics, then the record's counts.

    The record's cache counts stand in `input`, in one variant at its top level. Flags `aborted` for a stream that
    broke off and `counts_disagree` where body and record differ. Raises BadRecord `no-usage` when a successful record
    has no count at all.
    """
    logged = {**counts_of(record), **counts_of(optional_object(record, "input"))}
    logged.update(counts_of(optional_object(record, "output")))
    usage = {"output_tokens": answer.started_output, **logged, **answer.metered, **answer.usage}
    if len(usage) == 1 and record.get("errorCode") is None:
        raise BadRecord("no-usage", "The record has no token counts", expected="input.inputTokenCount")
    found = tokens_from_usage(usage, model=answer.model)
    flags = [*found.flags]
    if not answer.settled:
        flags.append("aborted")
    if _disagree(logged, usage):
        flags.append("counts_disagree")
    return found, flags


def _disagree(logged: Mapping[str, Any], usage: Mapping[str, Any]) -> bool:
    return any(tokens_field(logged, name) != tokens_field(usage, name) for name in logged)


class _Body(NamedTuple):
    value: Any = None
    inline: bool = False  # in the log record itself
    lost: bool = False  # offloaded to S3 and not at hand


def _body(part: Mapping[str, Any], side: str, file: SourceFile) -> _Body:
    """The body of `input` or `output`.

    An offloaded object is looked for by its name in `data/` beside the log and then beside it, with and without `.gz`.
    """
    inline = part.get(f"{side}BodyJson")
    path = text_of(part, f"{side}BodyS3Path")
    if inline is not None or not path:
        return _Body(inline, inline=inline is not None)
    name = posixpath.basename(path)
    for candidate in (f"data/{name}", name, f"data/{name.removesuffix('.gz')}", name.removesuffix(".gz")):
        data = file.sibling(candidate)
        if data is not None:
            try:
                return _Body(decode_json(data))
            except BadRecord:  # the counts of the record itself still hold; the flag says what is missing
                break
    return _Body(lost=True)


def _identity(record: Mapping[str, Any], answer: Answer) -> str:
    """`requestId` is Bedrock's own and unique; the message id, where a body has one, joins other sources."""
    request_id = text_of(record, "requestId")
    content = msgspec.json.encode({key: record.get(key) for key in ("timestamp", "modelId", "accountId", "input")})
    return call_id(message_id=answer.message_id, request_id=request_id, source=NAME, content=content)


def _shape(
    record: Mapping[str, Any], request: object, answer: Answer, tokens: Tokens, context: ReadContext
) -> dict[str, Any]:
    """Features of the request, the caller's identity and the streaming mode, as Call fields."""
    body = request_of(request) if context.want_features else {}
    features = NO_FEATURES
    if body:
        features = features_of(
            body,
            context.org_key,
            response=answer.message,
            prompt_tokens=tokens.prompt_tokens,
            cached_tokens=tokens.prompt_tokens - tokens.uncached_input_tokens,
        )
    who = principal_of(text_of(optional_object(record, "identity"), "arn"))
    return {
        **msgspec.structs.asdict(features),
        "api_key": who.name,
        "user_id": context.org_key.fingerprint("user", who.identity) if who.identity else features.user_id,
        "stream": _STREAMING.get(text_of(record, "operation"), features.stream),
    }


def _tier(record: Mapping[str, Any], request: object, answer: Answer) -> str:
    """Service tier that served the call; AWS names it in the response, else in the request or the record."""
    asked = request.get("serviceTier") if isinstance(request, Mapping) else None
    tier = answer.service_tier or text_of(record, "serviceTier")
    if not tier and isinstance(asked, Mapping):
        tier = text_of(asked, "type")
    return _TIERS.get(tier, "standard")


def _tags(record: Mapping[str, Any]) -> str:
    metadata = record.get("requestMetadata")
    return tags_text(metadata) if isinstance(metadata, Mapping) else ""


def _status(record: Mapping[str, Any]) -> int | None:
    """HTTP status where the record has one; 200 for a record without an error code is not assumed."""
    status = record.get("status")
    return int(status) if isinstance(status, int | str) and str(status).isdecimal() and len(str(status)) == 3 else None


def _after(start_us: int, milliseconds: int | None) -> int | None:
    return None if milliseconds is None else start_us + milliseconds * 1000


READER: Final = Reader(name=NAME, recognise=recognise, read=read)
