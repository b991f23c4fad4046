"""Langfuse exports: traces with their observations, and observations from the UI, the API or blob storage.

Only observations of type GENERATION are calls; agents and spans repeat their sums. Prices are Langfuse's own estimate:
it does not know batches, tiers or platforms. A file may hold an observation several times (exports before the database
merged its versions): each has the same id, and the most complete one counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from baseload.usage import csv_rows
from baseload.usage.buckets import amount_field
from baseload.usage.conventions import Draft, settle
from baseload.usage.features import NO_FEATURES, Features, features_of, session_fp
from baseload.usage.langfuse_usage import counts_of
from baseload.usage.normal import (
    BadRecord,
    UsageTokens,
    call_id,
    completeness_rank,
    decode_json,
    join_flags,
    tags_text,
    time_field,
    totals_of,
)
from baseload.usage.openai_shape import messages_request
from baseload.usage.providers import LeftOut, bedrock_geo, hints_of, is_claude
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.usage.rows import Row, json_rows
from baseload.values import Call, Problem

NAME: Final = "langfuse"
_LISTS: Final = ("observations", "data")
_USAGE: Final = ("providedUsageDetails", "usageDetails", "usage")
"""What the caller sent comes before what Langfuse computed from it."""
_MARKS: Final = (
    (b'"usageDetails"', b'"traceId"'),
    (b'"usage_details"', b'"trace_id"'),
    (b'"observations"', b'"traceId"'),
)


def recognise(head: bytes, _name: str) -> int:
    """2 for observations in either spelling, as JSON or CSV."""
    if any(all(mark in head for mark in marks) for marks in _MARKS):
        return 2
    header = csv_rows.header_of(head)
    return 2 if header & {"usage_details", "usagedetails"} and header & {"trace_id", "traceid"} else 0


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """Calls of the file's generations; failed ones are calls with `requests` 0."""
    left_out = LeftOut()
    yield from settle(_drafts(file, context, left_out), documented="none")
    yield from left_out.problems(NAME, file.path)


def _drafts(file: SourceFile, context: ReadContext, left_out: LeftOut) -> Iterator[Draft | Record]:
    is_csv = file.path.lower().removesuffix(".gz").endswith((".csv", ".tsv"))
    for row in _csv(file) if is_csv else json_rows(file, NAME):
        if not isinstance(row, Row):
            yield row
            continue
        for trace, observation in _observations(row.record):
            if str(_field(observation, "type")).upper() != "GENERATION":
                continue
            try:
                draft = _draft(observation, trace, row, file.path, context)
            except BadRecord as bad:
                yield bad.problem(NAME, file.path, row.number)
                continue
            if draft is None:
                left_out.add()
            else:
                yield draft


def _csv(file: SourceFile) -> Iterator[Row | Problem]:
    for item in csv_rows.rows(NAME, file):
        yield item if isinstance(item, Problem) else Row(*item)


