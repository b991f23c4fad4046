"""A customer's own grader: a Python function of theirs, in a process of its own, ended when it takes too long.

    def grade(call: dict, output: dict, reference) -> float | {"score": 0.5, "reason": "…", "usd": "0.01"}

`call` has `call_id` and `request`, `output` the fields of an Answer. It is their code and trusted: it sees environment
and network. An exception, a time-out or a score outside 0 to 1 is a fault of the grader (docs/reference/graders.md).
"""

from __future__ import annotations

import re
import selectors
import subprocess
import sys
import time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from baseload.errors import UsageError
from baseload.quality.bar import Tier
from baseload.quality.graders.answers import Answer, Asked
from baseload.quality.graders.grader import NO_COST, Grade
from baseload.quality.graders.normal import same_text

_PATH: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_WORKER: Final = "baseload.quality.graders.plugin_worker"
MOST_REPLY_BYTES: Final = 1 << 20
MOST_REASON_CHARS: Final = 200
START_SECONDS: Final = 60.0


class PluginGrader:
    """Scores by the function at `path` ("module:function", imported from `folder` first). Close it when done.

    Raises UsageError where there is no such function. `tier` is what the customer says their score rests on.
    """

    def __init__(
        self, path: str, *, folder: Path, tier: Tier = "truth", version: str = "1", seconds: float = 30.0
    ) -> None:
        if not _PATH.fullmatch(path):
            raise UsageError(f"grader {path[:60]!r}; expected module:function, such as my_graders:score")
        self.id = f"plugin {path}"
        self.tier: Tier = tier
        self.version = version
        self._path, self._folder, self._seconds = path, folder, seconds
        self._worker: _Worker | None = None
        self._start()

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        asked = msgspec.json.encode({"call": call, "output": output, "reference": reference})
        try:
            reply = self._start().ask(asked, self._seconds)
        except _Broken as broken:
            self.close()
            reply = {"fault": str(broken)}
        return _grade(reply, self.tier)

    def same(self, a: Answer, b: Answer) -> bool:
        return same_text(a, b)

    def close(self) -> None:
        if self._worker is not None:
            self._worker.end()
            self._worker = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> _Worker:
        """The running process, a new one where the last was ended."""
        if self._worker is None:
            self._worker = _Worker(self._path, self._folder)
            try:
                fault = self._worker.read(START_SECONDS).get("fault", "")
            except _Broken as broken:
                fault = str(broken)
            if fault:
                self.close()
                raise UsageError(f"grader {self._path} cannot be loaded ({fault}); expected a function in that module")
        return self._worker


class _Broken(Exception):
    """The process said nothing in time, nothing that can be read, or is gone."""


class _Worker:
    def __init__(self, path: str, folder: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter on our own module
            [sys.executable, "-m", _WORKER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, bufsize=0
        )
        self._rest = b""

    def ask(self, request: bytes, seconds: float) -> dict[str, Any]:
        assert self._process.stdin is not None  # noqa: S101 - both are pipes, for the type checker
        try:
            self._process.stdin.write(request + b"\n")
        except OSError as error:
            raise _Broken("the process is gone") from error
        return self.read(seconds)

    def read(self, seconds: float) -> dict[str, Any]:
        """The next reply."""
        assert self._process.stdout is not None  # noqa: S101 - as above
        until = time.monotonic() + seconds
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not ready.select(max(0.0, until - time.monotonic())):
                    raise _Broken("it took too long")
                piece = self._process.stdout.read(65_536)
                self._rest += piece or b""
                if not piece or len(self._rest) > MOST_REPLY_BYTES:
                    raise _Broken("the process is gone" if not piece else "the reply is too long")
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            return msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise _Broken("the reply cannot be read") from error

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _grade(reply: dict[str, Any], tier: Tier) -> Grade:
    score, fault = reply.get("score"), reply.get("fault", "")
    if fault or isinstance(score, bool) or not isinstance(score, (int, float)):
        return Grade(score=0, reason="the grader failed", tier=tier, fault=str(fault)[:60] or "no score")
    reason = str(reply.get("reason", "scored by the plug-in"))[:MOST_REASON_CHARS]
    return Grade(score=float(score), reason=reason, tier=tier, usd=_usd(reply.get("usd")))


def _usd(value: Any) -> Decimal:
    """Dollars as text; what is no amount costs nothing that could be counted."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return NO_COST
    return amount if amount.is_finite() and 0 <= amount < 1_000_000 else NO_COST
