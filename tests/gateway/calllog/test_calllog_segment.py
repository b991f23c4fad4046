"""A record is on disk before `append` returns, whole or not at all, and the log says what it lacks."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from log_writing import Clock, ended, kinds, one_call, records, segments, started

from baseload.gateway.calllog.records import Head, Note, Seal, new_replica_id
from baseload.gateway.calllog.recover import recover
from baseload.gateway.calllog.segment import CallLog, LogFull


class Disk:
    """`os.write` of a disk with so many bytes left; what does not fit is written as far as it goes."""

    def __init__(self, left: int = 10**9) -> None:
        self.left = left

    def __call__(self, fd: int, data: bytes) -> int:
        if self.left <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = os.write(fd, data[: self.left])
        self.left -= written
        return written


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def log(tmp_path: Path, clock: Clock, disk: Disk) -> Iterator[CallLog]:
    log = CallLog(tmp_path, "one.0", clock_us=clock, write=disk)
    yield log
    log.close()


def test_a_record_is_in_the_file_when_append_returns(log: CallLog, tmp_path: Path) -> None:
    seq = log.next_seq()
    assert log.append(started(seq))
    (path,) = segments(tmp_path)
    assert records(path)[1:] == [started(seq)]
    assert log.open_starts == 1
    assert log.append(ended(seq))
    assert records(path)[1:] == [started(seq), ended(seq)]
    assert log.open_starts == 0


def test_a_segment_says_who_wrote_it_and_is_for_its_owner_only(log: CallLog, tmp_path: Path) -> None:
    (path,) = segments(tmp_path)
    assert path.name == "calls-one.0-000001.log"
    assert path.stat().st_mode & 0o777 == 0o600
    assert records(path) == [Head(replica_id="one.0", began_us=1_795_003_200_000_000)]


def test_closing_seals(tmp_path: Path, clock: Clock) -> None:
    log = CallLog(tmp_path, "one.0", clock_us=clock)
    one_call(log)
    log.close()
    log.close()  # a second time does nothing
    assert kinds(segments(tmp_path)[0]) == ["Head", "Start", "End", "Seal"]


def test_a_full_segment_is_sealed_and_its_open_starts_go_along(tmp_path: Path, clock: Clock) -> None:
    log = CallLog(tmp_path, "one.0", clock_us=clock, segment_bytes=2_000, spent=lambda: {"2026-11": {"all": 7}})
    first = log.next_seq()
    log.append(started(first, agent="long"))
    while len(segments(tmp_path)) < 3:
        one_call(log)
    log.append(ended(first))
    log.close()
    one, two, three = segments(tmp_path)
    seal = records(one)[-1]
    assert isinstance(seal, Seal)
    assert seal.why == "full"
    assert first in seal.carried
    head = records(two)[0]
    assert isinstance(head, Head)
    assert (head.segment, head.spent) == (2, {"2026-11": {"all": 7}})
    assert records(two)[1] == records(three)[1] == started(first, agent="long")
    assert records(three)[-2:][0] == ended(first)
    assert all(path.stat().st_size < 2_400 for path in (one, two, three))


def test_an_old_segment_is_sealed_by_the_tick_and_an_empty_one_is_not(
    log: CallLog, clock: Clock, tmp_path: Path
) -> None:
    clock.us += 301_000_000
    log.tick()
    assert len(segments(tmp_path)) == 1
    one_call(log)
    log.tick()
    assert [kinds(path)[-1] for path in segments(tmp_path)] == ["Seal", "Head"]


def test_on_a_full_disk_calls_are_served_and_the_log_says_how_many_it_lacks(
    log: CallLog, disk: Disk, tmp_path: Path
) -> None:
    one_call(log)
    disk.left = 40  # half a record
    lost = [one_call(log) for _ in range(3)]
    assert (log.dropped, log.is_full, log.refuses) == (3, True, False)
    (path,) = segments(tmp_path)
    assert kinds(path) == ["Head", "Start", "End"]  # the half record was taken back
    disk.left = 10**9
    kept = one_call(log)
    assert (log.dropped, log.is_full) == (3, False)
    note, start, end = records(path)[3:]
    assert isinstance(note, Note)
    assert (note.kind, note.values) == ("dropped", {"dropped": 3})
    assert (start, end) == (started(kept), ended(kept))
    assert kept > max(lost)


def test_an_end_brings_its_missed_start_back(log: CallLog, disk: Disk, tmp_path: Path) -> None:
    seq = log.next_seq()
    disk.left = 0
    assert not log.append(started(seq))
    disk.left = 10**9
    assert log.append(ended(seq), started(seq))
    assert (log.dropped, kinds(segments(tmp_path)[0])) == (0, ["Head", "Start", "End"])


def test_an_end_without_its_start_is_not_written(log: CallLog, disk: Disk, tmp_path: Path) -> None:
    seq = log.next_seq()
    disk.left = 0
    log.append(started(seq))
    disk.left = 10**9
    assert not log.append(ended(seq))
    assert (log.dropped, kinds(segments(tmp_path)[0])) == (1, ["Head"])


def test_the_policy_may_refuse_instead(tmp_path: Path, clock: Clock, disk: Disk) -> None:
    log = CallLog(tmp_path, "one.0", clock_us=clock, write=disk, on_full="refuse")
    under_way = log.next_seq()
    log.append(started(under_way))
    disk.left = 0
    with pytest.raises(LogFull, match="Make room"):
        log.append(started(log.next_seq()))
    assert log.refuses
    assert not log.append(ended(under_way))  # paid already: never an exception
    disk.left = 10**9
    log.tick()
    assert not log.refuses
    log.close()
    assert [record.values for record in records(segments(tmp_path)[0]) if isinstance(record, Note)][-1] == {
        "dropped": 1
    }


def test_a_half_line_that_cannot_be_taken_back_is_ended(
    log: CallLog, disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(fd: int, length: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    one_call(log)
    disk.left = 40
    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", refused)
        seq = log.next_seq()
        assert not log.append(started(seq))
    disk.left = 10**9
    assert log.append(ended(seq), started(seq))
    lines = segments(tmp_path)[0].read_bytes().split(b"\n")
    assert len(lines[3]) == 40  # its checksum does not hold
    assert lines[4].endswith(b'"api_key":"key_1"}')
    log.rotate()
    assert kinds(segments(tmp_path)[1]) == ["Head"]


def test_a_rotation_on_a_full_disk_stays_where_it_is(log: CallLog, disk: Disk, tmp_path: Path) -> None:
    seq = log.next_seq()
    log.append(started(seq))
    for left in (0, 30, 150):
        disk.left = left
        log.rotate()
    assert len(segments(tmp_path)) == 1
    disk.left = 10**9
    assert log.append(ended(seq))
    assert kinds(segments(tmp_path)[0])[-2:] == ["Start", "End"]


def test_a_seal_that_finds_no_room_is_written_by_the_next_start(log: CallLog, disk: Disk, tmp_path: Path) -> None:
    seq = log.next_seq()
    log.append(started(seq))
    one, size = segments(tmp_path)[0], segments(tmp_path)[0].stat().st_size
    disk.left = size + 10  # head and start of the new segment, and a little more
    log.rotate()
    disk.left = 10**9
    log.append(ended(seq))
    log.close()
    assert kinds(one) == ["Head", "Start"]
    (found,) = recover(tmp_path, Clock())
    assert found.in_flight == ()
    assert records(one)[-1] == Seal(us=Clock().us, why="recovered", carried=(seq,))


def test_a_real_limit_on_the_file_size_is_a_full_disk(tmp_path: Path) -> None:
    script = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from log_writing import Clock, one_call
from baseload.gateway.calllog.recover import recover
from baseload.gateway.calllog.segment import CallLog
log = CallLog(Path({str(tmp_path)!r}), "one.0", clock_us=Clock())
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 100_000))
for _ in range(100):
    one_call(log)
dropped = log.dropped
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
one_call(log)
log.close()
print(dropped)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    dropped = int(done.stdout)
    found = kinds(segments(tmp_path)[0])
    assert 0 < dropped < 100
    assert found.count("End") == 101 - dropped


def test_many_records_are_made_durable_by_one_commit(tmp_path: Path, clock: Clock) -> None:
    synced = threading.Semaphore(0)
    log = CallLog(tmp_path, "one.0", clock_us=clock, commit_s=0.05, sync=lambda fd: synced.release())
    assert synced.acquire(timeout=5)  # the head
    for _ in range(200):
        one_call(log)
    assert synced.acquire(timeout=5)
    commits = 1
    while synced.acquire(timeout=0.2):
        commits += 1
    assert commits <= 3  # 400 records
    log.close()


def test_what_is_written_while_a_commit_runs_is_in_the_next_one(tmp_path: Path, clock: Clock) -> None:
    began, may_end = threading.Semaphore(0), threading.Semaphore(0)

    def slow(fd: int) -> None:
        began.release()
        may_end.acquire(timeout=20)

    log = CallLog(tmp_path, "one.0", clock_us=clock, commit_s=0.01, sync=slow)
    assert began.acquire(timeout=20)  # the head's
    one_call(log)
    may_end.release()
    assert began.acquire(timeout=20)
    may_end.release(20)
    log.close()


def test_flush_waits_for_the_disk_and_a_retired_segment_is_closed(tmp_path: Path, clock: Clock) -> None:
    synced: list[int] = []
    log = CallLog(tmp_path, "one.0", clock_us=clock, commit_s=60, sync=synced.append)
    one_call(log)
    log.rotate()
    log.flush()
    assert len(set(synced)) == 2
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(synced[0])
    log.close()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LogFull, match="cannot be written"):
        CallLog(tmp_path / "file", "one.0", clock_us=clock)


def test_two_starts_of_one_name_are_two_replicas() -> None:
    one, two = new_replica_id("pod/7 ä"), new_replica_id("pod/7 ä")
    assert one != two
    assert one.rpartition(".")[0] == "pod-7--"
