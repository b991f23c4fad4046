"""What a ledger promises: nothing twice, nothing lost, one commit at a time, whatever the order."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_calls import NOON, bucket, call, digest, hex_of, ledger_of, query, stored

from baseload.errors import LedgerError, LedgerLocked, LedgerVersion
from baseload.ledger import writer as writer_module
from baseload.ledger.dedup import better
from baseload.ledger.queries import restatements_sql
from baseload.ledger.store import Ledger, is_ledger
from baseload.usage.marks import FileMark
from baseload.values import Call, Problem

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NUMBER = st.integers(min_value=0, max_value=10**9)
MAYBE = st.none() | NUMBER
BUCKETS = {hex_of("c"), hex_of("d")}
CALLS = st.builds(
    Call,
    call_id=st.sampled_from([hex_of(name) for name in "abcd"]),
    rank=st.integers(min_value=0, max_value=2),
    source=st.just("messages_jsonl"),
    source_file=TEXT,
    source_row=NUMBER,
    requests=MAYBE,
    start_us=st.integers(min_value=NOON, max_value=NOON + 10**12),
    end_us=MAYBE,
    tags=TEXT,
    stream=st.none() | st.booleans(),
    http_status=MAYBE,
    uncached_input_tokens=NUMBER,
    output_tokens=st.integers(min_value=0, max_value=2),
    thinking_tokens=MAYBE,
    session_id=TEXT,
    billed_nano_usd=st.none() | st.integers(min_value=-(10**18), max_value=10**18),
).map(lambda one: msgspec.structs.replace(one, grain="day") if one.call_id in BUCKETS else one)
"""Calls and buckets of four ids, so that copies are common."""


class DiskOnFire(Exception):
    pass


def mark(path: str, size: int = 10) -> FileMark:
    return FileMark(path=path, reader="messages_jsonl", size=size, mtime_ns=1, offset=size, rows=1)


def problem(file: str, row: int = 1) -> Problem:
    return Problem(source="messages_jsonl", file=file, row=row, code="bad-json", message="Not JSON.")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CALLS, max_size=8, unique_by=lambda found: found.call_id))
def test_what_goes_in_comes_out(tmp_path_factory: pytest.TempPathFactory, calls: list[Call]) -> None:
    with ledger_of(tmp_path_factory.mktemp("ledger"), calls) as ledger:
        assert stored(ledger) == sorted(calls, key=lambda found: found.call_id)
        assert ledger.rows == len(calls)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CALLS, max_size=9), st.randoms(use_true_random=False), st.integers(min_value=1, max_value=4))
def test_the_order_and_the_batches_of_imports_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, calls: list[Call], rng: random.Random, size: int
) -> None:
    shuffled = rng.sample(calls, len(calls))
    commits = [shuffled[first : first + size] for first in range(0, len(calls), size)]
    with (
        ledger_of(tmp_path_factory.mktemp("one"), calls) as one,
        ledger_of(tmp_path_factory.mktemp("other"), *commits, calls) as other,
    ):
        assert stored(one) == stored(other)
        assert query(one, restatements_sql()) == query(other, restatements_sql())


@given(CALLS, CALLS, CALLS)
@settings(max_examples=200)
def test_the_better_copy_is_a_total_order(one: Call, two: Call, three: Call) -> None:
    assert better(one, two) == better(two, one)
    assert better(better(one, two), three) == better(one, better(two, three))


def test_of_two_copies_the_higher_rank_counts(tmp_path: Path) -> None:
    low, high = call(rank=1, output_tokens=9), call(rank=2, output_tokens=5)
    for number, commits in enumerate(([[low], [high]], [[high], [low]], [[low, high]], [[high, low]])):
        with ledger_of(tmp_path / str(number), *commits) as ledger:
            assert stored(ledger) == [high]
            assert ledger.rows == 1


def test_at_equal_rank_more_output_counts_then_the_earlier_file() -> None:
    assert better(call(output_tokens=5), call(output_tokens=6)).output_tokens == 6
    assert better(call(source_file="b"), call(source_file="a")).source_file == "a"
    assert better(call(source_row=2), call(source_row=1)).source_row == 1
    assert better(call(tags="b"), call(tags="a")).tags == "a"


def test_the_same_calls_again_write_nothing(tmp_path: Path) -> None:
    calls = [call(str(number)) for number in range(5)]
    with ledger_of(tmp_path, calls) as ledger:
        before = sorted(tmp_path.iterdir()), (tmp_path / "manifest.json").stat()
        with ledger.writer() as writer:
            writer.append(calls)
        assert (sorted(tmp_path.iterdir()), (tmp_path / "manifest.json").stat()) == before


def test_ids_that_share_their_first_half_are_different_calls(tmp_path: Path) -> None:
    one, other = call(), msgspec.structs.replace(call(), call_id=hex_of("one")[:16] + "0" * 16)
    with ledger_of(tmp_path, [one], [other]) as ledger:
        assert ledger.rows == 2


def test_calls_are_found_again_across_files_of_one_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is checked against what the same import has written before it."""
    monkeypatch.setattr(writer_module, "BATCH_CALLS", 2)
    names = [call(name) for name in "abcab"]
    with ledger_of(tmp_path, [*names, call("a", rank=1)]) as ledger:
        assert [found.rank for found in stored(ledger)].count(1) == 1
        assert ledger.rows == 3


