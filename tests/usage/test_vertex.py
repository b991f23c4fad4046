"""Vertex request-response logging: bodies in every form an export gives them, regional price, sampling, failures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cloud_reading import classes, context, read_bytes, read_path, read_rows, recognises

from baseload.usage.vertex import READER

ENDPOINT = "projects/123/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929"
REQUEST = {
    "anthropic_version": "vertex-2023-10-16",
    "max_tokens": 512,
    "system": "You are a classifier.",
    "messages": [{"role": "user", "content": "Where is my invoice?"}],
}
USAGE = {
    "input_tokens": 120,
    "cache_read_input_tokens": 2048,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
    "output_tokens": 4,
}
RESPONSE = {"id": "msg_vrtx_1", "model": "claude-sonnet-4-5-20250929", "stop_reason": "end_turn", "usage": USAGE}
EVENTS = [
    {"type": "message_start", "message": {**RESPONSE, "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
]


def row(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "endpoint": ENDPOINT,
        "deployed_model_id": None,
        "logging_time": "2026-08-07T02:48:23.123456Z",
        "request_id": "1234567890123456789",
        "request_payload": [],
        "response_payload": [],
        "model": "claude-sonnet-4-5",
        "model_version": "20250929",
        "api_method": "rawPredict",
        "full_request": REQUEST,
        "full_response": RESPONSE,
        "metadata": None,
    }
    return {**base, **changes}


SSE = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in EVENTS)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"full_request": json.dumps(REQUEST), "full_response": json.dumps(RESPONSE)},
        {"full_response": EVENTS},
        {"full_response": json.dumps(EVENTS)},
        {"full_response": None, "response_payload": [json.dumps(event) for event in EVENTS]},
        {"full_response": None, "response_payload": [SSE[:100], SSE[100:]]},
        {"full_request": None, "request_payload": [json.dumps(REQUEST)]},
    ],
)
def test_every_form_of_the_bodies_gives_the_same_call(tmp_path: Path, changes: dict[str, Any]) -> None:
    (call,), problems = read_rows(READER, [row(**changes)], tmp_path)
    assert problems == []
    assert classes(call) == (120, 2048, 100, 200, 4)
    assert (call.stop_reason, call.max_tokens, call.messages) == ("end_turn", 512, 1)
    assert call.system_fp != ""
    assert call.body_ref != ""


def test_a_regional_endpoint_is_regional_and_the_global_one_is_not(tmp_path: Path) -> None:
    everywhere = ENDPOINT.replace("us-east5", "global")
    calls, _ = read_rows(READER, [row(), row(endpoint=everywhere)], tmp_path)
    assert [(call.platform, call.geo) for call in calls] == [("vertex", "regional"), ("vertex", "global")]
    assert calls[0].account == "123"
    assert {call.model for call in calls} == {"claude-sonnet-4-5-20250929"}


def test_the_endpoint_names_the_model_where_the_columns_do_not(tmp_path: Path) -> None:
    (call,), _ = read_rows(READER, [row(model=None, model_version=None)], tmp_path)
    assert call.model_raw == "claude-sonnet-4-5@20250929"


@pytest.mark.parametrize(
    ("metadata", "rate", "flags"),
    [
        ({"samplingRate": 0.25}, 4, "sampled"),
        ('{"sampling_rate": 0.1}', 10, "sampled"),
        ({"samplingRate": 1}, 1, ""),
        ({}, 1, ""),
    ],
)
def test_a_sampled_row_stands_for_one_in_n(tmp_path: Path, metadata: Any, rate: int, flags: str) -> None:
    (call,), _ = read_rows(READER, [row(metadata=metadata)], tmp_path)
    assert (call.sampling_rate, call.flags) == (rate, flags)


def test_bigquery_times_are_utc(tmp_path: Path) -> None:
    rows = [row(logging_time="2026-08-07 02:48:23.123456 UTC"), row(logging_time="2026-08-07 02:48:23.123456"), row()]
    calls, problems = read_rows(READER, rows, tmp_path)
    assert problems == []
    assert len({call.start_us for call in calls}) == 1
    assert [call.flags for call in calls] == ["", "naive_time", ""]


def test_streaming_is_told_by_the_method(tmp_path: Path) -> None:
    calls, _ = read_rows(READER, [row(), row(api_method="streamRawPredict", full_response=EVENTS)], tmp_path)
    assert [call.stream for call in calls] == [False, True]


def test_an_aborted_stream_is_billed_but_ranks_below_its_whole_copy(tmp_path: Path) -> None:
    (call,), _ = read_rows(READER, [row(full_response=EVENTS[:1])], tmp_path)
    assert (call.output_tokens, call.flags, call.requests) == (1, "aborted", 1)
    (whole,), _ = read_rows(READER, [row(full_response=EVENTS)], tmp_path)
    assert whole.call_id == call.call_id
    assert whole.rank > call.rank


def test_an_error_is_a_call_that_counts_no_request(tmp_path: Path) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    (call,), problems = read_rows(READER, [row(full_response=error)], tmp_path)
    assert problems == []
    assert (call.requests, classes(call)) == (0, (0, 0, 0, 0, 0))


def test_compaction_is_the_calls_own_and_an_advisor_is_a_row_of_its_own(tmp_path: Path) -> None:
    iterations = [
        {"type": "compaction", "input_tokens": 1000, "output_tokens": 50},
        {"type": "message", "input_tokens": 120, "output_tokens": 4},
        {"type": "advisor_message", "model": "claude-opus-5", "input_tokens": 30, "output_tokens": 9},
    ]
    usage = {"input_tokens": 120, "output_tokens": 4, "iterations": iterations}
    (own, advisor), _ = read_rows(READER, [row(full_response={**RESPONSE, "usage": usage})], tmp_path)
    assert classes(own) == (1120, 0, 0, 0, 54)
    assert classes(advisor) == (30, 0, 0, 0, 9)
    assert (own.requests, advisor.requests, advisor.model) == (1, 0, "claude-opus-5")
    assert advisor.call_id != own.call_id


def test_gemini_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    gemini = row(
        endpoint="projects/123/locations/us-central1/publishers/google/models/gemini-2.5-flash",
        model="gemini-2.5-flash",
        model_version="default",
        full_response={"usageMetadata": {"promptTokenCount": 5}},
    )
    calls, problems = read_rows(READER, [gemini, row(), gemini], tmp_path)
    assert len(calls) == 1
    assert [p.message for p in problems] == ["2 records of other providers were left out"]


def test_request_labels_become_tags(tmp_path: Path) -> None:
    (call,), _ = read_rows(READER, [row(metadata={"labels": {"team": "billing"}})], tmp_path)
    assert call.tags == '{"team":"billing"}'


def test_a_json_array_of_rows_is_read_as_bq_writes_it(tmp_path: Path) -> None:
    rows = [row(), row(full_response={**RESPONSE, "id": "msg_vrtx_2"})]
    calls, problems = read_bytes(READER, json.dumps(rows, indent=2).encode(), tmp_path, name="bq.json")
    assert (len(calls), problems) == (2, [])
    assert [call.source_row for call in calls] == [1, 2]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (row(full_response=None), "no-usage"),
        (row(full_response="{torn"), "bad-json"),
        (row(logging_time=None), "no-time"),
        (row(logging_time="noon"), "bad-time"),
        (row(metadata={"samplingRate": 0}), "bad-sampling-rate"),
        (row(metadata={"samplingRate": "half"}), "bad-sampling-rate"),
        (row(full_response={**RESPONSE, "usage": {"input_tokens": -1}}), "negative-tokens"),
        (row(full_response={**RESPONSE, "usage": {"input_tokens": float("nan")}}), "not-a-number"),
        (row(full_response={**RESPONSE, "usage": [1]}), "not-an-object"),
        (b'{"endpoint":' + b"[" * 100_000, "too-deep"),
    ],
)
def test_a_bad_row_costs_one_problem_and_the_rest_is_read(tmp_path: Path, bad: Any, code: str) -> None:
    calls, problems = read_rows(READER, [row(), bad, row()], tmp_path)
    assert len(calls) == 2
    assert [(p.code, p.row, p.source) for p in problems] == [(code, 2, "vertex")]


def test_features_are_left_out_when_not_wanted(tmp_path: Path) -> None:
    (call,), _ = read_rows(READER, [row()], tmp_path, run=context(features=False))
    assert (call.system_fp, call.prefix_blocks, classes(call)) == ("", "", (120, 2048, 100, 200, 4))


def test_the_tables_schema_is_not_its_data(shared_data: Path) -> None:
    assert recognises(READER, shared_data / "usage" / "vertex" / "bigquery_schema.json") == 0


def test_the_sample_reads_as_worked_out_by_hand(shared_data: Path) -> None:
    path = shared_data / "usage" / "vertex" / "request_response_logging_constructed.jsonl"
    assert recognises(READER, path) == 2
    (call,), problems = read_path(READER, path)
    assert problems == []
    assert classes(call) == (120, 2048, 0, 0, 4)
    assert (call.model, call.geo) == ("claude-sonnet-4-5-20250929", "regional")
