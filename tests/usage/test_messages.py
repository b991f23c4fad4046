"""Messages requests and responses in every wrapping people log them in."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from usage_reading import KEY, classes, codes, jsonl, read_all, read_file, usage

from baseload.usage.features import session_fp
from baseload.usage.message_streams import READER as STREAMS
from baseload.usage.messages import READER
from baseload.usage.normal import call_id
from baseload.values import Call, Problem, parse_timestamp

AT = "2026-09-14T04:12:37Z"
AT_US = parse_timestamp(AT)[0]
REQUEST = {
    "model": "claude-haiku-4-5",
    "max_tokens": 50,
    "system": "Classify the ticket.",
    "messages": [{"role": "user", "content": "Where is my invoice?"}],
}


def message(message_id: str = "msg_1", **changes: Any) -> dict[str, Any]:
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5-20251001",
        "content": [{"type": "text", "text": "billing"}],
        "stop_reason": "end_turn",
        "usage": usage(input_tokens=120, cache_read_input_tokens=2048, output_tokens=4),
    } | changes


def exchange(**changes: Any) -> dict[str, Any]:
    record = {"timestamp": AT, "status": 200, "request": REQUEST, "response": message()} | changes
    return {name: value for name, value in record.items() if value is not ...}


def events(*parts: dict[str, Any]) -> str:
    return "".join(f"event: {part['type']}\ndata: {json.dumps(part)}\n\n" for part in parts)


START = {
    "type": "message_start",
    "message": message(content=[], stop_reason=None, usage=usage(input_tokens=25, output_tokens=1)),
}
DELTA = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 8}}
STOP = {"type": "message_stop"}


def read(folder: Path, *records: Any, name: str = "log.jsonl") -> tuple[list[Call], list[Problem]]:
    path = folder / name
    path.write_bytes(jsonl(*records))
    return read_file(READER, path)


def read_document(folder: Path, document: Any) -> tuple[list[Call], list[Problem]]:
    path = folder / "log.json"
    path.write_text(json.dumps(document, indent=2))
    return read_file(READER, path)


# what a row says


def test_an_exchange_is_one_row_with_usage_owner_times_and_shape(tmp_path: Path) -> None:
    [call], problems = read(
        tmp_path,
        exchange(
            duration_ms=1_500,
            ttft_ms=300,
            request_id="req_9",
            api_key_id="apikey_01",
            workspace_id="wrkspc_01",
            session_id="s1",
            user_id="ada",
            agent="triage",
            attempt=2,
            tags={"team": "support"},
        ),
    )
    assert problems == []
    assert classes(call) == (120, 2048, 0, 0, 4)
    assert call.call_id == call_id(message_id="msg_1")
    assert (call.start_us, call.first_token_us, call.end_us) == (AT_US, AT_US + 300_000, AT_US + 1_500_000)
    assert (call.api_key, call.workspace, call.agent, call.tags) == (
        "apikey_01",
        "wrkspc_01",
        "triage",
        '{"team":"support"}',
    )
    assert (call.session_id, call.user_id) == (session_fp(KEY, "s1"), KEY.fingerprint("user", "ada"))
    assert (call.model_raw, call.stop_reason, call.max_tokens, call.messages) == (
        "claude-haiku-4-5-20251001", "end_turn", 50, 1,
    )  # fmt: skip
    assert (call.attempt, call.http_status, call.requests, call.flags) == (2, 200, 1, "")
    assert call.task_cues == "classify,system"
    assert call.system_fp
    assert call.template_id
    assert sum(int(block.split(":")[1]) for block in call.prefix_blocks.split(" ")) == 120 + 2048


def test_the_body_can_be_found_again(tmp_path: Path) -> None:
    first, second = exchange(), exchange(response=message("msg_2"))
    calls, _ = read(tmp_path, first, second)
    data = (tmp_path / "log.jsonl").read_bytes()
    _, offset, length = calls[1].body_ref.split(":")
    assert json.loads(data[int(offset) : int(offset) + int(length)]) == second
    assert len({call.body_ref.split(":")[0] for call in calls}) == 1


@pytest.mark.parametrize(
    ("request_name", "response_name"),
    [("request", "response"), ("request_body", "response_body"), ("requestBody", "responseBody"), ("req", "resp")],
)
def test_bodies_are_found_under_every_usual_name_as_objects_and_as_text(
    tmp_path: Path, request_name: str, response_name: str
) -> None:
    plain = {"timestamp": AT, request_name: REQUEST, response_name: message()}
    text = {"timestamp": AT, request_name: json.dumps(REQUEST), response_name: json.dumps(message())}
    nested = {"timestamp": AT, request_name: {"body": REQUEST}, response_name: {"body": message(), "status": 200}}
    for record in (plain, text, nested):
        [call], problems = read(tmp_path, record)
        assert (classes(call), call.messages, problems) == ((120, 2048, 0, 0, 4), 1, [])


def test_a_bare_response_is_counted_without_its_request(tmp_path: Path) -> None:
    [call], problems = read(tmp_path, message() | {"timestamp": AT})
    assert (classes(call), call.start_us, call.messages, problems) == ((120, 2048, 0, 0, 4), AT_US, None, [])
    assert (call.request_hash, call.body_ref) == ("", "")


def test_documents_hold_one_exchange_or_a_list_of_them(tmp_path: Path) -> None:
    assert len(read_document(tmp_path, exchange())[0]) == 1
    assert len(read_document(tmp_path, [exchange(), exchange(response=message("msg_2"))])[0]) == 2


def test_json_lines_under_a_documents_name_are_still_lines(tmp_path: Path) -> None:
    calls, problems = read(tmp_path, exchange(), exchange(response=message("msg_2")), name="log.json")
    assert (len(calls), problems) == (2, [])


def test_the_request_decides_geography_and_speed_only_where_the_response_is_silent(tmp_path: Path) -> None:
    asked = REQUEST | {"inference_geo": "us", "speed": "fast"}
    [call], _ = read(tmp_path, exchange(request=asked))
    assert (call.geo, call.speed) == ("us", "fast")
    silent = message(usage=usage(inference_geo="global", speed="standard"))
    [call], _ = read(tmp_path, exchange(request=asked, response=silent))
    assert (call.geo, call.speed) == ("global", "standard")


def test_an_api_key_that_was_logged_never_gets_into_the_ledger(tmp_path: Path) -> None:
    [call], _ = read(tmp_path, exchange(api_key="sk-ant-secret-of-somebody"))
    assert "secret" not in call.api_key
    assert call.api_key.startswith("key-")


def test_claude_codes_session_is_taken_from_the_requests_metadata(tmp_path: Path) -> None:
    session = "fe5e1c67-1111-2222-3333-444455556666"
    for user in (f"user_ab_account_cd_session_{session}", json.dumps({"device_id": "d", "session_id": session})):
        [call], _ = read(tmp_path, exchange(request=REQUEST | {"metadata": {"user_id": user}}))
        assert call.session_id == session_fp(KEY, session)
        assert call.user_id == KEY.fingerprint("user", user)


# streams


def test_a_stream_is_billed_by_its_last_delta_and_its_start(tmp_path: Path) -> None:
    # the 1 output token of message_start is a placeholder; 8 is cumulative and final
    [call], problems = read(tmp_path, exchange(response=events(START, DELTA, STOP)))
    assert (classes(call), call.flags, problems) == ((25, 0, 0, 0, 8), "", [])
    assert (call.stream, call.stop_reason) == (True, "end_turn")


def test_input_that_a_delta_corrects_is_the_corrected_one(tmp_path: Path) -> None:
    delta = DELTA | {"usage": {"input_tokens": 900, "cache_read_input_tokens": 5, "output_tokens": 8}}
    [call], _ = read(tmp_path, exchange(response=events(START, delta)))
    assert classes(call) == (900, 5, 0, 0, 8)


def test_a_stream_that_broke_off_was_billed_and_is_flagged(tmp_path: Path) -> None:
    [call], _ = read(tmp_path, exchange(response=events(START)))
    assert (classes(call), call.requests, call.flags) == ((25, 0, 0, 0, 1), 1, "aborted")
    torn = events(START, DELTA)[:-30]
    [call], _ = read(tmp_path, exchange(response=torn))
    assert call.flags == "aborted"


def test_a_whole_copy_of_a_call_beats_one_that_broke_off(tmp_path: Path) -> None:
    [aborted], _ = read(tmp_path, exchange(response=events(START)))
    [whole], _ = read(tmp_path, exchange(response=events(START, DELTA)))
    assert aborted.call_id == whole.call_id
    assert aborted.rank < whole.rank


def test_an_error_inside_a_stream_is_flagged_and_still_billed(tmp_path: Path) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}
    [call], _ = read(tmp_path, exchange(response=events(START, error)))
    assert (call.requests, call.flags) == (1, "aborted,stream_error")


def test_a_fallback_is_billed_at_the_model_that_answered(tmp_path: Path) -> None:
    block = {"type": "fallback", "from": {"model": "a"}, "to": {"model": "claude-sonnet-4-5"}}
    begun = {"type": "content_block_start", "index": 0, "content_block": block}
    [call], _ = read(tmp_path, exchange(response=events(START, begun, DELTA)))
    assert (call.model_raw, call.flags) == ("claude-sonnet-4-5", "fallback")


# failures


@pytest.mark.parametrize("status", [400, 429, 500, 529])
def test_a_failed_call_is_a_row_without_requests_or_tokens(tmp_path: Path, status: int) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "x"}, "request_id": "req_5"}
    [call], problems = read(tmp_path, exchange(status=status, response=error))
    assert (call.requests, classes(call), call.http_status) == (0, (0, 0, 0, 0, 0), status)
    assert (call.call_id, call.flags, problems) == (call_id(request_id="req_5"), "failed", [])
    assert call.request_hash


def test_failed_calls_without_any_id_are_told_apart_by_time(tmp_path: Path) -> None:
    error = {"type": "error", "error": {"type": "api_error", "message": "x"}}
    records = [exchange(status=500, response=error, timestamp=f"2026-09-14T04:12:3{n}Z") for n in (1, 1, 2)]
    calls, _ = read(tmp_path, *records)
    assert len({call.call_id for call in calls}) == 2


def test_counting_tokens_is_free_and_no_call(tmp_path: Path) -> None:
    record = exchange(response={"input_tokens": 400, "type": "message"})
    assert read(tmp_path, record) == ([], [])


# times


@pytest.mark.parametrize(
    "stamp",
    [
        {"start_time": AT},
        {"created_at": "2026-09-14T06:12:37+02:00"},
        {"ts": AT_US / 1_000_000},
        {"time": AT_US // 1_000},
        {"timestamp": AT_US},
        {"response_headers": {"Date": "Mon, 14 Sep 2026 04:12:37 GMT"}},
        {"end_time": AT},
    ],
)
def test_the_start_is_found_under_every_usual_name_and_unit(tmp_path: Path, stamp: dict[str, Any]) -> None:
    [call], problems = read(
        tmp_path, exchange(timestamp=..., **stamp) if "timestamp" not in stamp else exchange(**stamp)
    )
    assert (call.start_us, call.flags, problems) == (AT_US, "", [])


def test_a_naive_time_is_utc_and_flagged(tmp_path: Path) -> None:
    [call], _ = read(tmp_path, exchange(timestamp="2026-09-14 04:12:37"))
    assert (call.start_us, call.flags) == (AT_US, "naive_time")


def test_calls_without_a_time_are_dated_by_their_file_and_that_is_said_once(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(jsonl(exchange(timestamp=...), exchange(timestamp=..., response=message("msg_2"))))
    os.utime(path, ns=(AT_US * 1_000, AT_US * 1_000))
    calls, problems = read_file(READER, path)
    assert [(call.start_us, call.flags) for call in calls] == [(AT_US, "time_from_file")] * 2
    assert codes(problems) == ["no-time"]


# bad input


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ('{"timestamp":"2026', "bad-json"),
        ("[1]", "no-response"),
        ({"hello": 1}, "no-response"),
        (exchange(response="gateway timeout"), "no-response"),
        (exchange(response=message(usage=None)), "no-usage"),
        (exchange(response={"type": "completion", "completion": "Hi"}), "no-usage"),
        (exchange(response=message(usage=usage(output_tokens=-1))), "negative-tokens"),
        (exchange(timestamp="soon"), "bad-time"),
        (exchange(timestamp=-5), "bad-time"),
        ('{"timestamp":NaN,"response":{"type":"message","usage":{"input_tokens":1}}}', "bad-time"),
    ],
)
def test_a_bad_record_is_one_problem_and_its_neighbours_are_read(tmp_path: Path, bad: Any, code: str) -> None:
    calls, problems = read(tmp_path, exchange(), bad, exchange(response=message("msg_2")))
    assert len(calls) == 2
    assert [(problem.code, problem.row) for problem in problems] == [(code, 2)]
    assert problems[0].expected


def test_no_problem_ever_shows_what_was_asked_or_answered(tmp_path: Path) -> None:
    secret = "the patient's name is Ada"
    request = REQUEST | {"messages": [{"role": "user", "content": secret}]}
    bad = [
        exchange(request=request, response=secret),
        exchange(request=request, response=message(usage=secret)),
        exchange(request=request, timestamp=secret),
    ]
    _, problems = read(tmp_path, *bad)
    assert len(problems) == 3
    assert not any(secret in problem.message + problem.value for problem in problems[:2])


# real samples


def test_41_recorded_calls_carry_the_usage_their_responses_state(shared_data: Path) -> None:
    path = shared_data / "usage/anthropic-messages/recorded_calls.jsonl"
    calls, problems = read_all(path)
    assert (len(calls), [(p.code, p.row) for p in problems]) == (41, [("no-usage", 1)])
    by_row = {call.source_row: call for call in calls}
    assert classes(by_row[2]) == (1311, 0, 0, 0, 53)
    assert by_row[2].start_us == parse_timestamp("2024-09-27T14:55:48Z")[0]
    # the pair that writes a cache and reads it
    assert classes(by_row[28]) == (4, 0, 1165, 0, 207)
    assert classes(by_row[29]) == (4, 1165, 0, 0, 224)
    assert "ttl_unknown" in by_row[28].flags  # in 2025 the response did not split writes yet
    assert (by_row[2].task_cues, by_row[2].request_features) == ("image", "images_pdf")
    assert "structured_outputs" in by_row[36].request_features
    assert "thinking_budget" in by_row[39].request_features
    assert by_row[17].tools_fp
    assert by_row[28].system_fp == by_row[29].system_fp
    assert all(by_row[row].stream for row in (6, 18, 30, 42))


def test_recorded_streams_state_the_usage_of_their_last_delta(shared_data: Path) -> None:
    path = shared_data / "usage/anthropic-messages/recorded_calls.jsonl"
    by_row = {call.source_row: call for call in read_all(path)[0]}
    for row, line in enumerate(path.read_text().splitlines(), start=1):
        response = json.loads(line)["response"]
        if isinstance(response, str):
            data = [text for text in response.splitlines() if text.startswith("data:")]
            last = [text for text in data if '"message_delta"' in text][-1]
            assert by_row[row].output_tokens == json.loads(last[5:])["usage"]["output_tokens"]


@pytest.mark.parametrize(
    ("name", "model", "counts", "flags"),
    [
        ("basic_response.txt", "claude-3-opus-latest", (11, 0, 0, 0, 6), ""),
        ("compaction_response.txt", "claude-opus-4-7", (30, 0, 0, 0, 8), ""),
        ("fallback_response.txt", "claude-sonnet-4-5", (25, 0, 0, 0, 8), "fallback"),
        ("refusal_response.txt", "claude-opus-4-7", (20, 0, 0, 0, 0), ""),
        ("incomplete_partial_json_response.txt", "claude-3-7-sonnet-20250219", (450, 0, 0, 0, 124), ""),
        ("stream-a-refusal.sse", "claude-fable-5", (28, 0, 0, 0, 106), "iterations"),
        # its iterations replace the 612 tokens of message_start, as its last delta does
        ("stream-a-toolrefusal.sse", "claude-fable-5", (28, 0, 0, 0, 106), "iterations"),
        ("stream-b-fallback.sse", "claude-opus-4-8", (31, 0, 0, 0, 547), "iterations"),
    ],
)
def test_stream_fixtures_of_the_sdk_are_read_to_their_final_usage(
    shared_data: Path, name: str, model: str, counts: tuple[int, ...], flags: str
) -> None:
    [call], problems = read_file(STREAMS, shared_data / "usage/anthropic-messages/sdk-fixtures" / name)
    assert codes(problems) == ["no-time"]
    assert (call.model_raw, classes(call)) == (model, counts)
    assert {*call.flags.split(",")} - {""} == {"time_from_file", *flags.split(",")} - {""}


def test_several_streams_in_one_file_are_several_calls(tmp_path: Path) -> None:
    other = START | {"message": START["message"] | {"id": "msg_2"}}  # type: ignore[operator]  # a literal
    path = tmp_path / "captured.sse"
    path.write_text(events(START, DELTA, STOP) + events(other, DELTA))
    calls, problems = read_all(path)
    assert [call.source_row for call in calls] == [1, 2]
    assert [(problem.code, problem.row) for problem in problems] == [("no-time", 0)]  # said once


def test_a_reader_that_needs_no_features_skips_the_content(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(jsonl(exchange()))
    [call], _ = read_file(READER, path, want_features=False)
    assert (classes(call), call.task_cues, call.request_hash, call.prefix_blocks) == ((120, 2048, 0, 0, 4), "", "", "")


def test_null_counts_are_said_once_a_file_and_flagged(tmp_path: Path) -> None:
    nulls = {"input_tokens": None, "output_tokens": 20}
    path = tmp_path / "log.jsonl"
    path.write_bytes(jsonl(*(exchange(response=message(message_id, usage=nulls)) for message_id in ("msg_1", "msg_2"))))
    calls, problems = read_file(READER, path)
    assert [(call.flags, classes(call)) for call in calls] == [("null_tokens", (0, 0, 0, 0, 20))] * 2
    assert [(problem.code, problem.row) for problem in problems] == [("null-tokens", 1)]
