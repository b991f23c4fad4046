"""Console exports of every generation, and the Enterprise spend export: usage-sources section 2.2 and the samples."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_reading import classes, codes, micros, read_path, read_text, score

from baseload.usage.console_csv import READER, context_of

TOKENS = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count,inference_geo,speed\n"
)
COST = "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type\n"
SPEND = (
    "user email,account_uuid,product,model,total_requests,total_prompt_tokens,total_completion_tokens,"
    "total_net_spend_usd,total_gross_spend_usd\n"
)


def samples(shared_data: Path, pattern: str) -> list[Path]:
    return sorted((shared_data / "usage" / "anthropic-console-csv").glob(pattern))


def test_every_generation_of_the_samples_is_read_without_a_problem(shared_data: Path) -> None:
    paths = samples(shared_data, "*.csv")
    assert [score(READER, path) for path in paths] == [2] * 6
    read = {path.name: read_path(READER, path) for path in paths}
    assert {name: (len(calls), codes(problems)) for name, (calls, problems) in read.items()} == {
        "claude_api_cost_v1_2024-12.csv": (1, []),
        "claude_api_cost_v2_2025-12.csv": (1, []),
        "claude_api_cost_v3_2026-03.csv": (3, []),
        "claude_api_cost_v4_2026-08.csv": (3, []),
        "claude_api_tokens_v1_2025-06.csv": (1, []),
        "claude_api_tokens_v2_2026-03.csv": (5, []),
    }


def test_a_token_row_is_one_day_of_disjoint_classes_without_a_request_count(tmp_path: Path) -> None:
    text = TOKENS + "2026-03-22,claude-sonnet-4-6,key,Default,standard,≤ 200k,11,22,33,44,55,6,us,fast\n"
    (call,), problems = read_text(READER, text, tmp_path)
    assert problems == []
    assert classes(call) == (11, 44, 22, 33, 55)
    assert (call.requests, call.web_search_requests) == (None, 6)
    assert (call.grain, call.geo, call.speed, call.context) == ("day", "us", "fast", "0-200k")
    assert (call.workspace, call.api_key) == ("default", "key")
    assert (call.start_us, call.end_us) == (micros("2026-03-22T00:00+00:00"), micros("2026-03-23T00:00+00:00"))


def test_an_hourly_row_is_an_hour(shared_data: Path) -> None:
    calls, _ = read_path(READER, samples(shared_data, "claude_api_tokens_v2*")[0])
    hours = [call for call in calls if call.grain == "hour"]
    assert [call.start_us for call in hours] == [micros("2026-07-16T23:00+00:00")] * 2
    assert {(call.end_us or 0) - call.start_us for call in hours} == {3_600_000_000}


def test_cost_is_dollars_with_list_price_and_token_class(shared_data: Path) -> None:
    calls, _ = read_path(READER, samples(shared_data, "claude_api_cost_v4*")[0])
    assert [(call.model, call.token_class, call.billed_nano_usd, call.reported_list_nano_usd) for call in calls] == [
        ("claude-haiku-4-5-20251001", "uncached_input_tokens", 50_000_000, 50_000_000),
        ("claude-haiku-4-5-20251001", "output_tokens", 20_000_000, 20_000_000),
        ("claude-sonnet-4-5-20250929", "cache_read_tokens", 100_000_000, 1_000_000_000),
    ]
    assert {call.cost_type for call in calls} == {"tokens"}
    assert {call.flags for call in calls} == {"rounded_cents"}
    assert sum(call.prompt_tokens + call.output_tokens for call in calls) == 0


def test_columns_are_found_by_name_in_any_order_with_extra_ones_and_a_byte_order_mark(tmp_path: Path) -> None:
    text = (
        "new_column,usage_output_tokens,model_version,usage_input_tokens_no_cache,usage_date_utc\nx,5,m,7,2026-03-22\n"
    )
    (call,), problems = read_text(READER, b"\xef\xbb\xbf" + text.encode(), tmp_path)
    assert (call.output_tokens, call.uncached_input_tokens, call.model_raw, problems) == (5, 7, "m", [])
    assert (call.workspace, call.api_key) == ("", "")  # no such columns: not grouped by them


def test_a_file_saved_again_with_semicolons_or_utf16_is_read(tmp_path: Path) -> None:
    text = (TOKENS + "2026-03-22,claude-sonnet-4-6,k,Default,standard,≤ 200k,1,2,3,4,5,6,,\n").replace(",", ";")
    assert classes(read_text(READER, text, tmp_path)[0][0]) == (1, 4, 2, 3, 5)
    calls, problems = read_text(READER, text.encode("utf-16"), tmp_path)
    assert classes(calls[0]) == (1, 4, 2, 3, 5)
    assert codes(problems) in ([], ["wrong-encoding"])


def test_the_older_single_write_column_has_no_ttl(tmp_path: Path) -> None:
    text = (
        "usage_date_utc,model_version,usage_input_tokens_no_cache,usage_input_tokens_cache_write,usage_output_tokens\n"
    )
    (call,), _ = read_text(READER, text + "2025-06-01,claude-opus-4-6,1,70,2\n", tmp_path)
    assert (call.cache_write_5m_tokens, call.cache_write_1h_tokens, call.flags) == (70, 0, "ttl_unknown")


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("≤ 200k", "0-200k"),
        ("â‰¤ 200k", "0-200k"),  # UTF-8 read as cp1252 and saved again
        ("0-200k", "0-200k"),
        ("> 200k", "200k-1M"),
        ("200k-1M", "200k-1M"),
        ("", ""),
        ("anything", ""),
    ],
)
def test_context_windows_in_every_spelling(text: str, context: str) -> None:
    assert context_of(text) == context


def test_two_keys_of_one_name_are_both_counted_whatever_the_order(tmp_path: Path) -> None:
    small = "2026-03-22,claude-opus-4-6,ci,Default,standard,≤ 200k,5,0,0,0,0,0,global,\n"
    large = "2026-03-22,claude-opus-4-6,ci,Default,standard,≤ 200k,7,0,0,0,0,0,global,\n"
    one, problems = read_text(READER, TOKENS + small + large, tmp_path)
    other, _ = read_text(READER, TOKENS + large + small, tmp_path)
    assert problems == []
    assert len({call.call_id for call in one}) == 2
    sizes = {call.call_id: call.uncached_input_tokens for call in one}
    assert sizes == {call.call_id: call.uncached_input_tokens for call in other}


def test_rows_equal_in_every_column_are_counted_and_said(tmp_path: Path) -> None:
    row = "2026-03-22,claude-opus-4-6,ci,Default,standard,≤ 200k,5,0,0,0,0,0,global,\n"
    calls, problems = read_text(READER, TOKENS + row + row, tmp_path)
    assert (len({call.call_id for call in calls}), codes(problems)) == (2, ["repeated-rows"])
    assert problems[0].message.startswith("1 row is equal to an earlier row")


def test_the_problem_of_repeated_rows_is_at_the_first_that_repeats(tmp_path: Path) -> None:
    one, other = (f"2026-03-{day},claude-opus-4-6,ci,Default,standard,≤ 200k,5,0,0,0,0,0,global,\n" for day in (22, 23))
    _, [problem] = read_text(READER, TOKENS + one + other + one + other, tmp_path)  # the header is row 1
    assert (problem.row, problem.value) == (4, "2")
    assert problem.message.startswith("2 rows, the first of them here, are equal to an earlier row")


def test_a_later_generation_of_the_same_export_has_the_same_buckets(tmp_path: Path) -> None:
    old = (
        "usage_date_utc,model,workspace,api_key,usage_type,token_type,cost_usd\n"
        "2026-03-15,Claude Opus 4.6,Default,ci,message,output,1.50\n"
    )
    new = COST + "2026-03-15,Claude Opus 4.6,Default,ci,message,≤ 200k,output,1.50,1.50,token\n"
    (first,), _ = read_text(READER, old, tmp_path)
    (second,), _ = read_text(READER, new, tmp_path)
    assert first.call_id == second.call_id


def test_money_is_never_read_with_a_decimal_comma(tmp_path: Path) -> None:
    start = "2026-03-15,m,Default,ci,message,,output"
    rows = f'{start},"1,234.50",,token\n{start},"0,13",,token\n'
    calls, problems = read_text(READER, COST + rows, tmp_path)
    assert [call.billed_nano_usd for call in calls] == [1_234_500_000_000]
    assert [(problem.row, problem.code) for problem in problems] == [(3, "bad-amount")]


def test_searches_and_code_execution_are_cost_types_of_their_own(tmp_path: Path) -> None:
    rows = (
        "2026-03-15,,Default,ci,message,,web_search,0.10,0.10,web_search\n"
        "2026-03-15,,Default,ci,message,,,0.05,0.05,code_execution\n"
        "2026-03-15,,Default,ci,message,,,0.01,,\n"
    )
    calls, _ = read_text(READER, COST + rows, tmp_path)
    assert [(call.cost_type, call.token_class, call.model) for call in calls] == [
        ("web_search", "", ""),
        ("code_execution", "", ""),
        ("other", "", ""),
    ]


def test_bad_rows_cost_one_problem_each(tmp_path: Path) -> None:
    rows = (
        "yesterday,claude-opus-4-6,k,Default,standard,,1,0,0,0,0,0,,\n"
        "2026-03-22,claude-opus-4-6,k,Default,standard,,-1,0,0,0,0,0,,\n"
        "2026-03-22,claude-opus-4-6,k,Default,standard,,NaN,0,0,0,0,0,,\n"
        "2026-03-22,claude-opus-4-6,k,Default,standard,,1,0,0,0,0,0,,\n"
        "\n"
        "2026-03-23,claude-opus-4-6\n"
    )
    calls, problems = read_text(READER, TOKENS + rows, tmp_path)
    assert [(problem.row, problem.code) for problem in problems] == [
        (2, "bad-time"),
        (3, "negative-tokens"),
        (4, "not-a-number"),
        (7, "bad-csv"),
    ]
    assert [call.source_row for call in calls] == [5]


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("2026-10-02,claude-opus-4-8,k,W,standard,≤ 200k,4136", "7"),  # of 413610: cut off
        ("2026-10-01,claude-opus-4-8", "2"),
        ("2026-10-01,claude-opus-4-8,k,W,standard,≤ 200k,1,413,610,0,0,0,24292,0,global,", "15"),  # 1,413,610
    ],
)
def test_a_row_with_fewer_or_more_cells_than_the_header_is_never_read_as_other_numbers(
    tmp_path: Path, row: str, cells: str
) -> None:
    whole = "2026-10-01,claude-opus-4-8,k,W,standard,≤ 200k,7,0,0,0,1,0,global,\n"
    calls, problems = read_text(READER, TOKENS + whole + row + "\n", tmp_path)
    assert [call.uncached_input_tokens for call in calls] == [7]
    assert [(problem.row, problem.code, problem.value, problem.expected) for problem in problems] == [
        (3, "bad-csv", cells, "14 cells")
    ]


def test_empty_cells_after_the_last_column_are_no_cells(tmp_path: Path) -> None:
    calls, problems = read_text(
        READER, TOKENS + "2026-10-01,claude-opus-4-8,k,W,standard,,7,0,0,0,1,0,global,,, \n", tmp_path
    )
    assert ([call.uncached_input_tokens for call in calls], problems) == ([7], [])


def test_files_pasted_together_repeat_the_header_without_harm(tmp_path: Path) -> None:
    row = "2026-03-22,claude-opus-4-6,k,Default,standard,,1,0,0,0,0,0,,\n"
    calls, problems = read_text(READER, TOKENS + row + TOKENS + row.replace("-22,", "-23,"), tmp_path)
    assert (len(calls), problems) == (2, [])


def test_the_enterprise_export_takes_its_range_from_the_name(tmp_path: Path) -> None:
    text = SPEND + "ann@example.com,uuid-1,claude_code,Claude Opus 4.6,120,5000,700,8.00,10.00\n"
    (call,), problems = read_text(READER, text, tmp_path, "spend_2026-10-01_2026-10-31.csv")
    assert problems == []
    assert (call.billed_nano_usd, call.reported_list_nano_usd, call.requests) == (8 * 10**9, 10 * 10**9, 120)
    assert (call.grain, call.start_us, call.end_us) == (
        "month",
        micros("2026-10-01T00:00+00:00"),
        micros("2026-11-01T00:00+00:00"),
    )
    assert (call.source, call.agent, call.cost_type, call.flags) == (
        "console_csv/enterprise_spend",
        "claude_code",
        "other",
        "tokens_unsplit",
    )
    assert call.prompt_tokens + call.output_tokens == 0
    assert "ann" not in repr(call)


def test_the_enterprise_export_without_a_range_is_a_problem(tmp_path: Path) -> None:
    text = SPEND + "ann@example.com,uuid-1,chat,Claude Opus 4.6,1,1,1,1,1\n"
    calls, problems = read_text(READER, text, tmp_path, "spend.csv")
    assert (calls, codes(problems)) == ([], ["no-period"])
    assert "Rename" in problems[0].next_step


def test_other_csv_files_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("Date,Slug,Usage\n2026-01-01,a,1\n")
    assert score(READER, tmp_path / "other.csv") == 0
