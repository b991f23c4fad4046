"""One caller's connection: requests read one after the other, each answered before the next is looked at."""

from __future__ import annotations

import asyncio
import time
from enum import IntEnum
from typing import TYPE_CHECKING, Final, cast

from baseload.gateway.exchange import Answer, Forward, Inbound, Way
from baseload.gateway.wire.answer import CONTINUE, error_answer, own_head
from baseload.gateway.wire.parse import UNKNOWN, Chunks, Malformed, RequestHead, head_end, request_head
from baseload.gateway.wire.pipe import Pipe, faulty
from baseload.gateway.wire.reply import Exchange, Reply, Waiting

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from baseload.gateway.wire.server import Server

NEVER: Final = float("inf")
HELD_BYTES: Final = 16 * 1024
"""Of an answer that its caller does not take: with more, its upstream is read no further. Thousands may be so slow."""
_NO_REQUEST: Final = Inbound(b"", b"", (), b"", us=0)


class Place(IntEnum):
    """Where in a request the connection is."""

    HEAD = 0
    BODY = 1  # of a request that is read whole
    STREAM = 2  # of one that goes through as it comes
    BUSY = 3  # the request is read, its answer is under way
    LINGER = 4  # answered before the request was read: what still comes is read over
    GONE = 5


class Inlet(asyncio.Protocol):
    """A connection that came in."""

    __slots__ = (
        "_buffer", "_chunks", "_exchange", "_head", "_held", "_inbound", "_left", "_loop", "_parts", "_peer", "_place",
        "_reading", "_received", "_server", "_since", "_transport", "deadline",
    )  # fmt: skip

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._transport: asyncio.Transport
        self._peer = ""
        self._place = Place.HEAD
        self._buffer = b""  # of a head that is not whole, or of requests that came early
        self._head: RequestHead
        self._inbound = _NO_REQUEST
        self._parts: list[bytes] = []
        self._left = 0  # of a body with a length
        self._chunks: Chunks | None = None  # of one without
        self._received = 0  # of the body
        self._held = 0  # bytes of it that count towards what all requests hold
        self._since = 0.0  # when its head was read
        self._exchange: Exchange | None = None
        self._reading = True
        self.deadline = NEVER

    # --- from the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(HELD_BYTES)
        server = self._server
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        server.inlets.add(self)
        self.deadline = self._loop.time() + server.limits.head_s
        if len(server.inlets) > server.limits.connections:
            self._refuse(529, "Too many connections", retry_after_s=1)

    def data_received(self, data: bytes) -> None:
        place = self._place
        try:
            if place == Place.HEAD:
                self._read(self._buffer + data if self._buffer else data)
            elif place == Place.BODY or place == Place.STREAM:
                self._more(data)
            elif place == Place.BUSY:
                self._buffer += data
                if len(self._buffer) > self._server.limits.early_bytes:
                    self._pause_reading()
        except Malformed as error:
            self._refuse(error.status, error.why)

    def eof_received(self) -> bool:
        """A caller that ends its side has left, as most clients do when they give up: its exchange ends with it."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - its text may quote an address
        self._place = Place.GONE
        self._server.inlets.discard(self)
        exchange = self._exchange
        if exchange is not None:
            self._end_exchange()
            exchange.left("client")
        self._drop_body()

    def pause_writing(self) -> None:
        self.deadline = self._loop.time() + self._server.limits.write_s
        if self._exchange is not None:
            self._exchange.pause()

    def resume_writing(self) -> None:
        if self._place == Place.BUSY:
            self.deadline = NEVER
        if self._exchange is not None:
            self._exchange.resume()

    # --- reading

    def _read(self, data: bytes) -> None:
        """A head, with what follows it. Raises Malformed."""
        while data.startswith(b"\r\n"):  # an empty line before a request is read over (RFC 9112, 2.2)
            data = data[2:]
        limits = self._server.limits
        end = head_end(data, limits.head_bytes)
        if end < 0:
            if data and not self._buffer:
                self.deadline = self._loop.time() + limits.head_s
            self._buffer = data
            return
        self._buffer = b""
        head = self._head = request_head(data[: end + 2], limits.headers)
        server = self._server
        if server.draining:
            head.closes = True
        if server.exchanges >= limits.exchanges:
            self._refuse(529, "Too many open requests", retry_after_s=1)
            return
        inbound = self._inbound = Inbound(
            head.method,
            head.target,
            head.headers,
            b"",
            us=server.clock() // 1000,
            at_ns=time.monotonic_ns(),
            peer=self._peer,
        )
        rest = data[end + 4 :]
        length = head.length
        if length == 0:
            self._buffer = rest
            self._enter()
        elif not self._reads_body(head):
            self._begin_stream(rest)
        elif length > limits.body_bytes:
            self._refuse(413, f"The request has more than {limits.body_bytes} bytes")
        elif 0 < length <= len(rest):
            inbound.body = rest if len(rest) == length else rest[:length]
            self._hold_bytes(length)
            self._buffer = rest[length:]
            self._enter()
        else:
            self._begin_body(rest)

    def _reads_body(self, head: RequestHead) -> bool:
        try:
            return self._server.door.reads_body(head.method, head.target, head.headers)
        except Exception as error:  # noqa: BLE001 - what we cannot look at goes through
            faulty("reads_body", error)
            return False

    def _begin_upload(self, place: Place, rest: bytes) -> None:
        self._place = place
        head = self._head
        self._left = head.length
        self._chunks = Chunks(self._server.limits.head_bytes) if head.length == UNKNOWN else None
        self._received = 0
        self._since = self._loop.time()
        self.deadline = self._since + self._server.limits.body_s
        if head.expects and not rest:
            self._transport.write(CONTINUE)

    def _begin_body(self, rest: bytes) -> None:
        self._begin_upload(Place.BODY, rest)
        if rest:
            self._more(rest)

    def _begin_stream(self, rest: bytes) -> None:
        if self._head.length > self._server.limits.streamed_bytes:
            self._refuse(413, f"The request has more than {self._server.limits.streamed_bytes} bytes")
            return
        self._inbound.streamed = True
        self._begin_upload(Place.STREAM, rest)
        self._enter()
        if rest and self._place == Place.STREAM:
            self._more(rest)

    def _more(self, data: bytes) -> None:
        """More of a body. Raises Malformed."""
        self.deadline = self._loop.time() + self._server.limits.body_s
        piece, after = self._decoded(data)
        self._received += len(piece)
        if self._place == Place.STREAM:
            self._stream(piece, after)
            return
        limits = self._server.limits
        if self._received > limits.body_bytes:
            raise Malformed(413, f"The request has more than {limits.body_bytes} bytes")
        self._hold_bytes(len(piece))
        if self._server.held_bytes > limits.held_bytes:
            self._refuse(529, "Too many bytes of open requests", retry_after_s=1)
            return
        self._parts.append(piece)
        if after is not None:
            self._inbound.body = b"".join(self._parts)
            self._parts.clear()
            self._buffer = after
            self._enter()

    def _stream(self, piece: bytes, after: bytes | None) -> None:
        if self._received > self._server.limits.streamed_bytes:
            raise Malformed(413, f"The request has more than {self._server.limits.streamed_bytes} bytes")
        if after is not None:
            self._place = Place.BUSY
            self.deadline = NEVER
            self._buffer = after
        if self._exchange is not None:
            self._exchange.feed(piece, last=after is not None)

    def _decoded(self, data: bytes) -> tuple[bytes, bytes | None]:
        """The body's part of `data`, and what follows the body once it is whole."""
        if self._chunks is not None:
            return self._chunks.feed(data)
        if len(data) < self._left:
            self._left -= len(data)
            return data, None
        left, self._left = self._left, 0
        return data[:left], data[left:]

    # --- answering

    def _enter(self) -> None:
        if self._place != Place.STREAM:
            self._place = Place.BUSY
            self.deadline = NEVER
        self._server.exchanges += 1
        self._server.requests += 1
        way: Way | Awaitable[Way]
        try:
            way = self._server.door.enter(self._inbound)
        except Exception as error:  # noqa: BLE001 - the original request goes on instead
            faulty("enter", error)
            way = self._untouched()
        if isinstance(way, Forward):
            pipe = Pipe(self, self._server.client, self._head, self._inbound, way)
            self._exchange = pipe
            pipe.start()
        elif isinstance(way, Answer):
            self._answer(way)
        else:
            self._exchange = Waiting(self, way, self._go)

    def _untouched(self) -> Way:
        """The original request; an error of ours where even that cannot be had."""
        try:
            return self._server.door.untouched(self._inbound)
        except Exception as error:  # noqa: BLE001 - nobody else could answer this caller
            faulty("untouched", error)
            return error_answer(500, "The gateway could not pass this request on", self._server.request_id())

    def _go(self, way: Way | None, early: bytes, fed: bool) -> None:
        """The way of a request that waited for it, with what came of its body meanwhile."""
        found = self._untouched() if way is None else way
        if isinstance(found, Answer):
            self._answer(found)
            return
        pipe = Pipe(self, self._server.client, self._head, self._inbound, found)
        self._exchange = pipe
        if self._inbound.streamed and (early or fed):
            pipe.feed(early, last=fed)
        pipe.start()

    def _answer(self, answer: Answer) -> None:
        """An answer of our own."""
        head = self._head
        head.closes |= self._place == Place.STREAM
        if answer.events is None or head.method == b"HEAD":
            out = own_head(answer, length=len(answer.body), chunked=False, close=head.closes)
            self._transport.write(out if head.method == b"HEAD" else out + answer.body)
            self.finished(keep=not head.closes)
            return
        chunked = not head.old
        self._transport.write(own_head(answer, length=None, chunked=chunked, close=head.closes))
        self._exchange = Reply(self, answer.events, chunked=chunked, keep=not head.closes)

    def _refuse(self, status: int, message: str, *, retry_after_s: int | None = None) -> None:
        """An error of ours, and the end of the connection: what would follow cannot be trusted, or is too much."""
        exchange = self._exchange
        if exchange is not None:  # a streaming body broke its framing: too late for an answer
            self._end_exchange()
            exchange.left("client")
            self._drop_body()
            self._place = Place.GONE
            self._transport.abort()
            return
        self._drop_body()
        answer = error_answer(status, message, self._server.request_id(), retry_after_s=retry_after_s)
        self._transport.write(own_head(answer, length=len(answer.body), chunked=False, close=True) + answer.body)
        self._linger()

    def _linger(self) -> None:
        """A connection closed on unread bytes is reset, and the answer lost with it: read on for a moment."""
        self._place = Place.LINGER
        self._buffer = b""
        self.deadline = self._loop.time() + self._server.limits.linger_s
        self._resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _end_exchange(self) -> None:
        self._exchange = None
        self._inbound = _NO_REQUEST  # an idle connection keeps no prompt
        if self._held:
            self._drop_body()
        self._server.exchanges -= 1

    def _hold_bytes(self, count: int) -> None:
        self._held += count
        self._server.held_bytes += count

    def _drop_body(self) -> None:
        self._server.held_bytes -= self._held
        self._held = 0
        self._parts.clear()

    # --- for its exchange

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def finished(self, *, keep: bool) -> None:
        self._end_exchange()
        if self._place == Place.STREAM:
            self._linger()
        elif not keep or self._server.draining:
            self._place = Place.LINGER
            self.deadline = self._loop.time() + self._server.limits.write_s
            self._transport.close()
        else:
            self._place = Place.HEAD
            self.deadline = self._loop.time() + self._server.limits.idle_s
            if self._buffer:
                self._loop.call_soon(self._next)
            self._resume_reading()

    def _next(self) -> None:
        """The request that came early."""
        if self._place == Place.HEAD and self._buffer:
            data, self._buffer = self._buffer, b""
            self.data_received(data)

    def refuse(self, status: int, message: str) -> None:
        self._answer(error_answer(status, message, self._server.request_id()))

    def cut(self) -> None:
        self._end_exchange()
        self._place = Place.LINGER
        self.deadline = self._loop.time() + self._server.limits.linger_s
        if self._head.old:
            self._transport.abort()
        else:
            self._transport.close()

    def hold(self) -> None:
        self._pause_reading()

    def go_on(self) -> None:
        if self._place == Place.STREAM:
            self.deadline = self._loop.time() + self._server.limits.body_s
        self._resume_reading()

    def _pause_reading(self) -> None:
        if self._reading and not self._transport.is_closing():
            self._reading = False
            if self._place == Place.STREAM:
                self.deadline = NEVER
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()

    # --- for its server

    def too_slow(self, now: float) -> bool:
        """An upload below the least rate, counted from its head; one that we hold back is not asked for it."""
        if self._place != Place.BODY:
            return False
        limits = self._server.limits
        taken = now - self._since
        return taken > limits.body_s and self._received < limits.body_rate * (taken - limits.body_s)

    def expired(self) -> None:
        """A deadline has passed."""
        if self._place == Place.BODY or (self._place == Place.HEAD and self._buffer):
            self._refuse(408, "The request did not come in time")
        elif self._place == Place.HEAD:
            self._place = Place.LINGER
            self.deadline = self._loop.time() + self._server.limits.linger_s
            self._transport.close()
        else:
            self.deadline = NEVER
            self._transport.abort()

    def drain(self) -> None:
        """Close now where idle, else after the exchange that is under way, whose head says so."""
        if self._place == Place.HEAD and not self._buffer:
            self._place = Place.LINGER
            self._transport.close()
        elif self._exchange is not None:
            self._head.closes = True

    def stop(self) -> None:
        """End now; an open exchange is told that it was us."""
        exchange = self._exchange
        if exchange is not None:
            self._end_exchange()
            exchange.left("gateway")
        self._place = Place.GONE
        self._transport.abort()
