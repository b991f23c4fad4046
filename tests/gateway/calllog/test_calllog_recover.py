"""What a dead gateway left is cut to whole lines, sealed, and told once; a living one's log is left alone."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from log_writing import Clock, ended, kinds, one_call, records, segments, started

from baseload.gateway.calllog import recover as recover_module
from baseload.gateway.calllog.records import Seal, Start
from baseload.gateway.calllog.recover import recover
from baseload.gateway.calllog.segment import CallLog
from baseload.gateway.state.leases import Place, Used
from baseload.usage.fields import BadRecord
from baseload.usage.gateway_pairs import records_in

CLOCK = Clock()
MONTH = {"budgets": ("all", "w"), "period": "2026-11", "held_nano": 500}


def died(folder: Path, tmp_path: Path) -> Path:
    """The folder as a kill would leave it: a copy that nobody has locked."""
    copy = tmp_path / "died"
    shutil.copytree(folder, copy)
    return copy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two calls that ended (100 and unknown cost), one in flight, half a record."""
    log = CallLog(tmp_path / "log", "one.0", clock_us=CLOCK, spent=lambda: {"2026-11": {"all": 1_000}})
    for cost in (100, None, ...):
        seq = log.next_seq()
        log.append(started(seq, **MONTH))
        if cost is not ...:
            log.append(ended(seq, cost_nano=cost))
    copy = died(tmp_path / "log", tmp_path)
    log.close()
    with segments(copy)[0].open("ab") as file:
        file.write(b'0123abcd {"type":"end","se')
    return copy


def test_a_torn_tail_is_cut_the_segment_sealed_and_the_open_call_told(folder: Path) -> None:
    (found,) = recover(folder, CLOCK)
    assert (found.replica_id, found.segments, found.torn_bytes, found.problems) == ("one.0", 1, 26, ())
    assert found.in_flight == (started(3, **MONTH),)
    (path,) = segments(folder)
    assert records(path)[-1] == Seal(us=CLOCK.us, why="recovered")
    assert recover(folder, CLOCK) == []


def test_what_its_budgets_spent_is_totalled_from_the_head_on(folder: Path) -> None:
    (found,) = recover(folder, CLOCK)
    # before the segment 1,000 of "all"; then 100, and 500 for the call whose cost is not known; one call holds 500
    assert found.used == {Place("all", "2026-11"): Used(1_600, 500), Place("w", "2026-11"): Used(600, 500)}


def test_the_log_of_a_living_gateway_is_left_alone(tmp_path: Path) -> None:
    log = CallLog(tmp_path, "one.0", clock_us=CLOCK)
    one_call(log)
    assert recover(tmp_path, CLOCK) == []
    log.close()
    assert recover(tmp_path, CLOCK) == []  # it sealed its own


def test_a_death_between_two_segments_leaves_no_call_twice(tmp_path: Path) -> None:
    log = CallLog(tmp_path / "log", "one.0", clock_us=CLOCK)
    seq = log.next_seq()
    log.append(started(seq, **MONTH))
    log.rotate()
    copy = died(tmp_path / "log", tmp_path)
    log.close()
    first, second = segments(copy)
    first.write_bytes(b"".join(first.read_bytes().splitlines(keepends=True)[:-1]))  # the seal was not written
    (found,) = recover(copy, CLOCK)
    assert found.segments == 2
    assert found.in_flight == (started(seq, **MONTH),)
    assert found.used == {Place("all", "2026-11"): Used(0, 500), Place("w", "2026-11"): Used(0, 500)}
    assert records(first)[-1] == Seal(us=CLOCK.us, why="recovered", carried=(seq,))
    assert records(second)[-1] == Seal(us=CLOCK.us, why="recovered")


def test_a_segment_without_a_head_goes(tmp_path: Path) -> None:
    (tmp_path / "calls-one.0-000001.log").write_bytes(b'0123abcd {"type":"he')
    (found,) = recover(tmp_path, CLOCK)
    assert (found.torn_bytes, found.used) == (20, {})
    assert segments(tmp_path) == []


def test_a_changed_line_costs_one_problem_and_itself(folder: Path) -> None:
    (path,) = segments(folder)
    path.write_bytes(path.read_bytes().replace(b'"seq":2,"us"', b'"seq":2, "us"', 1))
    (found,) = recover(folder, CLOCK)
    assert [(problem.code, problem.row) for problem in found.problems] == [("torn-record", 4), ("no-start", 5)]
    assert found.in_flight == (started(3, **MONTH),)


