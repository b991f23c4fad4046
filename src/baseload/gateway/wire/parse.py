"""Heads and chunks of HTTP/1.1 from bytes, strictly: what two readers could read in two ways is refused.

No socket and no state but what a chunked body needs. A request is refused for: a line that does not end in CR LF, a
folded header, a space before a colon, a control character, both a length and a coding, two lengths, a length that is
not plain digits, any coding but one `chunked`, no Host or two, a target that is not a path. RFC 9112 lets a server be
kinder in some of these; the other reader may then be kinder in another way, which is how requests are smuggled.
"""

from __future__ import annotations

import re
from typing import Final

from baseload.gateway.exchange import Header

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_TEXT: Final = rb"[^\x00-\x08\x0a-\x1f\x7f]"
# Possessive (`++`): a header of 60,000 spaces costs one pass, not one for each of them.
_HEADER: Final = re.compile(rb"^(%b++):[ \t]*+(%b*+)\r\n" % (_TOKEN, _TEXT), re.MULTILINE)
_REQUEST: Final = re.compile(rb"(%b{1,32}) (/[\x21-\x7e]*) HTTP/1\.([01])\r\n" % _TOKEN)
_ANY_REQUEST: Final = re.compile(rb"%b{1,32} [\x21-\x7e]+ HTTP/([0-9])\.([0-9])\r\n" % _TOKEN)
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: %b*)?\r\n" % _TEXT)
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*+;%b*+)?\r\n" % _TEXT)
_LENGTH: Final = re.compile(rb"[0-9]{1,15}")
_MOST_CHUNK_LINE: Final = 1024

UNKNOWN: Final = -1
"""A length that only the end tells: chunked."""
TO_THE_END: Final = -2
"""An answer that ends when its connection does."""

HOP_BY_HOP: Final = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding", b"upgrade")
)
"""Of one connection only (RFC 9110, 7.6.1); what Connection names joins them. `Trailer` stays: trailers are kept."""
_FRAMING: Final = frozenset((b"connection", b"content-length", b"expect", b"host", b"transfer-encoding"))
_ANSWER_FRAMING: Final = HOP_BY_HOP | {b"content-length"}
_NEVER_NOMINATED: Final = frozenset((b"authorization", b"x-api-key", b"host", b"content-length", b"content-type"))
"""`Connection: authorization` would strip what belongs to the whole way (a known attack)."""


class Malformed(Exception):
    """The bytes are no message this wire takes. `status` is for the caller; the text quotes nothing that was sent."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class RequestHead:
    """One request's head. `length` is UNKNOWN where it comes in chunks."""

    __slots__ = ("closes", "expects", "headers", "length", "method", "nominated", "old", "target")

    def __init__(self, method: bytes, target: bytes, headers: tuple[Header, ...], *, old: bool) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.old = old  # HTTP/1.0: no chunks to it, and one request a connection
        self.length = 0
        self.closes = old
        self.expects = False
        self.nominated: frozenset[bytes] = frozenset()  # headers its Connection names


class AnswerHead:
    """One answer's head. `raw` is its status line and headers as they came, without the empty line."""

    __slots__ = ("clean", "closes", "headers", "idle_s", "length", "nominated", "old", "raw", "status")

    def __init__(self, status: int, headers: tuple[Header, ...], raw: bytes, *, old: bool) -> None:
        self.status = status
        self.headers = headers
        self.raw = raw
        self.old = old
        self.clean = not old  # nothing in `raw` belongs to one connection only
        self.length = TO_THE_END
        self.closes = old
        self.idle_s = 0.0  # how long the upstream says that it keeps the connection; 0 = it does not say
        self.nominated: frozenset[bytes] = frozenset()


def head_end(data: bytes, most_bytes: int) -> int:
    """Where the empty line of a head begins; -1 while it has not come. Raises Malformed."""
    end = data.find(b"\r\n\r\n")
    if end > most_bytes or (end < 0 and len(data) > most_bytes):
        raise Malformed(431, f"a head of more than {most_bytes} bytes")
    if end < 0 and (data.count(b"\n") != data.count(b"\r\n") or b"\0" in data):
        raise Malformed(400, "a line of the head does not end in CR LF")
    return end


def request_head(block: bytes, most_headers: int) -> RequestHead:
    """A request's head from its lines, CR LF of the last one included. Raises Malformed."""
    line = _REQUEST.match(block)
    if line is None:
        raise _no_request(block)
    method, target, minor = line.groups()
    head = RequestHead(method, target, _headers(block, line.end(), most_headers), old=minor == b"0")
    hosts, lengths, codings = 0, 0, 0
    for name, value in head.headers:
        name = name.lower()
        if name not in _FRAMING:
            continue
        if name == b"host":
            hosts += 1
        elif name == b"content-length":
            lengths += 1
            head.length = _length(value)
        elif name == b"connection":
            _connection(head, value)
        elif name == b"transfer-encoding":
            codings += 1
            _chunked(value)
            head.length = UNKNOWN
        else:
            head.expects = _expects(value)
    if lengths + codings > 1 or (codings and head.old):
        raise Malformed(400, "a body framed in two ways")
    if hosts != 1 and not (head.old and not hosts):
        raise Malformed(400, "expected one Host header")
    return head


