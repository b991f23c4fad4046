"""The call log on its way: a command where segments are complete, and a table that is followed."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from baseload.gateway.calllog.records import End, Start
from baseload.gateway.calllog.recover import recover
from baseload.gateway.calllog.segment import CallLog
from baseload.gateway.calllog.ship_postgres import PostgresSink
from baseload.gateway.shipping import LOOK_US, QUIET_S, LedgerShipper, TableSender
from baseload.gateway.state.faults import StateDown
from baseload.gateway.state.sqlite import SqliteDatabase

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US


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


@pytest.mark.parametrize("code", [1, 3])
def test_what_a_shipping_writes_for_people_is_one_line_of_the_log(
    tmp_path: Path, code: int, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Standard error is a JSON object a line: nobody else writes there."""
    written(tmp_path, "gone.1")
    program = f"import sys; sys.stderr.write('1 problem\\n  row 7: bad\\n'); sys.exit({code})"
    shipper = LedgerShipper(tmp_path, (sys.executable, "-c", program))

    async def minute() -> None:
        await shipper.tick(MINUTE_US)
        assert shipper._running is not None
        await shipper._running

    asyncio.run(minute())
    assert "\n  row 7: bad" not in capfd.readouterr().err
    (line,) = caplog.messages
    assert line.endswith(": 1 problem row 7: bad")


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


def aged(folder: Path, *, seconds: float = 2 * QUIET_S) -> None:
    """Every segment as it would be some time after its last record."""
    for path in folder.glob("calls-*.log"):
        os.utime(path, (path.stat().st_mtime - seconds,) * 2)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("calls-*.log"))


def sent(table: Path) -> int:
    return len(list(PostgresSink(SqliteDatabase(table)).pairs()))


def test_what_a_crash_left_is_sent_although_its_segments_are_fresh_when_the_next_process_starts(tmp_path: Path) -> None:
    """Recovery completes them at the start, so that they rest for no more than a moment then."""
    folder = tmp_path / "log"
    dead = written(folder, "dead.1", close=False)
    dead._commits.close(dead._fd)  # its locks go as with the process
    recover(folder, lambda: 5_000)
    sender = TableSender(folder, "live.1", lambda: SqliteDatabase(tmp_path / "table.db"))
    asyncio.run(sender.tick(1))
    assert sent(tmp_path / "table.db") == 0
    aged(folder)
    asyncio.run(sender.tick(LOOK_US - 1))  # not looked for yet
    assert sent(tmp_path / "table.db") == 0
    asyncio.run(sender.tick(LOOK_US + 1))
    assert sent(tmp_path / "table.db") == 1


def test_a_segment_is_deleted_once_the_table_has_all_of_it_and_its_days_are_over(tmp_path: Path) -> None:
    folder, now_us = tmp_path / "log", time.time_ns() // 1_000
    live = written(folder, "live.1", close=False)
    sender = TableSender(folder, "live.1", lambda: SqliteDatabase(tmp_path / "table.db"), keep_us=HOUR_US)
    sender.send()
    live.rotate()
    first, second = names(folder)
    aged(folder, seconds=4_000)
    assert sender.delete_sent(now_us) == []  # the seal has not been sent
    sender.send()
    aged(folder, seconds=-1_000)  # 3,000 seconds old: less than an hour
    assert sender.delete_sent(now_us) == []
    aged(folder, seconds=1_000)
    assert [path.name for path in sender.delete_sent(now_us)] == [first]
    assert names(folder) == [second]  # it is being written
    assert sent(tmp_path / "table.db") == 1
    assert TableSender(folder, "live.1", lambda: SqliteDatabase(tmp_path / "table.db")).delete_sent(now_us) == []
    live.close()


def test_a_crash_between_commit_and_delete_sends_nothing_twice_and_the_next_process_deletes(tmp_path: Path) -> None:
    folder, table, now_us = tmp_path / "log", tmp_path / "table.db", time.time_ns() // 1_000
    written(folder, "dead.1")
    PostgresSink(SqliteDatabase(table)).send(folder, "dead.1")  # committed; and then it was killed
    aged(folder)
    after = TableSender(folder, "live.1", lambda: SqliteDatabase(table), keep_us=0)
    after.send(of_the_dead=False)
    assert after.delete_sent(now_us) == []  # that it is dead is not known there yet
    after.send()
    assert [path.name for path in after.delete_sent(now_us)] == ["calls-dead.1-000001.log"]
    assert names(folder) == []
    assert sent(table) == 1
    assert after.delete_sent(now_us) == []


def test_a_table_that_does_not_answer_costs_no_segment(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    written(folder, "dead.1")
    aged(folder)
    database = SqliteDatabase(tmp_path / "table.db")
    sender = TableSender(folder, "live.1", lambda: database, keep_us=0)
    sender.send()
    (tmp_path / "table.db").unlink()
    with pytest.raises(StateDown):
        sender.delete_sent(time.time_ns() // 1_000)
    assert names(folder) == ["calls-dead.1-000001.log"]


def test_a_segment_with_a_line_nobody_can_read_stays_for_a_reader_of_files(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    written(folder, "dead.1")
    (path,) = folder.glob("calls-*.log")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"00000000 {torn\n", *lines[1:]]))
    aged(folder)
    sender = TableSender(folder, "live.1", lambda: SqliteDatabase(tmp_path / "table.db"), keep_us=0)
    sender.send()
    assert sender.delete_sent(time.time_ns() // 1_000) == []
    assert names(folder) == [path.name]
