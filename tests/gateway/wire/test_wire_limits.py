"""Every bound of the wire, reached."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from wire_world import GET, NotedDoor, Script, eventually, ok, post, world

from baseload.gateway.wire.limits import Limits


def refused(said: tuple[bytes, bytes]) -> tuple[int, str]:
    head, body = said
    assert b"connection: close\r\n" in head
    return int(head.split(b" ")[1]), json.loads(body)["error"]["type"]


def test_a_long_head_is_431(door: NotedDoor) -> None:
    with world(door, Limits(head_bytes=1000)) as found:
        assert refused(found.ask(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 1000))[0] == 431


def test_many_headers_are_431(door: NotedDoor) -> None:
    with world(door, Limits(headers=5)) as found:
        assert refused(found.ask(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 5 + b"\r\n"))[0] == 431


def test_a_body_that_says_it_is_too_long_is_413_before_it_is_sent(door: NotedDoor) -> None:
    with world(door, Limits(body_bytes=10)) as found:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n"
        assert refused(found.ask(head)) == (413, "request_too_large")


def test_a_chunked_body_that_grows_too_long_is_413(door: NotedDoor) -> None:
    with world(door, Limits(body_bytes=10)) as found:
        chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"6\r\nabcdef\r\n" * 2
        assert refused(found.ask(chunked)) == (413, "request_too_large")


def test_a_caller_still_sending_gets_to_read_its_refusal(door: NotedDoor) -> None:
    """A connection closed on unread bytes is reset, which would take the answer with it."""
    with world(door, Limits(body_bytes=10)) as found:
        caller = found.caller()
        caller.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 1_000_000)
        assert refused(caller.message())[0] == 413
        assert caller.rest() == b""


def test_a_streaming_body_has_a_bound_of_its_own(door: NotedDoor, script: Script) -> None:
    door.whole = False
    with world(door, Limits(body_bytes=10, streamed_bytes=20)) as found:
        assert refused(found.ask(post(b"x" * 21)))[0] == 413
        caller = found.caller()
        caller.send(post(b"x" * 20))
        script.asked().send(ok(b"1"))
        assert caller.message()[1] == b"1"


def test_all_bodies_together_have_a_bound_and_give_it_back(door: NotedDoor, script: Script) -> None:
    with world(door, Limits(held_bytes=100)) as found:
        first = found.caller()
        first.send(post(b"x" * 60))
        upstream = script.asked()
        assert refused(found.ask(post(b"x" * 60)[:-1])) == (529, "overloaded_error")
        upstream.send(ok(b"1"))
        first.message()
        eventually(lambda: found.server.held_bytes == 0)
        first.send(post(b"x" * 60))
        assert upstream.message()[1] == b"x" * 60


def test_connections_are_counted(door: NotedDoor) -> None:
    with world(door, Limits(connections=2, linger_s=0.1)) as found:
        kept = [found.caller() for _ in range(2)]
        eventually(lambda: len(found.server.inlets) == 2)
        assert refused(found.caller().message()) == (529, "overloaded_error")
        kept[0].close()
        eventually(lambda: len(found.server.inlets) == 1)


def test_open_requests_are_counted(door: NotedDoor, script: Script) -> None:
    with world(door, Limits(exchanges=1)) as found:
        first = found.caller()
        first.send(GET)
        upstream = script.asked()
        head, body = found.ask(GET)
        assert b"retry-after: 1\r\n" in head
        assert refused((head, body)) == (529, "overloaded_error")
        upstream.send(ok(b"1"))
        assert first.message()[1] == b"1"
        first.send(GET)
        upstream.message()


def test_a_head_that_dribbles_is_408(door: NotedDoor) -> None:
    with world(door, Limits(head_s=0.3)) as found:
        caller = found.caller()
        began = time.monotonic()
        for byte in GET[:-4]:
            caller.send(bytes([byte]))
            time.sleep(0.005)
        assert refused(caller.message())[0] == 408
        assert time.monotonic() - began < 1.5


def test_a_body_that_stops_is_408(door: NotedDoor) -> None:
    with world(door, Limits(body_s=0.3)) as found:
        assert refused(found.ask(post(b"hello")[:-1])) == (408, "timeout_error")
        assert found.server.held_bytes == 0


def test_a_body_below_the_least_rate_is_408(door: NotedDoor) -> None:
    """Never silent for long, and never done: counted over the whole upload."""
    with world(door, Limits(body_s=0.3, body_rate=1000)) as found:
        caller = found.caller()
        caller.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        began = time.monotonic()
        with contextlib.suppress(OSError):  # broken pipe or reset, as the moment has it
            while time.monotonic() - began < 5:
                caller.send(b"x" * 10)
                time.sleep(0.05)
        assert time.monotonic() - began < 4


def test_an_idle_connection_ends(door: NotedDoor, script: Script) -> None:
    with world(door, Limits(idle_s=0.3)) as found:
        caller = found.caller()
        caller.send(GET)
        script.asked().send(ok(b"1"))
        caller.message()
        assert caller.rest() == b""


def test_a_connection_that_never_says_anything_ends(door: NotedDoor) -> None:
    with world(door, Limits(head_s=0.3)) as found:
        assert found.caller().rest() == b""


def test_an_idle_upstream_connection_ends_before_the_upstream_ends_it(door: NotedDoor, script: Script) -> None:
    with world(door, Limits(upstream_idle_s=0.3)) as found:
        caller = found.caller()
        caller.send(GET)
        script.asked().send(ok(b"1"))
        caller.message()
        eventually(lambda: found.server.client.connections == 0)
        caller.send(GET)
        upstream = script.asked()
        upstream.send(ok(b"2", b"Keep-Alive: timeout=1\r\n"))  # it keeps it for a second: we, for none
        assert caller.message()[1] == b"2"
        eventually(lambda: found.server.client.connections == 0)


def test_a_caller_that_reads_nothing_is_cut_off(door: NotedDoor, script: Script) -> None:
    with world(door, Limits(write_s=0.3)) as found:
        caller = found.caller()
        caller.send(post(b"{}"))
        upstream = script.asked()
        upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        upstream.socket.settimeout(5)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(1000):
                upstream.send(b"x" * 100_000)
        eventually(lambda: door.trips[0].told[-1] == "broken client")


def test_requests_sent_early_stop_being_read_at_their_bound(door: NotedDoor, script: Script) -> None:
    with world(door, Limits(early_bytes=10_000)) as found:
        caller = found.caller()
        caller.send(GET)
        upstream = script.asked()
        caller.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            caller.send(GET * 500_000)
        upstream.send(ok(b"1"))
        caller.socket.settimeout(5)
        assert caller.message()[1] == b"1"
        assert upstream.message()[0].startswith(b"GET ")
