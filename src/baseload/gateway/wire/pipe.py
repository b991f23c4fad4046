"""One exchange: a request to its upstream, the answer to its caller, both as they come and held back both ways."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
from typing import Final, Literal, Protocol

from baseload.gateway.exchange import REFUSED, Again, Failure, Forward, Header, Inbound, NotSent, Origin
from baseload.gateway.wire.answer import LAST_CHUNK, chunk, error_event, last_chunk, lines, passed_head, safe
from baseload.gateway.wire.client import Client
from baseload.gateway.wire.foreign import Foreign
from baseload.gateway.wire.outlet import Lost, Outlet
from baseload.gateway.wire.parse import HOP_BY_HOP, UNKNOWN, AnswerHead, RequestHead

_LEFT_OUT: Final = HOP_BY_HOP | {b"host", b"content-length", b"expect"}
_BODILESS: Final = frozenset((b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"TRACE"))
_TARGET: Final = re.compile(rb"/[\x21-\x7e]*")
_SSE: Final = b"text/event-stream"
_SAID: Final = {
    "connect": (502, "The upstream could not be reached"),
    "reset": (502, "The upstream closed the connection without an answer"),
    "timeout": (504, "The upstream did not answer in time"),
    "malformed": (502, "The upstream's answer is no HTTP that this gateway can read"),
}
_BROKE_OFF: Final = {
    "reset": "The upstream closed the connection before the end of its answer",
    "timeout": "The upstream fell silent before the end of its answer",
    "malformed": "The upstream's answer went on with bytes that this gateway cannot read",
}
log = logging.getLogger("baseload.gateway.wire")


class Caller(Protocol):
    """The connection a request came by."""

    def write(self, data: bytes) -> None:
        """Bytes to the caller."""

    def finished(self, *, keep: bool) -> None:
        """The exchange is over; the connection is kept for the next request, or closed once everything is sent."""

    def refuse(self, status: int, message: str) -> None:
        """An error of ours in place of an answer; the exchange is over."""

    def cut(self) -> None:
        """The answer breaks off, and the caller must see that it does."""

    def hold(self) -> None:
        """Read no more of the request's body for now."""

    def go_on(self) -> None:
        """Read it again."""


def faulty(where: str, error: BaseException) -> None:
    """A fault of ours beside the data path costs a line, not the caller's answer. Its text may quote a prompt."""
    log.error("a fault in %s did not reach the caller", where, extra={"error": type(error).__name__})


@functools.lru_cache(maxsize=256)
def host(origin: Origin) -> bytes:
    """The Host header of an origin."""
    name = f"[{origin.host}]" if ":" in origin.host else origin.host
    return (name if origin.port == (443 if origin.tls else 80) else f"{name}:{origin.port}").encode()


