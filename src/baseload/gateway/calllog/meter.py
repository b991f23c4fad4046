"""What an answer used, seen as it passes: nothing is held back, and at most one line of a stream is kept.

In a stream only the lines of `message_start`, `message_delta` and errors are read. They are found by the quoted name:
inside the text of an answer a quote is escaped, so the name with both its quotes is never there.
"""

from __future__ import annotations

import re
import zlib
from typing import Any, Final

import msgspec

from baseload.gateway.calllog.usage_merge import FELL, fell, merged

MOST_KEPT_BYTES: Final = 8 * 1024 * 1024
"""Of one line of a stream, or of an answer that is none. The longest are a few megabytes; beyond it, not metered."""
MOST_INFLATED_BYTES: Final = 256 * 1024 * 1024
_INFLATED_AT_ONCE: Final = 1024 * 1024
_KEYWORD: Final = re.compile(rb'"(?:message_start|message_delta|error)"')
_ERROR_TYPE: Final = re.compile(r"[a-z_]{1,60}")
_GZIP_WINDOW: Final = 31
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


class Metered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was seen of an answer. `usage` None = nothing: not metered. `settled`: the final usage was among it."""

    usage: dict[str, Any] | None = None
    settled: bool = False
    message_id: str = ""
    model: str = ""
    stop_reason: str = ""
    error: str = ""  # type of the error, "" = none
    flags: tuple[str, ...] = ()


class _Error(msgspec.Struct):
    type: str = ""


class _Delta(msgspec.Struct):
    stop_reason: str | None = None


class _Message(msgspec.Struct):
    id: str = ""
    model: str = ""
    stop_reason: str | None = None
    usage: dict[str, Any] | None = None


class _Event(msgspec.Struct):
    """A stream's event, or the body of an answer that is none: what is asked of either."""

    type: str = ""
    message: _Message | None = None
    delta: _Delta | None = None
    usage: dict[str, Any] | None = None
    error: _Error | None = None
    id: str = ""
    model: str = ""
    stop_reason: str | None = None


_decode: Final = msgspec.json.Decoder(_Event).decode


class Meter:
    """Give it an answer's bytes as they pass, then ask for `metered`. Never raises, whatever they are."""

    __slots__ = ("_error", "_fell", "_final", "_flags", "_id", "_inflate", "_inflated_bytes", "_is_stream", "_kept",
                 "_lost", "_model", "_pieces", "_plain", "_stop", "_usage")  # fmt: skip

    def __init__(self, content_type: bytes = b"application/json", encoding: bytes = b"") -> None:
        coding = encoding.strip().lower()
        self._is_stream = content_type.lstrip()[:17].lower() == b"text/event-stream"
        self._plain = self._is_stream and coding in (b"", b"identity")
        self._pieces: list[bytes] = []  # of a stream: a line not ended yet; else the body
        self._kept = 0  # bytes of them
        self._inflate: Any = zlib.decompressobj(wbits=_GZIP_WINDOW) if coding in (b"gzip", b"x-gzip") else None
        self._inflated_bytes = 0
        self._lost = coding not in (b"", b"identity", b"gzip", b"x-gzip")  # nothing more is looked at
        self._flags: list[str] = ["encoded"] if self._lost else []
        self._usage: dict[str, Any] | None = None
        self._final = self._fell = False
        self._id = self._model = self._stop = self._error = ""

    def data(self, chunk: bytes) -> None:
        """Bytes of the answer, without chunk framing, in order."""
        if self._plain:
            if not self._pieces and chunk[-1:] == b"\n":  # whole lines: nearly always
                if b'"message_' in chunk or b'"error"' in chunk:
                    self._lines(chunk)
            else:
                self._text(chunk)
        elif self._lost:
            return
        elif self._inflate is None:
            self._keep(chunk)
        else:
            self._gzip(chunk)

    def metered(self) -> Metered:
        """What was seen until now: at the end of the answer, or when it broke off."""
        pieces, self._pieces, self._kept = self._pieces, [], 0
        rest = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self._is_stream:
            self._lines(rest)
        elif rest:
            self._take(rest)
        return Metered(
            usage=self._usage,
            settled=self._final,
            message_id=self._id,
            model=self._model,
            stop_reason=self._stop,
            error=self._error,
            flags=(*self._flags, FELL) if self._fell else tuple(self._flags),
        )

    # inside

    def _text(self, chunk: bytes) -> None:
        """Part of a body, or of a stream cut within a line: long ones come in many pieces and are joined once."""
        end = chunk.rfind(b"\n") + 1 if self._is_stream else 0
        if end:
            self._lines(b"".join((*self._pieces, chunk[:end])))
            self._pieces, self._kept = [], 0
            chunk = chunk[end:]
        if chunk:
            self._keep(chunk)

    def _keep(self, chunk: bytes) -> None:
        self._pieces.append(chunk)
        self._kept += len(chunk)
        if self._kept > MOST_KEPT_BYTES:
            self._give_up("too_long")

    def _gzip(self, chunk: bytes) -> None:
        try:
            while chunk and not self._lost:
                text = self._inflate.decompress(chunk, _INFLATED_AT_ONCE)
                self._inflated_bytes += len(text)
                if text:
                    self._text(text)
                if self._inflated_bytes > MOST_INFLATED_BYTES:
                    self._give_up("too_long")
                chunk = self._inflate.unconsumed_tail or self._inflate.unused_data
                if self._inflate.eof:
                    self._inflate = zlib.decompressobj(wbits=_GZIP_WINDOW)
        except zlib.error:
            self._give_up("encoded")

    def _give_up(self, flag: str) -> None:
        """Look at nothing more. What was seen stays; the flag says why the rest is missing."""
        self._flags.append(flag)
        self._pieces, self._kept = [], 0
        self._lost, self._plain = True, False

    def _lines(self, lines: bytes) -> None:
        """The events that matter among whole lines."""
        place = 0
        while found := _KEYWORD.search(lines, place):
            start = lines.rfind(b"\n", 0, found.start()) + 1
            end = lines.find(b"\n", found.end())
            place = len(lines) if end < 0 else end
            if lines.startswith(b"data:", start):
                self._take(lines[start + 5 : place])

    def _take(self, text: bytes) -> None:
        """One event, or the whole body."""
        try:
            event = _decode(text)
        except _UNREADABLE:
            self._flags.append("unreadable")
            return
        if event.type == "message_start" and event.message is not None:
            self._begin(event.message)
        elif event.type == "message_delta":
            self._stop = (event.delta.stop_reason if event.delta else None) or self._stop
            if event.usage is not None:
                before = self._usage or {}
                self._fell = self._fell or fell(before, event.usage)
                self._usage = merged(before, event.usage)
                self._final = True
        elif event.type == "error":
            self._error = event.error.type if event.error and _ERROR_TYPE.fullmatch(event.error.type) else "error"
        elif not self._is_stream:
            self._begin(event)
            self._final = event.usage is not None

    def _begin(self, message: _Message | _Event) -> None:
        self._usage = message.usage
        self._id, self._model, self._stop = message.id[:200], message.model[:200], message.stop_reason or ""
