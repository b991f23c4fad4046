"""Helicone exports: bodies before columns, edge cache hits, failures, properties, platforms."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from cloud_reading import KEY, classes, read_path, read_rows, recognises

from baseload.usage.helicone import READER
from baseload.usage.normal import call_id

SONNET = "claude-sonnet-4-5-20250929"


def row(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "request_id": "q-1",
        "request_created_at": "2026-05-01T10:00:00.000Z",
        "response_created_at": "2026-05-01T10:00:02.100Z",
        "response_status": 200,
        "response_model": SONNET,
        "provider": "ANTHROPIC",
        "delay_ms": 2100,
        "time_to_first_token": 640,
        "prompt_tokens": 12,
        "prompt_cache_read_tokens": 2048,
        "prompt_cache_write_tokens": 300,
        "completion_tokens": 40,
        "total_tokens": 52,
        "costUSD": 0.0012504,
        "request_properties": {},
        "cache_reference_id": None,
        "target_url": "https://api.anthropic.com/v1/messages",
    }
    return {**base, **changes}


BODY = {
    "id": "msg_01",
    "model": SONNET,
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 12,
        "cache_read_input_tokens": 2048,
        "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
        "output_tokens": 40,
    },
}


def test_columns_count_cached_tokens_apart(tmp_path: Path) -> None:
    (call,), problems = read_rows(READER, [row()], tmp_path)
    assert problems == []
    assert classes(call) == (12, 2048, 300, 0, 40)
    assert call.flags == "ttl_unknown"


@pytest.mark.parametrize("as_text", [True, False])
def test_a_body_gives_the_ttl_and_the_identity(tmp_path: Path, as_text: bool) -> None:
    body: Any = json.dumps(BODY) if as_text else BODY
    (call,), _ = read_rows(READER, [row(response_body=body, prompt_tokens=99)], tmp_path)
    assert classes(call) == (12, 2048, 100, 200, 40)
    assert call.flags == ""
    assert call.call_id == call_id(message_id="msg_01")
    assert call.stop_reason == "end_turn"


def test_times_cost_and_status(tmp_path: Path) -> None:
    (call,), _ = read_rows(READER, [row()], tmp_path)
    # 2026-05-01T10:00:00Z = 1777629600 s
    assert call.start_us == 1_777_629_600_000_000
    assert (call.first_token_us, call.end_us) == (1_777_629_600_640_000, 1_777_629_602_100_000)
    assert (call.reported_cost_nano_usd, call.billed_nano_usd, call.http_status) == (1_250_400, None, 200)


def test_an_edge_cache_hit_is_free_and_not_the_call_it_repeats(tmp_path: Path) -> None:
    hit = row(request_id="q-2", cache_reference_id="q-1", response_body=BODY)
    (original, repeated), _ = read_rows(READER, [row(response_body=BODY), hit], tmp_path)
    assert (repeated.requests, classes(repeated), repeated.reported_cost_nano_usd) == (0, (0, 0, 0, 0, 0), 0)
    assert repeated.flags == "gateway_cache_hit"
    assert repeated.call_id != original.call_id
    zero = row(cache_reference_id="00000000-0000-0000-0000-000000000000")
    (call,), _ = read_rows(READER, [zero], tmp_path)
    assert call.requests == 1


@pytest.mark.parametrize(("status", "shown"), [(429, 429), (-3, None)])
def test_a_failure_without_tokens_counts_no_request(tmp_path: Path, status: int, shown: int | None) -> None:
    failed = row(
        response_status=status,
        prompt_tokens=0,
        completion_tokens=0,
        prompt_cache_read_tokens=0,
        prompt_cache_write_tokens=0,
    )
    (call,), problems = read_rows(READER, [failed], tmp_path)
    assert (problems, call.requests, call.http_status, call.flags) == ([], 0, shown, "failed")


def test_properties_become_tags_and_people_fingerprints(tmp_path: Path) -> None:
    properties = {"Feature": "triage", "Helicone-Session-Id": "s-1", "nested": {"a": 1}}
    (call,), _ = read_rows(READER, [row(request_properties=properties, request_user_id="jane@example.com")], tmp_path)
    assert call.tags == '{"Feature":"triage"}'
    assert call.session_id == KEY.fingerprint("session", "s-1")
    assert call.user_id == KEY.fingerprint("user", "jane@example.com")
    assert "jane" not in repr(call)


def test_the_request_body_becomes_fingerprints(tmp_path: Path) -> None:
    request = {
        "model": "x",
        "max_tokens": 256,
        "system": "You sort mail.",
        "messages": [{"role": "user", "content": "SECRET"}],
    }
    (call,), _ = read_rows(READER, [row(request_body=request)], tmp_path)
    assert (call.max_tokens, call.messages) == (256, 1)
    assert "" not in (call.system_fp, call.request_hash, call.body_ref)
    assert "SECRET" not in repr(call)


@pytest.mark.parametrize(
    ("changes", "platform", "geo"),
    [
        ({}, "anthropic", "global"),
        (
            {
                "provider": "AWS",
                "response_model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            },
            "bedrock",
            "regional",
        ),
        (
            {
                "provider": "GOOGLE",
                "target_url": "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/a",
            },
            "vertex",
            "regional",
        ),
    ],
)
def test_the_provider_names_the_platform(tmp_path: Path, changes: dict[str, Any], platform: str, geo: str) -> None:
    (call,), _ = read_rows(READER, [row(**changes)], tmp_path)
    assert (call.platform, call.geo, call.model) == (platform, geo, SONNET)


def test_other_models_are_left_out_and_counted(tmp_path: Path) -> None:
    calls, problems = read_rows(READER, [row(), row(response_model="gpt-4o", provider="OPENAI")], tmp_path)
    assert len(calls) == 1
    assert [(p.code, p.value) for p in problems] == [("other-provider", "1")]


def test_a_csv_export_is_the_same_call(tmp_path: Path) -> None:
    flat = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in row().items()}
    text = io.StringIO()
    writer = csv.DictWriter(text, list(flat))
    writer.writeheader()
    writer.writerow(flat)
    path = tmp_path / "requests.csv"
    path.write_text(text.getvalue())
    assert recognises(READER, path) == 2
    (call,), problems = read_path(READER, path)
    (same,), _ = read_rows(READER, [row()], tmp_path)
    assert problems == []
    assert (call.call_id, classes(call), call.reported_cost_nano_usd) == (same.call_id, classes(same), 1_250_400)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (row(prompt_tokens=-1), "negative-tokens"),
        (row(completion_tokens="x"), "not-a-number"),
        (row(completion_tokens=float("nan")), "not-a-number"),
        (row(request_created_at=None), "no-time"),
        (row(request_created_at="noon"), "bad-time"),
        (row(costUSD="cheap"), "bad-amount"),
        (
            row(prompt_tokens=0, completion_tokens=0, prompt_cache_read_tokens=0, prompt_cache_write_tokens=0),
            "no-usage",
        ),
        (row(response_body={**BODY, "usage": {"input_tokens": -5}}), "negative-tokens"),
        (b'{"request_created_at": "x", "resp', "bad-json"),
        (b'{"request_created_at":' + b"[" * 100_000, "too-deep"),
    ],
)
def test_a_bad_row_costs_one_problem_and_the_rest_is_read(tmp_path: Path, bad: Any, code: str) -> None:
    calls, problems = read_rows(READER, [row(), bad, row(request_id="q-3")], tmp_path)
    assert len(calls) == 2
    assert [(p.code, p.row, p.source) for p in problems] == [(code, 2, "helicone")]


def test_the_sample_reads_as_worked_out_by_hand(shared_data: Path) -> None:
    path = shared_data / "usage" / "helicone" / "helicone_request_constructed.jsonl"
    assert recognises(READER, path) == 2
    (call,), problems = read_path(READER, path)
    assert problems == []
    assert classes(call) == (12, 2048, 0, 0, 40)
    assert json.loads(call.tags) == {"Environment": "production", "Feature": "triage"}