def test_a_restated_control_total_counts_once_and_shows_its_first_version(tmp_path: Path) -> None:
    first = bucket("march", rank=0, billed_nano_usd=100, model="m")
    again = bucket("march", rank=0, billed_nano_usd=100, model="m", source_file="copy.json")
    revised = bucket("march", rank=2, billed_nano_usd=130, model="m")
    for number, commits in enumerate(([[first], [again], [revised]], [[revised], [again, first]], [[revised, first]])):
        with ledger_of(tmp_path / str(number), *commits) as ledger:
            assert [found.billed_nano_usd for found in stored(ledger)] == [130]
            (row,) = query(ledger, restatements_sql())
            assert (row["first_nano"], row["current_nano"], row["row_count"]) == (100, 130, 1)


def test_a_total_read_twice_is_no_restatement(tmp_path: Path) -> None:
    copies = [bucket("march", billed_nano_usd=100, source_file=name) for name in ("a.json", "b.json")]
    with ledger_of(tmp_path, *[[copy] for copy in copies]) as ledger:
        assert ledger.rows == 1
        assert query(ledger, restatements_sql()) == []


def test_no_ledger_is_an_error_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"is not a ledger\. Make one with `baseload import PATH`"):
        Ledger.open(tmp_path)


def test_an_empty_ledger_answers(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "new", create=True) as ledger:
        assert (ledger.rows, ledger.price_keys(), ledger.problems, dict(ledger.file_marks)) == (0, [], [], {})
        assert stored(ledger) == []
        assert len(ledger.signatures()["signature"]) == 0
    assert not is_ledger(tmp_path / "new")


def test_signatures_and_price_keys_never_scan_the_calls(tmp_path: Path) -> None:
    with ledger_of(
        tmp_path, [call("a", agent="x"), call("b", agent="y")], [call("c", agent="x", tier="batch")]
    ) as ledger:
        for path in tmp_path.glob("calls-*.parquet"):
            path.unlink()
        assert ledger.signatures()["agent"].tolist() in (["x", "y"], ["y", "x"])
        assert ledger.price_keys() == [
            "claude-opus-4-8|anthropic|global|batch|standard|0-100k",
            "claude-opus-4-8|anthropic|global|standard|standard|0-100k",
        ]


# one writer, many readers


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    with ledger_of(tmp_path, [call()]) as ledger, ledger.writer():
        code = (
            "import sys; from pathlib import Path; from baseload.ledger.store import Ledger\n"
            "with Ledger.open(Path(sys.argv[1])) as ledger, ledger.writer(): pass"
        )
        run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
        assert f"LedgerLocked: {tmp_path} is being written by process {os.getpid()}" in run.stderr.replace(
            "baseload.errors.", ""
        )
        with Ledger.open(tmp_path) as other, pytest.raises(LedgerLocked), other.writer():
            pass


