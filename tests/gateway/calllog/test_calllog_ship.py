"""Sealed segments reach the ledger once each, however often they are shipped, and only what was read is deleted."""

from __future__ import annotations

from pathlib import Path

from log_writing import NOON_US, Clock, ended, one_call, segments, started

from baseload.gateway.calllog.records import new_replica_id
from baseload.gateway.calllog.recover import recover
from baseload.gateway.calllog.segment import CallLog
from baseload.gateway.calllog.ship import delete_shipped, sealed_segments, ship, ship_table
from baseload.gateway.calllog.ship_postgres import PostgresSink
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.ledger.store import Ledger
from baseload.usage.reader import ReadContext
from baseload.values import DAY_US, OrgKey

CONTEXT = ReadContext(org_key=OrgKey(b"k" * 32), resolve_model=lambda raw: raw)
LATER_US = 4 * 10**15


def shipped(folder: Path, root: Path) -> tuple[int, int, list[str]]:
    done = ship(folder, root, CONTEXT, as_of_us=NOON_US)
    return done.segments, done.rows, [problem.code for problem in done.problems]


def test_a_segment_is_shipped_when_it_is_sealed_and_only_once(tmp_path: Path) -> None:
    folder, root = tmp_path / "log", tmp_path / "ledger"
    log = CallLog(folder, new_replica_id("a"), clock_us=Clock())
    for _ in range(3):
        one_call(log)
    assert shipped(folder, root) == (0, 0, [])
    log.rotate()
    one_call(log, message_id="msg_4", usage={"input_tokens": 1, "output_tokens": 1})
    assert shipped(folder, root) == (1, 3, [])
    assert shipped(folder, root) == (0, 0, [])
    log.close()
    assert shipped(folder, root) == (1, 1, [])
    with Ledger.open(root) as ledger:
        assert ledger.rows == 4


def test_calls_without_any_id_of_the_provider_are_once_each_too(tmp_path: Path) -> None:
    folder, root = tmp_path / "log", tmp_path / "ledger"
    log = CallLog(folder, "a.1", clock_us=Clock())
    for _ in range(2):
        one_call(log, message_id="", usage=None, outcome="error", status=529)
    log.close()
    assert shipped(folder, root) == (1, 2, [])
    segments(folder)[0].rename(folder / "calls-copy.2-000001.log")  # the same records under another name
    assert shipped(folder, root) == (1, 0, [])


def test_a_call_open_over_a_rotation_and_a_crash_is_one_row(tmp_path: Path) -> None:
    folder, root = tmp_path / "log", tmp_path / "ledger"
    log = CallLog(folder, "a.1", clock_us=Clock())
    first, second = log.next_seq(), log.next_seq()
    log.append(started(first))
    log.append(started(second))
    log.rotate()
    assert shipped(folder, root) == (1, 0, [])
    log.append(ended(first))
    log._commits.close(log._fd)  # its locks go as with the process
    recover(folder, Clock())
    assert shipped(folder, root) == (1, 2, ["in-flight"])


def test_only_what_the_ledger_has_read_is_deleted_and_only_after_its_time(tmp_path: Path) -> None:
    folder, root = tmp_path / "log", tmp_path / "ledger"
    log = CallLog(folder, "a.1", clock_us=Clock())
    one_call(log)
    log.rotate()
    shipped(folder, root)
    one_call(log)
    log.rotate()
    assert delete_shipped(folder, root, before_us=0) == []
    assert delete_shipped(folder, root, before_us=LATER_US) == [folder / "calls-a.1-000001.log"]
    assert sealed_segments(folder) == [folder / "calls-a.1-000002.log"]
    log.close()


def test_a_crash_between_reading_and_deleting_is_made_good_by_the_next_shipping(tmp_path: Path) -> None:
    folder, root = tmp_path / "log", tmp_path / "ledger"
    log = CallLog(folder, "a.1", clock_us=Clock())
    one_call(log)
    log.close()
    shipped(folder, root)  # and then it was killed
    assert shipped(folder, root) == (0, 0, [])
    assert delete_shipped(folder, root, before_us=LATER_US) == [folder / "calls-a.1-000001.log"]
    assert delete_shipped(folder, root, before_us=LATER_US) == []
    assert shipped(folder, root) == (0, 0, [])
    with Ledger.open(root) as ledger:
        assert ledger.rows == 1


def test_the_table_and_the_files_are_the_same_rows(tmp_path: Path) -> None:
    """Whichever way a call comes, and however often: one row."""
    folder, root = tmp_path / "log", tmp_path / "ledger"
    log = CallLog(folder, "a.1", clock_us=Clock())
    for _ in range(2):
        one_call(log, message_id="", usage=None, outcome="error", status=529)
    one_call(log)
    log.close()
    sink = PostgresSink(SqliteDatabase(tmp_path / "table.db"))
    sink.send(folder, "a.1")
    assert (ship_table(sink, root, CONTEXT).rows, ship_table(sink, root, CONTEXT).rows) == (3, 0)
    assert shipped(folder, root) == (1, 0, [])
    later = NOON_US // DAY_US + 1
    assert ship_table(sink, tmp_path / "other", CONTEXT, first_day=later).rows == 0
