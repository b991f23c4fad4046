"""One exchange after the other: what passes unchanged, what is framed anew, and when a connection is kept."""

from __future__ import annotations

import socket

import pytest
from wire_world import GET, NotedDoor, NotedTrip, Peer, Script, World, eventually, ok, post

from baseload.gateway.exchange import Inbound
from baseload.gateway.wire import answer as wire_answer


def test_a_request_reaches_the_upstream_with_its_headers_in_order_and_another_host(
    world: World, script: Script
) -> None:
    caller = world.caller()
    extra = b"X-Api-Key: k\r\nanthropic-BETA: a,b\r\nX-Twice: 1\r\nx-twice: 2\r\n"
    caller.send(post(b'{"a":1}', path=b"/v1/messages?beta=true", extra=extra))
    head, body = script.accept().message()
    assert head == (
        b"POST /v1/messages?beta=true HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n" % script.port
        + extra
        + b"content-length: 7\r\n\r\n"
    )
    assert body == b'{"a":1}'


def test_an_answer_reaches_the_caller_byte_for_byte(world: World, script: Script, door: NotedDoor) -> None:
    caller = world.caller()
    caller.send(GET)
    sent = b"HTTP/1.1 203 Said  So\r\nReQuest-Id: req_1\r\nx-a:  b\r\nX-A:\tc\r\nContent-Length: 4\r\n\r\n\x00\xff\r\n"
    script.asked().send(sent)
    assert caller.exactly(len(sent)) == sent
    trip = door.trips[0]
    assert (trip.told, trip.status, trip.body) == (["sending", "head", "data", "end"], 203, b"\x00\xff\r\n")
    assert trip.headers[1:3] == ((b"x-a", b"b"), (b"X-A", b"c"))


