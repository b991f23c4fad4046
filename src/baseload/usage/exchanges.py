"""One logged API exchange, however it was wrapped: where its request, response, times, ids and owner are.

Wrappings vary by logger; the names looked for are listed here once, in order of preference, and documented in
docs/reference/sources/messages.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from baseload.usage.fields import BadRecord, decode_json, epoch_field, text_of, time_field
from baseload.usage.streams import Streamed

REQUEST_NAMES: Final = ("request", "request_body", "requestBody", "req", "params")
RESPONSE_NAMES: Final = ("response", "response_body", "responseBody", "resp", "message")
START_NAMES: Final = (
    "start_time", "started_at", "startTime", "request_time", "timestamp", "time", "ts", "created_at", "created", "date",
)  # fmt: skip
END_NAMES: Final = ("end_time", "ended_at", "endTime", "completed_at", "response_time")
DURATION_MS_NAMES: Final = ("duration_ms", "latency_ms", "elapsed_ms")
FIRST_TOKEN_MS_NAMES: Final = ("ttft_ms", "time_to_first_token_ms")
_MS = 1_000


class Exchange(msgspec.Struct, kw_only=True):
    """What one record says, still in the API's words. Times are UTC microseconds, None where it does not say."""

    request: Mapping[str, Any]
    response: Mapping[str, Any] | str  # a message, an error, or the text of a stream
    streamed: Streamed | None = None  # the stream already put together
    request_id: str = ""
    native_id: str = ""  # names the call inside its source where the provider gave no id
    status: int | None = None
    start_us: int | None = None
    first_token_us: int | None = None
    end_us: int | None = None
    naive: bool = False
    record: Mapping[str, Any] = {}  # with the labels beside the bodies


def exchange_of(record: Mapping[str, Any]) -> Exchange | None:
    """The exchange a record holds; None when it holds none (another kind of line). Raises BadRecord on a bad time."""
    request = _body(record, REQUEST_NAMES)
    response = _body(record, RESPONSE_NAMES)
    if response is None and is_response(record):
        response = record
    if response is None or not (isinstance(response, str) or is_response(response)):
        return None
    headers = _headers(record)
    start_us, end_us, naive = _times(record, headers)
    return Exchange(
        request=request if isinstance(request, Mapping) else {},
        response=response,
        request_id=text_of(record, "request_id")
        or text_of(record, "requestId")
        or headers.get("request-id", "")
        or headers.get("x-amzn-requestid", ""),
        status=_status(record),
        start_us=start_us,
        first_token_us=_after(start_us, record, FIRST_TOKEN_MS_NAMES),
        end_us=end_us,
        naive=naive,
        record=record,
    )


def is_response(value: Mapping[str, Any]) -> bool:
    """A message, or an error in the API's shape."""
    kind = value.get("type")
    if kind == "error":
        return isinstance(value.get("error"), Mapping)
    return kind in ("message", "completion") or ("usage" in value and "content" in value and "role" in value)


def header(record: Mapping[str, Any], name: str) -> str:
    """A response header, whatever its case; "" when it was not logged."""
    return _headers(record).get(name, "")


def _body(record: Mapping[str, Any], names: tuple[str, ...]) -> Mapping[str, Any] | str | None:
    """The first of the named fields that holds a body: an object, JSON text of one, or the text of a stream."""
    for name in names:
        value = record.get(name)
        if isinstance(value, Mapping):
            inner = value.get("body")
            return inner if isinstance(inner, Mapping) else value
        if isinstance(value, str) and value:
            if not value.lstrip().startswith("{"):
                return value
            decoded = decode_json(value)
            if isinstance(decoded, Mapping):
                return decoded
    return None


def _headers(record: Mapping[str, Any]) -> dict[str, str]:
    headers = record.get("response_headers") or record.get("headers")
    if not isinstance(headers, Mapping):
        return {}
    return {str(name).lower(): value for name, value in headers.items() if isinstance(value, str)}


def _status(record: Mapping[str, Any]) -> int | None:
    for name in ("status", "status_code", "http_status"):
        value = record.get(name)
        if type(value) is int and 100 <= value <= 599:
            return value
    return None


def _times(record: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[int | None, int | None, bool]:
    """(start, end, naive). A response's `date` header is when it began: the best time when there is no other."""
    start_us, naive = _first_time(record, START_NAMES)
    end_us, _ = _first_time(record, END_NAMES)
    if start_us is None and "date" in headers:
        start_us = _http_date(headers["date"])
    if end_us is None:
        end_us = _after(start_us, record, DURATION_MS_NAMES)
    elif start_us is None:
        start_us = end_us
    return start_us, end_us, naive


def _first_time(record: Mapping[str, Any], names: tuple[str, ...]) -> tuple[int | None, bool]:
    for name in names:
        value = record.get(name)
        if isinstance(value, str) and value:
            return time_field(value, name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _epoch(value, name), False
    return None, False


def _epoch(value: float, name: str) -> int:
    """Seconds, milliseconds, micro- or nanoseconds since 1970, told by their size."""
    if not math.isfinite(value) or value < 0:
        raise BadRecord("bad-time", f"{name} is not a time", value=value, expected="ISO 8601 or seconds since 1970")
    if value < 1e11:
        return round(value * 1_000_000)
    for most, per_second in ((1e14, 1_000), (1e17, 1_000_000)):
        if value < most:
            return epoch_field(round(value), name, per_second=per_second)
    return epoch_field(round(value), name, per_second=1_000_000_000)


def _http_date(text: str) -> int | None:
    try:
        return round(parsedate_to_datetime(text).timestamp()) * 1_000_000
    except (ValueError, OverflowError):
        return None


def _after(start_us: int | None, record: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """The time a logged number of milliseconds after the start."""
    for name in names:
        value = record.get(name)
        if start_us is not None and isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
            return start_us + round(value * _MS)
    return None


def refuse_time() -> BadRecord:
    """The fault of a record that says nowhere when it happened."""
    return BadRecord(
        "no-time",
        "The record does not say when the call was made",
        expected=f"one of {', '.join(START_NAMES[:5])} (ISO 8601 or seconds since 1970)",
        next_step="Log the start time beside each response.",
    )
