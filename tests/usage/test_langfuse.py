"""Langfuse exports: usage maps of many SDKs, file shapes, generations only, duplicates, labels."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from cloud_reading import KEY, classes, read_bytes, read_path, read_rows, recognises

from baseload.usage.langfuse import READER

SONNET = "claude-sonnet-4-5-20250929"


def generation(usage: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "id": "obs-1",
        "traceId": "trace-1",
        "projectId": "project-1",
        "type": "GENERATION",
        "name": "turn",
        "startTime": "2026-08-01T09:00:00.000Z",
        "endTime": "2026-08-01T09:00:03.000Z",
        "completionStartTime": "2026-08-01T09:00:01.000Z",
        "model": SONNET,
        "modelParameters": {"max_tokens": 512},
        "usageDetails": {"input": 12, "output": 40, "total": 52} if usage is None else usage,
        "totalCost": 0.0012504,
        "level": "DEFAULT",
        "environment": "default",
    }
    return {**base, **changes}


# usage maps


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input": 12, "output": 40, "total": 52}, (12, 0, 0, 0, 40)),
        ({"input": 12, "input_cached_tokens": 2048, "output": 40, "total": 2100}, (12, 2048, 0, 0, 40)),
        ({"input": 12, "cache_read_input_tokens": 2048, "output": 40}, (12, 2048, 0, 0, 40)),
        ({"input": 12, "input_cache_read": 2048, "input_cache_creation": 300, "output": 40}, (12, 2048, 300, 0, 40)),
        (
            {"input": 12, "input_cache_creation_5m": 100, "input_cache_creation_1h": 200, "output": 40},
            (12, 0, 100, 200, 40),
        ),
        (
            {
                "input_tokens": 12,
                "cache_read_input_tokens": 2048,
                "cache_creation_input_tokens": 300,
                "output_tokens": 40,
            },
            (12, 2048, 300, 0, 40),
        ),
        # the total is input + output while tokens were cached: input includes them. 2060 - 2048 = 12
        ({"input": 2060, "prompt_details.cache_read": 2048, "output": 40, "total": 2100}, (12, 2048, 0, 0, 40)),
        # audio and other details are not counted beside what they are part of
        ({"input": 12, "input_audio": 0, "output": 40, "output_audio": 0, "total": 52}, (12, 0, 0, 0, 40)),
    ],
)
def test_every_sdks_usage_map_gives_disjoint_classes(
    tmp_path: Path, usage: dict[str, Any], expected: tuple[int, ...]
) -> None:
    (call,), problems = read_rows(READER, [generation(usage)], tmp_path)
    assert problems == []
    assert classes(call) == expected


def test_a_split_of_writes_is_known_and_an_unsplit_one_flagged(tmp_path: Path) -> None:
    split = generation({"input": 1, "input_cache_creation_1h": 200, "output": 4}, id="a")
    unsplit = generation({"input": 1, "input_cache_creation": 200, "output": 4}, id="b")
    calls, _ = read_rows(READER, [split, unsplit], tmp_path)
    # both rows have more cached than input tokens, so their convention is not open
    assert [call.flags for call in calls] == ["", "ttl_unknown"]


def test_reasoning_taken_out_of_the_output_is_put_back(tmp_path: Path) -> None:
    # 179 + 35 + 64 = 278: the total counts reasoning beside output; 6 + 2055 = 2061: here it is inside
    outside = generation({"input": 179, "output": 35, "total": 278, "output_reasoning": 64}, id="a")
    inside = generation({"input": 6, "output": 2055, "total": 2061, "completion_details.reasoning": 1104}, id="b")
    (one, two), _ = read_rows(READER, [outside, inside], tmp_path)
    assert (one.output_tokens, one.thinking_tokens) == (99, 64)
    assert (two.output_tokens, two.thinking_tokens) == (2055, 1104)


def test_what_the_caller_sent_comes_before_what_langfuse_computed(tmp_path: Path) -> None:
    sent = {"input_tokens": 12, "cache_read_input_tokens": 2048, "output_tokens": 40}
    row = generation({"input": 2060, "output": 40, "total": 2100}, providedUsageDetails=sent)
    (call,), _ = read_rows(READER, [row], tmp_path)
    assert classes(call) == (12, 2048, 0, 0, 40)


# file shapes


def test_every_export_gives_the_same_call(tmp_path: Path) -> None:
    (plain,), _ = read_rows(READER, [generation()], tmp_path)
    trace = {"id": "trace-1", "name": "chat", "observations": [generation()]}
    exported = {"trace": trace, "observations": [generation()]}
    page = {"data": [generation()], "meta": {"page": 1}}
    snake = {
        "id": "obs-1",
        "trace_id": "trace-1",
        "type": "GENERATION",
        "start_time": "2026-08-01 09:00:00.000000",
        "end_time": "2026-08-01 09:00:03.000000",
        "provided_model_name": SONNET,
        "usage_details": '{"input":12,"output":40,"total":52}',
        "total_cost": "0.0012504",
    }
    text = io.StringIO()
    writer = csv.DictWriter(text, list(snake))
    writer.writeheader()
    writer.writerow(snake)
    files = {
        "trace.json": json.dumps(trace, indent=1),
        "export.json": json.dumps(exported, indent=1),
        "page.json": json.dumps(page),
        "array.json": json.dumps([generation()]),
        "blob.jsonl": json.dumps(snake) + "\n",
        "blob.csv": text.getvalue(),
    }
    for name, content in files.items():
        path = tmp_path / name
        path.write_text(content)
        assert recognises(READER, path) == 2, name
        (call,), problems = read_path(READER, path)
        assert problems == [], name
        assert (call.call_id, classes(call), call.start_us) == (plain.call_id, (12, 0, 0, 0, 40), plain.start_us), name
        assert call.reported_cost_nano_usd == 1_250_400, name


def test_only_generations_are_calls(tmp_path: Path) -> None:
    agent = generation(type="AGENT", id="a")
    span = generation({}, type="SPAN", id="s")
    calls, problems = read_rows(READER, [agent, span, generation()], tmp_path)
    assert (len(calls), problems) == (1, [])


def test_copies_of_one_observation_share_an_id_and_the_fuller_ranks_higher(tmp_path: Path) -> None:
    early = generation({"input": 12, "output": 1})
    (first, second), _ = read_rows(READER, [early, generation()], tmp_path)
    assert first.call_id == second.call_id
    assert second.rank > first.rank


def test_the_providers_message_id_joins_other_sources(tmp_path: Path) -> None:
    from baseload.usage.normal import call_id

    metadata = json.dumps({"attributes": {"gen_ai.response.id": "msg_01"}})
    (call,), _ = read_rows(READER, [generation(metadata=metadata)], tmp_path)
    assert call.call_id == call_id(message_id="msg_01")


# the rest of the call


def test_labels_come_from_the_observation_or_its_trace(tmp_path: Path) -> None:
    trace = {"name": "support chat", "userId": "jane@example.com", "sessionId": "s-1", "tags": ["prod", "beta"]}
    row = {"trace": trace, "observations": [generation(environment="production")]}
    (call,), _ = read_rows(READER, [row], tmp_path)
    assert (call.agent, call.account, call.max_tokens) == ("support chat", "project-1", 512)
    assert json.loads(call.tags) == {"tag": "beta,prod", "environment": "production"}
    assert call.user_id == KEY.fingerprint("user", "jane@example.com")
    assert call.session_id == KEY.fingerprint("session", "s-1")
    (named,), _ = read_rows(READER, [generation(promptName="triage")], tmp_path)
    assert named.agent == "triage"


def test_recorded_input_becomes_fingerprints(tmp_path: Path) -> None:
    said = json.dumps([{"role": "system", "content": "You sort mail."}, {"role": "user", "content": "SECRET"}])
    (call,), _ = read_rows(READER, [generation(input=said)], tmp_path)
    assert "" not in (call.system_fp, call.template_id, call.body_ref)
    assert "SECRET" not in repr(call)


def test_an_error_counts_no_request(tmp_path: Path) -> None:
    (call,), problems = read_rows(READER, [generation({}, level="ERROR")], tmp_path)
    assert (problems, call.requests, call.flags) == ([], 0, "failed")


def test_other_models_are_left_out_and_counted(tmp_path: Path) -> None:
    calls, problems = read_rows(READER, [generation(), generation(model="gpt-4o", id="x")], tmp_path)
    assert len(calls) == 1
    assert [(p.code, p.value) for p in problems] == [("other-provider", "1")]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (generation({}), "no-usage"),
        (generation({"input": -1, "output": 2}), "negative-tokens"),
        (generation({"input": "some", "output": 2}), "not-a-number"),
        (generation({"input": float("nan"), "output": 2}), "not-a-number"),
        (generation(usageDetails="{torn"), "bad-json"),
        (generation(startTime=None), "no-time"),
        (generation(startTime="noon"), "bad-time"),
        (generation(totalCost="cheap"), "bad-amount"),
        (b'{"traceId": "x", "usageDe', "bad-json"),
        (b'{"traceId":' + b"[" * 100_000, "too-deep"),
    ],
)
def test_a_bad_observation_costs_one_problem_and_the_rest_is_read(tmp_path: Path, bad: Any, code: str) -> None:
    calls, problems = read_rows(READER, [generation(id="a"), bad, generation(id="b")], tmp_path)
    assert len(calls) == 2
    assert [(p.code, p.row, p.source) for p in problems] == [(code, 2, "langfuse")]


def test_the_real_claude_trace_reads_as_worked_out_by_hand(shared_data: Path) -> None:
    path = shared_data / "usage" / "langfuse" / "framework-traces" / "claude-agent-2025-12-22.trace.json"
    assert recognises(READER, path) == 2
    calls, problems = read_path(READER, path)
    assert problems == []
    assert [classes(call) for call in calls] == [
        (5, 0, 0, 0, 94),
        (5, 0, 0, 0, 56),
        (5, 0, 0, 0, 53),
        (19, 0, 0, 0, 29),
    ]
    assert {call.agent for call in calls} == {"claude.conversation"}


def test_every_real_trace_reads_without_a_fault(shared_data: Path) -> None:
    folder = shared_data / "usage" / "langfuse" / "framework-traces"
    traces = sorted(path for path in folder.glob("*.json") if not path.name.endswith(".chatml.json"))
    assert len(traces) == 33
    for path in traces:
        assert recognises(READER, path) == 2, path.name
        calls, problems = read_path(READER, path)
        assert {p.code for p in problems} <= {"other-provider"}, path.name
        assert bool(calls) == ("claude" in path.name), path.name


def test_a_pretty_list_is_read(tmp_path: Path) -> None:
    calls, _ = read_bytes(READER, json.dumps([generation()], indent=2).encode(), tmp_path, name="list.json")
    assert len(calls) == 1
