"""GenAI spans: both input conventions, every generation of attribute names, leaf spans only, providers, content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cloud_reading import classes, read_bytes, read_path, read_rows, recognises

from baseload.usage.otel_genai import READER

START_NS = 1_790_931_608_902_000_000


def value(of: Any) -> dict[str, Any]:
    if isinstance(of, bool):
        return {"boolValue": of}
    if isinstance(of, int):
        return {"intValue": str(of)}  # proto3 JSON writes 64-bit integers as text
    if isinstance(of, float):
        return {"doubleValue": of}
    if isinstance(of, list):
        return {"arrayValue": {"values": [value(item) for item in of]}}
    return {"stringValue": of}


def span(number: int = 1, *, parent: str = "", **said: Any) -> dict[str, Any]:
    """A chat span of claude-sonnet-4-5; keyword names use __ for dots; None removes an attribute."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        **{name.replace("__", "."): of for name, of in said.items()},
    }
    return {
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
        "spanId": f"{number:016x}",
        "parentSpanId": parent,
        "name": "chat claude-sonnet-4-5",
        "kind": 3,
        "startTimeUnixNano": str(START_NS + number * 1_000_000_000),
        "endTimeUnixNano": str(START_NS + number * 1_000_000_000 + 7_285_000_000),
        "attributes": [{"key": name, "value": value(of)} for name, of in attributes.items() if of is not None],
        "status": {},
    }


def document(*spans: dict[str, Any], scope: str = "opentelemetry.instrumentation.anthropic", **resource: str) -> Any:
    about = [{"key": name.replace("__", "."), "value": value(of)} for name, of in resource.items()]
    held = {"scope": {"name": scope}, "spans": list(spans)}
    return {"resourceSpans": [{"resource": {"attributes": about}, "scopeSpans": [held]}]}


def usage(input_: int, output: int, read: int = 0, write: int = 0) -> dict[str, int]:
    return {
        "gen_ai__usage__input_tokens": input_,
        "gen_ai__usage__output_tokens": output,
        "gen_ai__usage__cache_read__input_tokens": read,
        "gen_ai__usage__cache_creation__input_tokens": write,
    }


# both input conventions


def test_spans_that_include_cached_tokens_are_split(tmp_path: Path) -> None:
    # 11220 - 6000 = 5220; 6000 is the larger part of 11220, and no span has more cached than input
    (call,), problems = read_rows(READER, [document(span(**usage(11_220, 420, 6_000)))], tmp_path)
    assert problems == []
    assert classes(call) == (5_220, 6_000, 0, 0, 420)
    assert call.flags == ""


def test_spans_that_exclude_them_are_told_by_one_of_their_kind(tmp_path: Path) -> None:
    raw = span(1, **usage(3, 20, 14_874, 1_331))
    unclear = span(2, **usage(9_000, 20, 4_000))
    (one, two), _ = read_rows(READER, [document(raw, unclear)], tmp_path)
    assert classes(one) == (3, 14_874, 1_331, 0, 20)
    assert classes(two) == (9_000, 4_000, 0, 0, 20)


def test_two_instrumentations_in_one_file_do_not_speak_for_each_other(tmp_path: Path) -> None:
    raw = document(span(1, **usage(3, 20, 14_874)), scope="old")
    summed = document(span(2, **usage(9_000, 20, 8_000)), scope="new")
    (one, two), _ = read_rows(READER, [raw, summed], tmp_path)
    assert (one.uncached_input_tokens, two.uncached_input_tokens) == (3, 1_000)


def test_an_open_convention_is_read_as_documented_and_flagged(tmp_path: Path) -> None:
    (call,), _ = read_rows(READER, [document(span(**usage(9_000, 20, 1_000)))], tmp_path)
    assert classes(call) == (8_000, 1_000, 0, 0, 20)
    assert call.flags == "input_ambiguous"


def test_writes_have_no_ttl(tmp_path: Path) -> None:
    (call,), _ = read_rows(READER, [document(span(**usage(5, 20, 100, 900)))], tmp_path)
    assert classes(call) == (5, 100, 900, 0, 20)
    assert call.flags == "ttl_unknown"


# names


@pytest.mark.parametrize(
    "names",
    [
        ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.cache_read.input_tokens"),
        ("gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens", "gen_ai.usage.cache_read_input_tokens"),
        ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.details.cache_read_tokens"),
        ("llm.usage.prompt_tokens", "llm.usage.completion_tokens", "llm.usage.cache_read_input_tokens"),
        ("llm.token_count.prompt", "llm.token_count.completion", "llm.token_count.prompt_details.cache_read"),
    ],
)
def test_every_generation_of_names_is_read(tmp_path: Path, names: tuple[str, str, str]) -> None:
    said = dict(zip(names, (11_220, 420, 6_000), strict=True))
    (call,), _ = read_rows(READER, [document(span(**said))], tmp_path)
    assert classes(call) == (5_220, 6_000, 0, 0, 420)


