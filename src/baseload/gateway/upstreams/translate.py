"""Other backends' answers in the API's own words: errors of any shape, and the head around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from baseload.gateway.exchange import Header
from baseload.gateway.wire.answer import error_body

MOST_ERROR_BYTES: Final = 64 * 1024
_REFRAMED: Final = frozenset((b"content-length", b"content-type", b"content-encoding"))
JSON: Final = b"application/json"


class _Error(msgspec.Struct):
    message: str = ""
    Message: str = ""


class _Body(msgspec.Struct):
    """Amazon says `{"message": …}`, Google `{"error": {"code": …, "message": …, "status": …}}`, or a list of one."""

    type: str = ""
    message: str = ""
    Message: str = ""
    error: _Error | None = None


_body = msgspec.json.Decoder(_Body | list[_Body]).decode


class ErrorText:
    """An error's body, collected until it is whole and then said as the API says it."""

    __slots__ = ("_pieces", "_request_id", "_size", "_status")

    def __init__(self, status: int, request_id: str) -> None:
        self._status = status
        self._request_id = request_id
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes, done: bool) -> bytes:
        if self._size <= MOST_ERROR_BYTES:
            self._pieces.append(chunk)
            self._size += len(chunk)
        return as_error(self._status, b"".join(self._pieces), self._request_id) if done else b""


def as_error(status: int, body: bytes, request_id: str) -> bytes:
    """The error as the API would put it; one that is in its words already stays as it is."""
    try:
        found = _body(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return error_body(status, "The upstream answered with an error that cannot be read.", request_id)
    if isinstance(found, list):
        found = found[0] if found else _Body()
    if found.type == "error" and found.error is not None:
        return body
    inner = found.error or _Error()
    said = found.message or found.Message or inner.message or inner.Message
    return error_body(status, said[:2_000] or "The upstream answered with an error and no message.", request_id)


class Passing:
    """An answer whose body stays as it is."""

    __slots__ = ()

    def feed(self, chunk: bytes, done: bool) -> bytes:  # noqa: ARG002 - nothing is kept back
        return chunk


def reheaded(headers: tuple[Header, ...], content_type: bytes, request_id: str) -> tuple[Header, ...]:
    """The headers around a body that was made anew, with the request's id where the API has it."""
    kept = [(name, value) for name, value in headers if name.lower() not in _REFRAMED]
    kept.append((b"content-type", content_type))
    if request_id:
        kept.append((b"request-id", request_id.encode("latin-1", "replace")))
    return tuple(kept)


def value_of(headers: tuple[Header, ...], name: bytes) -> str:
    return next((value.decode("latin-1") for given, value in headers if given.lower() == name), "")


Feed = Callable[[bytes, bool], bytes]
