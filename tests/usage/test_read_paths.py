"""Reading PATHs: detection, skipping what was read, reading on, notes, clocks, and never an exception."""

from __future__ import annotations

import csv
import gzip
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usage_reading import NOW_US, classes, codes, context, jsonl, read_all, response_line, split

from baseload.errors import BaseloadError, UsageError
from baseload.usage import claude_code
from baseload.usage.detect import READERS, detect, reader_named
from baseload.usage.freshness import still_stands
from baseload.usage.marks import FileMark
from baseload.usage.read import FileResult, read_paths
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.values import Call, Problem, parse_timestamp

MESSAGE = {
    "type": "message", "role": "assistant", "model": "claude-haiku-4-5", "content": [],
    "usage": {"input_tokens": 1, "output_tokens": 2},
}  # fmt: skip


def results_of(*paths: Path, **options: Any) -> list[tuple[FileResult, list[Record]]]:
    found = read_paths(paths, context(), as_of_us=NOW_US, **options)
    return [(result, list(result.records)) for result in found]


def written(folder: Path, *lines: Any, name: str = "s.jsonl") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jsonl(*lines))
    return path


def grow(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))


# forced sources


def test_what_a_named_source_read_is_detected_anew_without_that_name(tmp_path: Path) -> None:
    path = written(tmp_path, response_line())
    forced = marks_of(results_of(path, source="console_csv"))
    [(again, _)] = results_of(path, source="console_csv", marks=forced)
    assert again.unchanged
    [(result, records)] = results_of(path, marks=forced)
    assert (result.reader, result.unchanged, len(records)) == ("claude_code", False, 1)


def test_what_detection_read_stands_under_the_same_name_and_no_other(tmp_path: Path) -> None:
    path = written(tmp_path, response_line())
    marks = marks_of(results_of(path))
    assert still_stands([path], marks)
    assert still_stands([path], marks, source="claude_code")
    assert not still_stands([path], marks, source="messages")
    assert not still_stands([path], marks_of(results_of(path, source="messages")))


# files no reader may trip over


