"""A watching process and the gateway's side of its pipes. It is started when first asked, and again when it died."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import msgspec

from baseload.errors import BaseloadError
from baseload.gateway.watching.messages import Ask, Fault

COMMAND: Final = (sys.executable, "-m", "baseload.gateway.watching.grade")
ANSWER_SECONDS: Final = 120.0
_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR", "SYSTEMROOT")
"""What a grader may see of the environment: no key is among it."""

_T = TypeVar("_T")


class ChildFault(BaseloadError):
    """The watching process could not do what was asked, or is gone."""


class Child:
    """One process, asked one thing at a time; a thread waits for it, never the loop."""

    def __init__(self, command: tuple[str, ...] = COMMAND, *, seconds: float = ANSWER_SECONDS) -> None:
        self._command = command
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="baseload-watching")
        self.started = 0  # processes since the start

    def __repr__(self) -> str:
        return f"Child(started={self.started})"

    async def ask(self, message: Ask, kind: type[_T]) -> _T:
        """What the process answers. Raises ChildFault: a fault of the process, or no answer in time."""
        line = msgspec.json.encode(message) + b"\n"
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                answer = await loop.run_in_executor(self._thread, self._exchange, line)
        except TimeoutError:
            self._kill()
            raise ChildFault("no answer in time") from None
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.MsgspecError:
            raise ChildFault(_fault_in(answer)) from None

    async def close(self) -> None:
        """End the process."""
        await asyncio.to_thread(self._kill)
        self._thread.shutdown(wait=True)

    def _exchange(self, line: bytes) -> bytes:
        process = self._process
        if process is None or process.poll() is not None:
            process = self._start()
        try:
            assert process.stdin is not None and process.stdout is not None  # noqa: PT018, S101 - both are pipes
            process.stdin.write(line)
            process.stdin.flush()
            answer = process.stdout.readline()
        except (OSError, ValueError):
            answer = b""
        if not answer:
            self._kill()
            raise ChildFault("the process ended")
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        self._kill()
        self.started += 1
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what a grader prints may quote an answer
            env=environment,
        )
        return self._process

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue


def _fault_in(answer: bytes) -> str:
    try:
        return msgspec.json.decode(answer, type=Fault).fault
    except msgspec.MsgspecError:
        return "an answer that cannot be read"
