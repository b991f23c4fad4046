"""A gateway's wire on a loop of its own, and peers that say exactly the bytes a test gives them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Literal

import uvloop

from baseload.gateway.exchange import (
    Again,
    Answer,
    Door,
    Failure,
    Forward,
    Header,
    Inbound,
    Origin,
    Trip,
    Way,
)
from baseload.gateway.wire.client import Client
from baseload.gateway.wire.limits import Limits
from baseload.gateway.wire.server import Server

GET = b"GET /v1/models HTTP/1.1\r\nHost: gateway\r\n\r\n"


def post(body: bytes, *, path: bytes = b"/v1/messages", extra: bytes = b"") -> bytes:
    """A request with a length."""
    return b"POST %b HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n%b\r\n%b" % (path, len(body), extra, body)


def ok(body: bytes, extra: bytes = b"") -> bytes:
    """An upstream's answer with a length."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n%b" % (len(body), extra, body)


class Loop:
    """An event loop on a thread."""

    def __init__(self, make: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop) -> None:
        self.loop = make()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, awaitable: Awaitable[Any]) -> Any:
        async def wrapped() -> Any:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(wrapped(), self.loop).result(20)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class NotedTrip:
    """A trip that notes what it is told. `again` are its answers to failures, in turn; then None."""

    def __init__(self, *again: Forward | Again) -> None:
        self.told: list[Any] = []
        self.again = list(again)
        self.added: tuple[Header, ...] = ()
        self.status = 0
        self.pieces: list[bytes] = []

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def sending(self) -> None:
        self.told.append("sending")

    def head(self, status: int, headers: tuple[Header, ...]) -> tuple[Header, ...]:
        self.told.append("head")
        self.status = status
        self.headers = headers
        return self.added

    def data(self, chunk: bytes) -> None:
        if self.told[-1] != "data":
            self.told.append("data")
        self.pieces.append(chunk)

    def end(self) -> None:
        self.told.append("end")

    def failed(self, failure: Failure) -> Forward | Again | None:
        self.told.append(failure.kind)
        self.failure = failure
        return self.again.pop(0) if self.again else None

    def broken(self, who: Literal["client", "upstream", "gateway"]) -> None:
        self.told.append(f"broken {who}")


class NotedDoor:
    """Everything to one origin, every request and trip noted. `way` decides instead where it is given."""

    def __init__(self, origin: Origin, way: Callable[[Inbound], Way | Awaitable[Way] | None] | None = None) -> None:
        self.origin = origin
        self.way = way
        self.whole = True
        self.timeout_s = 5.0
        self.inbound: list[Inbound] = []
        self.trips: list[NotedTrip] = []

    def reads_body(self, method: bytes, target: bytes, headers: tuple[Header, ...]) -> bool:
        return self.whole

    def enter(self, inbound: Inbound) -> Way | Awaitable[Way]:
        self.inbound.append(inbound)
        found = self.way(inbound) if self.way else None
        return self.forward(inbound) if found is None else found

    def untouched(self, inbound: Inbound) -> Forward:
        return self.forward(inbound)

    def forward(self, inbound: Inbound, trip: Trip | None = None) -> Forward:
        if trip is None:
            trip = NotedTrip()
            self.trips.append(trip)
        return Forward(
            self.origin,
            inbound.method,
            inbound.target,
            inbound.headers,
            inbound.body,
            trip,
            timeout_s=self.timeout_s,
        )


class Script:
    """An upstream that takes connections one after the other and does with each what the test says."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.peers: list[Peer] = []
        self.port: int = self.socket.getsockname()[1]
        self.origin = Origin("127.0.0.1", self.port, tls=False)

    def accept(self) -> Peer:
        self.socket.settimeout(5)
        found, _ = self.socket.accept()
        self.peers.append(Peer(found))
        return self.peers[-1]

    def asked(self) -> Peer:
        """A new connection, its first request read."""
        found = self.accept()
        found.message()
        return found

    def close(self) -> None:
        for one in (*self.peers, self.socket):
            one.close()


class Peer:
    """One end of a connection, read and written by hand."""

    def __init__(self, found: socket.socket) -> None:
        self.socket = found
        self.socket.settimeout(5)
        self.early = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def until(self, end: bytes) -> bytes:
        """Everything up to and with `end`."""
        while end not in self.early:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError(self.early)
            self.early += piece
        found, _, self.early = self.early.partition(end)
        return found + end

    def exactly(self, count: int) -> bytes:
        found = bytearray(self.early)
        while len(found) < count:
            piece = self.socket.recv(262144)
            if not piece:
                raise EOFError(bytes(found[-100:]))
            found += piece
        self.early = bytes(found[count:])
        return bytes(found[:count])

    def message(self) -> tuple[bytes, bytes]:
        """A head and the body its framing gives it, still chunked where it is."""
        head = self.until(b"\r\n\r\n")
        low = head.lower()
        if b"transfer-encoding: chunked" in low:
            return head, self.until(b"0\r\n\r\n")
        if b"content-length: " in low:
            return head, self.exactly(int(low.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        return head, b""

    def rest(self) -> bytes:
        """Everything until the other side ends."""
        found, self.early = self.early, b""
        while piece := self.socket.recv(65536):
            found += piece
        return found

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def close(self) -> None:
        self.socket.close()


class World:
    """A server over a door, on its own loop, and callers to it."""

    def __init__(
        self,
        door: Door,
        limits: Limits | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        client: Client | None = None,
    ) -> None:
        self.thread = Loop()
        self.server = Server(door, limits or Limits(), client=client)
        self.thread.run(self.server.start("127.0.0.1", 0, ssl=tls))
        self.peers: list[Peer] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def caller(self) -> Peer:
        found = Peer(socket.create_connection(("127.0.0.1", self.server.port), timeout=5))
        self.peers.append(found)
        return found

    def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """The answer to one request on a connection of its own."""
        caller = self.caller()
        caller.send(request)
        found = caller.message()
        caller.close()
        return found

    def stop(self) -> None:
        for peer in self.peers:
            peer.close()
        self.thread.run(self.server.stop())
        self.thread.close()


@contextlib.contextmanager
def world(
    door: Door, limits: Limits | None = None, *, tls: ssl.SSLContext | None = None, client: Client | None = None
) -> Iterator[World]:
    found = World(door, limits, tls=tls, client=client)
    try:
        yield found
    finally:
        found.stop()


def eventually(true: Callable[[], object], within_s: float = 30.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        time.sleep(0.005)


def answer(body: bytes, status: int = 200) -> Answer:
    return Answer(status, ((b"content-type", b"text/plain"),), body)