WRITER = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from log_writing import Clock, ended, started
from baseload.gateway.calllog.segment import CallLog
log = CallLog(Path(sys.argv[1]), sys.argv[2], clock_us=Clock(), segment_bytes=30_000)
out = sys.stdout.buffer
while True:
    seq = log.next_seq()
    log.append(started(seq))
    out.write(b"s %d\\n" % seq)
    out.flush()
    if seq % 7:
        log.append(ended(seq))
        out.write(b"e %d\\n" % seq)
        out.flush()
"""


def killed(folder: Path, replica: str, after_s: float) -> tuple[set[int], set[int]]:
    """A writer killed while it writes; the starts and ends whose `append` had returned."""
    script = WRITER.format(tests=str(Path(__file__).parent))
    writer = subprocess.Popen([sys.executable, "-c", script, str(folder), replica], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    head = writer.stdout.readline()
    time.sleep(after_s)
    os.kill(writer.pid, signal.SIGKILL)
    told = (head + writer.stdout.read()).decode().split("\n")[:-1]
    writer.stdout.close()
    assert writer.wait() == -signal.SIGKILL
    marks = [line.split() for line in told]
    return {int(n) for kind, n in marks if kind == "s"}, {int(n) for kind, n in marks if kind == "e"}


@pytest.mark.parametrize("round_", range(4))
def test_every_record_acknowledged_before_a_kill_is_read_back(tmp_path: Path, round_: int) -> None:
    starts, ends = killed(tmp_path, "one.0", random.Random(round_).uniform(0.01, 0.15))
    (found,) = recover(tmp_path, CLOCK)
    assert found.problems == ()
    read_starts: set[int] = set()
    read_ends: list[int] = []
    for path in segments(tmp_path):
        assert kinds(path)[0] == "Head"
        assert kinds(path)[-1] == "Seal"
        for record in records(path):
            if isinstance(record, Start):
                read_starts.add(record.seq)
            elif kinds_of(record) == "End":
                read_ends.append(record.seq)
    assert starts <= read_starts
    assert ends <= set(read_ends)
    assert len(read_ends) == len(set(read_ends))
    assert len(read_starts - starts) + len(set(read_ends) - ends) <= 1  # written, but killed before it was told
    assert {start.seq for start in found.in_flight} == read_starts - set(read_ends)


def kinds_of(record: object) -> str:
    return type(record).__name__


def test_a_log_cut_at_any_byte_is_recovered(folder: Path, tmp_path: Path) -> None:
    data = segments(folder)[0].read_bytes()
    for size in range(0, len(data), 37):
        place = tmp_path / f"cut-{size}"
        place.mkdir()
        path = place / "calls-one.0-000001.log"
        path.write_bytes(data[:size])
        (found,) = recover(place, CLOCK)
        assert found.torn_bytes == len(data[:size]) - (data[:size].rfind(b"\n") + 1)
        left = path.read_bytes() if path.exists() else b""
        assert not [placed for placed in records_in(left.split(b"\n")) if isinstance(placed.record, BadRecord)]


def test_a_segment_that_another_process_deletes_meanwhile_stops_no_start(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the folder and the file itself: what was shipped goes at any moment."""
    (kept,) = segments(folder)
    gone = kept.with_name("calls-one.0-000000.log")
    also = kept.with_name("calls-two.0-000001.log")
    found = {"calls-*.log": [gone, kept, also]}
    monkeypatch.setattr(Path, "glob", lambda _, pattern: found.get(pattern, []))
    (one,) = recover(folder, CLOCK)
    assert (one.replica_id, one.segments) == ("one.0", 1)


def test_a_segment_deleted_between_two_looks_at_it_stops_no_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kept,) = segments(folder)
    gone = kept.with_name(kept.name.replace(".log", "9.log"))
    gone.write_bytes(b"half a line")
    looked = recover_module.is_sealed

    def sealed(path: Path) -> bool:
        if path == kept:
            gone.unlink(missing_ok=True)
        return looked(path)

    monkeypatch.setattr(recover_module, "is_sealed", sealed)
    (one,) = recover(folder, CLOCK)
    assert one.segments == 1
