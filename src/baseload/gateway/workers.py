"""Several processes that share one port: forked, watched, started again when they die, drained when told to stop.

The kernel spreads new connections over the processes (SO_REUSEPORT). They share nothing but the state store, as
replicas on different machines do.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final, NoReturn

FIRST_PAUSE_S: Final = 0.2
MOST_PAUSE_S: Final = 10.0
STEADY_S: Final = 30.0
"""Who lived so long did not die of its start."""
_LOOK_S: Final = 0.5
"""Between two looks at whether the first process is still there."""
_FORWARDED: Final = (signal.SIGHUP,)
_STOPS: Final = (signal.SIGTERM, signal.SIGINT)
_ALL: Final = (*_STOPS, *_FORWARDED)


def reserve(host: str, port: int) -> socket.socket:
    """A socket that holds a port without listening, so that every process may bind it; 0 takes a free one.

    Raises OSError where somebody else listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, port))
    except OSError:
        held.close()
        raise
    return held


class Workers:
    """`serve(number)` runs in each process and returns its exit code when SIGTERM told it to drain."""

    def __init__(self, count: int, serve: Callable[[int], int], says: Callable[[str], None]) -> None:
        self._serve = serve
        self._says = says
        self._alive: dict[int, tuple[int, float]] = {}  # process id: number, when it began
        self._due = dict.fromkeys(range(count), 0.0)  # number: when it may start
        self._pauses = dict.fromkeys(range(count), FIRST_PAUSE_S)
        self._stopping = False
        self._first = os.getpid()

    def run(self) -> int:
        """Until SIGTERM or SIGINT and the last process is gone; 0 where all of them drained."""
        for name in _STOPS:
            signal.signal(name, self._stop)
        for name in _FORWARDED:
            signal.signal(name, self._forward)
        worst = 0
        while self._alive or not self._stopping:
            if not self._stopping:
                self._start_due()
            worst = max(worst, self._reap())
            time.sleep(0.05)
        return worst

    def _start_due(self) -> None:
        now = time.monotonic()
        for number, at in list(self._due.items()):
            if at <= now and not self._stopping:
                del self._due[number]
                self._start(number, now)

    def _start(self, number: int, now: float) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ALL)  # who is told of a signal must know this one too
        try:
            process = os.fork()
            if process == 0:
                self._work(number, before)
            self._alive[process] = (number, now)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _work(self, number: int, signals: set[int | signal.Signals]) -> NoReturn:
        code = 1
        try:
            for name in _ALL:
                signal.signal(name, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, signals)
            threading.Thread(target=_drain_when_alone, args=(self._first,), name="alone", daemon=True).start()
            code = self._serve(number)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> int:
        worst = 0
        for process in list(self._alive):
            gone, status = os.waitpid(process, os.WNOHANG)
            if not gone:
                continue
            number, began = self._alive.pop(process)
            code = os.waitstatus_to_exitcode(status)
            if self._stopping:
                worst = max(worst, 0 if -code in _STOPS else abs(code))  # told before it had begun to serve
                continue
            pause = FIRST_PAUSE_S if time.monotonic() - began > STEADY_S else self._pauses[number]
            self._says(f"process {number} ended with {code}; it is started again in {pause:g} s")
            self._due[number] = time.monotonic() + pause
            self._pauses[number] = min(2 * pause, MOST_PAUSE_S)
        return worst

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's arguments
        self._stopping = True
        for process in self._alive:
            os.kill(process, signal.SIGTERM)

    def _forward(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as above
        for process in self._alive:
            os.kill(process, number)


def _drain_when_alone(first: int) -> None:
    """Nobody tells a process to stop whose first one was killed: it drains by itself, or it would serve for ever,
    beside those of the next start."""
    while os.getppid() == first:
        time.sleep(_LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)
