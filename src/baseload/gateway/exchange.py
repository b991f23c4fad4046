"""What the wire and the rest of the gateway say to each other about one request. No socket, no clock.

    Inbound ──door.enter──> Forward | Answer        the whole request has been read (or its body streams through)
    Forward ──wire──> trip.sending, .head, .data …, .end     and .failed or .broken where something goes wrong

The wire never raises into a caller's request: where `enter` fails, the original request goes on unchanged.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Final, Literal, NamedTuple, Protocol

Header = tuple[bytes, bytes]
"""Name and value as they were sent; order and case are kept."""

MOST_BODY_BYTES: Final = 32 * 1024 * 1024


class Inbound:
    """One request as it came. `body` is whole for what is decided on, and b"" where it streams through."""

    __slots__ = ("at_ns", "body", "headers", "method", "peer", "streamed", "target", "us")

    def __init__(
        self,
        method: bytes,
        target: bytes,
        headers: tuple[Header, ...],
        body: bytes,
        *,
        us: int,
        at_ns: int = 0,
        peer: str = "",
        streamed: bool = False,
    ) -> None:
        self.method = method
        self.target = target  # path and query as sent
        self.headers = headers
        self.body = body
        self.us = us  # UTC microseconds when its head was read
        self.at_ns = at_ns  # monotonic, of the same moment
        self.peer = peer
        self.streamed = streamed

    @property
    def path(self) -> bytes:
        return self.target.partition(b"?")[0]

    def header(self, name: bytes) -> bytes:
        """The first value of a header, its name in lower case; b"" where there is none."""
        return next((value for given, value in self.headers if given.lower() == name), b"")


class Origin(NamedTuple):
    """Where an upstream listens."""

    host: str
    port: int
    tls: bool
    base_path: bytes = b""  # before every target, no slash at its end


FailureKind = Literal["connect", "reset", "timeout", "malformed", "status"]
"""`connect`: nothing was sent. After a reset, a time-out, or bytes that are no answer, nobody knows what was done."""


REFUSED: Final = frozenset((400, 404, 413, 422))
"""Statuses that an edit of ours may have brought about."""


class Failure(NamedTuple):
    """Why an attempt brought no answer that could be passed on, before the client got a byte.

    `status` with its `headers` and `body` where the upstream answered with an error that may be retried.
    """

    kind: FailureKind
    status: int = 0
    headers: tuple[Header, ...] = ()
    body: bytes = b""


class NotSent(Exception):
    """Raised by `Trip.sending` where the call must not go; its text is for the caller."""


class Trip(Protocol):
    """What follows one request. Quick and without waiting: it runs between two packets."""

    def sending(self) -> None:
        """The next attempt's first byte is about to go upstream: its start record is written here. Raises NotSent."""

    def head(self, status: int, headers: tuple[Header, ...]) -> tuple[Header, ...]:
        """The answer's head came. Returns the headers to *add* to it; () leaves it as it is."""

    def data(self, chunk: bytes) -> None:
        """Bytes of the answer on their way, in order, as the upstream sent them (without chunk framing)."""

    def end(self) -> None:
        """The answer is whole; its last bytes go to the client after this returns: the end record is written here."""

    def failed(self, failure: Failure) -> Forward | Again | None:
        """An attempt failed and the client has no byte yet. Another attempt, or None: pass on what there is."""

    def broken(self, who: Literal["client", "upstream", "gateway"]) -> None:
        """Bytes were passed on and no more will come: the client left, or the upstream did."""


class Untranslatable(ValueError):
    """Bytes of another backend's answer that are none. `before` is what the ones before them have become."""

    def __init__(self, why: str, before: bytes = b"") -> None:
        super().__init__(why)
        self.before = before


class Translator(Protocol):
    """Makes another backend's answer one of the API's, as it comes. One of them for each attempt."""

    def head(self, status: int, headers: tuple[Header, ...]) -> tuple[Header, ...] | None:
        """The headers it goes on with, of another body; None where the answer goes on as it is."""

    def feed(self, chunk: bytes, done: bool) -> bytes:
        """What becomes of more of its body. Raises Untranslatable where that is no answer: it breaks off there."""


class Forward:
    """A request as it goes upstream. `headers` are complete but for host, length and hop-by-hop ones."""

    __slots__ = ("body", "edited", "headers", "method", "origin", "target", "timeout_s", "translate", "trip")

    def __init__(
        self,
        origin: Origin,
        method: bytes,
        target: bytes,
        headers: tuple[Header, ...],
        body: bytes,
        trip: Trip,
        *,
        timeout_s: float = 600.0,
    ) -> None:
        self.origin = origin
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.trip = trip
        self.timeout_s = timeout_s  # without a byte from upstream
        self.translate: Translator | None = None  # of an upstream that is not of the API's own kind
        self.edited = False  # the body is not the caller's own: a refusal of it is asked about too (`trip.failed`)


class Again(NamedTuple):
    """Another attempt after a pause."""

    forward: Forward
    after_s: float


class Answer:
    """An answer of our own. `events` is streamed as it comes, without a length."""

    __slots__ = ("body", "events", "headers", "status")

    def __init__(
        self,
        status: int,
        headers: tuple[Header, ...] = ((b"content-type", b"application/json"),),
        body: bytes = b"",
        events: AsyncIterator[bytes] | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.events = events


Way = Forward | Answer


class Door(Protocol):
    """Where every request enters."""

    def reads_body(self, method: bytes, target: bytes, headers: tuple[Header, ...]) -> bool:
        """Whether the body is read whole before `enter`; else it streams through with back pressure."""

    def enter(self, inbound: Inbound) -> Way | Awaitable[Way]:
        """What happens to a request. What it raises becomes the original request, passed on as it is."""

    def untouched(self, inbound: Inbound) -> Forward:
        """The request as its caller wrote it: observe mode, and what serves where `enter` failed. Must not fail."""
