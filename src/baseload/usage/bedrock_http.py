"""Recorded bedrock-runtime HTTP calls (method, uri, status, headers, bodies) as the log record each would have given.

Event-stream bodies are binary frames: 12 bytes prelude (total length, header length, checksum), headers, payload,
checksum, all big-endian (AWS event stream encoding).
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import unquote

from baseload.usage.fields import BadRecord, decode_json, optional_object, text_of

_URI: Final = re.compile(r"bedrock-runtime\.([a-z0-9-]+)\.amazonaws\.com/model/([^/?]+)/([a-z-]+)")
_OPERATIONS: Final = {
    "invoke": "InvokeModel",
    "invoke-with-response-stream": "InvokeModelWithResponseStream",
    "converse": "Converse",
    "converse-stream": "ConverseStream",
}
_PRELUDE: Final = struct.Struct(">II")
_CHECKSUM_BYTES: Final = 4
_HEADER_START: Final = 12


def is_recording(row: Mapping[str, Any]) -> bool:
    """True for one recorded HTTP call to bedrock-runtime."""
    return "response" in row and _URI.search(text_of(row, "uri")) is not None


def log_record(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The invocation-log record of a recorded call: same names, same counts. Raises BadRecord."""
    found = _URI.search(text_of(row, "uri"))
    if found is None:
        raise BadRecord("not-bedrock", "The uri is not a bedrock-runtime call", expected="…/model/ID/invoke")
    headers = {key.lower(): value for key, value in optional_object(row, "response_headers").items()}
    status = row.get("status")
    failed = isinstance(status, int) and status >= 400
    region, model, operation = found[1], unquote(found[2]), found[3]
    return {
        "timestamp": _http_date(headers.get("date")),
        "requestId": headers.get("x-amzn-requestid"),
        "operation": _OPERATIONS.get(operation, operation),
        "modelId": model,
        "region": region,
        "status": status,
        **({"errorCode": str(status)} if failed else {}),
        "input": {"inputBodyJson": row.get("request"), **_count(headers, "input")},
        "output": {"outputBodyJson": _body(row.get("response")), **_count(headers, "output")},
    }


def _count(headers: Mapping[str, Any], side: str) -> dict[str, int]:
    value = headers.get(f"x-amzn-bedrock-{side}-token-count")
    return {f"{side}TokenCount": int(value)} if isinstance(value, str) and value.isdecimal() else {}


def _http_date(value: object) -> str:
    try:
        return parsedate_to_datetime(value).isoformat() if isinstance(value, str) else ""
    except (ValueError, IndexError):
        raise BadRecord("bad-time", "The date header is not a time", value=value, expected="an HTTP date") from None


def _body(response: object) -> object:
    if not isinstance(response, Mapping) or not isinstance(response.get("base64"), str):
        return response
    try:
        data = base64.b64decode(response["base64"], validate=True)
    except binascii.Error:
        raise BadRecord("bad-base64", "The response is not base64", expected="base64 text") from None
    return [_event(name, payload) for name, payload in _frames(data)]


def _event(name: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """An invoke chunk holds its event in base64; a Converse event is named by the frame's header."""
    inner = payload.get("bytes")
    if isinstance(inner, str):
        try:
            event = decode_json(base64.b64decode(inner))
        except binascii.Error:
            raise BadRecord("bad-base64", "A stream chunk is not base64", expected="base64 text") from None
        return event if isinstance(event, Mapping) else {}
    return {name: payload}


def _frames(data: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Event type and JSON payload of each whole frame; a torn last frame ends the stream."""
    start = 0
    while start + _HEADER_START <= len(data):
        total, headers = _PRELUDE.unpack_from(data, start)
        end = start + total
        if total < _HEADER_START + headers + _CHECKSUM_BYTES or end > len(data):
            return
        payload = data[start + _HEADER_START + headers : end - _CHECKSUM_BYTES]
        value = decode_json(payload) if payload else {}
        if isinstance(value, Mapping):
            yield _event_type(data[start + _HEADER_START : start + _HEADER_START + headers]), value
        start = end


def _event_type(headers: bytes) -> str:
    """Value of the `:event-type` header: name length, name, type 7 (text), two bytes length, value."""
    name = b"\x0b:event-type\x07"
    at = headers.find(name)
    if at < 0:
        return ""
    size = int.from_bytes(headers[at + len(name) : at + len(name) + 2], "big")
    return headers[at + len(name) + 2 : at + len(name) + 2 + size].decode("utf-8", "replace")
