"""The upstream's socket: connections in, faults on purpose, bytes out. Loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Final

from baseload.demo.upstream.api_errors import ApiError
from baseload.demo.upstream.faults import Fault, FaultPlan
from baseload.demo.upstream.http import (
    LAST_CHUNK,
    MOST_HEAD_BYTES,
    BadRequest,
    Headers,
    Request,
    chunk_bytes,
    head_bytes,
    read_request,
)
from baseload.demo.upstream.messages import event
from baseload.demo.upstream.service import WORKSPACE, Reply, Service

HOST: Final = "127.0.0.1"
ORGANIZATION: Final = "0f0f0f0f-demo-4000-8000-upstream0000"
_RESET: Final = struct.pack("ii", 1, 0)
_NOT_AN_EVENT: Final = b'event: content_block_delta\ndata: {"type": "content_block_de\n\n'


class Gone(Exception):
    """The connection is over, on purpose or because the client left."""


class Upstream:
    """A server over a `Service`. Requests are counted by "METHOD path"; the last `keep` of them are kept whole."""

    def __init__(self, service: Service, *, clock: Callable[[], float] = time.time, keep: int = 0) -> None:
        self.service = service
        self.faults = FaultPlan()
        self.requests: deque[Request] = deque(maxlen=keep)
        self.count: Counter[str] = Counter()
        self.left = 0  # clients that went away before their answer was out
        self.port = 0
        self._clock = clock
        self._number = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; port 0 takes a free one."""
        self._server = await asyncio.start_server(self._connected, HOST, port, limit=MOST_HEAD_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
        try:
            await self._converse(reader, writer)
        except ConnectionError:
            self.left += 1
        except (Gone, asyncio.CancelledError):
            pass  # on purpose, or the end of the server
        finally:
            if task is not None:
                self._open.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection, one after the other."""
        while True:
            try:
                request = await read_request(reader, writer)
            except BadRequest as error:
                refused = ApiError(error.status, str(error))
                await _send(writer, _whole(refused.status, self._headers(), refused.body("")), Fault(kind="status"))
                return
            if request is None:
                return
            await self._answer(request, reader, writer)
            if not request.keeps_alive:
                return

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._number += 1
        self.count[f"{request.method} {request.path}"] += 1
        self.requests.append(request)
        fault = self.faults.next(request.method, request.path)
        if fault is not None and fault.kind == "reset_before":
            _reset(writer)
        behaviour, headers = self.service.behaviour, self._headers()
        if behaviour.latency_s:
            await asyncio.sleep(behaviour.latency_s)
        if fault is not None and fault.kind == "hang":
            await _wait_until_gone(reader)
        try:
            if fault is not None and fault.kind == "status":
                raise ApiError(
                    fault.status,
                    "A fault on purpose",
                    retry_after_s=fault.retry_after_s,
                    error_code=fault.error_code,
                )
            reply = self.service.handle(request, self._clock())
        except ApiError as error:
            body = error.body(dict(headers)["request-id"])
            await _send(writer, _whole(error.status, (*headers, *error.headers()), body), None)
            return
        if reply.begin is not None:
            reply.begin()
        if fault is not None and fault.kind == "answer_lost":
            _reset(writer)
        parts = _parts(reply, headers, fault)
        await self._deliver(parts, reader, writer, fault, behaviour.event_gap_s if reply.events else 0)

    async def _deliver(
        self,
        parts: list[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        fault: Fault | None,
        gap_s: float,
    ) -> None:
        """Write the parts, cut short where the fault says so."""
        cut = fault.after if fault is not None and fault.kind in ("reset_after", "stall", "truncate") else None
        if cut is not None:
            await _send(writer, b"".join(parts)[: len(parts[0]) + cut], None)
            if fault is not None and fault.kind == "reset_after":
                _reset(writer)
            if fault is not None and fault.kind == "stall":
                await _wait_until_gone(reader)
            raise Gone
        for place, part in enumerate(parts):
            if gap_s and place:
                await asyncio.sleep(gap_s)
            await _send(writer, part, fault)
        if fault is not None and fault.kind in ("error_event", "malformed"):
            raise Gone

    def _headers(self) -> Headers:
        limits = self.service.behaviour
        reset = email.utils.formatdate(self._clock(), usegmt=True)
        left = max(limits.requests_limit - self._number, 0)
        return (
            ("date", reset),
            ("request-id", f"req_{self._number:024d}"),
            ("anthropic-organization-id", ORGANIZATION),
            ("anthropic-workspace-id", WORKSPACE),
            ("anthropic-ratelimit-requests-limit", str(limits.requests_limit)),
            ("anthropic-ratelimit-requests-remaining", str(left)),
            ("anthropic-ratelimit-tokens-limit", str(limits.tokens_limit)),
            ("anthropic-ratelimit-tokens-remaining", str(limits.tokens_limit)),
        )


def _whole(status: int, headers: Headers, body: bytes) -> bytes:
    if not any(name == "content-type" for name, _ in headers):
        headers = (*headers, ("content-type", "application/json"))
    return head_bytes(status, (*headers, ("content-length", str(len(body))))) + body


def _parts(reply: Reply, headers: Headers, fault: Fault | None) -> list[bytes]:
    """The head, then what follows it, each part a write."""
    headers = (*headers, *reply.headers)
    if not reply.events:
        head = head_bytes(reply.status, (*headers, ("content-length", str(len(reply.body)))))
        return [head, reply.body]
    stream = list(reply.events)
    if fault is not None and fault.kind == "error_event":
        stream = [*stream[: fault.after], event("error", error={"type": "overloaded_error", "message": "Overloaded"})]
    if fault is not None and fault.kind == "malformed":
        stream = [*stream[: fault.after], _NOT_AN_EVENT]
    head = head_bytes(reply.status, (*headers, ("transfer-encoding", "chunked")))
    return [head, *map(chunk_bytes, stream), LAST_CHUNK]


async def _send(writer: asyncio.StreamWriter, data: bytes, fault: Fault | None) -> None:
    if fault is not None and fault.kind == "dribble":
        for place in range(len(data)):
            writer.write(data[place : place + 1])
            await writer.drain()
            await asyncio.sleep(0)
        return
    writer.write(data)
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN. Raises Gone."""
    found = writer.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
    raise Gone


async def _wait_until_gone(reader: asyncio.StreamReader) -> None:
    while await reader.read(1024):
        pass
    raise Gone


@contextlib.contextmanager
def running(upstream: Upstream, port: int = 0) -> Iterator[Upstream]:
    """The upstream on a thread of its own, for callers without an event loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="upstream", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(upstream.start(port), loop).result()
        yield upstream
    finally:
        asyncio.run_coroutine_threadsafe(upstream.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
