"""The call log on its way: a command where segments are complete, and a table that is followed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from baseload.gateway.calllog.records import End, Start
from baseload.gateway.calllog.segment import CallLog
from baseload.gateway.calllog.ship_postgres import PostgresSink
from baseload.gateway.shipping import QUIET_S, LedgerShipper, TableSender
from baseload.gateway.state.sqlite import SqliteDatabase

MINUTE_US = 60_000_000


def written(folder: Path, name: str, *, close: bool = True) -> CallLog:
    log = CallLog(folder, name, clock_us=lambda: 1_000)
    start = Start(seq=log.next_seq(), us=1_000, model="claude-haiku-4-5")
    log.append(start)
    log.append(End(seq=start.seq, us=2_000), start)
    if close:
        log.close()
    return log


def test_a_command_runs_once_for_what_was_completed_and_again_where_it_failed(tmp_path: Path) -> None:
    folder, ran, broken = tmp_path / "log", tmp_path / "ran", tmp_path / "broken"
    program = (
        f"import os, sys; open({str(ran)!r}, 'a').write('x'); sys.exit(3 if os.path.exists({str(broken)!r}) else 0)"
    )
    shipper = LedgerShipper(folder, (sys.executable, "-c", program))

    async def minute(number: int) -> int:
        await shipper.tick(number * MINUTE_US)
        if shipper._running is not None:
            await shipper._running
        await shipper.tick(number * MINUTE_US + 1)  # not due again yet
        return len(ran.read_text()) if ran.exists() else 0

    async def minutes() -> list[int]:
        counts = []
        folder.mkdir()
        live = written(folder, "live.1", close=False)
        counts.append(await minute(1))  # nothing is complete
        broken.touch()
        written(folder, "gone.1")
        counts += [await minute(2), await minute(3)]  # it fails, and is tried again
        broken.unlink()
        counts += [await minute(4), await minute(5)]
        live.close()
        counts.append(await minute(6))
        return counts

    assert asyncio.run(minutes()) == [0, 1, 2, 3, 3, 4]


def test_a_shipping_that_hangs_ends_with_the_gateway(tmp_path: Path) -> None:
    written(tmp_path, "gone.1")
    shipper = LedgerShipper(tmp_path, (sys.executable, "-c", "import time; time.sleep(600)"))

    async def stopped() -> None:
        await shipper.tick(MINUTE_US)
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            await shipper.stop()

    asyncio.run(stopped())
    assert not shipper.shipped


def test_the_table_has_what_was_written_and_what_the_dead_left(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    written(folder, "dead.1")
    for path in folder.iterdir():
        os.utime(path, (path.stat().st_mtime - 2 * QUIET_S,) * 2)
    live = written(folder, "live.1", close=False)
    written(folder, "other.1", close=False)  # another process, which sends its own
    sender = TableSender(folder, "live.1", lambda: SqliteDatabase(tmp_path / "table.db"))

    async def ticked() -> None:
        await sender.tick(1)
        await sender.tick(2)

    asyncio.run(ticked())
    pairs = list(PostgresSink(SqliteDatabase(tmp_path / "table.db")).pairs())
    assert [(pair.head.replica_id, pair.end is not None) for pair in pairs] == [("dead.1", True), ("live.1", True)]
    live.append(start := Start(seq=live.next_seq(), us=3_000))
    live.append(End(seq=start.seq, us=4_000), start)
    live.close()
    sender.close()
    assert len(list(PostgresSink(SqliteDatabase(tmp_path / "table.db")).pairs())) == 3
