"""What the fault tests share: an upstream made of bytes, callers by socket, and the books that must be right after."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec
from test_gateway_sdk import records

from baseload.demo.upstream.server import Upstream
from baseload.usage.gateway_records import End, Head, LogRecord, Note, Start

HAIKU = "claude-haiku-4-5-20251001"
SECRET = "sk-ant-secret-of-the-faults"
WORDS = "confidential words of a caller"
SAID = "private words of an answer"
_SHAPES = {400: "invalid_request_error", 408: "timeout_error", 413: "request_too_large", 429: "rate_limit_error",
           502: "api_error", 503: "api_error", 504: "timeout_error", 529: "overloaded_error"}  # fmt: skip


# --- what is asked


def asked(number: int, *, stream: bool = False, more: str = "") -> dict[str, Any]:
    """The body of one question, known again by its number."""
    return {
        "model": HAIKU,
        "max_tokens": 40,
        "stream": stream,
        "messages": [{"role": "user", "content": f"Question {number}: {WORDS}{more}"}],
    }


def tagged(number: int) -> dict[str, str]:
    return {"x-baseload-tag-number": str(number)}


def request_bytes(number: int, *, stream: bool = False, more: str = "", body: bytes | None = None) -> bytes:
    """The same as bytes of HTTP."""
    data = json.dumps(asked(number, stream=stream, more=more)).encode() if body is None else body
    return (
        b"POST /v1/messages HTTP/1.1\r\nHost: gateway\r\nx-api-key: %b\r\nanthropic-version: 2023-06-01\r\n"
        b"x-baseload-tag-number: %d\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
        % (SECRET.encode(), number, len(data), data)
    )


# --- an upstream made of bytes


class Line:
    """One connection of an upstream that does what a test says, byte by byte."""

    def __init__(self, connection: socket.socket, upstream: Rough) -> None:
        self.socket = connection
        self.upstream = upstream
        self._rest = b""

    def request(self) -> int | None:
        """The number of the next whole request; None where the connection has ended."""
        while True:
            head, found, rest = self._rest.partition(b"\r\n\r\n")
            if found:
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
                if len(rest) >= length:
                    self._rest = rest[length:]
                    return self.upstream.met(head, rest[:length])
            data = self.socket.recv(65536)
            if not data:
                return None
            self._rest += data

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_by_one(self, data: bytes) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(data)):
            self.socket.send(data[place : place + 1])

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()


class Rough:
    """A server with a thread a connection. `numbers` counts what it read whole, `bodies` keeps it."""

    def __init__(self, behave: Callable[[Line], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._behave = behave
        self._lock = threading.Lock()
        self.numbers: Counter[int] = Counter()
        self.bodies: dict[int, bytes] = {}
        self.heads: dict[int, bytes] = {}
        self.lines = 0
        threading.Thread(target=self._accept, name="rough", daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def met(self, head: bytes, body: bytes) -> int:
        number = number_of(body)
        with self._lock:
            self.numbers[number] += 1
            self.bodies[number], self.heads[number] = body, head
        return number

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.lines += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._behave(Line(connection, self))


@contextmanager
def rough(behave: Callable[[Line], None]) -> Iterator[Rough]:
    upstream = Rough(behave)
    try:
        yield upstream
    finally:
        upstream.close()


def number_of(body: bytes) -> int:
    found: Any = msgspec.json.decode(body)
    return int(found["messages"][0]["content"].split()[1].rstrip(":"))


def message(number: int) -> dict[str, Any]:
    return {
        "id": f"msg_{number:08d}",
        "type": "message",
        "role": "assistant",
        "model": HAIKU,
        "content": [{"type": "text", "text": SAID}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 7},
    }


def answer_bytes(number: int, *, close: bool = False) -> bytes:
    body = json.dumps(message(number)).encode()
    end = b"connection: close\r\n" if close else b""
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n%b" % (
        end,
        len(body),
        body,
    )


def events(number: int) -> list[bytes]:
    begun = {**message(number), "content": [], "stop_reason": None, "usage": {"input_tokens": 11, "output_tokens": 1}}
    said = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": SAID}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    ]
    return [b"event: %b\ndata: %b\n\n" % (str(one["type"]).encode(), json.dumps(one).encode()) for one in said]


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def stream_bytes(number: int) -> bytes:
    return STREAM_HEAD + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in events(number)) + b"0\r\n\r\n"


# --- callers by socket


class Told(NamedTuple):
    status: int
    head: bytes
    body: bytes
    whole: bool  # the framing came to its end

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def error(self) -> str:
        """Its type, where it is an error in the API's shape with a request id."""
        found = self.json
        assert found["type"] == "error"
        assert set(found["error"]) >= {"type", "message"}
        assert WORDS not in found["error"]["message"]
        assert found["error"]["type"] == _SHAPES.get(self.status, found["error"]["type"])
        kind: str = found["error"]["type"]
        return kind


