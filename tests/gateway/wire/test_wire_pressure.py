"""Held back both ways: whoever is slow costs its own time, not our memory."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop
import wire_world
from wire_world import NotedDoor, Script, eventually, ok, post

from baseload.gateway.exchange import Inbound
from baseload.gateway.wire.answer import chunk
from baseload.gateway.wire.limits import Limits
from baseload.gateway.wire.parse import RequestHead, answer_head
from baseload.gateway.wire.pipe import Pipe
from baseload.gateway.wire.server import Server

MB = 1024 * 1024


def rss() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Sender(threading.Thread):
    """Sends as fast as it is taken."""

    def __init__(self, send: Callable[[bytes], None], piece: bytes, times: int, last: bytes = b"") -> None:
        super().__init__(daemon=True)
        self.work = (send, piece, times, last)
        self.sent = 0
        self.start()

    def run(self) -> None:
        send, piece, times, last = self.work
        for _ in range(times):
            send(piece)
            self.sent += len(piece)
        send(last)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_slow_reader_of_a_long_answer_holds_back_its_upstream(
    door: NotedDoor, world: wire_world.World, script: Script, chunked: bool
) -> None:
    caller = world.caller()
    caller.send(post(b"{}"))
    upstream = script.asked()
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % (50 * MB)
    upstream.send(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % framing)
    upstream.socket.settimeout(30)
    trip_bytes = 0
    piece = b"x" * 65536
    before = rss()
    sender = Sender(upstream.send, chunk(piece) if chunked else piece, 800, b"0\r\n\r\n" if chunked else b"")
    time.sleep(0.4)
    taken = sender.sent
    time.sleep(0.2)
    assert sender.sent == taken  # it is held back
    assert taken < 20 * MB  # what two systems' sockets hold
    assert rss() - before < 30 * MB
    caller.until(b"\r\n\r\n")
    while trip_bytes < 50 * MB:
        found = caller.early or caller.socket.recv(MB)
        caller.early = b""
        trip_bytes += len(found)
    sender.join(10)
    eventually(lambda: door.trips[0].told[-1] == "end")
    assert len(door.trips[0].body) == 50 * MB


def test_a_slow_upstream_holds_back_an_upload(door: NotedDoor, world: wire_world.World, script: Script) -> None:
    door.whole = False
    caller = world.caller()
    caller.socket.settimeout(30)
    caller.send(b"POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (50 * MB))
    upstream = script.accept()
    upstream.until(b"\r\n\r\n")
    before = rss()
    sender = Sender(caller.send, b"x" * 65536, 800)
    time.sleep(0.4)
    taken = sender.sent
    time.sleep(0.2)
    assert sender.sent == taken
    assert taken < 20 * MB
    assert rss() - before < 30 * MB
    left = 50 * MB - len(upstream.early)
    while left:
        left -= len(upstream.socket.recv(MB))
    upstream.send(ok(b"all of it"))
    assert caller.message()[1] == b"all of it"


def test_a_body_of_32_mb_comes_through_whole(door: NotedDoor, world: wire_world.World, script: Script) -> None:
    caller = world.caller()
    body = bytes(range(256)) * (32 * MB // 256)
    Sender(caller.send, post(body), 1)
    upstream = script.accept()
    assert upstream.message()[1] == body
    upstream.send(ok(b"1"))
    assert caller.message()[1] == b"1"
    eventually(lambda: world.server.held_bytes == 0)


def test_time_stands_still_for_an_upstream_that_we_hold_back(
    door: NotedDoor, world: wire_world.World, script: Script
) -> None:
    """Else a caller who thinks for longer than the forward's time would lose its stream."""
    door.timeout_s = 0.3
    caller = world.caller()
    caller.send(post(b"{}"))
    upstream = script.asked()
    upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (20 * MB))
    Sender(upstream.send, b"x" * MB, 20)
    time.sleep(1.0)
    caller.until(b"\r\n\r\n")
    assert len(caller.exactly(20 * MB)) == 20 * MB


class Full:
    """A caller's connection that is full with every write."""

    def __init__(self) -> None:
        self.pipe: Pipe | None = None
        self.kept = 0

    def write(self, data: bytes) -> None:
        assert self.pipe
        self.pipe.pause()

    def finished(self, *, keep: bool) -> None:
        self.kept += keep

    def refuse(self, status: int, message: str) -> None:
        raise AssertionError(message)

    cut = hold = go_on = lambda self: None


class Counted:
    """An upstream's connection that counts how often it is held back."""

    paused = 0

    def begin(self, *given: object) -> None:
        """Sent."""

    def pause(self) -> None:
        self.paused += 1

    def trailers(self) -> list[object]:
        return []


@pytest.mark.parametrize("at_once", [True, False])
def test_an_answer_that_is_whole_does_not_hold_back_its_connections_next_user(door: NotedDoor, at_once: bool) -> None:
    """The upstream connection already rests in the pool while the caller still takes the end."""
    caller, outlet = Full(), Counted()
    inbound = Inbound(b"GET", b"/", (), b"", us=0)
    pipe = Pipe(caller, None, RequestHead(b"GET", b"/", (), old=False), inbound, door.forward(inbound))  # type: ignore[arg-type]
    caller.pipe = pipe
    assert pipe.connected(outlet)  # type: ignore[arg-type]
    head = answer_head(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", 9)
    pipe.head(head, b"ab" if at_once else b"a", at_once)
    if not at_once:
        assert outlet.paused == 1
        pipe.data(b"b", True)
    assert (outlet.paused, caller.kept) == (0 if at_once else 1, 1)


@pytest.mark.parametrize("make", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_hundreds_of_open_streams_come_through_together(
    door: NotedDoor, make: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """On the standard loop too, fewer of them: where uvloop is not, the wire still works."""
    count = 500 if make is uvloop.new_event_loop else 100
    opened = 0

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        await reader.readuntil(b"\r\n\r\n")
        opened += 1
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while opened < count:
            await asyncio.sleep(0.01)
        for number in range(3):
            writer.write(chunk(b"event %d" % number))
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")
        await reader.read()
        writer.close()

    async def call(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        found = await reader.readuntil(b"0\r\n\r\n")
        writer.close()
        return found

    async def all_of_them() -> None:
        listening = await asyncio.start_server(upstream, "127.0.0.1", 0, backlog=2048)
        door.origin = door.origin._replace(port=listening.sockets[0].getsockname()[1])
        server = Server(door, Limits())
        await server.start("127.0.0.1", 0)
        found = await asyncio.gather(*(call(server.port) for _ in range(count)))
        for one in found:
            assert b"".join(one.split(b"\r\n\r\n", 1)[1].split(b"\r\n")[1::2]).startswith(b"event 0")
        await server.stop()
        listening.close()

    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(all_of_them())
    assert len(door.trips) == count
