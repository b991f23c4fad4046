"""What goes wrong: the caller gets what the API would have given or a correct error, the trip one last word."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Awaitable

import pytest
from wire_world import GET, NotedDoor, NotedTrip, Peer, Script, World, answer, eventually, ok, post, world

from baseload.gateway.exchange import Again, Forward, Inbound, Origin, Way
from baseload.gateway.wire.answer import chunk, error_event
from baseload.gateway.wire.limits import Limits

SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'event: ping\ndata: {"type": "ping"}\n\n'


def error_of(said: tuple[bytes, bytes]) -> tuple[int, str]:
    """Status and type of an error in the API's shape."""
    head, body = said
    found = json.loads(body)
    assert found["type"] == "error"
    assert f"request-id: {found['request_id']}\r\n".encode() in head
    return int(head.split(b" ")[1]), found["error"]["type"]


def events(chunked: bytes) -> bytes:
    """The events of a chunked stream, which must have its end."""
    found, rest = b"", chunked
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if not int(size, 16):
            assert rest == b"\r\n"
            return found
        found, rest = found + rest[: int(size, 16)], rest[int(size, 16) + 2 :]


# --- no answer


def test_an_upstream_that_refuses_is_502(door: NotedDoor, world: World, script: Script) -> None:
    script.close()
    assert error_of(world.ask(GET)) == (502, "api_error")
    assert door.trips[0].told == ["connect"]  # nothing was sent: no start record


def test_a_name_nobody_knows_is_502(door: NotedDoor, world: World) -> None:
    door.origin = Origin("no-such-host.invalid", 443, tls=True)
    assert error_of(world.ask(GET)) == (502, "api_error")
    door.origin = Origin("x" * 70 + ".invalid", 443, tls=True)  # no label may be as long
    assert error_of(world.ask(GET)) == (502, "api_error")
    assert [trip.told for trip in door.trips] == [["connect"], ["connect"]]


