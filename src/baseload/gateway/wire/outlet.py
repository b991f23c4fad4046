"""One connection to an upstream: requests out, answers in, and whether it can be used again."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast

from baseload.gateway.exchange import Header, Origin
from baseload.gateway.wire.dechunk import Dechunker
from baseload.gateway.wire.parse import TO_THE_END, UNKNOWN, AnswerHead, Malformed, answer_head, head_end

if sys.platform == "linux":
    import fcntl
    import struct
    import termios

if TYPE_CHECKING:
    from baseload.gateway.wire.client import Client

Lost = Literal["reset", "timeout", "malformed", "stale"]
"""Why an answer did not come, or not whole. "stale": the connection had been closed before the request reached it."""
NEVER: Final = float("inf")
_SAFE: Final = frozenset((b"GET", b"HEAD", b"OPTIONS"))
log = logging.getLogger("baseload.gateway.wire")


class User(Protocol):
    """Who has a request on the connection."""

    def connected(self, outlet: Outlet) -> bool:
        """A connection asked for; False where nobody wants it any more."""

    def unreachable(self) -> None:
        """No connection: no such name, refused, no TLS, or too late."""

    def interim(self, head: AnswerHead) -> None:
        """A 1xx before the answer."""

    def head(self, head: AnswerHead, piece: bytes, done: bool) -> None:
        """The answer's head, with the first of its body."""

    def data(self, piece: bytes, done: bool) -> None:
        """More of its body. When `done`, the connection is no longer the user's."""

    def lost(self, why: Lost) -> None:
        """No more will come; the connection is no longer the user's."""

    def hold(self) -> None:
        """The upstream takes no more of the request for now."""

    def go_on(self) -> None:
        """It does again."""