@pytest.mark.parametrize(
    "data",
    [b"usage_date_utc,model\rfoo,bar\r", b"a,b\x00c\rd", random.Random(7).randbytes(200_000)],
    ids=["carriage-returns", "nul", "random"],
)
@pytest.mark.parametrize("name", ["a.jsonl", "b.csv"])
def test_a_file_of_no_sense_costs_one_problem_and_no_other_file(tmp_path: Path, data: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(data)
    written(tmp_path, response_line(), name="z.jsonl")
    calls, problems = read_all(tmp_path)
    assert (len(calls), [(problem.code, problem.row) for problem in problems]) == (1, [("unknown-format", 0)])


def test_a_reader_that_trips_over_a_head_does_not_have_the_file() -> None:
    def trips(head: bytes, name: str) -> int:
        raise csv.Error("new-line character seen")

    assert detect(b"x", "a", [Reader(name="bad", recognise=trips, read=lambda file, context: iter(()))]) is None


# names


def test_a_models_name_is_stored_without_a_key_and_without_end(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        response_line("msg_1", message={"model": "claude-x sk-ant-api03-0123456789abcdef"}),
        response_line("msg_2", message={"model": "claude-" + "x" * 1_000}),
    )
    calls, _ = read_all(path)
    assert [call.model_raw for call in calls] == ["claude-x sk-…", "claude-" + "x" * 192 + "…"]


# detection


def test_every_reader_has_its_own_name() -> None:
    names = [reader.name for reader in READERS]
    assert len(set(names)) == len(names)


def test_a_source_can_be_named_and_an_unknown_one_lists_all(tmp_path: Path) -> None:
    path = written(tmp_path, response_line(), name="anything.dat")
    [(result, records)] = results_of(path, source="claude_code")
    assert (result.reader, len(records)) == ("claude_code", 1)
    with pytest.raises(UsageError, match=r"'nonsense'.*claude_code.*messages"):
        reader_named("nonsense")


def test_the_surest_reader_has_the_file_and_of_equals_the_first() -> None:
    def sure(name: str, score: int) -> Reader:
        return Reader(name=name, recognise=lambda head, name: score, read=lambda file, context: iter(()))

    assert detect(b"x", "a", []) is None
    assert detect(b"x", "a", [sure("a", 0)]) is None
    found = detect(b"x", "a", [sure("a", 1), sure("b", 2), sure("c", 2)])
    assert found is not None
    assert found.name == "b"


def test_a_file_nobody_knows_is_one_problem_when_it_looks_like_data(tmp_path: Path) -> None:
    written(tmp_path, '{"hello": 1}')
    (tmp_path / "notes.txt").write_text("buy milk")
    (tmp_path / "empty.jsonl").write_bytes(b"")
    assert codes(read_all(tmp_path)[1]) == ["unknown-format"]
    assert codes(read_all(tmp_path / "notes.txt")[1]) == ["unknown-format"]
    assert codes(read_all(tmp_path / "empty.jsonl")[1]) == ["empty-file"]


# second readings


def marks_of(found: list[tuple[FileResult, list[Record]]]) -> dict[str, FileMark]:
    return {result.mark.path: result.mark for result, _ in found if result.mark is not None}


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    path = written(tmp_path, response_line())
    marks = marks_of(results_of(path))
    [(result, records)] = results_of(path, marks=marks)
    assert (result.unchanged, records) == (True, [])
    assert result.mark == marks[str(path)]


def test_only_appended_lines_are_read_and_rows_go_on(tmp_path: Path) -> None:
    path = written(tmp_path, response_line("msg_a"), response_line("msg_b"))
    marks = marks_of(results_of(path))
    grow(path, jsonl(response_line("msg_c")))
    [(result, records)] = results_of(path, marks=marks)
    assert [record.source_row for record in records if isinstance(record, Call)] == [3]
    assert result.mark is not None
    assert (result.mark.offset, result.mark.rows) == (path.stat().st_size, 3)


def test_a_line_half_written_at_the_first_reading_is_read_whole_at_the_second(tmp_path: Path) -> None:
    path = written(tmp_path, response_line("msg_a"))
    whole = jsonl(response_line("msg_b"))
    grow(path, whole[:50])
    first = results_of(path)
    assert codes(split(first[0][1])[1]) == ["bad-json"]
    grow(path, whole[50:])
    [(_, records)] = results_of(path, marks=marks_of(first))
    assert [record.source_row for record in records if isinstance(record, Call)] == [2]


def test_a_rewritten_file_is_read_from_its_start(tmp_path: Path) -> None:
    path = written(tmp_path, response_line("msg_a"))
    marks = marks_of(results_of(path))
    path.write_bytes(jsonl(response_line("msg_other"), response_line("msg_b"), response_line("msg_c")))
    [(_, records)] = results_of(path, marks=marks)
    assert [record.source_row for record in records if isinstance(record, Call)] == [1, 2, 3]


def test_a_file_rewritten_behind_an_equal_head_is_read_from_its_start(tmp_path: Path) -> None:
    # 150 kB of equal lines, then another last line and one more: no byte of the head tells
    head = [response_line(f"msg_{number:04d}") for number in range(300)]
    path = written(tmp_path, *head, response_line("msg_old"))
    marks = marks_of(results_of(path))
    assert len(jsonl(*head)) > 64 * 1024
    path.write_bytes(jsonl(*head, response_line("msg_rewritten"), response_line("msg_more")))
    assert not still_stands([path], marks)
    [(_, records)] = results_of(path, marks=marks)
    assert [record.source_row for record in records if isinstance(record, Call)] == list(range(1, 303))


def test_the_head_that_must_be_equal_is_64_kib(tmp_path: Path) -> None:
    lines = [response_line(f"msg_{number:04d}") for number in range(600)]
    path = written(tmp_path, *lines)
    at = next(number for number in range(600) if len(jsonl(*lines[:number])) > 40_000)
    marks = marks_of(results_of(path))
    path.write_bytes(jsonl(*lines[:at], response_line("msg_XXXX"), *lines[at + 1 :], response_line("msg_more")))
    assert not still_stands([path], marks)


def test_a_mark_of_an_earlier_version_still_stands(tmp_path: Path) -> None:
    path = written(tmp_path, response_line("msg_a"))
    marks = {
        name: msgspec.structs.replace(mark, tail_bytes=0, tail_digest="")
        for name, mark in marks_of(results_of(path)).items()
    }
    grow(path, jsonl(response_line("msg_b")))
    assert still_stands([path], marks)


def test_a_file_that_shrank_is_read_from_its_start(tmp_path: Path) -> None:
    path = written(tmp_path, response_line("msg_a"), response_line("msg_b"))
    marks = marks_of(results_of(path))
    path.write_bytes(jsonl(response_line("msg_a")))
    [(_, records)] = results_of(path, marks=marks)
    assert len(records) == 1


def test_a_file_read_as_another_source_is_read_again(tmp_path: Path) -> None:
    path = written(tmp_path, response_line())
    marks = marks_of(results_of(path))
    [(result, _)] = results_of(path, marks=marks, source="messages")
    assert not result.unchanged


@given(st.lists(st.sampled_from(["msg_a", "msg_b", "msg_c"]), min_size=1, max_size=8), st.data())
@settings(max_examples=30, deadline=None)
def test_reading_in_two_parts_keeps_the_same_calls_as_reading_at_once(
    tmp_path_factory: pytest.TempPathFactory, messages: list[str], data: st.DataObject
) -> None:
    lines = [
        response_line(message, data.draw(st.integers(1, 3)), timestamp=f"2026-09-03T00:00:{number:02d}.000Z")
        for number, message in enumerate(messages)
    ]
    path = written(tmp_path_factory.mktemp("t"), *lines)
    whole = path.read_bytes()
    at_once = best_of(results_of(path)[0][1])
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    first = results_of(path)
    grow(path, whole[cut:])
    second = results_of(path, marks=marks_of(first))
    assert best_of([*first[0][1], *second[0][1]]) == at_once


def best_of(records: list[Record]) -> dict[str, Call]:
    """What a ledger keeps: the highest rank, of equals the earlier row."""
    best: dict[str, Call] = {}
    for record in records:
        if isinstance(record, Call):
            held = best.get(record.call_id)
            if held is None or (record.rank, -record.start_us) > (held.rank, -held.start_us):
                best[record.call_id] = record
    return best


# notes


def test_a_folders_note_fills_in_what_its_files_do_not_say(tmp_path: Path) -> None:
    written(tmp_path / "logs" / "deep", response_line())
    note = {"schema": "baseload.source/1", "sampling_rate": 20, "account": "acme", "api_key": "k1", "workspace": "w1"}
    (tmp_path / "logs" / "baseload-source.json").write_bytes(jsonl(note))
    [call], problems = read_all(tmp_path)
    assert problems == []
    assert (call.sampling_rate, call.account, call.api_key) == (20, "acme", "k1")
    assert call.workspace == "shop"  # the record's own word wins


def test_a_note_never_reaches_above_the_path_given(tmp_path: Path) -> None:
    written(tmp_path / "logs", response_line())
    (tmp_path / "baseload-source.json").write_bytes(jsonl({"schema": "baseload.source/1", "account": "acme"}))
    [call], _ = read_all(tmp_path / "logs")
    assert call.account == ""


def test_a_note_that_cannot_be_used_is_one_problem_for_the_whole_folder(tmp_path: Path) -> None:
    written(tmp_path, response_line("msg_a"))
    written(tmp_path, response_line("msg_b"), name="t.jsonl")
    (tmp_path / "baseload-source.json").write_text("{")
    calls, problems = read_all(tmp_path)
    assert (len(calls), codes(problems)) == (2, ["bad-source-note"])


def test_another_note_makes_it_another_file(tmp_path: Path) -> None:
    path = written(tmp_path, response_line())
    marks = marks_of(results_of(path))
    (tmp_path / "baseload-source.json").write_bytes(jsonl({"schema": "baseload.source/1", "account": "acme"}))
    [(result, records)] = results_of(path, marks=marks)
    assert (result.unchanged, [record.account for record in records if isinstance(record, Call)]) == (False, ["acme"])


# faults


def test_calls_before_claude_and_in_the_future_are_problems(tmp_path: Path) -> None:
    times = ["2022-12-31T23:59:59Z", "2023-01-01T00:00:00Z", "2026-11-23T12:00:00Z", "2026-11-23T12:00:01Z"]
    lines = [response_line(f"msg_{number}", timestamp=time) for number, time in enumerate(times)]
    calls, problems = read_all(written(tmp_path, *lines))
    assert [call.start_us for call in calls] == [parse_timestamp(time)[0] for time in times[1:3]]
    assert [(problem.code, problem.row) for problem in problems] == [("clock-skew", 1), ("clock-skew", 4)]
    assert problems[1].value == "2026-11-23T12:00:01+00:00"


@pytest.mark.parametrize(
    "error",
    [OSError(5, "no"), BaseloadError("x"), KeyError("k"), ValueError("v"), RecursionError(), TypeError("t")],
)
def test_whatever_stops_a_reader_is_one_problem_and_the_next_file_is_read(tmp_path: Path, error: Exception) -> None:
    def read(file: SourceFile, reading: ReadContext) -> Iterator[Record]:
        yield from claude_code.read(file, reading)
        if file.path.endswith("a.jsonl"):
            raise error

    broken = claude_code.READER._replace(read=read)
    written(tmp_path, response_line("msg_a"), name="a.jsonl")
    written(tmp_path, response_line("msg_b"), name="b.jsonl")
    calls, problems = split(r for _, records in results_of(tmp_path, readers=[broken]) for r in records)
    assert len(calls) == 2
    assert len(problems) == 1
    assert problems[0].file.endswith("a.jsonl")


def test_a_file_that_vanishes_is_one_problem(tmp_path: Path) -> None:
    written(tmp_path, response_line("msg_a"), name="a.jsonl")
    gone = written(tmp_path, response_line("msg_b"), name="b.jsonl")
    kept: list[Record] = []
    for result in read_paths([tmp_path], context(), as_of_us=NOW_US):
        kept += result.records
        gone.unlink(missing_ok=True)
    calls, problems = split(kept)
    assert (len(calls), codes(problems)) == (1, ["unreadable-file"])


def test_a_path_that_does_not_exist_is_one_problem(tmp_path: Path) -> None:
    assert codes(read_all(tmp_path / "none")[1])[0] == "unreadable-file"


def test_damaged_gzip_from_its_first_byte_on_is_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(b"\x1f\x8b" + b"\xff" * 40)
    assert codes(read_all(path)[1]) == ["bad-gzip"]


def test_every_kind_of_bad_input_costs_one_problem_and_loses_nothing_else(tmp_path: Path) -> None:
    good = jsonl(response_line("msg_good"))
    nan = jsonl(response_line("msg_x")).replace(b'"input_tokens":10', b'"input_tokens":NaN')
    answer = jsonl({"timestamp": "2026-09-03T00:00:00Z", "response": MESSAGE | {"id": "msg_caf\u00e9"}})
    files = {
        "truncated.jsonl.gz": (
            gzip.compress(jsonl(*(response_line(f"msg_{n}") for n in range(500))))[:-9],
            "truncated-gzip",
        ),
        "bomb.jsonl.gz": (gzip.compress(good + b" " * 100_000_000), "zip-bomb"),
        "utf16.jsonl": (jsonl(response_line("msg_16")).decode().encode("utf-16"), "wrong-encoding"),
        "latin.jsonl": (answer.decode().encode("latin-1"), "wrong-encoding"),
        "nan.jsonl": (nan, "not-a-number"),
        "negative.jsonl": (jsonl(response_line("msg_n", -1)), "negative-tokens"),
        "long.jsonl": (good + b"x" * (49 * 1024 * 1024) + b"\n", "line-too-long"),
        "deep.jsonl": (good + b'{"a":' * 9_000 + b"1" + b"}" * 9_000 + b"\n", "too-deep"),
        "skew.jsonl": (jsonl(response_line("msg_s", timestamp="2031-01-01T00:00:00.000Z")), "clock-skew"),
        "torn.jsonl": (good + good[:100], "bad-json"),
    }
    for name, (data, _) in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "bom.jsonl").write_bytes(b"\xef\xbb\xbf" + good)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    calls, problems = read_all(tmp_path)
    found = {Path(problem.file).name: problem.code for problem in problems}
    assert found == {name: code for name, (_, code) in files.items()} | {
        "loop": "symlink-loop", "gone.jsonl": "unreadable-file",
    }  # fmt: skip
    assert len(problems) == len(found)
    # 500 cut at the very end, one in each of bomb, long, deep, torn and bom, and one each of UTF-16 and Latin-1
    assert len(calls) == 500 + 5 + 1 + 1
    assert all(problem.expected and problem.next_step for problem in problems)


