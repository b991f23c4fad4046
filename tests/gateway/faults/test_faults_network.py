"""Between the bytes: one at a time, from nowhere, to nowhere, and connections that end while nobody uses them."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from faults_world import (
    SAID,
    STREAM_HEAD,
    Caller,
    Line,
    answer_bytes,
    books,
    check,
    events,
    reached,
    request_bytes,
    rough,
    stream_bytes,
    told_events,
)
from served import serving, settings

ONCE = "timeout_s = 2\n[retry]\ntries = 1\n"


# --- a byte at a time, both ways


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
def test_a_byte_a_packet_both_ways_is_the_same_call(tmp_path: Path, stream: bool) -> None:
    def behave(line: Line) -> None:
        while (number := line.request()) is not None:
            line.send_by_one(stream_bytes(number) if stream else answer_bytes(number))

    with rough(behave) as upstream, serving(settings(upstream.base_url, ONCE, folder=tmp_path)) as gateway:
        for number in range(3):
            with Caller(gateway.gateway.port, receive_bytes=4_096) as caller:
                caller.send_by_one(request_bytes(number, stream=stream))
                told = caller.told(at_once=1)
                assert (told.status, told.whole) == (200, True)
                if stream:
                    assert told.body == b"".join(events(number))
                else:
                    assert told.json["id"] == f"msg_{number:08d}"
    found = books(tmp_path)
    assert [end.message_id for _, end in found.ends] == [f"msg_{number:08d}" for number in range(3)]
    assert all(end.usage and end.usage["output_tokens"] == 7 and end.settled for _, end in found.ends)
    check(tmp_path, reached(upstream), {0, 1, 2})


def test_every_place_to_cut_an_answer_in_two_gives_the_same_answer(tmp_path: Path) -> None:
    whole = stream_bytes(0)

    def behave(line: Line) -> None:
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (number := line.request()) is not None:
            line.send(whole[: number * 7])
            time.sleep(0.002)
            line.send(whole[number * 7 :])

    with (
        rough(behave) as upstream,
        serving(settings(upstream.base_url, ONCE, folder=tmp_path)) as gateway,
        Caller(gateway.gateway.port) as caller,
    ):
        for number in range(len(whole) // 7):
            caller.send(request_bytes(number, stream=True))
            assert caller.told().body == b"".join(events(0))
    found = books(tmp_path)
    assert len(found.ends) == len(whole) // 7
    assert all(end.settled and end.outcome == "ok" for _, end in found.ends)


# --- nowhere


@pytest.mark.parametrize(
    "address", ["http://no-such-host.invalid", "https://no-such-host.invalid", f"http://{'x' * 70}.invalid"]
)
def test_a_name_nobody_knows_is_a_502_of_the_apis_shape(tmp_path: Path, address: str) -> None:
    with serving(settings(address, ONCE + '[[budget]]\nusd = "5"\n', folder=tmp_path)) as gateway:
        with Caller(gateway.gateway.port) as caller:
            for number in range(3):
                caller.send(request_bytes(number))
                told = caller.told()
                assert (told.status, told.error) == (502, "api_error")
        assert gateway.call(lambda: [one.reserved for one in gateway.gateway.budgets._leases.values()]) == [0]
    assert not books(tmp_path).starts  # nothing was sent


def test_nobody_listens_then_somebody_does(tmp_path: Path) -> None:
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    text = ONCE + '[[budget]]\nusd = "5"\n'
    with (
        serving(settings(f"http://127.0.0.1:{port}", text, folder=tmp_path)) as gateway,
        Caller(gateway.gateway.port) as caller,
    ):
        for number in range(20):
            caller.send(request_bytes(number))
            assert caller.told().error == "api_error"
        holder.listen()
        served = threading.Thread(target=_serve_one, args=(holder,))
        served.start()
        caller.send(request_bytes(20))
        assert caller.told().json["id"] == "msg_00000020"
        served.join()
    holder.close()
    assert [number for number, _ in books(tmp_path).starts] == [20]


def _serve_one(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(answer_bytes(20, close=True))


# --- connections that end while nobody uses them


def idle_closings(folder: Path, count: int, seed: int, callers: int = 4) -> dict[str, int]:
    """The upstream closes after an answer, at once or a random moment later, at times with a reset."""
    chance = random.Random(seed)
    lock = threading.Lock()

    def behave(line: Line) -> None:
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (number := line.request()) is not None:
            line.send(answer_bytes(number))
            with lock:
                ends, wait, resets = chance.random() < 0.4, chance.choice((0.0, 0.0005, 0.002)), chance.random() < 0.3
            if ends:
                time.sleep(wait * chance.random())
                if resets:
                    line.reset()
                return

    told: Counter[int] = Counter()
    answered: set[int] = set()
    numbers = iter(range(count))

    def call(port: int) -> None:
        with Caller(port) as caller:
            while True:
                with lock:
                    number, pause = next(numbers, -1), chance.random() * 0.001
                if number < 0:
                    return
                caller.send(request_bytes(number))
                found = caller.told()
                with lock:
                    told[found.status] += 1
                    if found.status == 200 and found.json["id"] == f"msg_{number:08d}":
                        answered.add(number)
                time.sleep(pause)

    text = ONCE + '[[budget]]\nusd = "50"\n'
    with rough(behave) as upstream, serving(settings(upstream.base_url, text, folder=folder)) as gateway:
        port = gateway.gateway.port
        threads = [threading.Thread(target=call, args=(port,)) for _ in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = upstream.lines
    assert sum(told.values()) == count
    assert max(reached(upstream).values()) == 1, "a paid call was sent twice"
    assert told.keys() <= {200, 502}
    figures = check(folder, reached(upstream), answered)
    return {**figures, "connections": lines, "told 502": told[502]}


def test_idle_connections_closed_at_random_send_no_call_twice(tmp_path: Path) -> None:
    found = idle_closings(tmp_path, 300, 1)
    assert found["connections"] > 50
    assert found["told 502"] < 100  # a reset that crosses a request proves nothing, so that it is not sent again


def test_a_connection_that_ended_while_the_gateway_was_busy_is_not_used(tmp_path: Path) -> None:
    """Request and end are both there when the event loop comes back: whichever it sees first, the call goes well."""
    count = 12
    gate = threading.Event()
    ends = threading.Event()
    met, done = threading.Barrier(count), threading.Barrier(count + 1)

    def behave(line: Line) -> None:
        number = line.request()
        assert number is not None
        if number < count:
            met.wait(10)  # so that each has a connection of its own
        line.send(answer_bytes(number))
        if number < count:
            ends.wait(10)
        line.socket.shutdown(socket.SHUT_RDWR)
        line.socket.close()
        if number < count:
            done.wait(10)

    with (
        rough(behave) as upstream,
        serving(settings(upstream.base_url, ONCE, folder=tmp_path)) as gateway,
        ExitStack() as stack,
    ):
        callers = [stack.enter_context(Caller(gateway.gateway.port)) for _ in range(count)]
        for number, caller in enumerate(callers):
            caller.send(request_bytes(number))
        assert [caller.told().status for caller in callers] == [200] * count
        time.sleep(0.4)  # idle long enough that a server may close them
        gateway.loop.call_soon_threadsafe(gate.wait, 10)
        ends.set()
        done.wait(10)
        for number, caller in enumerate(callers):
            caller.send(request_bytes(count + number))
        time.sleep(0.05)
        gate.set()
        assert [caller.told().status for caller in callers] == [200] * count
    assert max(reached(upstream).values()) == 1


@pytest.mark.prove
def test_thousands_of_calls_over_connections_closed_at_random(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    for name, value in idle_closings(tmp_path, 5_000, 2).items():
        record_property(name, value)


# --- streams that are none


MALFORMED: tuple[bytes, ...] = (
    b"data: {\n\n", b'event: message_delta\ndata: {"type":"message_delta","usage":5}\n\n', b"\xff\xfe\x00\n\n",
    b'event: message_start\ndata: {"type":"message_start","message":[]}\n\n', b": comment\n\n", b"\n\n\n\n",
    b"data:" + b"x" * 70_000 + b"\n\n", b'event: error\ndata: {"type":"error","error":7}\n\n',
    b'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":"many"}}\n\n',
    b'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":1e300}}\n\n',
    b'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":-4}}\n\n', b"id: 4\nretry: 1\n\n",
)  # fmt: skip


def test_malformed_events_reach_the_caller_byte_for_byte_and_cost_no_record(tmp_path: Path) -> None:
    def behave(line: Line) -> None:
        while (number := line.request()) is not None:
            body = b"".join([events(number)[0], MALFORMED[number], *events(number)[1:]])
            line.send(STREAM_HEAD + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    text = ONCE + '[[budget]]\nusd = "50"\n'
    with rough(behave) as upstream, serving(settings(upstream.base_url, text, folder=tmp_path)) as gateway:
        for number, bad in enumerate(MALFORMED):
            with Caller(gateway.gateway.port) as caller:
                caller.send(request_bytes(number, stream=True))
                told = caller.told()
                assert told.body == b"".join([events(number)[0], bad, *events(number)[1:]])
        assert gateway.call(lambda: [one.reserved for one in gateway.gateway.budgets._leases.values()]) == [0]
    check(tmp_path, reached(upstream), set(range(len(MALFORMED))))


BAD_CHUNKS: tuple[bytes, ...] = (
    b"zz\r\n",
    b"-1\r\n",
    b"5\r\nabc\r\n",
    b"ffffffffffffffffff\r\n",
    b"5;" + b"a" * 70_000,
)


@pytest.mark.parametrize("bad", BAD_CHUNKS, ids=[repr(one[:12]) for one in BAD_CHUNKS])
def test_chunks_that_are_none_end_the_stream_in_an_error_event(tmp_path: Path, bad: bytes) -> None:
    def behave(line: Line) -> None:
        number = line.request()
        assert number is not None
        body = b"".join(events(number)[:3])
        line.send(STREAM_HEAD + b"%x\r\n%b\r\n" % (len(body), body) + bad)
        line.request()

    with (
        rough(behave) as upstream,
        serving(settings(upstream.base_url, ONCE, folder=tmp_path)) as gateway,
        Caller(gateway.gateway.port) as caller,
    ):
        caller.send(request_bytes(1, stream=True))
        told = caller.told()
        assert told.whole
        assert told.body.startswith(b"".join(events(1)[:3]))
        assert told_events(told.body)[-1] == "error"
    found = books(tmp_path)
    assert [end.outcome for _, end in found.ends] == ["upstream"]


def test_a_compressed_stream_that_breaks_off_breaks_off(tmp_path: Path) -> None:
    """No event of ours fits into a gzip stream: the caller sees that its answer is not whole."""

    def behave(line: Line) -> None:
        line.request()
        head = STREAM_HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
        line.send(head + b"4\r\n\x1f\x8b\x08\x00\r\n")
        line.reset()

    with (
        rough(behave) as upstream,
        serving(settings(upstream.base_url, ONCE, folder=tmp_path)) as gateway,
        Caller(gateway.gateway.port) as caller,
    ):
        caller.send(request_bytes(1, stream=True))
        told = caller.told()
        assert (told.status, told.whole, told.body) in [(200, False, b"\x1f\x8b\x08\x00"), (502, True, told.body)]
    assert len(books(tmp_path).ends) == 1


def test_the_words_looked_for_are_those_of_the_answers() -> None:
    found: Any = answer_bytes(1) + stream_bytes(1)
    assert found.count(SAID.encode()) == 2
