"""What we answer ourselves, in the API's own shapes, and the lines every message begins with."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import msgspec

from baseload.gateway.exchange import Answer, Header
from baseload.gateway.wire.parse import HOP_BY_HOP, UNKNOWN, AnswerHead

TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""The API's error types by status (anthropic-facts 5.3); another 4xx is an invalid request, another 5xx api_error."""
_PHRASES: Final = {int(status): status.phrase.encode() for status in HTTPStatus} | {529: b"Overloaded"}
_CHUNKED: Final = b"transfer-encoding: chunked\r\n"
_CLOSE: Final = b"connection: close\r\n"
_UNSAFE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_OUR_NAMES: Final = b"x-baseload-"
LAST_CHUNK: Final = b"0\r\n\r\n"
NONE: Final[frozenset[bytes]] = frozenset()
OURS: Final = HOP_BY_HOP | {b"content-length"}
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
log = logging.getLogger("baseload.gateway.refused")


def error_type(status: int) -> str:
    return TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")


def error_body(status: int, message: str, request_id: str = "") -> bytes:
    """The API's error object as JSON."""
    error = {"type": error_type(status), "message": message}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id or None})


def new_request_id() -> str:
    """The id of an answer of our own: random, since nothing was sent that could have one."""
    return "req_baseload_" + secrets.token_hex(12)


def error_answer(status: int, message: str, request_id: str = "", *, retry_after_s: int | None = None) -> Answer:
    """An error of our own, whole, with an id that its log line has too: "" = a new one.

    `message` must hold nothing of what was sent.
    """
    request_id = request_id or new_request_id()
    log.info("refused with %d: %s", status, message, extra={"request_id": request_id, "status": status})
    headers: list[Header] = [(b"content-type", b"application/json"), (b"request-id", request_id.encode("ascii"))]
    if retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % retry_after_s))
    return Answer(status, tuple(headers), error_body(status, message, request_id))


def error_event(message: str, tail: bytes, *, kind: str = "api_error") -> bytes:
    """An error after a stream's first byte; `tail` are the last bytes of the stream so far.

    Where they break off inside a line, the line is ended first. An event that broke off inside its lines *becomes* the
    error (its name is the last one given), since no byte that was sent can be taken back.
    """
    gap = b"" if not tail or tail.endswith((b"\n", b"\r")) else b"\n"
    body = msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}})
    return b"%bevent: error\ndata: %b\n\n" % (gap, body)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def last_chunk(trailers: Iterable[Header]) -> bytes:
    """The end of a chunked body. Trailers that would frame or route are left out (RFC 9110, 6.5.1)."""
    kept = [
        b"%b: %b\r\n" % (name, value)
        for name, value in trailers
        if name.lower() not in HOP_BY_HOP and name.lower() not in (b"content-length", b"host", b"trailer")
    ]
    return b"0\r\n%b\r\n" % b"".join(kept)


def lines(headers: Iterable[Header], leave_out: frozenset[bytes]) -> list[bytes]:
    """Header lines in pieces to be joined, but for the names in `leave_out`."""
    found: list[bytes] = []
    for name, value in headers:
        if name.lower() not in leave_out:
            found += (name, b": ", value, b"\r\n")
    return found


def safe(headers: tuple[Header, ...]) -> tuple[Header, ...]:
    """The headers no part of which could be read as another: what we add may come out of a request's body."""
    return tuple(one for one in headers if one[0] and not _UNSAFE.search(one[0]) and not _UNSAFE.search(one[1]))


def passed_head(head: AnswerHead, added: tuple[Header, ...], *, chunked: bool, close: bool) -> bytes:
    """An upstream's head as it goes to the caller: as it came, but for what belongs to one connection."""
    theirs = _ours_in(head) if added else NONE
    if head.clean and chunked == (head.length == UNKNOWN) and not theirs:
        start = head.raw
    else:
        status = b"HTTP/1.1" + head.raw[8 : head.raw.index(b"\n") + 1]
        start = b"".join(
            (status, *lines(head.headers, HOP_BY_HOP | head.nominated | theirs), _CHUNKED if chunked else b"")
        )
    if not added and not close:
        return start + b"\r\n"
    return b"%b%b%b\r\n" % (start, _lines_of(added), _CLOSE if close else b"")


def _ours_in(head: AnswerHead) -> frozenset[bytes]:
    """Names of ours that an upstream sent, such as another gateway: beside our own nobody could tell them apart."""
    if _OUR_NAMES not in head.raw.lower():
        return NONE
    return frozenset(name.lower() for name, _ in head.headers if name.lower().startswith(_OUR_NAMES))


@lru_cache(maxsize=1024)  # few models and reasons
def _lines_of(added: tuple[Header, ...]) -> bytes:
    return b"".join(lines(safe(added), NONE))


def own_head(answer: Answer, *, length: int | None, chunked: bool, close: bool) -> bytes:
    """The head of an answer of our own; without a length it comes in chunks or to the connection's end."""
    phrase = _PHRASES.get(answer.status, b"")
    framing = _CHUNKED if chunked else b"" if length is None else b"content-length: %d\r\n" % length
    start = b"HTTP/1.1 %d %b\r\n" % (answer.status, phrase)
    return b"".join((start, *lines(safe(answer.headers), OURS), framing, _CLOSE if close else b"", b"\r\n"))
