"""Claude Code's OpenTelemetry events: `claude_code.api_request` log records as OTLP JSON, one per billed response.

`input_tokens` is without cached tokens; cache writes are one number, so their TTL is unknown (5 minutes on API keys,
1 hour on subscriptions). An event is written when the response ends: the start is that time less `duration_ms`.
`cost_usd` is Claude Code's own estimate at list price. Source: usage-sources 2.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from baseload.usage.buckets import amount_field
from baseload.usage.features import session_fp
from baseload.usage.normal import (
    BadRecord,
    call_id,
    completeness_rank,
    geo_of,
    join_flags,
    problem,
    speed_of,
    tags_text,
    time_field,
    tokens_from_usage,
)
from baseload.usage.otlp import Entry, count, entries, moment, resource_tags, shape_count, text
from baseload.usage.providers import LeftOut, bedrock_geo, hints_of, is_claude
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.values import Call, Problem

NAME: Final = "claude_code_otel"
_NANO_PER_MICRO: Final = 1_000
_EVENTS: Final = {"claude_code.api_request": True, "claude_code.api_error": False}
_METRICS: Final = b"claude_code.token.usage"
_USERS: Final = ("user.account_uuid", "user.id", "user.email")
_TAGS: Final = ("skill.name", "plugin.name", "app.entrypoint")
_MAIN: Final = "repl_main_thread"


def recognise(head: bytes, _name: str) -> int:
    """2 for OTLP logs with Claude Code's events, or its metrics (which only get a hint what to export instead)."""
    if b'"resourceLogs"' in head and (b"claude_code." in head or b"claude-code" in head):
        return 2
    return 2 if b'"resourceMetrics"' in head and _METRICS in head else 0


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """Calls of the file's events; failed attempts are calls with `requests` 0; other events are passed over."""
    left_out = LeftOut()
    seen = False
    for entry in entries(file, NAME, "resourceLogs", whole=False):
        seen = True
        if isinstance(entry, Problem):
            yield entry
            continue
        event = _event_name(entry)
        if event not in _EVENTS:
            continue
        try:
            call = _call(entry, file.path, context, succeeded=_EVENTS[event])
        except BadRecord as bad:
            yield bad.problem(NAME, file.path, entry.row)
            continue
        if call is None:
            left_out.add()
        else:
            yield call
    yield from left_out.problems(NAME, file.path)
    if not seen:
        yield _no_events(file.path)


def _event_name(entry: Entry) -> str:
    """The event's full name, from wherever the exporter puts it: attribute, `eventName` or body."""
    body = entry.record.get("body")
    said = body.get("stringValue") if isinstance(body, Mapping) else None
    name = (
        text(entry.attributes, "event.name")
        or text(entry.record, "eventName")
        or (said if isinstance(said, str) else "")
    )
    return name if name.startswith("claude_code.") else f"claude_code.{name}"


def _call(entry: Entry, path: str, context: ReadContext, *, succeeded: bool) -> Call | None:
    """The call of one event; None for a model of another provider. Raises BadRecord."""
    said = entry.attributes
    model_raw = text(said, "model")
    model = context.resolve_model(model_raw)
    if not is_claude(model_raw, model):
        return None
    end_us, naive = _end(entry)
    start_us = end_us - (shape_count(said, "duration_ms") or 0) * 1000
    first_ms = shape_count(said, "ttft_ms")
    found = tokens_from_usage(_usage(said) if succeeded else {})
    bedrock = hints_of(model_raw).platform == "bedrock"
    user = text(said, *_USERS)
    return Call(
        call_id=_identity(entry, end_us, succeeded=succeeded),
        rank=completeness_rank(found.tokens.total_tokens, settled=succeeded, detail="ttl_unknown" not in found.flags),
        source=NAME,
        account=context.account or text(said, "organization.id"),
        source_file=path,
        source_row=entry.row,
        flags=join_flags(*found.flags, "naive_time" if naive else "", "" if succeeded else "failed"),
        requests=1 if succeeded else 0,
        start_us=start_us,
        first_token_us=None if first_ms is None else start_us + first_ms * 1000,
        end_us=end_us,
        user_id=context.org_key.fingerprint("user", user) if user else "",
        agent=_agent(said),
        tags=tags_text({**resource_tags(entry.resource), **{name: said[name] for name in _TAGS if text(said, name)}}),
        model_raw=model_raw,
        model=model,
        platform=hints_of(model_raw).platform or "anthropic",
        geo=bedrock_geo(model_raw).geo if bedrock else geo_of(said.get("inference_geo")),
        speed=speed_of(said.get("speed")),
        effort=text(said, "effort"),
        stop_reason=text(said, "stop_reason"),
        http_status=_status(said, succeeded=succeeded),
        session_id=session_fp(context.org_key, text(said, "session.id")),
        attempt=shape_count(said, "attempt"),
        reported_cost_nano_usd=_cost(said),
        **msgspec.structs.asdict(found.tokens),
    )


