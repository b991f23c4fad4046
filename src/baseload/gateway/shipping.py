"""The call log on its way to where it is read: the project's ledger, or one PostgreSQL table.

The ledger's engine is heavy, so a process of its own ships (`baseload gateway ship`), about once a minute and only
when there is something new. The table takes plain rows, so it is followed from here, about a second behind.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from baseload.gateway.calllog.recover import is_sealed
from baseload.gateway.calllog.segment import SUFFIX
from baseload.gateway.calllog.ship_postgres import PostgresSink
from baseload.gateway.state.database import Database
from baseload.gateway.state.faults import StateDown
from baseload.gateway.state.records import Topic

EVERY_US: Final = 60_000_000
MOST_SECONDS: Final = 600.0
"""One shipping may take; the next one goes on where it was ended."""
QUIET_S: Final = 5.0
"""A writer that completes a segment has begun the next one by then."""
log = logging.getLogger("baseload.gateway.ship")


class LedgerShipper:
    """Runs a command whenever segments were completed since it last ended well, a minute apart."""

    def __init__(self, folder: Path, command: Sequence[str], *, every_us: int = EVERY_US) -> None:
        self.shipped: frozenset[Path] = frozenset()
        self._folder = folder
        self._command = tuple(command)
        self._every_us = every_us
        self._due_us = 0
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Nothing to do before the first tick."""

    async def tick(self, now_us: int) -> None:
        """Begins a shipping where one is due, and does not wait for it."""
        if now_us < self._due_us or (self._running is not None and not self._running.done()):
            return
        self._due_us = now_us + self._every_us
        sealed = await asyncio.to_thread(_sealed, self._folder)
        if sealed - self.shipped:
            self._running = asyncio.create_task(self._ship(sealed))

    async def changed(self, topics: frozenset[Topic]) -> None:
        """Nothing of it concerns the log."""

    async def stop(self) -> None:
        """What was begun is ended; the segments stay, and are shipped by whoever starts next."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _ship(self, sealed: frozenset[Path]) -> None:
        process = await asyncio.create_subprocess_exec(*self._command, stdout=asyncio.subprocess.DEVNULL)
        try:
            async with asyncio.timeout(MOST_SECONDS):
                code = await process.wait()
        except (TimeoutError, asyncio.CancelledError):
            process.kill()
            await process.wait()
            raise
        if code in (0, 1):  # 1: some records had problems, which the ledger keeps
            self.shipped = sealed
        else:
            log.warning("shipping the call log to the ledger ended with %d; it is tried again in a minute", code)


class TableSender:
    """Sends what this process writes, and what processes that died here have left, to the shared table."""

    def __init__(self, folder: Path, replica_id: str, database: Callable[[], Database]) -> None:
        self._folder = folder
        self._replica_id = replica_id
        self._database = database
        self._sink: PostgresSink | None = None
        self._dead_sent = False

    async def start(self) -> None:
        """Nothing to do before the first tick: a store that is down keeps nobody from serving."""

    async def tick(self, now_us: int) -> None:  # noqa: ARG002 - every tick
        """Raises StateDown: what was not sent is sent the next time."""
        await asyncio.to_thread(self.send)

    async def changed(self, topics: frozenset[Topic]) -> None:
        """Nothing of it concerns the log."""

    async def stop(self) -> None:
        """The last records come after this: `close` sends them."""

    def send(self) -> int:
        """How many records went out. Raises StateDown."""
        sink = self._sink = self._sink or PostgresSink(self._database())
        if not self._dead_sent:
            for name in _ended(self._folder, self._replica_id):
                sink.send(self._folder, name)
                sink.mark_dead(name)
            self._dead_sent = True
        return sink.send(self._folder, self._replica_id)

    def close(self) -> None:
        """After the log was closed: its last records. What cannot be sent now is sent by the next start here."""
        try:
            self.send()
        except StateDown:
            log.warning("the last records of the call log could not be sent; the next start on this folder sends them")


def _sealed(folder: Path) -> frozenset[Path]:
    return frozenset(path for path in folder.glob(f"calls-*{SUFFIX}") if is_sealed(path))


def _ended(folder: Path, own: str) -> Iterable[str]:
    """Replicas that write no more: all their segments are complete, and have been for a while."""
    paths: dict[str, list[Path]] = {}
    for path in sorted(folder.glob(f"calls-*{SUFFIX}")):
        paths.setdefault(path.name[len("calls-") :].rpartition("-")[0], []).append(path)
    before = time.time() - QUIET_S
    for name, segments in paths.items():
        if name != own and all(is_sealed(one) and one.stat().st_mtime < before for one in segments):
            yield name
