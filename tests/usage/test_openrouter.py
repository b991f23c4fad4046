"""OpenRouter activity: generations and days, what was charged, what no export says."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from cloud_reading import KEY, classes, read_bytes, read_path, recognises

from baseload.usage.openrouter import READER
from baseload.values import Call, Problem


def generation(**changes: str) -> dict[str, str]:
    base = {
        "generation_id": "gen-1",
        "created_at": "2026-09-05 16:30:01.123",
        "cost_total": "0.02376",
        "cost_web_search": "0",
        "cost_cache": "0",
        "byok_usage_inference": "0",
        "tokens_prompt": "11220",
        "tokens_completion": "420",
        "tokens_reasoning": "0",
        "tokens_cached": "6000",
        "model_permaslug": "anthropic/claude-4.6-sonnet-20260217",
        "provider_name": "Anthropic",
        "variant": "standard",
        "cancelled": "false",
        "streamed": "true",
        "user": "",
        "finish_reason_raw": "end_turn",
        "finish_reason_normalized": "stop",
        "generation_time_ms": "7285",
        "time_to_first_token_ms": "1000",
        "api_key_name": "prod",
        "app_name": "support-bot",
    }
    return {**base, **changes}


def day(**changes: str) -> dict[str, str]:
    base = {
        "Date": "2026-05-12 00:00:00",
        "Slug": "anthropic/claude-opus-4.7",
        "Usage": "430.07",
        "BYOK Usage": "0",
        "Requests": "4115",
        "Prompt Tokens": "70965665",
        "Completion Tokens": "3009973",
        "Reasoning Tokens": "0",
    }
    return {**base, **changes}


def read_lines(folder: Path, *lines: dict[str, str]) -> tuple[list[Call], list[Problem]]:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    path = folder / "activity.csv"
    path.write_text(text.getvalue())
    assert recognises(READER, path) == 2
    return read_path(READER, path)


def test_prompt_tokens_contain_cached_ones(tmp_path: Path) -> None:
    # 11220 - 6000 = 5220
    (call,), problems = read_lines(tmp_path, generation())
    assert problems == []
    assert classes(call) == (5220, 6000, 0, 0, 420)
    assert (call.platform, call.model) == ("openrouter", "claude-sonnet-4-6")


def test_what_was_charged_is_the_bill(tmp_path: Path) -> None:
    (call, own_key), _ = read_lines(
        tmp_path, generation(), generation(generation_id="b", cost_total="0.001188", byok_usage_inference="0.02376")
    )
    assert (call.billed_nano_usd, call.reported_cost_nano_usd) == (23_760_000, None)
    assert (own_key.billed_nano_usd, own_key.reported_cost_nano_usd) == (1_188_000, 23_760_000)


def test_what_the_export_cannot_say_is_flagged(tmp_path: Path) -> None:
    calls, _ = read_lines(tmp_path, generation(), generation(generation_id="b", cost_cache="-0.0162", cancelled="true"))
    assert calls[0].flags == "naive_time,tokens_normalised"
    assert calls[1].flags == "aborted,cache_write_unknown,naive_time,tokens_normalised"


def test_shape_and_labels(tmp_path: Path) -> None:
    (call,), _ = read_lines(tmp_path, generation(user="jane@example.com"))
    assert (call.stream, call.stop_reason, call.api_key, call.tags) == (
        True,
        "end_turn",
        "prod",
        '{"app":"support-bot"}',
    )
    assert call.user_id == KEY.fingerprint("user", "jane@example.com")
    assert call.first_token_us == call.start_us + 1_000_000
    assert call.end_us == call.start_us + 7_285_000


def test_the_generation_api_gives_the_models_own_tokens(tmp_path: Path) -> None:
    answer = {
        "data": {
            "id": "gen-1",
            "model": "anthropic/claude-sonnet-4.5",
            "created_at": "2026-09-05T16:30:01.123Z",
            "tokens_prompt": 10_000,
            "native_tokens_prompt": 11_220,
            "tokens_completion": 400,
            "native_tokens_completion": 420,
            "native_tokens_cached": 6_000,
            "total_cost": 0.02376,
            "streamed": True,
        }
    }
    (call,), problems = read_bytes(READER, json.dumps(answer).encode(), tmp_path, name="generation.json")
    assert problems == []
    assert classes(call) == (5220, 6000, 0, 0, 420)
    assert call.flags == ""
    (csv_call,), _ = read_lines(tmp_path, generation())
    assert call.call_id == csv_call.call_id
    assert call.rank > csv_call.rank


def test_a_day_is_a_control_total_with_requests_and_the_bill(tmp_path: Path) -> None:
    (call,), problems = read_lines(tmp_path, day())
    assert problems == []
    assert (call.source, call.grain, call.requests) == ("openrouter/model", "day", 4115)
    assert (call.billed_nano_usd, call.flags) == (430_070_000_000, "cache_unknown")
    assert classes(call) == (70_965_665, 0, 0, 0, 3_009_973)
    # 2026-05-12T00:00:00Z = 1778544000 s
    assert (call.start_us, call.end_us) == (1_778_544_000_000_000, 1_778_630_400_000_000)


def test_other_vendors_are_left_out_and_counted(tmp_path: Path) -> None:
    calls, problems = read_lines(tmp_path, day(), day(Slug="openai/gpt-4o"), day(Slug="google/gemini-2.5-flash"))
    assert len(calls) == 1
    assert [(p.code, p.value) for p in problems] == [("other-provider", "2")]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tokens_prompt": "-1"}, "negative-tokens"),
        ({"tokens_prompt": "many"}, "not-a-number"),
        ({"tokens_completion": "NaN"}, "not-a-number"),
        ({"tokens_cached": "12000"}, "cached-beyond-prompt"),
        ({"created_at": ""}, "no-time"),
        ({"created_at": "noon"}, "bad-time"),
        ({"cost_total": "0,5"}, "bad-amount"),
    ],
)
def test_a_bad_generation_costs_one_problem(tmp_path: Path, changes: dict[str, str], code: str) -> None:
    calls, problems = read_lines(tmp_path, generation(), generation(**changes), generation(generation_id="c"))
    assert len(calls) == 2
    assert [(p.code, p.row, p.source) for p in problems] == [(code, 3, "openrouter")]


@pytest.mark.parametrize(("changes", "code"), [({"Usage": ""}, "bad-amount"), ({"Date": "May"}, "bad-time")])
def test_a_bad_day_costs_one_problem(tmp_path: Path, changes: dict[str, str], code: str) -> None:
    calls, problems = read_lines(tmp_path, day(), day(**changes))
    assert len(calls) == 1
    assert [(p.code, p.row) for p in problems] == [(code, 3)]


def test_the_samples_read_as_worked_out_by_hand(shared_data: Path) -> None:
    folder = shared_data / "usage" / "openrouter"
    expected: dict[str, Any] = {
        "activity_per_generation_constructed.csv": ((5220, 6000, 0, 0, 420), 15_840_000),
        "activity_daily_2026-05.csv": ((70_965_665, 0, 0, 0, 3_009_973), 430_070_000_000),
    }
    for name, (tokens, billed) in expected.items():
        assert recognises(READER, folder / name) == 2
        (call,), problems = read_path(READER, folder / name)
        assert problems == []
        assert (classes(call), call.billed_nano_usd) == (tokens, billed)