@pytest.mark.parametrize("has_lock_file", [True, False])
def test_a_ledger_on_a_read_only_disk_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_lock_file: bool
) -> None:
    ledger_of(tmp_path, [call("a")]).close()
    if not has_lock_file:
        (tmp_path / "readers.lock").unlink()
    really_open = os.open

    def read_only(path: Any, flags: int, *mode: int) -> int:
        if flags & os.O_CREAT and Path(path).parent == tmp_path:
            raise OSError(errno.EROFS, "Read-only file system")
        return really_open(path, flags, *mode)

    monkeypatch.setattr(os, "open", read_only)
    with Ledger.open(tmp_path) as ledger:
        assert ledger.rows == 1


def test_a_reader_keeps_its_commit_while_others_write_and_compact(tmp_path: Path) -> None:
    from baseload.ledger.compact import compact

    with ledger_of(tmp_path, [call("a")], [call("b")]) as reader, Ledger.open(tmp_path) as other:
        before = digest(reader)
        with other.writer() as writer:
            writer.append([call("a", rank=5)])
        compact(other)
        assert digest(reader) == before
        assert digest(other) != before
    with Ledger.open(tmp_path) as last, last.writer():
        pass
    assert len(list(tmp_path.glob("calls-*.parquet"))) == 1  # nobody reads the replaced files any more


def test_what_is_not_committed_is_not_seen(tmp_path: Path) -> None:
    with ledger_of(tmp_path, [call("a")]) as ledger:
        with ledger.writer() as writer:
            writer.append([call("b")])
            with Ledger.open(tmp_path) as reader:
                assert reader.rows == 1
        assert ledger.rows == 2


def test_a_failing_import_leaves_the_last_commit_and_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "BATCH_CALLS", 1)
    with ledger_of(tmp_path, [call("a")]) as ledger:
        before = sorted(tmp_path.iterdir())
        with contextlib.suppress(DiskOnFire), ledger.writer() as writer:
            writer.append([call("b"), call("c")])
            writer.note_file(mark("/x"), [problem("/x")])
            raise DiskOnFire
        assert sorted(tmp_path.iterdir()) == before
        assert (ledger.rows, ledger.problems, dict(ledger.file_marks)) == (1, [], {})


def test_long_imports_commit_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "BATCH_CALLS", 2)
    monkeypatch.setattr(writer_module, "COMMIT_CALLS", 4)
    with ledger_of(tmp_path, []) as ledger:
        with contextlib.suppress(KeyboardInterrupt), ledger.writer() as writer:
            for number in range(3):
                writer.append([call(f"{number}-{place}") for place in range(2)])
                writer.note_file(mark(f"/{number}"))
            raise KeyboardInterrupt
        assert sorted(ledger.file_marks) == ["/0", "/1"]
        assert ledger.rows == 4


def test_files_of_a_crash_are_collected_and_foreign_files_are_left(tmp_path: Path) -> None:
    with ledger_of(tmp_path, [call("a")]) as ledger:
        orphan, foreign = tmp_path / f"calls-{'0' * 32}.parquet", tmp_path / "notes.parquet"
        half = tmp_path / f"manifest-{'0' * 32}.tmp"
        for path in (orphan, foreign, half):
            path.write_bytes(b"torn")
        assert stored(ledger) == [call("a")]
        with ledger.writer():
            pass
        assert not orphan.exists()
        assert not half.exists()
        assert foreign.exists()


# marks and problems


def test_marks_and_problems_come_with_their_file(tmp_path: Path) -> None:
    with ledger_of(tmp_path, []) as ledger:
        with ledger.writer() as writer:
            writer.note_file(mark("/b"), [problem("/b", 2), problem("/b", 3)])
            writer.note_problems("/a", [problem("/a", 0)])
        assert dict(ledger.file_marks) == {"/b": mark("/b")}
        assert ledger.problems == [problem("/a", 0), problem("/b", 2), problem("/b", 3)]
    with Ledger.open(tmp_path) as again:
        assert again.problems == [problem("/a", 0), problem("/b", 2), problem("/b", 3)]