class Caller:
    """One connection to the gateway, by a plain socket."""

    def __init__(self, port: int, *, timeout_s: float = 20.0, receive_bytes: int = 0) -> None:
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(timeout_s)
        self.socket.connect(("127.0.0.1", port))
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_by_one(self, data: bytes) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(data)):
            self.socket.send(data[place : place + 1])

    def told(self, at_once: int = 65536) -> Told:
        """The next answer, read so many bytes at a time. Chunks are undone."""
        head = self._until(b"\r\n\r\n", at_once)
        if head is None:
            return Told(0, b"", b"", False)
        status = int(head.split(b" ", 2)[1])
        low = head.lower()
        if b"transfer-encoding: chunked" in low:
            body, whole = self._chunks(at_once)
        else:
            length = int(low.partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
            body = self._take(length, at_once)
            whole = len(body) == length
        return Told(status, head, body, whole)

    def _chunks(self, at_once: int) -> tuple[bytes, bool]:
        found = b""
        while True:
            line = self._until(b"\r\n", at_once)
            if line is None:
                return found, False
            size = int(line, 16)
            piece = self._take(size + 2, at_once)
            if len(piece) < size + 2:
                return found + piece[:size], False
            found += piece[:size]
            if not size:
                return found, True

    def _until(self, mark: bytes, at_once: int) -> bytes | None:
        while mark not in self._rest:
            if not self._more(at_once):
                return None
        found, _, self._rest = self._rest.partition(mark)
        return found

    def _take(self, count: int, at_once: int) -> bytes:
        while len(self._rest) < count and self._more(at_once):
            pass
        found, self._rest = self._rest[:count], self._rest[count:]
        return found

    def _more(self, at_once: int) -> bool:
        try:
            data = self.socket.recv(at_once)
        except ConnectionError:
            return False
        self._rest += data
        return bool(data)


def told_events(body: bytes) -> list[str]:
    """The names of the events in a stream's bytes."""
    return [line[7:].decode() for line in body.splitlines() if line.startswith(b"event: ")]


# --- the books


class Books(NamedTuple):
    """A call log read back. Starts and ends by the number of their question."""

    starts: list[tuple[int, Start]]
    ends: list[tuple[int, End]]
    notes: list[Note]
    twice: int  # message ids with more than one end, and attempts with more than one start

    @property
    def dropped(self) -> int:
        return sum(int(note.values.get("dropped", 0)) for note in self.notes)

    @property
    def spent_nano(self) -> int:
        return sum(end.cost_nano or 0 for _, end in self.ends)

    def outcomes(self) -> Counter[str]:
        return Counter(end.outcome for _, end in self.ends)


def books(folder: Path) -> Books:
    replica, numbers, named = "", {}, set()
    starts: list[tuple[int, Start]] = []
    ends: list[tuple[int, End]] = []
    notes: list[Note] = []
    twice = 0
    for one in records(folder):
        if isinstance(one, Head):
            replica = one.replica_id
        elif isinstance(one, Start):
            if (replica, one.seq) not in numbers:  # else carried into the next segment
                numbers[replica, one.seq] = _number(one)
                starts.append((_number(one), one))
                twice += (one.trip, one.attempt) in named
                named.add((one.trip, one.attempt))
        elif isinstance(one, End):
            ends.append((numbers[replica, one.seq], one))
        elif isinstance(one, Note):
            notes.append(one)
    ids = Counter(end.message_id for _, end in ends if end.message_id)
    twice += sum(count - 1 for count in ids.values())
    return Books(starts, ends, notes, twice)


def _number(start: Start) -> int:
    return int(msgspec.json.decode(start.tags)["number"]) if start.tags else -1


def reached(upstream: Upstream | Rough) -> Counter[int]:
    """How often each question reached the upstream."""
    if isinstance(upstream, Rough):
        return upstream.numbers
    return Counter(number_of(one.body) for one in upstream.requests if one.path == "/v1/messages")


def check(folder: Path, got: Counter[int], answered: set[int] = frozenset(), *, unlogged: int = 0) -> dict[str, int]:  # type: ignore[assignment]
    """What the upstream got has a start, what a caller has whole an end, nothing is booked twice.

    `unlogged`: so many calls may be missing, if the log counts each of them.
    """
    found = books(folder)
    started = Counter(number for number, _ in found.starts)
    lost = sum((got - started).values())
    ended = {number for number, end in found.ends if end.status == 200}
    lost_ends = len(answered - ended)
    if unlogged:
        assert lost <= found.dropped <= unlogged, f"{lost} lost, {found.dropped} counted"
    else:
        assert not lost, f"{lost} calls reached the upstream without a start"
        assert not lost_ends, f"{lost_ends} callers have an answer that has no end"
    assert not found.twice, "booked twice"
    assert all(end.us >= start.us for start, end in _pairs(folder)), "a negative duration"
    return {"upstream": sum(got.values()), "answered": len(answered), "starts": len(found.starts),
            "ends": len(found.ends), "lost": 0 if unlogged else lost, "counted": found.dropped,
            "booked twice": found.twice}  # fmt: skip


def _pairs(folder: Path) -> Iterator[tuple[Start, End]]:
    replica, open_now = "", {}
    found: list[LogRecord] = records(folder)
    for one in found:
        if isinstance(one, Head):
            replica = one.replica_id
        elif isinstance(one, Start):
            open_now[replica, one.seq] = one
        elif isinstance(one, End):
            yield open_now[replica, one.seq], one


def no_secrets(folder: Path, *texts: str) -> int:
    """No key, no word of a prompt or an answer in any file below the folder, nor in what was said."""
    said = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    said += [text.encode() for text in texts]
    for word in (SECRET, WORDS, SAID, "confidential", "secret-of-the"):
        assert not any(word.encode() in one for one in said), "a secret was written"
    return len(said)
