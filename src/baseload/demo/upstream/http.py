"""HTTP/1.1 as far as a loopback server needs it: keep-alive, Content-Length, chunked both ways, strict framing."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

MOST_HEAD_BYTES: Final = 64 * 1024
MOST_BODY_BYTES: Final = 256 * 1024 * 1024
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_PHRASES: Final = {int(status): status.phrase for status in HTTPStatus}

Headers = tuple[tuple[str, str], ...]


class BadRequest(Exception):
    """The bytes are no request this server takes; the connection ends after the answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Request(NamedTuple):
    """One request as it came: header names keep their spelling, the body is decoded of its chunks."""

    method: str
    target: str
    version: str
    headers: Headers
    body: bytes

    def header(self, name: str) -> str:
        """The first of that name, whatever its case; "" for none."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def keeps_alive(self) -> bool:
        asked = self.header("connection").lower()
        return asked == "keep-alive" if self.version == "HTTP/1.0" else asked != "close"


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request; None where the client is gone. Raises BadRequest."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise BadRequest(400, "the request broke off") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest(431, f"headers of more than {MOST_HEAD_BYTES} bytes") from error
    method, target, version, headers = _parsed(head)
    bare = Request(method, target, version, headers, b"")
    if bare.header("expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return bare._replace(body=await _body(reader, headers))


def _parsed(head: bytes) -> tuple[str, str, str, Headers]:
    lines = head.decode("latin-1").split("\r\n")[:-2]
    parts = lines[0].split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0") or not parts[1].startswith("/"):
        raise BadRequest(400, "no request line")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or not set(name) <= _TOKEN or "\n" in value:
            raise BadRequest(400, "no header line")
        headers.append((name, value.strip(" \t")))
    return parts[0], parts[1], parts[2], tuple(headers)


async def _body(reader: asyncio.StreamReader, headers: Headers) -> bytes:
    lengths = {value for name, value in headers if name.lower() == "content-length"}
    codings = [value.lower() for name, value in headers if name.lower() == "transfer-encoding"]
    if codings and (lengths or codings != ["chunked"]):
        raise BadRequest(400, "ambiguous framing")
    try:
        if codings:
            return await _chunks(reader)
        if not lengths:
            return b""
        if len(lengths) > 1 or not (length := lengths.pop()).isascii() or not length.isdigit():
            raise BadRequest(400, "ambiguous framing")
        if int(length) > MOST_BODY_BYTES:
            raise BadRequest(413, f"more than {MOST_BODY_BYTES} bytes")
        return await reader.readexactly(int(length))
    except asyncio.IncompleteReadError as error:
        raise BadRequest(400, "the body broke off") from error


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    found = bytearray()
    while True:
        size_text = (await reader.readuntil(b"\r\n"))[:-2].split(b";")[0].strip()
        try:
            size = int(size_text, 16) if size_text.isalnum() else -1
        except ValueError:
            size = -1
        if size < 0:
            raise BadRequest(400, "no chunk size")
        if len(found) + size > MOST_BODY_BYTES:
            raise BadRequest(413, f"more than {MOST_BODY_BYTES} bytes")
        if size == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":  # trailers
                pass
            return bytes(found)
        found += await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n":
            raise BadRequest(400, "a chunk without an end")


def head_bytes(status: int, headers: Headers) -> bytes:
    """Status line and headers, ready to write."""
    lines = [
        f"HTTP/1.1 {status} {_PHRASES.get(status, 'Overloaded')}",
        *(f"{name}: {value}" for name, value in headers),
        "",
        "",
    ]
    return "\r\n".join(lines).encode("latin-1")


def chunk_bytes(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST_CHUNK: Final = b"0\r\n\r\n"
