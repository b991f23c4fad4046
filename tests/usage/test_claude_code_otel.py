"""Claude Code's OpenTelemetry events: number encodings, event names, times, failures, labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cloud_reading import KEY, classes, context, read_bytes, read_path, read_rows, recognises

from baseload.usage.claude_code_otel import READER

COUNTS = {"input_tokens": 2, "output_tokens": 4, "cache_read_tokens": 15_273, "cache_creation_tokens": 8_271}


def attribute(key: str, value: Any, encoding: str = "") -> dict[str, Any]:
    """A value as an exporter writes it: numbers as intValue unless another encoding is named."""
    if encoding == "text":
        return {"key": key, "value": {"stringValue": str(value)}}
    if encoding == "int64":
        return {"key": key, "value": {"intValue": str(value)}}
    kind = "stringValue" if isinstance(value, str) else "doubleValue" if isinstance(value, float) else "intValue"
    return {"key": key, "value": {kind: value}}


def event(*, encoding: str = "", name: str = "claude_code.api_request", **changes: Any) -> dict[str, Any]:
    said = {
        "event.timestamp": "2026-07-27T11:02:22.488Z",
        "session.id": "65aa32c1",
        "model": "claude-opus-5",
        "request_id": "req_1",
        "cost_usd": 0.0904565,
        **COUNTS,
        **changes,
    }
    attributes = [
        attribute(key, value, encoding if key in COUNTS else "") for key, value in said.items() if value is not None
    ]
    return {"timeUnixNano": "1785150142488000000", "body": {"stringValue": name}, "attributes": attributes}


def document(*events: dict[str, Any], resource: dict[str, str] | None = None) -> dict[str, Any]:
    about = [attribute(key, value) for key, value in {"service.name": "claude-code", **(resource or {})}.items()]
    scope = {"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": list(events)}
    return {"resourceLogs": [{"resource": {"attributes": about}, "scopeLogs": [scope]}]}


@pytest.mark.parametrize("encoding", ["", "int64", "text"])
def test_every_encoding_of_numbers_is_the_same_call(tmp_path: Path, encoding: str) -> None:
    (call,), problems = read_rows(READER, [document(event(encoding=encoding))], tmp_path)
    assert problems == []
    assert classes(call) == (2, 15_273, 8_271, 0, 4)
    assert call.flags == "ttl_unknown"
    assert call.reported_cost_nano_usd == 90_456_500
    assert call.billed_nano_usd is None


def test_the_micro_dollars_are_used_where_they_stand_alone(tmp_path: Path) -> None:
    (call,), _ = read_rows(READER, [document(event(cost_usd=None, cost_usd_micros=90_457))], tmp_path)
    assert call.reported_cost_nano_usd == 90_457_000


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "claude_code.api_request"},
        {"name": "", "event.name": "api_request"},
        {"name": "", "event.name": "claude_code.api_request"},
    ],
)
def test_the_event_is_known_by_body_or_attribute(tmp_path: Path, changes: dict[str, Any]) -> None:
    calls, _ = read_rows(READER, [document(event(**changes))], tmp_path)
    assert len(calls) == 1


def test_other_events_are_passed_over(tmp_path: Path) -> None:
    found = read_rows(READER, [document(event(name="claude_code.user_prompt"), event())], tmp_path)
    assert [len(part) for part in found] == [1, 0]


def test_the_start_is_the_end_less_the_duration(tmp_path: Path) -> None:
    (call,), _ = read_rows(READER, [document(event(duration_ms="135933"))], tmp_path)
    # 2026-07-27T11:02:22.488Z = 1785150142.488 s
    assert call.end_us == 1_785_150_142_488_000
    assert call.start_us == 1_785_150_142_488_000 - 135_933_000


def test_the_events_own_time_wins_over_a_broken_record_time(tmp_path: Path) -> None:
    broken = {**event(), "timeUnixNano": "3000"}
    (call,), _ = read_rows(READER, [document(broken)], tmp_path)
    assert call.end_us == 1_785_150_142_488_000
    (logged,), _ = read_rows(READER, [document(event(**{"event.timestamp": None}))], tmp_path)
    assert logged.end_us == 1_785_150_142_488_000


def test_the_request_id_is_the_identity_across_sources(tmp_path: Path) -> None:
    from baseload.usage.normal import call_id

    (call,), _ = read_rows(READER, [document(event())], tmp_path)
    assert call.call_id == call_id(request_id="req_1")


def test_a_failed_attempt_counts_no_request_and_stays_apart(tmp_path: Path) -> None:
    failure: dict[str, Any] = {"name": "claude_code.api_error", "request_id": None, "status_code": "529", "attempt": 1}
    again = {**failure, "attempt": 2}
    (one, two, call), problems = read_rows(READER, [document(event(**failure), event(**again), event())], tmp_path)
    assert problems == []
    assert (one.requests, one.http_status, one.attempt, classes(one)) == (0, 529, 1, (0, 0, 0, 0, 0))
    assert len({one.call_id, two.call_id, call.call_id}) == 3
    assert call.requests == 1


def test_labels_name_agent_effort_team_and_hide_people(tmp_path: Path) -> None:
    said = {
        "query_source": "Explore",
        "effort": "high",
        "speed": "fast",
        "user.email": "jane@example.com",
        "organization.id": "org-1",
        "skill.name": "review",
    }
    resource = {"team": "payments", "os.type": "linux"}
    (call,), _ = read_rows(READER, [document(event(**said), resource=resource)], tmp_path)
    assert (call.agent, call.effort, call.speed, call.account) == ("Explore", "high", "fast", "org-1")
    assert json.loads(call.tags) == {"skill.name": "review", "team": "payments"}
    assert call.user_id == KEY.fingerprint("user", "jane@example.com")
    assert call.session_id == KEY.fingerprint("session", "65aa32c1")
    assert "jane" not in repr(call)


def test_the_main_conversation_has_no_agent_and_a_declared_account_wins(tmp_path: Path) -> None:
    row = document(event(query_source="repl_main_thread", **{"organization.id": "org-1"}))
    (call,), _ = read_rows(READER, [row], tmp_path, run=context(account="prod"))
    assert (call.agent, call.account) == ("", "prod")


def test_bedrock_models_are_on_bedrock(tmp_path: Path) -> None:
    (call,), _ = read_rows(READER, [document(event(model="us.anthropic.claude-sonnet-4-5-20250929-v1:0"))], tmp_path)
    assert (call.platform, call.geo, call.model) == ("bedrock", "regional", "claude-sonnet-4-5-20250929")


def test_metrics_alone_get_the_way_to_export_events(tmp_path: Path) -> None:
    metrics = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "claude_code.token.usage"}]}]}]}
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(metrics))
    assert recognises(READER, path) == 2
    calls, problems = read_path(READER, path)
    assert calls == []
    assert [p.code for p in problems] == ["no-call-events"]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (document(event(input_tokens=-2)), "negative-tokens"),
        (document(event(input_tokens="many")), "not-a-number"),
        (document(event(output_tokens="NaN")), "not-a-number"),
        (document(event(**dict.fromkeys(COUNTS))), "no-usage"),
        (document({**event(**{"event.timestamp": None}), "timeUnixNano": "0"}), "no-time"),
        (document(event(**{"event.timestamp": "noon"})), "bad-time"),
        (document(event(cost_usd="free")), "bad-amount"),
        ({"resourceLogs": {"scopeLogs": []}}, "not-otlp"),
        ({"resourceLogs": [1]}, "not-otlp"),
        (b'{"resourceLogs":[{"scopeLo', "bad-json"),
        (b'{"resourceLogs":' + b"[" * 100_000, "too-deep"),
    ],
)
def test_a_bad_event_costs_one_problem_and_the_rest_is_read(tmp_path: Path, bad: Any, code: str) -> None:
    calls, problems = read_rows(READER, [document(event()), bad, document(event(request_id="req_2"))], tmp_path)
    assert len(calls) == 2
    assert [(p.code, p.row, p.source) for p in problems] == [(code, 2, "claude_code_otel")]


def test_a_file_that_grew_is_read_on_from_where_it_was_left(tmp_path: Path) -> None:
    from contextlib import closing

    from baseload.usage.source_file import LocalFile

    assert READER.appendable
    first, second = (json.dumps(document(event(request_id=name))).encode() + b"\n" for name in ("req_1", "req_2"))
    path = tmp_path / "logs.json"
    path.write_bytes(first + second)
    with closing(LocalFile(path, start=len(first), rows=1)) as file:
        (call,) = READER.read(file, context())
    (_, whole), _ = read_path(READER, path)
    assert call == msgspec.structs.replace(whole, source_file=str(path))
    assert whole.source_row == 2


def test_a_pretty_document_is_read(tmp_path: Path) -> None:
    calls, _ = read_bytes(READER, json.dumps(document(event()), indent=2).encode(), tmp_path, name="log.json")
    assert len(calls) == 1


def test_the_three_captures_read_as_worked_out_by_hand(shared_data: Path) -> None:
    path = shared_data / "usage" / "otel" / "claude_code_api_request_logs.json"
    assert recognises(READER, path) == 2
    calls, problems = read_path(READER, path)
    assert problems == []
    assert [classes(call) for call in calls] == [
        (2, 15_273, 8_271, 0, 4),
        (9, 0, 41_530, 0, 7_238),
        (100, 12, 0, 0, 50),
    ]
    assert [call.flags for call in calls] == ["ttl_unknown", "ttl_unknown", ""]
    assert [call.reported_cost_nano_usd for call in calls] == [90_456_500, 440_557_500, 12_300_000]
    # 2026-05-28T14:47:57Z = 1779979677 s, less 135.933 s
    assert calls[1].start_us == 1_779_979_541_067_000