def test_reading_a_file_again_replaces_its_problems_and_reading_on_adds_to_them(tmp_path: Path) -> None:
    with ledger_of(tmp_path, []) as ledger:
        for given, continued, expected in (
            ([problem("/a", 1)], False, [1]),
            ([problem("/a", 7)], True, [1, 7]),
            ([], True, [1]),  # row 7 lies behind the mark: the line was torn, and has been read again
            ([], False, []),
        ):
            with ledger.writer() as writer:
                writer.note_file(mark("/a"), given, continued=continued)
            assert [found.row for found in ledger.problems] == expected


# what no file format takes


def test_a_file_name_that_is_not_unicode_is_kept_as_escapes(tmp_path: Path) -> None:
    """POSIX names are bytes: caf\\xe9.jsonl in Latin-1 reaches Python with a lone surrogate."""
    odd = "/logs/caf\udce9.jsonl"
    calls = [call("a", source_file=odd), call("b", source_file="/logs/café.jsonl")]
    with ledger_of(tmp_path, []) as ledger:
        for _ in range(2):
            with ledger.writer() as writer:
                writer.append(calls)
                writer.note_file(mark(odd), [problem(odd)])
        assert {found.source_file for found in stored(ledger)} == {"/logs/caf\\udce9.jsonl", "/logs/café.jsonl"}
        assert list(ledger.file_marks) == ["/logs/caf\\udce9.jsonl"]
        assert [found.file for found in ledger.problems] == ["/logs/caf\\udce9.jsonl"]
        assert sum(file.rows for file in ledger.manifest.calls) == 2


@pytest.mark.parametrize(
    "changes", [{"max_tokens": 2**63}, {"output_tokens": -(2**63) - 1}, {"billed_nano_usd": 10**30}]
)
def test_a_number_past_64_bits_costs_its_record_and_no_other(tmp_path: Path, changes: dict[str, int]) -> None:
    with ledger_of(tmp_path, []) as ledger:
        with ledger.writer() as writer:
            writer.append([call("a"), call("b", source_file="/x", source_row=7, **changes)])
            writer.commit()
            assert len(writer.refused) == 1
        (found,) = ledger.problems
        (field,) = changes
        assert (found.file, found.row, found.code) == ("/x", 7, "number-too-large")
        assert found.message == f"{field} does not fit 64 bits; the record is left out"
        assert ledger.rows == 1


# damage


def test_a_folder_that_cannot_be_made_or_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="ledger cannot be made: Not a directory"):
        Ledger.open(tmp_path / "file" / "ledger", create=True)
    with ledger_of(tmp_path / "ledger", [call()]) as ledger:
        monkeypatch.setattr(os, "open", _refuse)
        with pytest.raises(LedgerError, match="ledger cannot be written: Permission denied"), ledger.writer():
            pass


def _refuse(*_: object) -> int:
    raise PermissionError(errno.EACCES, "Permission denied")


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    ledger_of(tmp_path, [call()]).close()
    raw = msgspec.json.decode((tmp_path / "manifest.json").read_bytes())
    (tmp_path / "manifest.json").write_bytes(msgspec.json.encode({**raw, "schema_version": 99}))
    with pytest.raises(LedgerVersion, match=r"manifest.json: schema version is 99, this Baseload knows up to 1\."):
        Ledger.open(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema_version": 1, "calls": 3}'])
def test_a_broken_manifest_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(LedgerError, match=r"manifest.json is not a ledger manifest: .* import again"):
        Ledger.open(tmp_path)


def test_the_manifest_format_is_pinned(tmp_path: Path) -> None:
    """Other programs read it: a change here is a new schema_version and an upgrade."""
    ledger_of(tmp_path, [call()]).close()
    raw: dict[str, Any] = msgspec.json.decode((tmp_path / "manifest.json").read_bytes())
    assert sorted(raw) == [
        "calls", "cells", "marks", "next_row_id", "problems", "schema_version", "superseded", "superseded_rows",
    ]  # fmt: skip
    (entry,) = raw["calls"]
    assert {**entry, "name": ""} == {
        "name": "",
        "rows": 1,
        "min_day": 20_750,
        "max_day": 20_750,
        "has_calls": True,
        "has_aggregates": False,
        "schema_version": 1,
    }
