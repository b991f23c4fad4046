"""The real `baseload gateway` as a process group of its own, gone at the end of the block whatever happened."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anthropic

PROGRAM = "from baseload.cli.main import main; main()"
HAIKU = "claude-haiku-4-5-20251001"
SONNET = "claude-sonnet-5"
ASK: list[Any] = [{"role": "user", "content": "Where is my parcel?"}]
ORG_KEY = "the organisation's key of the tests"


class Gateway:
    """A running gateway, told by signals."""

    def __init__(self, process: subprocess.Popen[str], said: Path) -> None:
        assert process.stdout is not None
        began = time.monotonic()
        self.process = process
        self.line = process.stdout.readline()
        self.seconds = time.monotonic() - began
        self._said = said
        self.clients: list[anthropic.Anthropic] = []
        assert self.line, f"it did not start: {self.said}"
        self.hello: dict[str, Any] = json.loads(self.line)

    @property
    def address(self) -> str:
        return str(self.hello["address"])

    @property
    def said(self) -> str:
        """Standard error so far."""
        return self._said.read_text()

    def client(self, key: str = "sk-ant-caller", **more: Any) -> anthropic.Anthropic:
        made = anthropic.Anthropic(base_url=self.address, api_key=key, max_retries=0, timeout=20, **more)
        self.clients.append(made)
        return made

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def command(*given: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, "gateway", *given]


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Nothing of the machine's own settings, keys or folders."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "BASELOAD_ORG_KEY": ORG_KEY,
        **(more or {}),
    }


@contextlib.contextmanager
def gateway(folder: Path, *given: str, env: Mapping[str, str] | None = None) -> Iterator[Gateway]:
    """`baseload gateway --json --port 0 …` in a folder, listening."""
    said = folder / "said.txt"
    with said.open("w") as stderr, subprocess.Popen(
        command("--json", "--port", "0", *given), stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=folder,
        env=environment(folder, env), start_new_session=True,
    ) as process:  # fmt: skip
        clients: list[anthropic.Anthropic] = []
        try:
            found = Gateway(process, said)
            clients = found.clients
            yield found
        finally:
            for one in clients:
                one.close()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def asked(folder: Path, *given: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """One `baseload gateway …` that ends by itself."""
    return subprocess.run(
        command(*given),
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(folder, env),
        timeout=60,
        check=False,
    )


def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that has to become true."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.05)


def rss_mb(pid: int) -> float:
    """What one process holds in memory."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def children(pid: int) -> list[int]:
    """The processes it started that still run."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(one) for one in text.split()]