class Outlet(asyncio.Protocol):
    """One upstream connection. Its user is told of an answer in order; between two users it rests in its client."""

    __slots__ = (
        "_buffer",
        "_chunks",
        "_client",
        "_closes",
        "_garbled",
        "_got",
        "_idle_s",
        "_left",
        "_loop",
        "_method",
        "_reading",
        "_sent",
        "_timeout_s",
        "_transport",
        "_used",
        "_user",
        "deadline",
        "origin",
        "usable",
        "whole",
    )  # fmt: skip

    def __init__(self, client: Client, origin: Origin, loop: asyncio.AbstractEventLoop) -> None:
        self.origin = origin
        self.usable = False  # for the next request
        self.whole = True  # the request has gone out to its last byte
        self.deadline = NEVER
        self._client = client
        self._loop = loop
        self._transport: asyncio.Transport
        self._user: User | None = None
        self._buffer = b""
        self._chunks: Dechunker | None = None
        self._method = b""
        self._left = 0  # of the answer's body; UNKNOWN and TO_THE_END as in its head
        self._got = False  # the answer's head
        self._closes = False
        self._garbled = False  # bytes came that are no chunk, after some that were
        self._idle_s = client.limits.upstream_idle_s
        self._timeout_s = 0.0
        self._reading = True
        self._used = False  # by a request before this one
        self._sent = 0  # bytes of the request

    # --- for the user

    def begin(self, user: User, method: bytes, head: bytes, body: bytes, timeout_s: float) -> None:
        """Send a request. `timeout_s` is without a byte of the answer; where more of it follows, `whole` is unset."""
        self._user = user
        self.usable = False
        self.whole = True
        self._method = method
        self._got = self._closes = self._garbled = False
        self._timeout_s = timeout_s
        self.deadline = self._loop.time() + timeout_s
        self._sent = 0
        self.send(head, body)

    def send(self, head: bytes, body: bytes) -> None:
        self._sent += len(head) + len(body)
        if len(body) > 16384:  # rather two writes than a copy
            self._transport.writelines((head, body))
        else:
            self._transport.write(head + body)

    def more(self, data: bytes) -> None:
        """More of the request's body: the upstream is given time again."""
        self._sent += len(data)
        self.deadline = self._loop.time() + self._timeout_s
        self._transport.write(data)

    def pause(self) -> None:
        """The user takes no more for now; time stands still for the upstream."""
        if self._reading and not self._transport.is_closing():
            self._reading = False
            self.deadline = NEVER
            self._transport.pause_reading()

    def resume(self) -> None:
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            self.deadline = self._loop.time() + self._timeout_s
            self._transport.resume_reading()

    def abort(self) -> None:
        """End the connection at once; its user hears no more."""
        self._user = None
        self.usable = False
        self.deadline = NEVER
        self._transport.abort()

    def rest(self) -> None:
        """Be there for the next request."""
        self._user = None
        self._used = True
        self._buffer = b""
        self.resume()
        self.deadline = self._loop.time() + self._idle_s
        self.usable = True
        self._client.rests(self)

    # --- for the client

    def expired(self) -> None:
        """The deadline has passed: of an idle connection it is the end, of an answer a failure."""
        user = self._user
        self.abort()
        if user is not None:
            user.lost("timeout")

    # --- for the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._client.made(self)

    def data_received(self, data: bytes) -> None:
        user = self._user
        if user is None:  # bytes nobody asked for
            self.abort()
            return
        self.deadline = self._loop.time() + self._timeout_s
        try:
            if self._got:
                self._body(user, data)
            else:
                self._head(user, self._buffer + data if self._buffer else data)
        except Malformed as error:  # its text quotes nothing that was sent
            log.warning("an answer of %s is none that this wire takes: %s", self.origin.host, error.why)
            if self._user is user:  # else it has left meanwhile
                self.abort()
                user.lost("malformed")

    def _head(self, user: User, data: bytes) -> None:
        """The answer's head, after any number of interim ones."""
        limits = self._client.limits
        while self._user is user:
            end = head_end(data, limits.answer_head_bytes)
            if end < 0:
                self._buffer = data
                return
            head = answer_head(data[: end + 2], limits.answer_headers)
            data = data[end + 4 :]
            if head.status >= 200:
                break
            if head.status == 101:  # nobody asked for another protocol
                raise Malformed(502, "a switch of protocols")
            user.interim(head)
        else:
            return
        self._buffer = b""
        self._begin_answer(head)
        piece, done = self._piece(data)
        if done:
            self._done()
        user.head(head, piece, done)
        if self._garbled:
            raise Malformed(502, "a chunk that is none")

    def _begin_answer(self, head: AnswerHead) -> None:
        if self._method == b"HEAD" or head.status in (204, 304):
            head.clean &= head.length != UNKNOWN  # no chunks come, so none are announced
            head.length = 0
        self._got = True
        self._closes = head.closes or head.length == TO_THE_END
        self._left = head.length
        if head.idle_s:
            self._idle_s = min(self._client.limits.upstream_idle_s, max(head.idle_s - 1.0, 0.0))
        if head.length == UNKNOWN:
            self._dechunker().begin()

    def _body(self, user: User, data: bytes) -> None:
        piece, done = self._piece(data)
        if done:
            self._done()
        if piece or done:
            user.data(piece, done)
        if self._garbled:
            raise Malformed(502, "a chunk that is none")

    def _piece(self, data: bytes) -> tuple[bytes, bool]:
        """What of the body is in `data`, and whether the body is whole."""
        left = self._left
        if left >= 0:
            if len(data) > left:  # more than was announced: what follows is nobody's
                self._closes = True
                data = data[:left]
            self._left = left - len(data)
            return data, not self._left
        if left == TO_THE_END:
            return data, False
        chunks = self._dechunker()
        piece, done = chunks.feed(data)
        self._closes |= chunks.surplus
        self._garbled = chunks.surplus and not done
        return piece, done

    def trailers(self) -> list[Header]:
        """Of the answer that has just been whole."""
        return self._chunks.trailers if self._chunks is not None and self._left == UNKNOWN else []

    def _dechunker(self) -> Dechunker:
        if self._chunks is None:
            self._chunks = Dechunker()
        return self._chunks

    def _done(self) -> None:
        """The answer is whole."""
        self._user = None
        if self._closes or not self.whole or not self._idle_s or self._transport.get_write_buffer_size():
            self.abort()  # also where the upstream answered before it had the whole request
        else:
            self.rest()

    def eof_received(self) -> bool:
        self.usable = False
        user = self._user
        if user is not None:
            self._ended(user)
        return False

    def _ended(self, user: User) -> None:
        """The upstream sends no more."""
        why: Lost = "stale" if self._may_be_stale() and (self._safe() or self._nothing_arrived()) else "reset"
        whole = self._got and self._left == TO_THE_END
        self.abort()
        if whole:
            user.data(b"", True)
        else:
            user.lost(why)

    def _may_be_stale(self) -> bool:
        """The connection was kept from a request before, and not a byte came back."""
        return self._used and not self._got and not self._buffer

    def _safe(self) -> bool:
        """The request may be sent twice whatever became of it (RFC 9110, 9.2.2)."""
        return self._method in _SAFE and self.whole

    def _nothing_arrived(self) -> bool:
        """Whether the upstream's system had acknowledged no byte of the request when it closed.

        Then its server had closed before the request came and cannot have read it: sending it again pays nothing
        twice. A reset proves nothing of the kind (a server can read a request, carry it out and reset at once).
        """
        if sys.platform != "linux":
            return False
        found = self._transport.get_extra_info("socket")
        if found is None:
            return False
        queued = struct.unpack("i", fcntl.ioctl(found.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0]
        return bool(queued + self._transport.get_write_buffer_size() >= self._sent)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - its text may quote an address
        self.usable = False
        self.deadline = NEVER
        self._client.lost(self)
        user, self._user = self._user, None
        if user is not None:
            user.lost("stale" if self._may_be_stale() and self._safe() else "reset")

    def pause_writing(self) -> None:
        if self._user is not None:
            self._user.hold()

    def resume_writing(self) -> None:
        if self._user is not None:
            self._user.go_on()
