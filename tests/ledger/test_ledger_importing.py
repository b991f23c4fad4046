"""Files into a ledger: each once, what was appended only, and its problems with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from ledger_calls import call, ledger_of, stored

from baseload.ledger import importing
from baseload.ledger.importing import ImportSummary, import_records
from baseload.ledger.store import Ledger
from baseload.usage.marks import FileMark
from baseload.usage.read import read_paths
from baseload.usage.reader import ReadContext
from baseload.values import Call, OrgKey, Problem


class File:
    """One file of a run, as `usage.read` gives it."""

    def __init__(
        self,
        path: str,
        records: Iterable[Call | Problem] = (),
        *,
        rows: int = 9,
        unchanged: bool = False,
        readable: bool = True,
    ) -> None:
        self.path = path
        self.reader = "messages_jsonl" if readable else ""
        self.unchanged = unchanged
        self.mark: FileMark | None = None
        self._rows = rows if readable else None
        self.records: Iterator[Call | Problem] = self._read(records)

    def _read(self, records: Iterable[Call | Problem]) -> Iterator[Call | Problem]:
        assert not self.unchanged, "an unchanged file was read"
        yield from records
        if self._rows is not None:
            self.mark = FileMark(
                path=self.path, reader=self.reader, size=self._rows, mtime_ns=1, offset=self._rows, rows=self._rows
            )


def problem(row: int, code: str = "bad-json", file: str = "/a") -> Problem:
    return Problem(source="messages_jsonl", file=file, row=row, code=code, message="Not used.")


def imported(ledger: Ledger, *files: File) -> ImportSummary:
    return import_records(ledger, files)


def rows_of_problems(ledger: Ledger) -> list[int]:
    return [found.row for found in ledger.problems]


def test_the_summary_counts_files_records_and_copies(tmp_path: Path) -> None:
    with ledger_of(tmp_path) as ledger:
        found = imported(
            ledger,
            File("/a", [call("one"), problem(2), call("two")]),
            File("/b", [call("two"), call("three")]),
            File("/c", unchanged=True),
            File("/d", [problem(0, "unreadable-file", "/d")], readable=False),
        )
        assert (found.files, found.unchanged_files, found.records, found.new_rows, found.copies) == (4, 1, 4, 3, 1)
        assert found.readers == {"messages_jsonl": 2}
        assert [found.code for found in found.problems] == ["bad-json", "unreadable-file"]
        assert sorted(ledger.file_marks) == ["/a", "/b"]
        assert len(stored(ledger)) == 3


def test_nothing_read_is_nothing_written(tmp_path: Path) -> None:
    with ledger_of(tmp_path) as ledger:
        imported(ledger, File("/a", [call("one")]))
        before = (tmp_path / "manifest.json").stat()
        imported(ledger, File("/a", unchanged=True))
        assert (tmp_path / "manifest.json").stat() == before


def test_problems_of_appended_lines_join_the_earlier_ones(tmp_path: Path) -> None:
    """Nine lines were read before; records from line 10 on are a continuation, one from line 3 is a new reading."""
    with ledger_of(tmp_path) as ledger:
        imported(ledger, File("/a", [problem(4)], rows=9))
        imported(ledger, File("/a", [call("later", source_row=10), problem(12)], rows=12))
        assert rows_of_problems(ledger) == [4, 12]
        imported(ledger, File("/a", [call("anew", source_row=3), problem(5)], rows=9))
        assert rows_of_problems(ledger) == [5]


def test_a_file_that_can_be_read_again_loses_its_problem(tmp_path: Path) -> None:
    with ledger_of(tmp_path) as ledger:
        imported(ledger, File("/a", [problem(0)], readable=False))
        assert rows_of_problems(ledger) == [0]
        imported(ledger, File("/a", [call("one")]))
        assert rows_of_problems(ledger) == []


def test_a_file_of_problems_is_counted_past_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_PROBLEMS_OF_A_FILE", 2)
    with ledger_of(tmp_path) as ledger:
        found = imported(ledger, File("/a", [problem(row, code) for row, code in enumerate("xxyyy", start=1)]))
    assert [(found.row, found.code) for found in found.problems] == [(1, "x"), (2, "x"), (0, "more-problems")]
    assert found.problems[-1].message == "3 more problems of this file are counted here and not listed: y x 3"


def test_a_real_file_whose_name_is_not_unicode_is_imported(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    line = {
        "type": "assistant", "timestamp": "2026-11-20T10:00:00Z", "sessionId": "s", "requestId": "r",
        "message": {"id": "m", "role": "assistant", "model": "x", "usage": {"input_tokens": 1, "output_tokens": 2}},
    }  # fmt: skip
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jsonl")).write_text(json.dumps(line) + "\n{torn\n")
    context = ReadContext(org_key=OrgKey(b"k" * 32), resolve_model=lambda raw: raw)
    with ledger_of(tmp_path / "ledger") as ledger:
        found = import_records(ledger, read_paths([folder], context, as_of_us=1_796_000_000_000_000))
        assert (found.new_rows, [problem.code for problem in found.problems]) == (1, ["bad-json"])
        assert stored(ledger)[0].source_file.encode().endswith(b".jsonl")
        assert ledger.problems == found.problems


def test_large_files_come_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_CHUNK", 2)
    with ledger_of(tmp_path) as ledger:
        assert imported(ledger, File("/a", [call(str(n)) for n in range(5)])).new_rows == 5