def _usage(said: Mapping[str, Any]) -> dict[str, int]:
    """The event's counts under the names of the Messages API. Raises BadRecord `no-usage` when there is none."""
    names = {
        "input_tokens": "input_tokens",
        "output_tokens": "output_tokens",
        "cache_read_tokens": "cache_read_input_tokens",
        "cache_creation_tokens": "cache_creation_input_tokens",
    }
    counts = {ours: value for theirs, ours in names.items() if (value := count(said, theirs)) is not None}
    if not counts:
        raise BadRecord("no-usage", "The event has no token counts", expected="input_tokens and output_tokens")
    return counts


def _end(entry: Entry) -> tuple[int, bool]:
    """When the response ended: the event's own time, else the record's. (UTC microseconds, whether it was naive)."""
    said = text(entry.attributes, "event.timestamp")
    if said:
        return time_field(said, "event.timestamp")
    logged = moment(entry.record, "timeUnixNano", "observedTimeUnixNano")
    if logged is None:
        raise BadRecord("no-time", "The event has no time", expected="event.timestamp or timeUnixNano")
    return logged, False


def _identity(entry: Entry, end_us: int, *, succeeded: bool) -> str:
    """The provider's request id; failed attempts have none and are told apart by attempt and time."""
    said = entry.attributes
    request_id = text(said, "request_id")
    if request_id and succeeded:
        return call_id(request_id=request_id)
    parts = [text(said, "session.id"), text(said, "client_request_id"), request_id, text(said, "model"), end_us]
    numbers = [said.get(name) for name in ("attempt", "input_tokens", "output_tokens", "cache_read_tokens")]
    return call_id(source=NAME, content=msgspec.json.encode([*parts, *map(str, numbers)]))


def _agent(said: Mapping[str, Any]) -> str:
    """The sub-agent or the place in Claude Code that asked; "" for the main conversation."""
    asked = text(said, "agent.name") or text(said, "query_source")
    return "" if asked == _MAIN else asked


def _status(said: Mapping[str, Any], *, succeeded: bool) -> int | None:
    code = str(said.get("status_code", ""))
    return int(code) if not succeeded and code.isdecimal() and len(code) == 3 else None


def _cost(said: Mapping[str, Any]) -> int | None:
    """Claude Code's own estimate in nano-dollars; `cost_usd_micros` is the same rounded, used where it stands alone."""
    dollars = amount_field(said, "cost_usd", cents=False)
    micros = count(said, "cost_usd_micros")
    return micros * _NANO_PER_MICRO if dollars is None and micros is not None else dollars


def _no_events(path: str) -> Problem:
    return problem(
        NAME,
        path,
        0,
        "no-call-events",
        "The file has Claude Code telemetry but no log events: metrics do not show single calls",
        expected="log records named claude_code.api_request",
        next_step="Set OTEL_LOGS_EXPORTER=otlp beside CLAUDE_CODE_ENABLE_TELEMETRY=1 and export logs.",
    )


READER: Final = Reader(name=NAME, recognise=recognise, read=read, appendable=True)
