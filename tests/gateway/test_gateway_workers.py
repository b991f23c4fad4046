"""Processes that share a port: one that dies is started again, all drain when told to."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from baseload.gateway.workers import reserve

PROGRAM = """
import os, signal, socket, sys, threading
from baseload.gateway.workers import Workers, reserve

def say(line):  # in one write: two processes share the pipe
    os.write(1, (line + "\\n").encode())

held = reserve("127.0.0.1", 0)
port = held.getsockname()[1]

def serve(number):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    listener.settimeout(0.05)
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(1))
    signal.signal(signal.SIGHUP, lambda *_: say(f"hup {number}"))
    say(f"up {number} {os.getpid()}")
    while not told:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        connection.sendall(str(os.getpid()).encode())
        connection.close()
    say(f"drained {number}")
    return 0

say(f"port {port}")
sys.exit(Workers(2, serve, say).run())
"""


@contextlib.contextmanager
def running(program: str) -> Iterator[subprocess.Popen[str]]:
    """A supervisor and its processes, all of them gone at the end."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def supervisor() -> Iterator[subprocess.Popen[str]]:
    with running(PROGRAM) as process:
        yield process


def line(process: subprocess.Popen[str], begins: str) -> list[str]:
    """The next line that begins so; what comes before it is passed over."""
    assert process.stdout is not None
    for text in process.stdout:
        if text.startswith(begins):
            return text.split()
    raise AssertionError(f"it ended without a line that begins with {begins}")


def asked(port: int) -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        return int(connection.recv(64))


def test_a_process_that_dies_is_started_again_and_the_port_stays(supervisor: subprocess.Popen[str]) -> None:
    port = int(line(supervisor, "port")[1])
    pids = {int(line(supervisor, "up")[2]) for _ in range(2)}
    assert asked(port) in pids
    victim = pids.pop()
    os.kill(victim, signal.SIGKILL)
    assert line(supervisor, "process")[4] == "-9;"
    fresh = int(line(supervisor, "up")[2])
    assert fresh not in {victim, *pids}
    assert asked(port) in {fresh, *pids}


def test_a_stop_drains_every_process_and_ends_with_0(supervisor: subprocess.Popen[str]) -> None:
    line(supervisor, "port")
    for _ in range(2):
        line(supervisor, "up")
    os.kill(supervisor.pid, signal.SIGHUP)
    assert {line(supervisor, "hup")[1] for _ in range(2)} == {"0", "1"}
    os.kill(supervisor.pid, signal.SIGTERM)
    assert {line(supervisor, "drained")[1] for _ in range(2)} == {"0", "1"}
    assert supervisor.wait(5) == 0


def test_processes_whose_first_one_is_killed_drain_by_themselves(supervisor: subprocess.Popen[str]) -> None:
    """Left alone they would share the port with the next start's, and nobody could tell them to stop."""
    line(supervisor, "port")
    for _ in range(2):
        line(supervisor, "up")
    supervisor.kill()
    assert {line(supervisor, "drained")[1] for _ in range(2)} == {"0", "1"}


def test_a_port_that_somebody_listens_on_is_refused() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="in use"):
            reserve("127.0.0.1", other.getsockname()[1])


def test_an_end_without_being_told_is_no_clean_stop() -> None:
    """The pause grows while a process dies of its start, so that a broken one does not spin."""
    program = PROGRAM.replace('say(f"up {number} {os.getpid()}")', "os._exit(3)")
    with running(program) as process:
        began = time.monotonic()
        pauses = [line(process, "process")[-2] for _ in range(6)]
    assert time.monotonic() - began > 0.5
    assert set(pauses) >= {"0.2", "0.4"}