def test_names_that_are_no_text_are_shown_and_remembered_all_the_same(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jsonl"))
    path.write_bytes(jsonl(response_line("msg_a"), '{"torn'))
    found = results_of(tmp_path)
    [(result, records)] = found
    assert result.path.endswith("caf\\xe9.jsonl")
    assert msgspec.json.encode([records, result.mark])
    assert results_of(tmp_path, marks=marks_of(found))[0][0].unchanged


def test_progress_counts_bytes_to_the_end(tmp_path: Path) -> None:
    sizes = [written(tmp_path, response_line(f"msg_{n}"), name=f"{n}.jsonl").stat().st_size for n in range(3)]
    said: list[tuple[int, int, str]] = []
    results_of(tmp_path, progress=lambda done, total, label: said.append((done, total, label)))
    assert [done for done, _, _ in said] == [0, sizes[0], sizes[0] + sizes[1], sum(sizes)]
    assert {total for _, total, _ in said} == {sum(sizes)}


def test_every_sample_folder_is_read_without_an_exception(shared_data: Path) -> None:
    calls, problems = read_all(shared_data / "usage")
    assert len(calls) > 200
    assert "reader-failed" not in codes(problems)
    assert all(isinstance(problem, Problem) and len(problem.value) <= 60 for problem in problems)
    assert all(sum(classes(call)) >= 0 and msgspec.json.encode(call) for call in calls)