@pytest.mark.parametrize(
    "said",
    [
        {"gen_ai__operation__name": None, "llm__request__type": "chat"},
        {"gen_ai__operation__name": None, "openinference__span__kind": "LLM", "llm__model_name": "claude-sonnet-4-5"},
        {"gen_ai__operation__name": None},
        {"gen_ai__operation__name": "generate_content"},
    ],
)
def test_a_chat_span_is_known_by_any_convention(tmp_path: Path, said: dict[str, Any]) -> None:
    calls, _ = read_rows(READER, [document(span(**said, **usage(10, 2)))], tmp_path)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("provider", "model", "host", "platform", "geo"),
    [
        ("anthropic", "claude-sonnet-4-5", "api.anthropic.com", "anthropic", "global"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "", "bedrock", "regional"),
        ("aws.bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", "", "bedrock", "global"),
        ("gcp.vertex_ai", "claude-sonnet-4-5@20250929", "us-east5-aiplatform.googleapis.com", "vertex", "regional"),
        ("gcp.vertex_ai", "claude-sonnet-4-5@20250929", "aiplatform.googleapis.com", "vertex", "global"),
        ("azure.ai.inference", "claude-sonnet-4-5", "", "foundry", "global"),
    ],
)
def test_provider_names_give_the_platform(
    tmp_path: Path, provider: str, model: str, host: str, platform: str, geo: str
) -> None:
    said = {"gen_ai__provider__name": provider, "gen_ai__request__model": model, "server__address": host or None}
    (call,), _ = read_rows(READER, [document(span(**said, **usage(10, 2)))], tmp_path)
    assert (call.platform, call.geo, call.model) == (platform, geo, "claude-sonnet-4-5-20250929")


# which spans count