def test_a_reset_before_any_byte_is_502_and_not_sent_again(door: NotedDoor, world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(post(b"{}"))
    script.asked().reset()
    assert error_of(caller.message()) == (502, "api_error")
    assert door.trips[0].told == ["sending", "reset"]
    caller.send(GET)  # the caller's connection is as good as before
    script.asked().send(ok(b"1"))
    assert caller.message()[1] == b"1"


def test_an_end_in_the_middle_of_a_head_is_502(door: NotedDoor, world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(GET)
    upstream = script.asked()
    upstream.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    upstream.close()
    assert error_of(caller.message()) == (502, "api_error")


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 1\n\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 270_000,
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1_001 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
    ],
)
def test_an_answer_that_is_none_is_502_and_no_reset(
    door: NotedDoor, world: World, script: Script, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caller = world.caller()
    caller.send(GET)
    script.asked().send(said)
    head, body = caller.message()
    assert error_of((head, body)) == (502, "api_error")
    assert b"no HTTP that this gateway can read" in body
    assert door.trips[0].told == ["sending", "malformed"]
    assert "is none that this wire takes" in caplog.text


def test_an_answer_may_have_many_headers_and_say_its_length_twice(world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(GET)
    many = b"a: b\r\n" * 990 + b"x: " + b"y" * 100_000 + b"\r\n"
    script.asked().send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + many + b"Content-Length: 2\r\n\r\nok")
    head, body = caller.message()
    assert body == b"ok"
    assert (head.lower().count(b"content-length: 2\r\n"), head.count(b"a: b\r\n")) == (1, 990)


def test_a_silent_upstream_is_504_after_the_forwards_time(door: NotedDoor, world: World, script: Script) -> None:
    door.timeout_s = 0.3
    caller = world.caller()
    caller.send(post(b"{}"))
    upstream = script.asked()
    assert error_of(caller.message()) == (504, "timeout_error")
    assert upstream.rest() == b""  # its connection has ended
    assert door.trips[0].told == ["sending", "timeout"]


def test_a_connection_that_is_not_made_in_time_is_502(door: NotedDoor) -> None:
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(8)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(full.getsockname())
    door.origin = Origin("127.0.0.1", full.getsockname()[1], tls=False)
    with world(door, Limits(connect_s=0.3)) as found:
        assert error_of(found.ask(GET)) == (502, "api_error")
    for one in (*waiting, full):
        one.close()


# --- another attempt


def retried(door: NotedDoor, *, after_s: float | None = None, times: int = 1) -> NotedTrip:
    """Every request on one trip that asks for another attempt so many times."""
    trip = NotedTrip()

    def way(inbound: Inbound) -> Forward:
        forward = door.forward(inbound, trip)
        trip.again = [forward if after_s is None else Again(forward, after_s) for _ in range(times)]
        return forward

    door.way = way
    return trip


def test_a_status_that_may_be_retried_is_kept_from_the_caller_while_it_is(
    door: NotedDoor, world: World, script: Script
) -> None:
    trip = retried(door)
    caller = world.caller()
    caller.send(post(b"{}"))
    upstream = script.asked()
    upstream.send(b"HTTP/1.1 529 Overloaded\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\nbusy")
    assert upstream.message()[1] == b"{}"  # on the connection that was kept
    assert (trip.failure.status, trip.failure.body, trip.failure.headers[0]) == (529, b"busy", (b"Retry-After", b"1"))
    upstream.send(ok(b"fine"))
    assert caller.message() == (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", b"fine")
    assert trip.told == ["sending", "status", "sending", "head", "data", "end"]


def test_the_last_refusal_is_passed_on_as_it_came(door: NotedDoor, world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(post(b"{}"))
    said = b"HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n"
    script.asked().send(said)
    assert caller.exactly(len(said)) == said
    assert door.trips[0].told == ["sending", "status", "head", "data", "end"]


def test_an_error_too_long_to_keep_is_passed_on_without_another_attempt(door: NotedDoor, script: Script) -> None:
    with world(door, Limits(error_bytes=10)) as found:
        trip = retried(door)
        caller = found.caller()
        caller.send(post(b"{}"))
        upstream = script.asked()
        upstream.send(b"HTTP/1.1 500 Oops\r\nContent-Length: 20\r\n\r\n0123456789a")
        caller.until(b"0123456789a")
        upstream.send(b"123456789")
        assert caller.exactly(9) == b"123456789"
        assert trip.told == ["sending", "head", "data", "end"]


@pytest.mark.parametrize("after_s", [None, 0.05])
def test_a_reset_is_tried_again_where_the_trip_says_so(
    door: NotedDoor, world: World, script: Script, after_s: float | None
) -> None:
    trip = retried(door, after_s=after_s)
    caller = world.caller()
    caller.send(post(b"{}"))
    script.asked().reset()
    script.asked().send(ok(b"fine"))
    assert caller.message()[1] == b"fine"
    assert trip.told == ["sending", "reset", "sending", "head", "data", "end"]


def test_an_error_that_breaks_off_is_a_reset(door: NotedDoor, world: World, script: Script) -> None:
    trip = retried(door)
    caller = world.caller()
    caller.send(post(b"{}"))
    upstream = script.asked()
    upstream.send(b"HTTP/1.1 500 Oops\r\nContent-Length: 20\r\n\r\n0123")
    upstream.close()
    script.asked().send(ok(b"fine"))
    assert caller.message()[1] == b"fine"
    assert trip.told == ["sending", "reset", "sending", "head", "data", "end"]


def test_a_caller_that_leaves_between_two_attempts_ends_them(door: NotedDoor, world: World, script: Script) -> None:
    trip = retried(door, after_s=30)
    caller = world.caller()
    caller.send(post(b"{}"))
    script.asked().reset()
    eventually(lambda: trip.told == ["sending", "reset"])
    caller.close()
    eventually(lambda: trip.told[-1] == "broken client")
    assert world.server.exchanges == 0


def test_a_body_that_streamed_through_is_not_tried_again(door: NotedDoor, world: World, script: Script) -> None:
    door.whole = False
    trip = retried(door)
    caller = world.caller()
    caller.send(post(b"all of it"))
    script.asked().reset()
    assert error_of(caller.message())[0] == 502
    assert trip.told == ["sending", "broken upstream"]


# --- an idle connection that ends as we send


def kept(found: World, script: Script) -> tuple[Peer, Peer]:
    """A caller, and the upstream connection its first request has left idle."""
    caller = found.caller()
    caller.send(GET)
    upstream = script.asked()
    upstream.send(ok(b"1"))
    caller.message()
    return caller, upstream


def test_a_reused_connection_reset_after_the_request_was_read_is_not_sent_again(
    door: NotedDoor, world: World, script: Script
) -> None:
    """The upstream may have carried it out: a message sent twice is paid twice."""
    caller, upstream = kept(world, script)
    caller.send(post(b"{}"))
    upstream.message()
    upstream.reset()
    assert error_of(caller.message()) == (502, "api_error")
    assert door.trips[1].told == ["sending", "reset"]


def test_a_reused_connection_closed_after_the_request_was_read_is_not_sent_again(
    door: NotedDoor, world: World, script: Script
) -> None:
    caller, upstream = kept(world, script)
    caller.send(post(b"{}"))
    upstream.message()
    upstream.close()
    assert error_of(caller.message()) == (502, "api_error")


def test_a_get_is_sent_again_on_a_new_connection(door: NotedDoor, world: World, script: Script) -> None:
    caller, upstream = kept(world, script)
    caller.send(GET)
    upstream.message()
    upstream.reset()
    script.asked().send(ok(b"again"))
    assert caller.message()[1] == b"again"


def test_a_connection_closed_while_idle_is_not_used(door: NotedDoor, world: World, script: Script) -> None:
    caller, upstream = kept(world, script)
    upstream.close()
    eventually(lambda: world.server.client.connections == 0)
    caller.send(post(b"{}"))
    script.asked().send(ok(b"2"))
    assert caller.message()[1] == b"2"


def test_a_request_that_met_a_closed_connection_is_sent_again_since_nobody_can_have_read_it(
    door: NotedDoor, world: World, script: Script
) -> None:
    """The loop is kept busy while the upstream closes, so that we send before we know."""
    caller, upstream = kept(world, script)

    def way(inbound: Inbound) -> None:
        upstream.close()
        time.sleep(0.05)  # the end is in our system's hands by now, not in our loop's

    door.way = way
    caller.send(post(b"{}"))
    again = script.accept()
    assert again.message()[1] == b"{}"
    again.send(ok(b"2"))
    assert caller.message()[1] == b"2"
    assert door.trips[1].told == ["sending", "head", "data", "end"]


# --- after the first byte


def test_a_stream_that_breaks_off_ends_in_one_error_event(door: NotedDoor, world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(post(b"{}"))
    upstream = script.asked()
    upstream.send(SSE + chunk(EVENT))
    caller.until(b'ping"}\n\n\r\n')
    upstream.reset()
    found = events(caller.rest())
    name, data = found.removesuffix(b"\n\n").split(b"\n")
    assert name == b"event: error"
    assert json.loads(data.removeprefix(b"data: "))["error"]["type"] == "api_error"
    assert door.trips[0].told == ["sending", "head", "data", "broken upstream"]


def test_a_stream_that_breaks_off_inside_a_line_ends_the_line_first() -> None:
    assert error_event("m", b"").startswith(b"event: error\ndata: {")
    assert error_event("m", b"x\n\n").startswith(b"event: error\n")
    assert error_event("m", b'data: {"a').startswith(b"\nevent: error\n")
    assert error_event("m", b"x").endswith(b"}\n\n")


@pytest.mark.parametrize("end", ["chunks", "stall"])
def test_a_stream_that_stops_being_one_ends_the_same_way(
    door: NotedDoor, world: World, script: Script, end: str
) -> None:
    door.timeout_s = 0.3
    caller = world.caller()
    caller.send(post(b"{}"))
    upstream = script.asked()
    upstream.send(SSE + chunk(EVENT) + (b"no chunk\r\n" if end == "chunks" else b""))
    assert b"event: error\n" in caller.rest()
    assert door.trips[0].told[-1] == "broken upstream"


def test_a_compressed_stream_that_breaks_off_breaks_off(world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(post(b"{}"))
    upstream = script.asked()
    upstream.send(SSE.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + chunk(b"\x1f\x8b"))
    caller.until(b"\x1f\x8b\r\n")
    upstream.reset()
    assert caller.rest() == b""  # no last chunk: the caller can tell


def test_json_that_breaks_off_breaks_off(door: NotedDoor, world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(post(b"{}"))
    upstream = script.asked()
    upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    upstream.close()
    assert caller.rest().endswith(b"\r\n\r\n{")
    assert door.trips[0].told == ["sending", "head", "data", "broken upstream"]


def test_an_error_event_of_the_upstream_and_malformed_events_are_passed_on(world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(post(b"{}"))
    said = SSE + chunk(b"event: error\ndata: {}\n\n") + chunk(b"\x00\xff no event at all\n\n") + b"0\r\n\r\n"
    script.asked().send(said)
    found = caller.message()
    assert events(found[1]) == b"event: error\ndata: {}\n\n\x00\xff no event at all\n\n"


# --- the caller leaves


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nConte", SSE + chunk(EVENT)])
def test_a_caller_that_leaves_ends_the_upstreams_work(
    door: NotedDoor, world: World, script: Script, said: bytes
) -> None:
    caller = world.caller()
    caller.send(post(b"{}"))
    upstream = script.asked()
    upstream.send(said)
    time.sleep(0.05)
    caller.close()
    assert upstream.rest() == b""
    eventually(lambda: door.trips[0].told[-1] == "broken client")
    assert "end" not in door.trips[0].told
    assert (world.server.exchanges, world.server.held_bytes) == (0, 0)


def test_a_caller_that_ends_its_side_has_left(door: NotedDoor, world: World, script: Script) -> None:
    """Most clients that give up close; nothing tells that from a half-closed connection."""
    caller = world.caller()
    caller.send(post(b"{}"))
    upstream = script.asked()
    caller.socket.shutdown(socket.SHUT_WR)
    assert upstream.rest() == b""
    assert caller.rest() == b""


def test_a_caller_that_leaves_while_we_connect_sends_nothing(door: NotedDoor, world: World, script: Script) -> None:
    caller = world.caller()
    door.way = lambda inbound: caller.close()  # type: ignore[func-returns-value]
    caller.send(post(b"{}"))
    eventually(lambda: door.trips and door.trips[0].told)
    assert door.trips[0].told in (["broken client"], ["sending", "broken client"])


def test_a_caller_that_leaves_in_the_middle_of_its_request_asks_for_nothing(door: NotedDoor, world: World) -> None:
    caller = world.caller()
    caller.send(post(b"hello")[:-1])
    eventually(lambda: world.server.held_bytes == 4)
    caller.close()
    eventually(lambda: not world.server.inlets)
    assert (door.inbound, world.server.held_bytes) == ([], 0)


def test_an_upload_that_breaks_off_breaks_off_upstream(door: NotedDoor, world: World, script: Script) -> None:
    door.whole = False
    caller = world.caller()
    caller.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    upstream = script.accept()
    upstream.until(b"3\r\nabc\r\n")
    caller.send(b"no size\r\n")
    with pytest.raises((ConnectionResetError, EOFError)):
        upstream.until(b"0\r\n\r\n")
    eventually(lambda: door.trips[0].told == ["sending", "broken client"])


# --- faults of ours


class Broken(NotedTrip):
    def __getattribute__(self, name: str) -> object:
        if name in ("sending", "head", "data", "end", "failed", "broken"):
            raise RuntimeError("prompt: sekrit")
        return super().__getattribute__(name)


def test_a_trip_that_fails_does_not_change_the_answer(
    door: NotedDoor, world: World, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    door.way = lambda inbound: door.forward(inbound, Broken())
    caller = world.caller()
    with caplog.at_level(logging.DEBUG):
        caller.send(post(b"{}"))
        upstream = script.asked()
        upstream.send(b"HTTP/1.1 529 Overloaded\r\nContent-Length: 4\r\n\r\nbusy")
        assert caller.message()[1] == b"busy"
        caller.send(post(b"{}"))
        upstream.message()
        upstream.send(SSE + chunk(EVENT))
        caller.until(b'ping"}\n\n\r\n')
        upstream.reset()
        assert b"event: error" in caller.rest()
    assert "did not reach the caller" in caplog.text
    assert "sekrit" not in caplog.text + str([one.__dict__ for one in caplog.records])


def test_a_door_that_fails_lets_the_original_request_through(door: NotedDoor, world: World, script: Script) -> None:
    def way(inbound: Inbound) -> Way:
        raise RuntimeError("sekrit")

    async def late() -> Way:
        raise RuntimeError("sekrit")

    caller = world.caller()
    door.way = way
    caller.send(post(b"one"))
    upstream = script.accept()
    for again in (b"two", b""):
        assert upstream.message()[1] == (b"one" if again else b"two")
        upstream.send(ok(b"fine"))
        assert caller.message()[1] == b"fine"
        door.way = lambda inbound: late()
        if again:
            caller.send(post(again))


def test_a_door_that_cannot_say_whether_it_reads_a_body_gets_it_streamed(
    door: NotedDoor, world: World, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NotedDoor, "reads_body", None)
    caller = world.caller()
    caller.send(post(b"one"))
    upstream = script.accept()
    assert upstream.message()[1] == b"one"
    assert door.inbound[0].streamed


def test_stopping_tells_every_open_trip_that_it_was_us(door: NotedDoor, script: Script) -> None:
    with world(door) as found:
        caller = found.caller()
        caller.send(post(b"{}"))
        script.asked()
        found.thread.run(found.server.stop())
        assert caller.rest() == b""
    assert door.trips[0].told == ["sending", "broken gateway"]


def test_draining_lets_exchanges_finish_and_says_that_it_closes(door: NotedDoor, world: World, script: Script) -> None:
    idle, busy = world.caller(), world.caller()
    busy.send(post(b"{}"))
    upstream = script.asked()
    assert world.thread.run(world.server.drain(0.1)) == 1  # still under way after its grace
    assert idle.rest() == b""
    with pytest.raises(ConnectionRefusedError):
        world.caller()
    upstream.send(ok(b"fine"))
    head, body = busy.message()
    assert b"connection: close\r\n" in head
    assert body == b"fine"
    assert busy.rest() == b""
    assert world.thread.run(world.server.drain(1)) == 0


def test_a_way_that_takes_its_time_is_waited_for_and_given_up_when_the_caller_leaves(
    door: NotedDoor, world: World
) -> None:
    import asyncio

    ended: list[str] = []

    async def late() -> Way:
        try:
            await asyncio.sleep(0.05 if not ended else 30)
        except asyncio.CancelledError:
            ended.append("given up")
            raise
        ended.append("answered")
        return answer(b"late")

    def way(inbound: Inbound) -> Awaitable[Way]:
        return late()

    door.way = way
    caller = world.caller()
    caller.send(post(b"{}"))
    assert caller.message()[1] == b"late"
    caller.send(post(b"{}"))
    eventually(lambda: len(door.inbound) == 2)
    caller.close()
    eventually(lambda: ended == ["answered", "given up"])
