"""A last line cut while it was written: read again once it is whole, and its problem goes with it."""

from __future__ import annotations

import os
from pathlib import Path

from usage_reading import NOW_US, context, jsonl, response_line

from baseload.ledger.importing import import_records
from baseload.ledger.store import Ledger
from baseload.usage.read import read_paths

BAD = b'{"parentUuid": torn for good}\n'


def imported(root: Path, log: Path) -> list[tuple[str, int]]:
    """What the ledger's problems are after one more import."""
    with Ledger.open(root, create=True) as ledger:
        import_records(ledger, read_paths([log], context(), as_of_us=NOW_US, marks=ledger.file_marks))
        return [(problem.code, problem.row) for problem in ledger.problems]


def grow(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))


def rows_in(root: Path) -> int:
    with Ledger.open(root) as ledger:
        return ledger.rows


def test_the_problem_of_a_torn_last_line_goes_when_the_line_is_complete(tmp_path: Path) -> None:
    log, root = tmp_path / "s.jsonl", tmp_path / "ledger"
    whole = jsonl(response_line("msg_2"))
    log.write_bytes(BAD + jsonl(response_line("msg_1")) + whole[:90])
    assert imported(root, log) == [("bad-json", 1), ("bad-json", 3)]
    grow(log, whole[90:])
    assert imported(root, log) == [("bad-json", 1)]  # line 1 was bad and stays so
    assert rows_in(root) == 2


def test_lines_that_hold_no_response_take_no_problem_away(tmp_path: Path) -> None:
    log, root = tmp_path / "s.jsonl", tmp_path / "ledger"
    log.write_bytes(BAD + jsonl(response_line("msg_1")))
    assert imported(root, log) == [("bad-json", 1)]
    grow(log, b'{"type":"user","sessionId":"s1"}\n')
    assert imported(root, log) == [("bad-json", 1)]
