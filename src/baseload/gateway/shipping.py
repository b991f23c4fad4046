"""The call log on its way to where it is read: the project's ledger, or one PostgreSQL table.

The ledger's engine is heavy, so a process of its own ships (`baseload gateway ship`), about once a minute and only
when there is something new. The table takes plain rows, so it is followed from here, about a second behind. Either
way a segment is deleted some days after all of it arrived (`log.keep_shipped_days`).
"""

from __future__ import annotations

import asyncio
import contextlib
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
LOOK_US: Final = 10_000_000
"""Between two looks for what the dead have left: right after a crash their segments are not `QUIET_S` old."""
_US: Final = 1_000
_MOST_SAID: Final = 2_000
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
        process = await asyncio.create_subprocess_exec(
            *self._command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(MOST_SECONDS):
                _, said = await process.communicate()
            code = process.returncode or 0
        except (TimeoutError, asyncio.CancelledError):
            process.kill()
            await process.wait()
            raise
        if code in (0, 1):  # 1: some records had problems, which the ledger keeps
            self.shipped = sealed
            if code:
                log.warning("some records of the call log had problems, which the ledger keeps: %s", one_line(said))
        else:
            log.warning(
                "shipping the call log to the ledger ended with %d; it is tried again in a minute: %s",
                code, one_line(said),
            )  # fmt: skip


class TableSender:
    """Sends what this process writes, and what processes that died here have left, to the shared table.

    A segment that the table has all of is deleted `keep_us` after its last record: the table's commit comes first, so
    that a crash between the two leaves a file that is known to be sent, and is deleted by whoever starts next.
    """

    def __init__(
        self, folder: Path, replica_id: str, database: Callable[[], Database], *, keep_us: int | None = None
    ) -> None:
        """`keep_us` None = nothing is deleted."""
        self._folder = folder
        self._replica_id = replica_id
        self._database = database
        self._keep_us = keep_us
        self._sink: PostgresSink | None = None
        self._dead_sent: set[str] = set()
        self._look_us = self._delete_us = 0  # when it is due again

    async def start(self) -> None:
        """Nothing to do before the first tick: a store that is down keeps nobody from serving."""

    async def tick(self, now_us: int) -> None:
        """Raises StateDown: what was not sent is sent the next time."""
        await asyncio.to_thread(self._ticked, now_us)

    async def changed(self, topics: frozenset[Topic]) -> None:
        """Nothing of it concerns the log."""

    async def stop(self) -> None:
        """The last records come after this: `close` sends them."""

    def send(self, *, of_the_dead: bool = True) -> int:
        """How many records of this process went out. Raises StateDown."""
        sink = self._sink = self._sink or PostgresSink(self._database())
        if of_the_dead:
            for name in _ended(self._folder, self._replica_id):
                if name not in self._dead_sent:
                    sink.send(self._folder, name)
                    sink.mark_dead(name)
                    self._dead_sent.add(name)
        return sink.send(self._folder, self._replica_id)

    def delete_sent(self, now_us: int) -> list[Path]:
        """Removes complete segments whose time is over, of whatever process, where the table has all of them.

        Of the dead only once they are known to be dead there. Raises StateDown: nothing is removed on a guess.
        """
        sink = self._sink
        if sink is None or self._keep_us is None:
            return []
        waiting = set(_ended(self._folder, self._replica_id)) - self._dead_sent
        removed = []
        for path in sorted(_sealed(self._folder)):
            name = _replica_of(path)
            with contextlib.suppress(FileNotFoundError):  # another process was first
                is_due = path.stat().st_mtime_ns // _US < now_us - self._keep_us
                if is_due and name not in waiting and sink.has_all_of(path, name):
                    path.unlink()
                    removed.append(path)
        return removed

    def close(self) -> None:
        """After the log was closed: its last records. What cannot be sent now is sent by the next start here."""
        try:
            self.send()
        except StateDown:
            log.warning("the last records of the call log could not be sent; the next start on this folder sends them")

    def _ticked(self, now_us: int) -> None:
        looks = now_us >= self._look_us
        self.send(of_the_dead=looks)
        if looks:
            self._look_us = now_us + LOOK_US
        if now_us >= self._delete_us:
            self._delete_us = now_us + EVERY_US
            if removed := self.delete_sent(now_us):
                log.info("%d segments of the call log were deleted: the table has them", len(removed))


def one_line(said: bytes) -> str:
    """What a command wrote for people, as one line of the log: its end is cut off, never its beginning."""
    return " ".join(said[:_MOST_SAID].decode("utf-8", "replace").split())


def _sealed(folder: Path) -> frozenset[Path]:
    found = set()
    for path in folder.glob(f"calls-*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile: it was shipped
            if is_sealed(path):
                found.add(path)
    return frozenset(found)


def _replica_of(path: Path) -> str:
    return path.name[len("calls-") :].rpartition("-")[0]


def _ended(folder: Path, own: str) -> Iterable[str]:
    """Replicas that write no more: all their segments are complete, and have been for a while."""
    paths: dict[str, list[Path]] = {}
    for path in sorted(folder.glob(f"calls-*{SUFFIX}")):
        paths.setdefault(_replica_of(path), []).append(path)
    before = time.time() - QUIET_S
    for name, segments in paths.items():
        if name != own and all(_rests(one, before) for one in segments):
            yield name


def _rests(path: Path, before: float) -> bool:
    """Whether a segment is complete and was before a time. One that is gone by now was."""
    try:
        return is_sealed(path) and path.stat().st_mtime < before
    except FileNotFoundError:
        return True
