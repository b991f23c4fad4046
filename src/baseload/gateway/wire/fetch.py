"""One request of our own to an upstream, whole answer back: shadow replays, batches, what no caller waits for."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from baseload.gateway.exchange import Failure, FailureKind, Forward, Header, Inbound, Origin
from baseload.gateway.wire.bare import BareTrip
from baseload.gateway.wire.client import Client
from baseload.gateway.wire.parse import RequestHead
from baseload.gateway.wire.pipe import Pipe


class Fetched(NamedTuple):
    """An answer. Its body is as the upstream encoded it."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


class NotFetched(Exception):
    """No answer, or not the whole of it."""

    def __init__(self, kind: FailureKind) -> None:
        super().__init__(kind)
        self.kind = kind


class _Collected(BareTrip):
    """A trip that keeps the answer."""

    __slots__ = ("body", "done", "headers", "kind", "status")

    def __init__(self) -> None:
        self.status = 0
        self.headers: tuple[Header, ...] = ()
        self.body: list[bytes] = []
        self.kind: FailureKind = "reset"
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def head(self, status: int, headers: tuple[Header, ...]) -> tuple[Header, ...]:
        self.status, self.headers = status, headers
        return ()

    def data(self, chunk: bytes) -> None:
        self.body.append(chunk)

    def failed(self, failure: Failure) -> None:
        self.kind = failure.kind


class _Nobody:
    """In place of a caller's connection: what is collected has been told to the trip."""

    __slots__ = ("_done",)

    def __init__(self, done: asyncio.Future[None]) -> None:
        self._done = done

    def write(self, data: bytes) -> None:
        """Nobody reads it."""

    def finished(self, *, keep: bool) -> None:  # noqa: ARG002 - there is no connection to keep
        if not self._done.done():
            self._done.set_result(None)

    def refuse(self, status: int, message: str) -> None:  # noqa: ARG002 - the trip knows the kind
        self.finished(keep=False)

    def cut(self) -> None:
        self.finished(keep=False)

    def hold(self) -> None:
        """The body is whole."""

    def go_on(self) -> None:
        """The body is whole."""


async def fetch(
    client: Client,
    origin: Origin,
    method: bytes,
    target: bytes,
    headers: tuple[Header, ...],
    body: bytes = b"",
    *,
    timeout_s: float = 600.0,
) -> Fetched:
    """Send a request and wait for all of its answer. Cancelling it ends the upstream's connection.

    `timeout_s` is without a byte from the upstream. Raises NotFetched.
    """
    trip = _Collected()
    forward = Forward(origin, method, target, headers, body, trip, timeout_s=timeout_s)
    inbound = Inbound(method, target, headers, body, us=0)
    pipe = Pipe(_Nobody(trip.done), client, RequestHead(method, target, headers, old=False), inbound, forward)
    pipe.start()
    try:
        await trip.done
    except asyncio.CancelledError:
        pipe.left("gateway")
        raise
    if not pipe.whole:
        raise NotFetched(trip.kind)
    return Fetched(trip.status, trip.headers, b"".join(trip.body))
