"""Prefix-hash traces are read whatever their form, and a bad record costs one problem."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baseload.usage.prefix_rows import TraceRows
from baseload.usage.prefix_traces import read_trace, read_traces, trace_files
from baseload.values import Problem


def parquet(path: Path, select: str) -> Path:
    """A Parquet file of the rows of one SELECT."""
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


def row(**changed: str) -> str:
    """One request as SQL: three blocks and 8 tokens of session s."""
    columns = {
        "trace_id": "'s'",
        "agent_id": "''",
        "seq": "0",
        "t": "0.0::DOUBLE",
        "model": "'claude-opus-4-6'",
        "input_tokens": "200",
        "output_tokens": "7",
        "hash_ids": "[1, 2, 3]",
        "input_types": "['text']",
        "stop": "'tool_use'",
    } | changed
    return "SELECT " + ", ".join(f"{value} AS {name}" for name, value in columns.items())


def read(path: Path) -> tuple[TraceRows, list[Problem]]:
    rows, problems = read_trace(path)
    assert rows is not None, problems
    return rows, problems


def blocks(rows: TraceRows) -> list[list[int]]:
    return [
        rows.blocks[begin : begin + length].tolist()
        for begin, length in zip(rows.begin.tolist(), rows.length.tolist(), strict=True)
    ]


def jsonl(path: Path, *records: Any) -> Path:
    path.write_text("\n".join(text if isinstance(text, str) else json.dumps(text) for text in records) + "\n")
    return path


def mooncake(timestamp: int, ids: list[int], **changed: Any) -> dict[str, Any]:
    return {"timestamp": timestamp, "input_length": 512 * len(ids), "output_length": 1, "hash_ids": ids} | changed


def test_parquet_has_sessions_of_64_token_blocks(tmp_path: Path) -> None:
    rows, problems = read(parquet(tmp_path / "requests.parquet", row(t="1.5", ttft="0.25", output_tokens="9")))
    assert not problems
    assert (rows.timed, rows.block_tokens, rows.copies, len(rows)) == (False, 64, 0, 1)
    assert (rows.session.tolist(), rows.agent.tolist(), rows.model.tolist()) == (["s"], [""], ["claude-opus-4-6"])
    assert (rows.start_us.tolist(), rows.begins_us.tolist()) == ([1_500_000], [1_750_000])
    assert (rows.prompt_tokens.tolist(), rows.output_tokens.tolist()) == ([200], [9])
    assert (rows.last_part.tolist(), rows.stop.tolist()) == (["human"], ["tool_use"])
    assert blocks(rows) == [[1, 2, 3]]


def test_requests_come_ordered_by_lane_and_time(tmp_path: Path) -> None:
    """Written in any order: session, then agent (its time counts from its spawn), then time."""
    select = " UNION ALL ".join(
        [
            row(trace_id="'z'", t="1.0", hash_ids="[9]"),
            row(trace_id="'b'", t="9.0", hash_ids="[3]"),
            row(trace_id="'b'", agent_id="'x'", t="2.0", hash_ids="[4]", seq="1"),
            row(trace_id="'b'", t="5.0", hash_ids="[2]"),
        ]
    )
    spawned = f"SELECT *, CASE WHEN agent_id = 'x' THEN 100.0 ELSE 0.0 END AS agent_t0 FROM ({select})"
    rows, _ = read(parquet(tmp_path / "r.parquet", spawned))
    assert blocks(rows) == [[2], [3], [4], [9]]
    assert rows.start_us.tolist() == [5_000_000, 9_000_000, 102_000_000, 1_000_000]


def test_consecutive_equal_blocks_are_one_request(tmp_path: Path) -> None:
    """Recorded twice: the first counts, with the stop its copy names. A later return is a request of its own."""
    select = " UNION ALL ".join(
        [
            row(t="0", stop="''", output_tokens="1"),
            row(t="1", stop="'end_turn'", output_tokens="2", input_types="[]::VARCHAR[]"),
            row(t="2", hash_ids="[1, 2]"),
            row(t="3"),
            row(t="3", agent_id="'other'"),
        ]
    )
    rows, _ = read(parquet(tmp_path / "r.parquet", select))
    assert rows.copies == 1
    assert blocks(rows) == [[1, 2, 3], [1, 2], [1, 2, 3], [1, 2, 3]]
    assert rows.start_us.tolist() == [0, 2_000_000, 3_000_000, 3_000_000]
    assert rows.output_tokens.tolist() == [1, 7, 7, 7]
    assert rows.stop.tolist()[0] == "end_turn"


def test_the_block_size_of_the_file_of_traces_beside_it_holds(tmp_path: Path) -> None:
    parquet(tmp_path / "traces_x.parquet", "SELECT 's' AS trace_id, 128 AS block_size")
    rows, _ = read(parquet(tmp_path / "requests_x.parquet", row(input_tokens="400")))
    assert rows.block_tokens == 128
    assert trace_files(tmp_path) == [tmp_path / "requests_x.parquet"]


def test_mooncake_is_one_lane_of_512_token_blocks_by_time(tmp_path: Path) -> None:
    """Its last id is the partial block: 1,100 tokens are two whole blocks and 76 tokens."""
    path = jsonl(tmp_path / "trace.jsonl", mooncake(3000, [1, 5]), mooncake(1000, [1, 2, 3], input_length=1100))
    rows, problems = read(path)
    assert not problems
    assert (rows.timed, rows.block_tokens) == (True, 512)
    assert rows.start_us.tolist() == [1_000_000, 3_000_000]
    assert blocks(rows) == [[1, 2], [1, 5]]


def test_the_same_columns_may_come_in_the_other_container(tmp_path: Path) -> None:
    lines = {"trace_id": "s", "agent_id": "a", "t": 2, "input_tokens": 130, "hash_ids": [1, 2], "model": "m"}
    rows, _ = read(jsonl(tmp_path / "sessions.jsonl", lines))
    assert (rows.timed, rows.block_tokens, rows.session.tolist(), rows.agent.tolist()) == (False, 64, ["s"], ["a"])
    select = "SELECT 1000 AS timestamp, 1024 AS input_length, 3 AS output_length, [7, 8] AS hash_ids"
    rows, _ = read(parquet(tmp_path / "timed.parquet", select))
    assert (rows.timed, rows.block_tokens, rows.start_us.tolist(), blocks(rows)) == (True, 512, [1_000_000], [[7, 8]])


def test_a_session_file_has_its_sub_agents_in_lanes_of_their_own(tmp_path: Path) -> None:
    inner = {"t": 1.0, "model": "m", "in": 70, "out": 2, "hash_ids": [5], "input_types": ["tool_result"]}
    outer = {"t": 0.0, "model": "m", "in": 70, "out": 1, "hash_ids": [5], "ttft": 0.5, "stop": "end_turn"}
    session = {
        "id": "trace_1",
        "block_size": 64,
        "requests": [outer, {"t": 10.0, "type": "subagent", "agent_id": "agent_1", "requests": [inner]}],
    }
    path = tmp_path / "trace_1.json"
    path.write_text(json.dumps(session))
    rows, problems = read(path)
    assert not problems
    assert (rows.session.tolist(), rows.agent.tolist()) == (["trace_1"] * 2, ["", "agent_1"])
    assert (rows.start_us.tolist(), rows.begins_us.tolist()) == ([0, 11_000_000], [500_000, 11_000_000])
    assert rows.last_part.tolist() == ["", "tool_result"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"trace_id": "NULL::VARCHAR"}, "no-session"),
        ({"t": "NULL::DOUBLE"}, "no-time"),
        ({"t": "'nan'::DOUBLE"}, "no-time"),
        ({"t": "'inf'::DOUBLE"}, "no-time"),
        ({"t": "-5.0"}, "bad-time"),
        ({"t": "1e300::DOUBLE"}, "bad-time"),
        ({"input_tokens": "NULL::INTEGER"}, "no-tokens"),
        ({"input_tokens": "-200"}, "negative-tokens"),
        ({"output_tokens": "-1"}, "negative-tokens"),
        ({"input_tokens": "9000000000000000000"}, "too-many-tokens"),
        ({"output_tokens": "100000001"}, "too-many-tokens"),
        ({"hash_ids": "NULL::INTEGER[]"}, "no-blocks"),
        ({"hash_ids": "[1, NULL, 3]"}, "no-blocks"),
        ({"input_tokens": "127"}, "blocks-beyond-prompt"),
    ],
)
def test_a_bad_row_is_one_problem_and_the_others_are_read(tmp_path: Path, changed: dict[str, str], code: str) -> None:
    select = f"{row(**changed)} UNION ALL {row(t='7', hash_ids='[4, 5]')}"
    rows, problems = read(parquet(tmp_path / "r.parquet", select))
    assert [(problem.code, problem.row) for problem in problems] == [(code, 1)]
    assert blocks(rows) == [[4, 5]]
    assert all((problem.expected, problem.next_step, problem.file) for problem in problems)


def test_a_last_partial_block_may_have_an_id_of_its_own(tmp_path: Path) -> None:
    """129 tokens are two blocks and one token: three ids are right, the third names what is never cached."""
    rows, problems = read(parquet(tmp_path / "r.parquet", row(input_tokens="129")))
    assert (problems, blocks(rows)) == ([], [[1, 2]])


@pytest.mark.parametrize(
    "select",
    [
        "SELECT 1 AS something_else, [1] AS hash_ids",
        "SELECT 's' AS trace_id, 0.0 AS t, 5 AS input_tokens, 'text' AS hash_ids",
        "SELECT 's' AS trace_id, 0.0 AS t, 64 AS input_tokens, [1.5::DOUBLE] AS hash_ids",
        "SELECT 's' AS trace_id, 0.0 AS t, 64 AS input_tokens, [1.0::FLOAT] AS hash_ids",
        "SELECT 's' AS trace_id, 0.0 AS t, 64 AS input_tokens, [1.5] AS hash_ids",
        "SELECT 's' AS trace_id, 5 AS input_tokens, [1] AS hash_ids",
        row() + " LIMIT 0",
    ],
)
def test_a_file_that_holds_no_requests_is_one_problem(tmp_path: Path, select: str) -> None:
    rows, problems = read_traces([parquet(tmp_path / "r.parquet", select)])
    assert rows == []
    assert len(problems) == 1
    assert problems[0].code in {"bad-trace-file", "no-blocks"}


@pytest.mark.parametrize("kind", ["DOUBLE", "FLOAT", "DECIMAL(4,2)"])
def test_ids_that_are_no_whole_numbers_refuse_the_column(tmp_path: Path, kind: str) -> None:
    select = row(hash_ids=f"[1.4, 1.6]::{kind}[]") + " UNION ALL " + row(t="7", hash_ids=f"[1, 2]::{kind}[]")
    rows, [problem] = read_traces([parquet(tmp_path / "r.parquet", select)])
    assert (rows, problem.code) == ([], "bad-trace-file")
    assert f"its ids in hash_ids are {kind}[], not whole numbers" in problem.message


def test_an_id_in_text_that_is_no_whole_number_is_a_problem_of_its_row(tmp_path: Path) -> None:
    select = row(t="'3'", hash_ids="['1', '2', '2.6']") + " UNION ALL " + row(t="'7'", hash_ids="['4', '-5', '6']")
    rows, problems = read(parquet(tmp_path / "r.parquet", select))
    assert [(problem.row, problem.code) for problem in problems] == [(1, "no-blocks")]
    assert [ids[:2] for ids in blocks(rows)] == [[4, -5]]


def test_a_truncated_or_empty_file_is_one_problem(tmp_path: Path) -> None:
    whole = parquet(tmp_path / "whole.parquet", row()).read_bytes()
    for name, data in (
        ("cut.parquet", whole[: len(whole) // 2]),
        ("e.parquet", b""),
        ("e.jsonl", b""),
        ("e.json", b""),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        assert trace_files(path) == [path]
        rows, problems = read_trace(path)
        assert rows is None
        assert [problem.code for problem in problems] == ["bad-trace-file"]


def test_wrong_types_in_parquet_are_problems_of_their_rows(tmp_path: Path) -> None:
    select = row(t="'soon'", input_tokens="'many'", hash_ids="['a', 'b']") + " UNION ALL "
    select += row(t="'3'", input_tokens="'130'", hash_ids="['4', '5']")
    rows, problems = read(parquet(tmp_path / "r.parquet", select))
    assert [(problem.row, problem.code) for problem in problems] == [(1, "no-time")]
    assert blocks(rows) == [[4, 5]]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "7",
        '{"timestamp": "x", "hash_ids": []}',
        '{"timestamp": 1, "input_length": 5}',
        '{"timestamp": 1, "input_length": 512, "hash_ids": [1.5]}',
        '{"timestamp": 1, "input_length": 512, "hash_ids": [99999999999999999999]}',
        '{"timestamp": 1, "input_length": 512, "hash_ids": [1, 2, 3]}',
        '{"input_length": 512, "hash_ids": [1]}',
        "{" + '"a":' * 5000,
        "\x00\xff",
    ],
)
def test_a_bad_line_is_one_problem_and_the_others_are_read(tmp_path: Path, line: str) -> None:
    rows, problems = read(jsonl(tmp_path / "t.jsonl", mooncake(0, [1]), line, mooncake(5, [2])))
    assert [problem.row for problem in problems] == [2]
    assert blocks(rows) == [[1], [2]]


def test_a_name_with_wildcards_is_just_a_name(tmp_path: Path) -> None:
    (tmp_path / "a[1]").mkdir()
    path = parquet(tmp_path / "plain.parquet", row()).rename(tmp_path / "a[1]" / "re*uests.parquet")
    assert len(read(path)[0]) == 1


def test_the_real_traces_are_read_whole(shared_data: Path) -> None:
    """The README of the samples counts 51,216 requests, 24,482 of them recorded twice."""
    traces = shared_data / "traces"
    rows, problems = read(traces / "claude-code-prefixes" / "requests_v6_global.parquet")
    assert (len(rows), rows.copies, problems, rows.block_tokens) == (51_216 - 24_482, 24_482, [], 64)
    assert (rows.length == rows.prompt_tokens // 64).all()
    rows, problems = read(traces / "mooncake" / "synthetic_trace.jsonl")
    assert (len(rows) + rows.copies, problems) == (3_993, [])
    found, problems = read_traces(trace_files(traces / "claude-code-prefixes" / "raw_samples"))
    assert (len(found), problems) == (9, [])
    assert sum(len(set(rows.agent.tolist())) for rows in found) == 9 + 3 + 4 + 3 + 2


values = st.one_of(
    st.none(),
    st.integers(-5, 700),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.integers(-3, 9), max_size=4),
    st.just(10**30),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=st.lists(
        st.dictionaries(
            st.sampled_from(["timestamp", "t", "trace_id", "agent_id", "input_length", "hash_ids", "model", "ttft"]),
            values,
        ),
        max_size=6,
    )
)
def test_whatever_a_line_holds_nothing_is_raised_and_nothing_is_silent(
    tmp_path: Path, records: list[dict[str, Any]]
) -> None:
    path = jsonl(tmp_path / "t.jsonl", *(json.dumps(record) for record in records))
    rows, problems = read_trace(path)
    kept = 0 if rows is None else len(rows) + rows.copies
    assert kept + len([problem for problem in problems if problem.row]) == len(records)
    assert all(len(problem.value) <= 60 for problem in problems)
    if rows is not None:
        assert all(math.isfinite(tokens) and tokens >= 0 for tokens in rows.prompt_tokens.tolist())
