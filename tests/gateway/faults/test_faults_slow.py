"""Clients that take their time, or send what nobody should: memory stays bounded, everybody else is served."""

from __future__ import annotations

import resource
import select
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import test_gateway_kills
from faults_world import (
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
)
from served import serving, settings

PROGRAM = Path(__file__).with_name("slow_line_program.py")
ROUND = 64
"""Bytes a slow reader takes at a time."""
LONG = 300_000
"""Bytes of a long stream: more than a connection's buffers hold."""


def rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def long_stream(line: Line) -> None:
    """A stream of many events to whoever asks for one; else an answer."""
    while (number := line.request()) is not None:
        if b'"stream": true' not in line.upstream.bodies[number]:
            line.send(answer_bytes(number))
            continue
        first, *rest = events(number)
        delta = rest[1]
        middle = delta * (LONG // len(delta))
        body = first + rest[0] + middle + b"".join(rest[2:])
        line.send(STREAM_HEAD)
        for at in range(0, len(body), 16_384):
            piece = body[at : at + 16_384]
            line.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        line.send(b"0\r\n\r\n")


@contextmanager
def process(folder: Path, base_url: str, limits: str = "") -> Iterator[tuple[int, int]]:
    """(process id, port) of a gateway of its own."""
    (folder / "gateway.toml").write_text(
        f'[listen]\nport = 0\n[[upstream]]\nbase_url = "{base_url}"\n[retry]\ntries = 1\n[limits]\n{limits}\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_gateway_kills, "PROGRAM", PROGRAM)
        with test_gateway_kills.gateway(folder) as (running, port):
            yield running.pid, port


def others(port: int, numbers: range) -> list[float]:
    """How long calls of an ordinary caller take meanwhile, in seconds."""
    waits = []
    with Caller(port) as caller:
        for number in numbers:
            began = time.perf_counter()
            caller.send(request_bytes(number))
            assert caller.told().json["id"] == f"msg_{number:08d}"
            waits.append(time.perf_counter() - began)
    return waits


def slow_readers(folder: Path, count: int) -> dict[str, Any]:
    """Each asks for a long stream and takes 64 bytes of it now and then; then they read on, or leave."""
    with rough(long_stream) as upstream, process(folder, upstream.base_url) as (pid, port), ExitStack() as stack:
        rest = rss_mb(pid)
        callers = []
        for number in range(count):
            caller = stack.enter_context(Caller(port, receive_bytes=4_096))
            caller.send(request_bytes(number, stream=True))
            callers.append(caller)
        taken = 0
        until = time.monotonic() + 1.0 + count / 400
        most = rest
        while time.monotonic() < until:
            for caller in callers[:: max(1, count // 50)]:
                with suppress(BlockingIOError):
                    taken += len(caller.socket.recv(ROUND, socket.MSG_DONTWAIT))
            most = max(most, rss_mb(pid))
            time.sleep(0.02)
        waits = others(port, range(1_000_000, 1_000_200))
        most = max(most, rss_mb(pid))
        for caller in callers[count // 2 :]:
            caller.socket.close()  # half of them leave
        whole = _read_all(callers[: count // 2])
        time.sleep(0.3)
        after = rss_mb(pid)
    got = reached(upstream)
    check(folder, got, set(range(1_000_000, 1_000_200)))
    found = books(folder)
    outcomes = found.outcomes()
    assert outcomes["ok"] == count // 2 + 200
    assert outcomes["client"] == count - count // 2
    assert outcomes["ok"] + outcomes["client"] == sum(got.values())
    assert whole == count // 2
    return {"clients": count, "asleep MB": round(rest, 1), "most MB": round(most, 1), "after MB": round(after, 1),
            "others ms": round(statistics.median(waits) * 1000, 2), "others most ms": round(max(waits) * 1000, 1),
            "read on whole": whole, "left": outcomes["client"], "lost": 0}  # fmt: skip


def _read_all(callers: list[Caller]) -> int:
    """How many streams come to their end, all read side by side."""
    poll = select.epoll()
    tails: dict[int, bytes] = {}
    by_fd = {caller.socket.fileno(): caller for caller in callers}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
        tails[fd] = b""
    whole = 0
    until = time.monotonic() + 60
    while tails and time.monotonic() < until:
        for fd, _ in poll.poll(1):
            data = by_fd[fd].socket.recv(65_536)
            tails[fd] = (tails[fd] + data)[-64:]
            if not data or tails[fd].endswith(b"0\r\n\r\n"):
                whole += bool(data)
                poll.unregister(fd)
                del tails[fd]
    poll.close()
    return whole


def test_slow_readers_hold_nobody_up_and_little_memory(tmp_path: Path) -> None:
    found = slow_readers(tmp_path, 120)
    assert found["most MB"] - found["asleep MB"] < 60
    assert found["others ms"] < 100


@pytest.mark.prove
def test_two_thousand_slow_readers(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    for name, value in slow_readers(tmp_path, 2_000).items():
        record_property(name, value)


def slow_senders(folder: Path, count: int, seconds: float) -> dict[str, Any]:
    """A third send a head a byte now and then, a third a body, a third nothing at all: each is told to go in time."""
    with (
        rough(long_stream) as upstream,
        process(folder, upstream.base_url, "head_s = 2\nbody_s = 2\nidle_s = 2") as (pid, port),
        ExitStack() as stack,
    ):
        rest = rss_mb(pid)
        head = request_bytes(1, more=" and more" * 500)
        begun = head.index(b"\r\n\r\n") + 4
        callers = []
        for number in range(count):
            caller = stack.enter_context(Caller(port))
            caller.send((head[:40], head[: begun + 30], b"")[number % 3])
            callers.append(caller)
        until = time.monotonic() + seconds
        at = 0
        while time.monotonic() < until:  # a byte every while: never silent for long
            at += 1
            for number, caller in enumerate(callers):
                try:
                    if number % 3 == 0:
                        caller.socket.send(head[40 + at : 41 + at])
                except OSError:
                    continue
            time.sleep(0.1)
        waits = others(port, range(1_000_000, 1_000_100))
        most = rss_mb(pid)
        told = [_last_word(caller) for caller in callers]
    heads, bodies, silent = told[0::3], told[1::3], told[2::3]
    assert set(heads) == {408}
    assert set(bodies) == {408}
    assert set(silent) == {0}  # nothing was asked, nothing is said
    assert reached(upstream).keys() == set(range(1_000_000, 1_000_100))
    check(folder, reached(upstream), set(range(1_000_000, 1_000_100)))
    return {"clients": count, "asleep MB": round(rest, 1), "most MB": round(most, 1),
            "others ms": round(statistics.median(waits) * 1000, 2), "others most ms": round(max(waits) * 1000, 1),
            "told 408": told.count(408), "closed in silence": told.count(0), "lost": 0}  # fmt: skip


def _last_word(caller: Caller) -> int:
    """The status a caller was told before its connection ended; 0 = none."""
    try:
        told = caller.told()
    except TimeoutError:
        return -1
    assert not told.status or told.error == "timeout_error"
    return told.status


def test_slow_senders_are_told_to_go_and_hold_nobody_up(tmp_path: Path) -> None:
    found = slow_senders(tmp_path, 120, 2.6)
    assert found["others ms"] < 100


@pytest.mark.prove
def test_two_thousand_slow_senders(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    for name, value in slow_senders(tmp_path, 2_000, 6).items():
        record_property(name, value)


BOMBS: tuple[tuple[str, bytes, int], ...] = (
    ("one header of megabytes", b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"x" * 2_000_000, 431),
    ("a target of megabytes", b"GET /" + b"x" * 2_000_000, 431),
    ("a hundred thousand headers", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 100_000 + b"\r\n", 431),
    ("a thousand headers", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 1_000 + b"\r\n", 431),
    ("blanks", b"GET / HTTP/1.1\r\nHost: a\r\nA:" + b" " * 60_000 + b"\0\r\n\r\n", 400),
    ("a line of nothing", b"\0" * 70_000, 400),
    ("a body of petabytes", request_bytes(1).replace(b"content-length: ", b"content-length: 99999999999"), 413),
    ("a chunk of petabytes", b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"ffffffffffffff\r\n" + b"x" * 40_000_000, 413),
    ("trailers without end", b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
     + b"a: b\r\n" * 100_000, 431),
)  # fmt: skip


def bombs(folder: Path, times: int) -> dict[str, Any]:
    with rough(long_stream) as upstream, process(folder, upstream.base_url) as (pid, port):
        rest = most = rss_mb(pid)
        refused = 0
        for _ in range(times):
            for name, data, status in BOMBS:
                with Caller(port) as caller:
                    thread = threading.Thread(target=_send, args=(caller.socket, data))
                    thread.start()
                    told = caller.told()
                    most = max(most, rss_mb(pid))
                    thread.join()
                assert told.status in (status, 431), name  # whichever bound its packets meet first
                assert told.error
                refused += 1
        waits = others(port, range(100))
    assert reached(upstream).keys() == set(range(100))
    return {"bombs": refused, "asleep MB": round(rest, 1), "most MB": round(most, 1),
            "others ms": round(statistics.median(waits) * 1000, 2), "reached the upstream": 0}  # fmt: skip


def _send(connection: socket.socket, data: bytes) -> None:
    try:
        connection.sendall(data)
    except OSError:
        return  # the gateway has heard enough


def test_bombs_of_headers_are_refused_before_they_weigh(tmp_path: Path) -> None:
    found = bombs(tmp_path, 1)
    assert found["most MB"] - found["asleep MB"] < 80  # a body may have 32 MB


@pytest.mark.prove
def test_hundreds_of_bombs(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    for name, value in bombs(tmp_path, 30).items():
        record_property(name, value)


def test_a_caller_that_leaves_in_the_middle_ends_the_upstreams_work(tmp_path: Path) -> None:
    gone = threading.Event()

    def behave(line: Line) -> None:
        number = line.request()
        assert number is not None
        line.send(STREAM_HEAD + b"%x\r\n%b\r\n" % (len(events(number)[0]), events(number)[0]))
        try:
            while line.socket.recv(100):
                pass
        except OSError:
            pass
        gone.set()

    with rough(behave) as upstream, serving(settings(upstream.base_url, folder=tmp_path)) as gateway:
        with Caller(gateway.gateway.port) as caller:
            caller.send(request_bytes(1, stream=True))
            assert caller.socket.recv(20)
        assert gone.wait(5)
    found = books(tmp_path)
    assert [end.outcome for _, end in found.ends] == ["client"]