def test_agents_tools_and_wrapping_chat_spans_are_not_calls(tmp_path: Path) -> None:
    agent = span(1, gen_ai__operation__name="invoke_agent", **usage(30, 6))
    outer = span(2, parent=f"{1:016x}", **usage(10, 2))
    step = span(3, parent=f"{2:016x}", gen_ai__operation__name="execute_tool")
    inner = span(4, parent=f"{3:016x}", **usage(10, 2))
    calls, problems = read_rows(READER, [document(inner, step), document(outer, agent)], tmp_path)
    assert problems == []
    assert [call.start_us for call in calls] == [START_NS // 1000 + 4_000_000]


def test_a_client_span_without_counts_inside_a_chat_span_with_them_is_not_missed(tmp_path: Path) -> None:
    outer, inner = span(1, **usage(10, 2)), span(2, parent=f"{1:016x}")
    calls, problems = read_rows(READER, [document(outer, inner)], tmp_path)
    assert ([classes(call) for call in calls], problems) == ([(10, 0, 0, 0, 2)], [])


def test_a_loop_of_parents_ends_and_loses_no_span(tmp_path: Path) -> None:
    loop = [span(1, parent=f"{2:016x}", **usage(10, 2)), span(2, parent=f"{1:016x}", **usage(10, 2))]
    calls, _ = read_rows(READER, [document(*loop)], tmp_path)
    assert len(calls) == 2


def test_a_trace_without_model_calls_says_so(tmp_path: Path) -> None:
    calls, problems = read_rows(READER, [document(span(gen_ai__operation__name="execute_tool"))], tmp_path)
    assert calls == []
    assert [(p.code, p.value) for p in problems] == [("no-chat-spans", "1")]


def test_spans_without_ids_are_all_counted_and_a_span_sent_twice_is_once(tmp_path: Path) -> None:
    bare = [{**span(n, **usage(10, n)), "spanId": "", "traceId": ""} for n in (1, 2)]
    calls, _ = read_rows(READER, [document(*bare)], tmp_path)
    assert len({call.call_id for call in calls}) == 2
    twice, _ = read_rows(READER, [document(span(**usage(10, 2))), document(span(**usage(10, 2)))], tmp_path)
    assert len(twice) == 1


def test_a_failed_span_counts_no_request(tmp_path: Path) -> None:
    failed = {**span(), "status": {"code": 2, "message": "overloaded"}}
    (call,), problems = read_rows(READER, [document(failed)], tmp_path)
    assert (problems, call.requests, call.flags) == ([], 0, "failed")


def test_other_providers_are_left_out_and_counted(tmp_path: Path) -> None:
    other = span(2, gen_ai__request__model="gpt-4o", gen_ai__provider__name="openai", **usage(10, 2))
    calls, problems = read_rows(READER, [document(span(**usage(10, 2)), other)], tmp_path)
    assert len(calls) == 1
    assert [(p.code, p.value) for p in problems] == [("other-provider", "1")]


# the rest of the call


def test_shape_and_labels(tmp_path: Path) -> None:
    said = {
        "gen_ai__response__id": "msg_01",
        "gen_ai__response__model": "claude-sonnet-4-5-20250929",
        "gen_ai__response__finish_reasons": ["tool_calls"],
        "gen_ai__request__max_tokens": 512,
        "gen_ai__request__stream": True,
        "gen_ai__response__time_to_first_chunk": 1.0,
        "gen_ai__agent__name": "triage",
    }
    row = document(
        span(**said, **usage(10, 2)), service__name="support-bot", deployment__environment="prod", os__type="x"
    )
    (call,), _ = read_rows(READER, [row], tmp_path)
    from baseload.usage.normal import call_id

    assert call.call_id == call_id(message_id="msg_01")
    assert (call.stop_reason, call.max_tokens, call.stream, call.agent) == ("tool_use", 512, True, "triage")
    assert call.first_token_us == call.start_us + 1_000_000
    assert call.end_us == call.start_us + 7_285_000
    assert json.loads(call.tags) == {"service.name": "support-bot", "deployment.environment": "prod"}


@pytest.mark.parametrize("as_text", [True, False])
def test_recorded_content_becomes_fingerprints(tmp_path: Path, as_text: bool) -> None:
    turns = [{"role": "user", "parts": [{"type": "text", "content": "SECRET question"}]}]
    said: dict[str, Any] = {
        "gen_ai__input__messages": json.dumps(turns),
        "gen_ai__system_instructions": json.dumps([{"type": "text", "content": "You sort mail."}]),
    }
    row = span(**said, **usage(10, 2))
    if not as_text:
        part = {
            "kvlistValue": {
                "values": [{"key": "type", "value": value("text")}, {"key": "content", "value": value("SECRET")}]
            }
        }
        turn = {
            "kvlistValue": {
                "values": [
                    {"key": "role", "value": value("user")},
                    {"key": "parts", "value": {"arrayValue": {"values": [part]}}},
                ]
            }
        }
        row["attributes"] = [a for a in row["attributes"] if a["key"] != "gen_ai.input.messages"]
        row["attributes"].append({"key": "gen_ai.input.messages", "value": {"arrayValue": {"values": [turn]}}})
    (call,), _ = read_rows(READER, [document(row)], tmp_path)
    assert "" not in (call.system_fp, call.template_id, call.request_hash)
    assert call.messages == 1
    assert "SECRET" not in repr(call)


# what a bad record costs


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (document(span(2)), "no-usage"),
        (document(span(2, **usage(-1, 2))), "negative-tokens"),
        (document(span(2, gen_ai__usage__input_tokens="NaN")), "not-a-number"),
        (document(span(2, gen_ai__usage__input_tokens=[1])), "not-a-number"),
        (document({**span(2, **usage(10, 2)), "startTimeUnixNano": None}), "no-time"),
        (document({**span(2, **usage(10, 2)), "startTimeUnixNano": "noon"}), "not-a-number"),
        ({"resourceSpans": [{"scopeSpans": {}}]}, "not-otlp"),
        (b'{"resourceSpans":[', "bad-json"),
        (b'{"resourceSpans":' + b"[" * 100_000, "too-deep"),
    ],
)
def test_a_bad_span_costs_one_problem_and_the_rest_is_read(tmp_path: Path, bad: Any, code: str) -> None:
    rows = [document(span(1, **usage(10, 2))), bad, document(span(3, **usage(10, 2)))]
    calls, problems = read_rows(READER, rows, tmp_path)
    assert len(calls) == 2
    assert [(p.code, p.row, p.source) for p in problems] == [(code, 2, "otel_genai")]


def test_the_sample_reads_as_worked_out_by_hand(shared_data: Path) -> None:
    path = shared_data / "usage" / "otel" / "otlp_genai_span.json"
    assert recognises(READER, path) == 2
    (call,), problems = read_path(READER, path)
    assert problems == []
    assert classes(call) == (5_220, 6_000, 0, 0, 420)
    assert (call.model, call.tags) == ("claude-sonnet-5-5", '{"service.name":"support-bot"}')


def test_a_pretty_document_is_read(tmp_path: Path) -> None:
    data = json.dumps(document(span(**usage(10, 2))), indent=1).encode()
    calls, _ = read_bytes(READER, data, tmp_path, name="trace.json")
    assert len(calls) == 1