def answer_head(block: bytes, most_headers: int) -> AnswerHead:
    """An answer's head from its lines, CR LF of the last one included. Raises Malformed.

    Whether a body follows is also a matter of what was asked: HEAD, 204 and 304 have none.
    """
    line = _STATUS.match(block)
    if line is None:
        raise Malformed(502, "no status line")
    minor, status = line.groups()
    head = AnswerHead(int(status), _headers(block, line.end(), most_headers), block, old=minor == b"0")
    lengths, codings = 0, 0
    for name, value in head.headers:
        name = name.lower()
        if name not in _ANSWER_FRAMING:
            continue
        if name == b"content-length":
            length = _length(value)
            if lengths and length == head.length:  # the same, said twice (RFC 9110, 8.6): passed on once
                head.headers = _said_once(head.headers)
                head.clean = False
                continue
            lengths += 1
            head.length = length
        elif name == b"transfer-encoding":
            codings += 1
            _chunked(value)
            head.length = UNKNOWN
        else:
            head.clean = False
            if name == b"connection":
                _connection(head, value)
            elif name == b"keep-alive":
                head.idle_s = _kept_s(value)
    if lengths + codings > 1:
        raise Malformed(502, "an answer framed in two ways")
    return head


def _headers(block: bytes, start: int, most: int) -> tuple[Header, ...]:
    """Each match begins a line and holds one line feed, so that as many matches as line feeds leave nothing out."""
    found: list[Header] = _HEADER.findall(block, start)
    if len(found) != block.count(b"\n", start):
        raise Malformed(400, "a header line that is none")
    if len(found) > most:
        raise Malformed(431, f"more than {most} headers")
    if b" \r\n" in block or b"\t\r\n" in block:
        found = [(name, value.rstrip(b" \t")) for name, value in found]
    return tuple(found)


def _said_once(headers: tuple[Header, ...]) -> tuple[Header, ...]:
    """The headers with the first of their lengths only."""
    first = next(place for place, (name, _) in enumerate(headers) if name.lower() == b"content-length")
    return tuple([one for place, one in enumerate(headers) if place == first or one[0].lower() != b"content-length"])


def _no_request(block: bytes) -> Malformed:
    line = _ANY_REQUEST.match(block)
    if line is None:
        return Malformed(400, "no request line")
    if line.group(1) != b"1":
        return Malformed(505, "expected HTTP/1.1")
    return Malformed(400, "expected a path as the request's target")


def _length(value: bytes) -> int:
    if not _LENGTH.fullmatch(value):
        raise Malformed(400, "Content-Length: expected plain digits")
    return int(value)


def _chunked(value: bytes) -> None:
    if value.lower() != b"chunked":
        raise Malformed(400, "Transfer-Encoding: expected chunked")


def _connection(head: RequestHead | AnswerHead, value: bytes) -> None:
    named = {one.strip(b" \t") for one in value.lower().split(b",")}
    if b"close" in named:
        head.closes = True
    named -= {b"close", b"keep-alive", b""}
    if named:
        head.nominated |= named - _NEVER_NOMINATED


def _expects(value: bytes) -> bool:
    if value.lower() != b"100-continue":
        raise Malformed(417, "Expect: expected 100-continue")
    return True


def _kept_s(value: bytes) -> float:
    """`timeout` of a Keep-Alive header."""
    for one in value.lower().split(b","):
        name, _, number = one.strip(b" \t").partition(b"=")
        if name == b"timeout" and _LENGTH.fullmatch(number):
            return float(int(number))
    return 0.0


class Chunks:
    """A chunked request body, decoded as it comes. Extensions and trailers are read over (RFC 9112, 7.1)."""

    __slots__ = ("_early", "_left", "_most_trailers", "_place")

    def __init__(self, most_trailer_bytes: int) -> None:
        self._early = b""  # a line of which the end has not come
        self._left = 0  # of the chunk that is being read
        self._place = "size"
        self._most_trailers = most_trailer_bytes

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """The body's bytes in `data`, and what follows the body: None until it is whole. Raises Malformed."""
        if self._early:
            data, self._early = self._early + data, b""
        found: list[bytes] = []
        at = 0
        while at < len(data):
            if self._place == "data":
                piece = data[at : at + self._left]
                found.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._place = "data" if self._left else "after"
                continue
            end = data.find(b"\n", at) + 1
            if not end:
                self._keep(data[at:])
                break
            line, at = data[at:end], end
            if self._place == "trailers":
                if line == b"\r\n":
                    return b"".join(found), data[at:]
                self._trailer(line)
            else:
                self._line(line)
        return b"".join(found), None

    def _keep(self, early: bytes) -> None:
        most = self._most_trailers if self._place == "trailers" else _MOST_CHUNK_LINE
        if len(early) > most:
            raise Malformed(400, "a chunk line without an end")
        self._early = early

    def _line(self, line: bytes) -> None:
        """A chunk's size, or the line end after its data."""
        if self._place == "after":
            if line != b"\r\n":
                raise Malformed(400, "a chunk longer than its size")
            self._place = "size"
            return
        size = _CHUNK.fullmatch(line)
        if size is None or len(line) > _MOST_CHUNK_LINE:
            raise Malformed(400, "a chunk without a size")
        self._left = int(size.group(1), 16)
        self._place = "data" if self._left else "trailers"

    def _trailer(self, line: bytes) -> None:
        self._most_trailers -= len(line)
        if self._most_trailers < 0:
            raise Malformed(431, "trailers of more bytes than a head may have")
        if not _HEADER.fullmatch(line):
            raise Malformed(400, "a trailer line that is none")