class Pipe:
    """One exchange. `request` is the caller's head; its body streams through where `inbound.streamed`."""

    __slots__ = (
        "_caller", "_chunked", "_client", "_early", "_failed_head", "_fed", "_held", "_last", "_loop", "_outlet",
        "_over", "_passed", "_request", "_resends", "_retry", "_sse", "_streamed", "_uploaded", "forward", "whole",
    )  # fmt: skip

    def __init__(
        self, caller: Caller, client: Client, request: RequestHead, inbound: Inbound, forward: Forward
    ) -> None:
        self._caller = caller
        self._client = client
        self._request = request
        self._streamed = inbound.streamed
        self.forward = forward
        self._outlet: Outlet | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._over = False
        self.whole = False  # the answer came to its end
        self._resends = False  # the request met a connection that had ended before it came
        self._passed = False  # a byte of the answer has gone to the caller
        self._chunked = False  # the answer goes to the caller in chunks
        self._sse = False
        self._last = b""  # what went to the caller last, of a stream
        self._failed_head: AnswerHead | None = None  # of an answer that may be retried
        self._held: list[bytes] = []  # its body
        self._early: list[bytes] = []  # of the request's body, before there is a connection
        self._fed = not inbound.streamed  # the whole request is with us
        self._uploaded = False  # some of a streaming body has gone: there is no second attempt

    # --- the request

    def start(self) -> None:
        if not _TARGET.fullmatch(self.forward.target):  # of a door's making: a name out of a body may be in it
            self._over = True
            self._tell_broken("gateway")
            self._caller.refuse(400, "The request cannot be sent on: its target is no path")
            return
        outlet = self._client.take(self.forward.origin)
        if outlet is None:
            self._client.open(self.forward.origin, self)
        else:
            self._send(outlet)

    def connected(self, outlet: Outlet) -> bool:
        if self._over:
            return False
        self._send(outlet)
        return True

    def unreachable(self) -> None:
        if not self._over:
            self._failed(Failure("connect"))

    def _send(self, outlet: Outlet) -> None:
        forward = self.forward
        self._outlet = outlet
        try:
            if not self._resends:  # nobody has seen what went before: it is one attempt
                forward.trip.sending()
        except NotSent as why:
            self._outlet, self._over = None, True
            outlet.rest()
            self._caller.refuse(503, str(why))
            return
        except Exception as error:  # noqa: BLE001 - never into a caller's request
            faulty("sending", error)
        self._resends = False
        head = self._head(forward)
        user = self if forward.translate is None else Foreign(self, forward.translate, outlet)
        if not self._streamed:
            outlet.begin(user, forward.method, head, forward.body, forward.timeout_s)
            return
        outlet.begin(user, forward.method, head, b"", forward.timeout_s)
        outlet.whole = False
        for piece in self._early:
            self._up(outlet, piece)
        self._early.clear()
        if self._fed:
            self._up_end(outlet)
        self._caller.go_on()

    def _head(self, forward: Forward) -> bytes:
        """The request's lines: host of the origin, a length or chunks of ours, the rest as it is in the forward."""
        origin = forward.origin
        left_out = _LEFT_OUT | self._request.nominated if self._request.nominated else _LEFT_OUT
        start = b"%b %b%b HTTP/1.1\r\nhost: %b\r\n" % (forward.method, origin.base_path, forward.target, host(origin))
        length = self._request.length if self._streamed else len(forward.body)
        if length == UNKNOWN:
            end = b"transfer-encoding: chunked\r\n\r\n"
        elif length or forward.method not in _BODILESS:
            end = b"content-length: %d\r\n\r\n" % length
        else:
            end = b"\r\n"
        found = lines(forward.headers, left_out)
        head = b"".join((start, *found, end))
        if (head.count(b"\n") - start.count(b"\n") - end.count(b"\n")) * 4 != len(found):  # a value with a line in it
            head = b"".join((start, *lines(safe(forward.headers), left_out), end))
        return head

    def feed(self, piece: bytes, *, last: bool) -> None:
        """More of a streaming body, decoded."""
        self._fed = last
        if self._over:
            return
        outlet = self._outlet
        if outlet is None:
            self._early.append(piece)
            self._caller.hold()
            return
        self._up(outlet, piece)
        if last:
            self._up_end(outlet)

    def _up(self, outlet: Outlet, piece: bytes) -> None:
        if piece:
            self._uploaded = True
            outlet.more(chunk(piece) if self._request.length == UNKNOWN else piece)

    def _up_end(self, outlet: Outlet) -> None:
        outlet.whole = True
        if self._request.length == UNKNOWN:
            outlet.more(LAST_CHUNK)

    def hold(self) -> None:
        if self._streamed and not self._fed:
            self._caller.hold()

    def go_on(self) -> None:
        if self._streamed and not self._fed:
            self._caller.go_on()

    # --- the answer

    def interim(self, head: AnswerHead) -> None:
        """1xx goes on to whoever can read it; 100 was ours to give."""
        if head.status != 100 and not self._request.old:
            self._caller.write(passed_head(head, (), chunked=False, close=False))

    def head(self, head: AnswerHead, piece: bytes, done: bool) -> None:
        status = head.status
        may_be_ours = self.forward.edited and status in REFUSED
        if (status == 429 or status >= 500 or may_be_ours) and not self._uploaded:
            self._hold_back(head, piece, done)
        else:
            self._pass_head(head, piece, done)

    def data(self, piece: bytes, done: bool) -> None:
        if self._failed_head is not None:
            self._hold_back(self._failed_head, piece, done)
            return
        self._tell_piece(piece, done)
        if self._sse:
            self._last = piece or self._last
        if self._chunked:
            piece = chunk(piece) if piece else b""
            if done:
                piece += self._last_chunk()
        if done:
            self._outlet = None  # it rests: a caller that takes nothing now must not hold it back
        if piece:
            self._caller.write(piece)
        if done:
            self._finished()

    def _pass_head(self, head: AnswerHead, piece: bytes, done: bool) -> None:
        added: tuple[Header, ...] = ()
        try:
            added = self.forward.trip.head(head.status, head.headers)
        except Exception as error:  # noqa: BLE001 - never into a caller's request
            faulty("head", error)
        if piece or done:
            self._tell_piece(piece, done)
        self._passed = True
        self._chunked = head.length < 0 and not self._request.old
        to_the_end = head.length < 0 and not self._chunked
        self._sse = head.length < 0 and self._streams(head)
        self._last = piece
        close = self._request.closes or to_the_end or (self._streamed and not self._fed)
        if close:
            self._request.closes = True
        out = passed_head(head, added, chunked=self._chunked, close=close)
        if self._chunked:
            piece = chunk(piece) if piece else b""
            if done:
                piece += self._last_chunk()
        if done:
            self._outlet = None
        self._caller.write(out + piece if piece else out)
        if done:
            self._finished()

    def _tell_piece(self, piece: bytes, done: bool) -> None:
        """What comes is told, and its end whatever became of that."""
        trip = self.forward.trip
        if piece:
            try:
                trip.data(piece)
            except Exception as error:  # noqa: BLE001 - never into a caller's request
                faulty("data", error)
        if done:
            try:
                trip.end()
            except Exception as error:  # noqa: BLE001 - never into a caller's request
                faulty("end", error)

    def _streams(self, head: AnswerHead) -> bool:
        """Whether an error event may be added to it: server-sent events that are not compressed."""
        found = {name.lower(): value for name, value in head.headers}
        return found.get(b"content-type", b"").lower().startswith(_SSE) and b"content-encoding" not in found

    def _last_chunk(self) -> bytes:
        trailers = self._outlet.trailers() if self._outlet is not None else ()
        return last_chunk(trailers) if trailers else LAST_CHUNK

    def _finished(self) -> None:
        self._over = self.whole = True
        self._caller.finished(keep=not self._request.closes)

    # --- what goes wrong

    def _hold_back(self, head: AnswerHead, piece: bytes, done: bool) -> None:
        """An error that may be retried: whole before it is passed on, unless it is too long or never ends."""
        self._failed_head = head
        self._held.append(piece)
        if not done and sum(map(len, self._held)) <= self._client.limits.error_bytes:
            return
        body = b"".join(self._held)
        self._held.clear()
        if done and self._try_again(Failure("status", head.status, head.headers, body)):
            return
        self._failed_head = None
        self._pass_head(head, body, done)

    def lost(self, why: Lost) -> None:
        """The upstream's connection ended without the end of the answer."""
        self._outlet = None
        if self._over:
            return
        if self._passed:
            self._broke_off(_BROKE_OFF.get(why, _BROKE_OFF["reset"]))
        elif why == "stale" and not self._uploaded:
            self._resends = True
            self._client.open(self.forward.origin, self)
        else:
            self._failed(Failure("reset" if why == "stale" else why))

    def _failed(self, failure: Failure) -> None:
        """An attempt without an answer."""
        self._failed_head = None
        self._held.clear()
        if not self._try_again(failure):
            self._over = True
            self._caller.refuse(*_SAID[failure.kind])

    def _try_again(self, failure: Failure) -> bool:
        """Whether the trip wants another attempt, which then is under way."""
        if self._uploaded:  # what has streamed through is not here any more
            self._tell_broken("upstream")
            return False
        try:
            again = self.forward.trip.failed(failure)
        except Exception as error:  # noqa: BLE001 - never into a caller's request
            faulty("failed", error)
            if failure.kind != "status":  # else the answer that there is goes on, and ends it
                self._tell_broken("gateway")
            return False
        if again is None:
            return False
        self._outlet, self._failed_head = None, None
        if isinstance(again, Again):
            self.forward = again.forward
            self._retry = asyncio.get_running_loop().call_later(again.after_s, self.start)
        else:
            self.forward = again
            self.start()
        return True

    def _broke_off(self, says: str) -> None:
        """The upstream left in the middle: a stream ends with an error event, anything else by breaking off."""
        self._over = True
        self._tell_broken("upstream")
        if not self._sse:
            self._caller.cut()
            return
        event = error_event(says, self._last)
        self._caller.write(chunk(event) + LAST_CHUNK if self._chunked else event)
        self._caller.finished(keep=False)

    def left(self, who: Literal["client", "gateway"]) -> None:
        """The caller is gone, or we must stop: the upstream is told by the end of its connection."""
        if self._over:
            return
        self._over = True
        if self._retry is not None:
            self._retry.cancel()
        if self._outlet is not None:
            self._outlet.abort()
            self._outlet = None
        self._tell_broken(who)

    def _tell_broken(self, who: Literal["client", "upstream", "gateway"]) -> None:
        try:
            self.forward.trip.broken(who)
        except Exception as error:  # noqa: BLE001 - never into a caller's request
            faulty("broken", error)

    # --- the caller's pace

    def pause(self) -> None:
        if self._outlet is not None:
            self._outlet.pause()

    def resume(self) -> None:
        if self._outlet is not None:
            self._outlet.resume()