def test_what_belongs_to_one_connection_is_left_out_both_ways(world: World, script: Script) -> None:
    caller = world.caller()
    hop = b"Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\nProxy-Connection: a\r\n"
    caller.send(b"GET /v1/models HTTP/1.1\r\nHost: gateway\r\n" + hop + b"X-Kept: 1\r\n\r\n")
    upstream = script.accept()
    assert upstream.message()[0].split(b"\r\n")[2:] == [b"X-Kept: 1", b"", b""]
    upstream.send(ok(b"hi", b"Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Kept: 1\r\n"))
    assert caller.message() == (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Kept: 1\r\n\r\n", b"hi")


@pytest.mark.parametrize("is_added", [True, False])
def test_what_an_upstream_says_in_our_names_does_not_pass_beside_ours(script: Script, is_added: bool) -> None:
    """Another gateway behind this one. Where this one says nothing, what came passes as it came."""
    theirs, ours = b"X-Baseload-Model: theirs\r\n", b"x-baseload-model: ours\r\n"
    trip = NotedTrip()
    trip.added = ((b"x-baseload-model", b"ours"),) if is_added else ()
    door = NotedDoor(script.origin)
    door.way = lambda inbound: door.forward(inbound, trip)
    found = World(door)
    caller = found.caller()
    caller.send(GET)
    script.asked().send(ok(b"hi", theirs + b"x-kept: 1\r\n"))
    said = b"x-kept: 1\r\n" + ours if is_added else theirs + b"x-kept: 1\r\n"
    assert caller.message()[0] == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + said + b"\r\n"
    found.stop()


def test_headers_the_trip_adds_come_last_and_cannot_hold_a_line(script: Script) -> None:
    trip = NotedTrip()
    trip.added = ((b"x-served", b"model"), (b"x-evil", b"a\r\nSet-Cookie: b"))
    door = NotedDoor(script.origin)
    door.way = lambda inbound: door.forward(inbound, trip)
    found = World(door)
    caller = found.caller()
    caller.send(GET)
    script.asked().send(ok(b"hi", b"X-A: 1\r\n"))
    assert caller.message()[0] == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\nx-served: model\r\n\r\n"
    found.stop()


def test_a_header_of_the_forward_cannot_hold_a_line_either(door: NotedDoor, world: World, script: Script) -> None:
    def way(inbound: Inbound) -> object:
        forward = door.forward(inbound)
        forward.headers = ((b"x-a", b"1\r\nx-b: 2"), (b"x-c", b"3"))
        return forward

    door.way = way  # type: ignore[assignment]
    world.caller().send(GET)
    assert script.accept().message()[0].split(b"\r\n")[2:] == [b"x-c: 3", b"", b""]


def test_a_target_of_the_forward_that_is_no_path_is_not_sent(door: NotedDoor, world: World) -> None:
    def way(inbound: Inbound) -> object:
        forward = door.forward(inbound)
        forward.target = b"/model/a b HTTP/1.1\r\nX: "
        return forward

    door.way = way  # type: ignore[assignment]
    assert world.ask(GET)[0].startswith(b"HTTP/1.1 400 ")
    assert door.trips[0].told == ["broken gateway"]


def test_both_connections_are_kept_for_the_next_request(world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(GET)
    upstream = script.accept()
    for body in (b"one", b"two", b"three"):
        upstream.message()
        upstream.send(ok(body))
        assert caller.message()[1] == body
        if body != b"three":
            caller.send(GET)
    assert world.server.client.opened == 1


@pytest.mark.parametrize(
    "first", [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"]
)
def test_a_caller_that_wants_it_closed_gets_it_closed(world: World, script: Script, first: bytes) -> None:
    caller = world.caller()
    caller.send(first)
    script.asked().send(ok(b"hi"))
    assert caller.rest() == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nconnection: close\r\n\r\nhi"


def test_an_upstream_that_closes_is_not_used_again(world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(GET)
    script.asked().send(ok(b"1", b"Connection: close\r\n"))
    assert caller.message()[1] == b"1"
    caller.send(GET)
    script.asked().send(ok(b"2"))
    assert caller.message()[1] == b"2"


def test_an_upstream_that_says_more_than_it_announced_is_not_used_again(world: World, script: Script) -> None:
    """What follows an answer would be taken for the answer to the next request, maybe another caller's."""
    caller = world.caller()
    caller.send(GET)
    first = script.asked()
    first.send(ok(b"1") + ok(b"somebody else's"))
    assert caller.message()[1] == b"1"
    caller.send(GET)
    script.asked().send(ok(b"2"))
    assert caller.message()[1] == b"2"


def test_the_same_of_a_chunked_answer(world: World, script: Script, door: NotedDoor) -> None:
    caller = world.caller()
    caller.send(GET)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    script.asked().send(head + b"1\r\na\r\n0\r\n\r\n" + head + b"3\r\nbad\r\n0\r\n\r\n")
    assert caller.message()[1] == b"1\r\na\r\n0\r\n\r\n"
    caller.send(GET)
    script.asked().send(ok(b"2"))
    assert caller.message()[1] == b"2"
    assert [trip.body for trip in door.trips] == [b"a", b"2"]


def test_requests_sent_at_once_are_answered_in_order(world: World, script: Script, door: NotedDoor) -> None:
    caller = world.caller()
    caller.send(post(b"one") + post(b"two") + GET + post(b"four"))
    upstream = script.accept()
    for expected in (b"one", b"two", b"", b"four"):
        assert upstream.message()[1] == expected
        assert upstream.early == b""  # the next one waits for this one's answer
        upstream.send(ok(b"to " + expected))
        assert caller.message()[1] == b"to " + expected
    assert [one.body for one in door.inbound] == [b"one", b"two", b"", b"four"]


def test_a_request_that_comes_byte_by_byte_is_the_same(world: World, script: Script, door: NotedDoor) -> None:
    caller = world.caller()
    caller.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    chunked = (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nT: 1\r\n\r\n"
    )
    for byte in post(b"hello", extra=b"X-A: b\r\n") + chunked:
        caller.send(bytes([byte]))
    upstream = script.accept()
    head, body = upstream.message()
    assert b"X-A: b\r\n" in head
    assert body == b"hello"
    upstream.send(ok(b""))
    head, body = upstream.message()
    assert b"content-length: 4\r\n" in head  # read whole, so that it has a length now
    assert body == b"abcd"


def test_an_answer_that_comes_byte_by_byte_is_the_same(world: World, script: Script, door: NotedDoor) -> None:
    caller = world.caller()
    caller.send(GET)
    upstream = script.asked()
    upstream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = b"HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n"
    for byte in head + b"5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n":
        upstream.send(bytes([byte]))
    assert caller.exactly(len(head)) == head
    body = caller.until(b"\r\n\r\n")
    pieces = body.split(b"\r\n")
    assert b"".join(pieces[1:-4:2]) == b"hello world"
    assert pieces[-4:] == [b"0", b"X-Sum: 1", b"", b""]  # trailers are the upstream's words too
    assert door.trips[0].body == b"hello world"


def test_a_stream_is_passed_on_as_it_comes(world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(post(b"{}"))
    upstream = script.asked()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    upstream.send(head)
    assert caller.exactly(len(head)) == head  # before there is any body
    for number in range(3):
        event = b"event: ping\ndata: {%d}\n\n" % number
        upstream.send(wire_answer.chunk(event))
        assert caller.exactly(len(wire_answer.chunk(event))) == wire_answer.chunk(event)
    upstream.send(b"0\r\n\r\n")
    assert caller.exactly(5) == b"0\r\n\r\n"


def test_an_answer_that_ends_with_its_connection_gets_chunks(world: World, script: Script, door: NotedDoor) -> None:
    caller = world.caller()
    caller.send(GET)
    upstream = script.asked()
    upstream.send(b"HTTP/1.0 200 Fine\r\nX-A: 1\r\n\r\nhello")
    assert caller.exactly(67) == b"HTTP/1.1 200 Fine\r\nX-A: 1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"[:67]
    upstream.close()
    caller.until(b"0\r\n\r\n")
    assert door.trips[0].told == ["sending", "head", "data", "end"]


def test_a_caller_of_http_1_0_gets_no_chunks(world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(b"GET / HTTP/1.0\r\n\r\n")
    script.asked().send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
    assert caller.rest() == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhi"


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"),
    ],
)
def test_an_answer_without_a_body_is_whole_with_its_head(
    world: World, script: Script, method: bytes, answer: bytes
) -> None:
    caller = world.caller()
    caller.send(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
    upstream = script.asked()
    upstream.send(answer)
    assert caller.exactly(len(answer)) == answer
    caller.send(GET)
    upstream.message()
    upstream.send(ok(b"next"))
    assert caller.message()[1] == b"next"


def test_interim_answers_come_before_the_answer_and_100_is_ours_to_give(world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert caller.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    caller.send(b"hi")
    upstream = script.accept()
    head, body = upstream.message()
    assert b"xpect" not in head
    assert body == b"hi"
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    upstream.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 3000 + early + ok(b"done"))
    assert caller.until(b"\r\n\r\n") == early
    assert caller.message()[1] == b"done"


def test_a_body_that_streams_through_keeps_its_length_or_its_chunks(
    world: World, script: Script, door: NotedDoor
) -> None:
    door.whole = False
    caller = world.caller()
    caller.send(b"POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
    upstream = script.accept()
    assert upstream.until(b"\r\n\r\n").endswith(b"content-length: 6\r\n\r\n")
    assert upstream.exactly(3) == b"abc"  # before the rest has come
    caller.send(b"def")
    assert upstream.exactly(3) == b"def"
    upstream.send(ok(b"1"))
    assert caller.message()[1] == b"1"
    caller.send(b"POST /v1/files HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    assert upstream.until(b"\r\n\r\n").endswith(b"transfer-encoding: chunked\r\n\r\n")
    assert upstream.until(b"abc\r\n") == b"3\r\nabc\r\n"
    caller.send(b"1;x\r\nd\r\n0\r\n\r\n" + GET)
    assert upstream.until(b"0\r\n\r\n") == b"1\r\nd\r\n0\r\n\r\n"
    upstream.send(ok(b"2"))
    assert caller.message()[1] == b"2"
    assert upstream.message()[0].startswith(b"GET ")
    assert [(one.streamed, one.body) for one in door.inbound] == [(True, b""), (True, b""), (False, b"")]


def test_an_answer_before_the_end_of_an_upload_is_passed_on_and_ends_both_connections(
    world: World, script: Script, door: NotedDoor
) -> None:
    door.whole = False
    caller = world.caller()
    caller.send(b"POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
    upstream = script.accept()
    upstream.until(b"abc")
    upstream.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
    head, body = caller.message()
    assert b"connection: close" in head
    assert body == b"big"
    caller.send(b"d" * 500)  # still sending: no reset before it has read the answer
    assert caller.rest() == b""
    eventually(lambda: world.server.client.connections == 0)


def test_a_connection_that_ends_while_idle_is_forgotten(world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(GET)
    script.asked().send(ok(b"1"))
    caller.message()
    caller.close()
    eventually(lambda: not world.server.inlets)
    assert world.server.exchanges == 0


def test_an_empty_line_before_a_request_is_read_over(world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(b"\r\n\r\n" + GET)
    script.asked().send(ok(b"1"))
    assert caller.message()[1] == b"1"


def test_bytes_from_an_idle_upstream_end_it(world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(GET)
    upstream: Peer = script.accept()
    upstream.message()
    upstream.send(ok(b"1"))
    caller.message()
    upstream.send(ok(b"poison"))
    eventually(lambda: world.server.client.connections == 0)
    caller.send(GET)
    script.asked().send(ok(b"2"))
    assert caller.message()[1] == b"2"


def test_other_callers_keys_never_meet(world: World, script: Script) -> None:
    """Two callers share an upstream connection one after the other; nothing of the first is left in it."""
    first, second = world.caller(), world.caller()
    first.send(post(b"secret of one", extra=b"x-api-key: one\r\n"))
    upstream = script.accept()
    upstream.message()
    upstream.send(ok(b"answer to one"))
    assert first.message()[1] == b"answer to one"
    second.send(post(b"two", extra=b"x-api-key: two\r\n"))
    head, body = upstream.message()
    assert b"one" not in head + body
    upstream.send(ok(b"answer to two"))
    assert second.message()[1] == b"answer to two"


def test_an_idle_connection_keeps_no_prompt(world: World, script: Script) -> None:
    caller = world.caller()
    caller.send(post(b"sekrit"))
    script.asked().send(ok(b"1"))
    caller.message()
    (inlet,) = world.server.inlets
    assert inlet._inbound.body == b""
    assert (inlet._parts, inlet._buffer, inlet._exchange) == ([], b"", None)