def _observations(record: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """(trace, observation) pairs of a document: a trace export, an API page, or one observation."""
    inner = record.get("trace")
    trace: Mapping[str, Any] = inner if isinstance(inner, Mapping) else record
    for name in _LISTS:
        listed = record.get(name, trace.get(name))
        if isinstance(listed, list):
            yield from ((trace, item) for item in listed if isinstance(item, Mapping))
            return
    yield {}, record


def _draft(
    observation: Mapping[str, Any], trace: Mapping[str, Any], row: Row, path: str, context: ReadContext
) -> Draft | None:
    """The draft of one generation; None for another provider's model. Raises BadRecord."""
    model_raw = _text(observation, "providedModelName", "model")
    model = context.resolve_model(model_raw)
    if not is_claude(model_raw, model):
        return None
    maps = (_object(observation, name) for name in _USAGE)
    usage = next((found for found in maps if found), {})
    failed = not usage and _text(observation, "level") == "ERROR"
    if not usage and not failed:
        raise BadRecord("no-usage", "The generation has no usage", expected="usageDetails")
    counts, classes = counts_of(usage)
    request = _request(observation) if context.want_features else {}
    features = features_of(request, context.org_key) if request else NO_FEATURES
    who = {**_labels(observation, trace, context), "model_raw": model_raw, "model": model}
    call = _call(observation, row, path, classes, features, who)
    if failed:
        call = msgspec.structs.replace(call, requests=0, flags=join_flags(*call.flags.split(","), "failed"))
    return Draft(call=call, counts=counts, key=model or model_raw)


def _call(
    observation: Mapping[str, Any],
    row: Row,
    path: str,
    found: UsageTokens,
    features: Features,
    who: Mapping[str, str],
) -> Call:
    start_us, naive = time_field(_field(observation, "startTime"), "startTime")
    bedrock = hints_of(who["model_raw"]).platform == "bedrock"
    geo = bedrock_geo(who["model_raw"]) if bedrock else None
    return Call(
        **{
            **msgspec.structs.asdict(features),
            **msgspec.structs.asdict(found.tokens),
            **who,
            "max_tokens": _max_tokens(observation) or features.max_tokens,
        },
        call_id=_identity(observation),
        rank=completeness_rank(
            totals_of(found), detail=("ttl_unknown" not in found.flags) + 4 * bool(features.request_hash)
        ),
        source=NAME,
        source_file=path,
        source_row=row.number,
        flags=join_flags(*found.flags, "naive_time" if naive else "", geo.flag if geo else ""),
        start_us=start_us,
        first_token_us=_later(observation, "completionStartTime"),
        end_us=_later(observation, "endTime"),
        platform=hints_of(who["model_raw"]).platform or "anthropic",
        geo=geo.geo if geo else "global",
        thinking_tokens=found.thinking_tokens,
        reported_cost_nano_usd=_cost(observation),
        body_ref=row.body_ref if features.request_hash and observation is row.record else "",
    )


# fields, whose names are camel case, snake case or lower case by the kind of export


def _field(record: Mapping[str, Any], name: str) -> Any:
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return next((record[key] for key in (name, snake, name.lower()) if record.get(key) not in (None, "")), None)


def _text(record: Mapping[str, Any], *names: str) -> str:
    found = (_field(record, name) for name in names)
    return next((value for value in found if isinstance(value, str)), "")


def _object(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A map column, as value or as JSON text. Raises BadRecord on text that is torn."""
    value = _field(record, name)
    if isinstance(value, str):
        value = decode_json(value)
    return value if isinstance(value, Mapping) else {}


def _described(record: Mapping[str, Any], name: str) -> Any:
    """The same for what only describes the call: None where it cannot be read."""
    value = _field(record, name)
    try:
        return decode_json(value) if isinstance(value, str) else value
    except BadRecord:
        return None


def _later(observation: Mapping[str, Any], name: str) -> int | None:
    try:
        return time_field(_field(observation, name), name)[0]
    except BadRecord:
        return None


def _cost(observation: Mapping[str, Any]) -> int | None:
    for name in ("totalCost", "calculatedTotalCost"):
        if (value := _field(observation, name)) is not None:
            return amount_field({name: value}, name, cents=False)
    return None


def _max_tokens(observation: Mapping[str, Any]) -> int | None:
    parameters = _described(observation, "modelParameters")
    value = parameters.get("max_tokens") if isinstance(parameters, Mapping) else None
    return value if type(value) is int and value > 0 else None


def _identity(observation: Mapping[str, Any]) -> str:
    """The provider's message id where the tracer kept it, else the observation's id."""
    metadata = _described(observation, "metadata")
    attributes = metadata.get("attributes") if isinstance(metadata, Mapping) else None
    response_id = attributes.get("gen_ai.response.id") if isinstance(attributes, Mapping) else None
    is_message = isinstance(response_id, str) and response_id.startswith("msg_")
    content = [str(_field(observation, name)) for name in ("traceId", "startTime", "endTime", "name")]
    return call_id(
        message_id=str(response_id) if is_message else "",
        source=NAME,
        native_id=_text(observation, "id", "spanId"),
        content=msgspec.json.encode(content),
    )


def _labels(observation: Mapping[str, Any], trace: Mapping[str, Any], context: ReadContext) -> dict[str, str]:
    """account, agent, user, session and tags, from the observation (newer exports) or its trace."""
    user = _text(observation, "userId") or _text(trace, "userId")
    session = _text(observation, "sessionId") or _text(trace, "sessionId")
    listed = _described(observation, "tags") or _described(trace, "tags")
    tags = sorted({tag for tag in listed if isinstance(tag, str)}) if isinstance(listed, list) else []
    environment = _text(observation, "environment") or _text(trace, "environment")
    return {
        "account": context.account or _text(observation, "projectId"),
        "agent": _text(observation, "promptName", "traceName") or _text(trace, "name"),
        "user_id": context.org_key.fingerprint("user", user) if user else "",
        "session_id": session_fp(context.org_key, session),
        "tags": tags_text(
            {
                **({"tag": ",".join(tags)} if tags else {}),
                **({"environment": environment} if environment not in ("", "default") else {}),
            }
        ),
    }


def _request(observation: Mapping[str, Any]) -> Mapping[str, Any]:
    """The input in the Messages shape, where it is a list of messages or an object that holds one."""
    said = _described(observation, "input")
    if isinstance(said, str):
        said = _described({"input": said}, "input")
    if isinstance(said, list) and said and all(isinstance(turn, Mapping) and "role" in turn for turn in said):
        said = {"messages": said}
    return messages_request(said) if isinstance(said, Mapping) and isinstance(said.get("messages"), list) else {}


READER: Final = Reader(name=NAME, recognise=recognise, read=read)
