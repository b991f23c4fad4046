"""The call log in a table: every record once, live segments followed, in flight only of the dead."""

from __future__ import annotations

from pathlib import Path

import pytest

from baseload.gateway.calllog import ship_postgres
from baseload.gateway.calllog.records import End, Note, Start
from baseload.gateway.calllog.segment import CallLog
from baseload.gateway.calllog.ship_postgres import PostgresSink
from baseload.gateway.calllog.to_calls import call_rows
from baseload.gateway.state.database import Database
from baseload.gateway.state.faults import StateDown
from baseload.usage.reader import ReadContext
from baseload.values import Call, OrgKey

NOON_US = 1_795_003_200_000_000  # 2026-11-18T12:00:00Z
DAY = 20_775
USAGE = {"input_tokens": 10, "output_tokens": 20}


def opened(folder: Path, replica: str = "a.1") -> CallLog:
    return CallLog(folder, replica, clock_us=lambda: NOON_US, segment_bytes=3_000)


def begin(log: CallLog, us: int = NOON_US) -> int:
    seq = log.next_seq()
    log.append(Start(seq=seq, us=us, model="claude-sonnet-4-5"))
    return seq


def finish(log: CallLog, seq: int, us: int = NOON_US) -> None:
    log.append(End(seq=seq, us=us, status=200, usage=USAGE, settled=True, message_id=f"msg_{log.replica_id}_{seq}"))


def ids(sink: PostgresSink, first_day: int = 0) -> list[tuple[int, bool]]:
    return [(pair.start.seq, pair.end is None) for pair in sink.pairs(first_day)]


def test_a_live_log_is_followed_and_each_record_sent_once(connect, tmp_path: Path) -> None:
    sink, log = PostgresSink(connect()), opened(tmp_path)
    first = begin(log)
    assert sink.send(tmp_path, "a.1") == 1
    assert sink.send(tmp_path, "a.1") == 0
    assert ids(sink) == []  # not ended yet, and its gateway lives
    finish(log, first)
    for _ in range(40):
        finish(log, begin(log))
    log.append(Note(seq=log.next_seq(), us=NOON_US, kind="x"))
    sink.send(tmp_path, "a.1")
    assert ids(sink) == [(seq, False) for seq in range(1, 42)]
    log.close()


def test_sending_all_again_after_the_marks_were_lost_changes_nothing(connect, tmp_path: Path) -> None:
    database: Database = connect()
    sink, log = PostgresSink(database), opened(tmp_path)
    for _ in range(30):
        finish(log, begin(log))
    log.close()
    sink.send(tmp_path, "a.1")
    with database.transaction() as run:
        run.run("DELETE FROM call_log_sent")
    sink.send(tmp_path, "a.1")
    assert ids(sink) == [(seq, False) for seq in range(1, 31)]


def test_a_segment_may_go_once_its_seal_was_sent_too(connect, tmp_path: Path) -> None:
    sink, log = PostgresSink(connect()), opened(tmp_path)
    finish(log, begin(log))
    sink.send(tmp_path, "a.1")
    log.close()
    (path,) = tmp_path.glob("calls-*.log")
    assert not sink.has_all_of(path, "a.1")
    sink.send(tmp_path, "a.1")
    assert PostgresSink(connect()).has_all_of(path, "a.1")
    assert not sink.has_all_of(path, "a.12")  # another replica's mark says nothing of it


def test_two_senders_of_one_folder_send_each_record_once(connect, tmp_path: Path) -> None:
    log = opened(tmp_path)
    one, two = PostgresSink(connect()), PostgresSink(connect())
    for _ in range(10):
        finish(log, begin(log))
        one.send(tmp_path, "a.1")
        two.send(tmp_path, "a.1")
    log.close()
    assert ids(one) == [(seq, False) for seq in range(1, 11)]


def test_in_flight_are_only_calls_of_the_dead(connect, tmp_path: Path) -> None:
    sink, log = PostgresSink(connect()), opened(tmp_path)
    finish(log, begin(log))
    begin(log)
    sink.send(tmp_path, "a.1")
    assert ids(sink) == [(1, False)]
    sink.mark_dead("a.1")
    assert ids(sink) == [(1, False), (2, True)]
    log.close()


def test_replicas_are_kept_apart_and_days_can_be_left_out(connect, tmp_path: Path) -> None:
    sink = PostgresSink(connect())
    for replica in ("a.1", "a.12"):
        log = opened(tmp_path, replica)
        finish(log, begin(log), NOON_US + 86_400_000_000)  # ended a day later
        finish(log, begin(log, NOON_US + 86_400_000_000), NOON_US + 86_400_000_000)
        log.close()
        sink.send(tmp_path, replica)
    assert [pair.head.replica_id for pair in sink.pairs()] == ["a.1", "a.1", "a.12", "a.12"]
    assert ids(sink, DAY + 1) == [(2, False), (2, False)]


def test_the_table_gives_the_rows_the_files_give(connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ship_postgres, "READ_AT_ONCE", 3)
    sink, log = PostgresSink(connect()), opened(tmp_path)
    for _ in range(5):
        finish(log, begin(log))
    log.close()
    sink.send(tmp_path, "a.1")
    context = ReadContext(org_key=OrgKey(b"k" * 32), resolve_model=lambda raw: raw)
    calls = [row for row in call_rows(sink.pairs(), context) if isinstance(row, Call)]
    assert [call.prompt_tokens for call in calls] == [10] * 5
    assert len({call.call_id for call in calls}) == 5


def test_a_line_that_is_torn_is_left_to_the_file(connect, tmp_path: Path) -> None:
    sink, log = PostgresSink(connect()), opened(tmp_path)
    finish(log, begin(log))
    log.close()
    path = next(tmp_path.glob("*.log"))
    with path.open("ab") as file:
        file.write(b'00000000 {"type":"start"}\n0123 {"type"')
    sink.send(tmp_path, "a.1")
    assert ids(sink) == [(1, False)]


def test_a_database_that_breaks_off_sends_nothing_by_halves(connect, tmp_path: Path) -> None:
    database: Database = connect()
    sink, log = PostgresSink(database), opened(tmp_path)
    finish(log, begin(log))
    log.close()
    with database.transaction() as run:
        run.run("ALTER TABLE call_log RENAME TO gone")
    with pytest.raises(StateDown):
        sink.send(tmp_path, "a.1")
    with database.transaction() as run:
        assert run.rows("SELECT sent_bytes FROM call_log_sent") == []
        run.run("ALTER TABLE gone RENAME TO call_log")
    sink.send(tmp_path, "a.1")
    assert ids(sink) == [(1, False)]
