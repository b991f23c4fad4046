"""Bedrock invocation logs: what the numbers include, where the TTL comes from, who called, and what a fault costs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from cloud_reading import KEY, classes, context, read_bytes, read_path, read_rows, recognises

from baseload.usage.bedrock_log import READER

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


def record(**changes: Any) -> dict[str, Any]:
    """A small successful Converse record; `changes` replace whole fields."""
    base: dict[str, Any] = {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": "2026-09-14T04:12:37Z",
        "accountId": "123456789012",
        "region": "us-east-1",
        "requestId": "11111111-2222-3333-4444-555555555555",
        "operation": "Converse",
        "modelId": SONNET,
        "input": {"inputTokenCount": 3, "cacheReadInputTokenCount": 401, "cacheWriteInputTokenCount": 1789},
        "output": {"outputTokenCount": 20},
    }
    return {**base, **changes}


def invoke_body(usage: dict[str, Any]) -> dict[str, Any]:
    return {"id": "msg_bdrk_1", "model": "claude-sonnet-4-5-20250929", "stop_reason": "end_turn", "usage": usage}


# what the counts include


def test_input_count_is_without_cached_tokens(tmp_path: Path) -> None:
    # total 3 + 401 + 1789 = 2193 prompt tokens, as a public test of the API's totalTokens shows
    calls, problems = read_rows(READER, [record()], tmp_path)
    assert problems == []
    assert classes(calls[0]) == (3, 401, 1789, 0, 20)
    assert calls[0].prompt_tokens == 2193
    assert calls[0].flags == "ttl_unknown"


def test_cache_counts_at_the_top_level_are_read_too(tmp_path: Path) -> None:
    row = record(input={"inputTokenCount": 3}, cacheReadInputTokenCount=401, cacheWriteInputTokenCount=1789)
    calls, _ = read_rows(READER, [row], tmp_path)
    assert classes(calls[0]) == (3, 401, 1789, 0, 20)


def test_an_invoke_body_splits_writes_by_ttl(tmp_path: Path) -> None:
    usage = {
        "input_tokens": 3,
        "cache_read_input_tokens": 401,
        "cache_creation_input_tokens": 1789,
        "cache_creation": {"ephemeral_5m_input_tokens": 789, "ephemeral_1h_input_tokens": 1000},
        "output_tokens": 20,
    }
    output = {"outputBodyJson": invoke_body(usage), "outputTokenCount": 20}
    calls, _ = read_rows(READER, [record(operation="InvokeModel", output=output)], tmp_path)
    assert classes(calls[0]) == (3, 401, 789, 1000, 20)
    assert calls[0].flags == ""
    assert calls[0].stop_reason == "end_turn"


def test_converse_cache_details_split_writes_by_ttl(tmp_path: Path) -> None:
    usage = {
        "inputTokens": 3,
        "outputTokens": 20,
        "totalTokens": 2213,
        "cacheReadInputTokens": 401,
        "cacheReadInputTokenCount": 401,
        "cacheWriteInputTokens": 1789,
        "cacheWriteInputTokenCount": 1789,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 1000}, {"ttl": "5m", "inputTokens": 789}],
    }
    body = {"output": {"message": {"role": "assistant", "content": []}}, "stopReason": "end_turn", "usage": usage}
    output = {"outputBodyJson": {**body, "metrics": {"latencyMs": 2100}}, "outputTokenCount": 20}
    calls, _ = read_rows(READER, [record(output=output)], tmp_path)
    assert classes(calls[0]) == (3, 401, 789, 1000, 20)
    assert calls[0].end_us is not None
    assert calls[0].end_us - calls[0].start_us == 2_100_000


def test_the_last_delta_of_a_stream_is_the_output_not_the_placeholder(tmp_path: Path) -> None:
    start = {"id": "msg_1", "model": "claude-sonnet-4-5-20250929", "usage": {"input_tokens": 3, "output_tokens": 8}}
    events = [
        {"type": "message_start", "message": start},
        {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 11}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 142}},
        {
            "type": "message_stop",
            "amazon-bedrock-invocationMetrics": {
                "inputTokenCount": 3,
                "outputTokenCount": 142,
                "invocationLatency": 5000,
                "firstByteLatency": 900,
            },
        },
    ]
    row = record(
        operation="InvokeModelWithResponseStream",
        input={"inputTokenCount": 3},
        output={"outputBodyJson": events, "outputTokenCount": 142},
    )
    (call,), problems = read_rows(READER, [row], tmp_path)
    assert problems == []
    assert classes(call) == (3, 0, 0, 0, 142)
    assert (call.stream, call.stop_reason) == (True, "tool_use")
    assert call.first_token_us == call.start_us + 900_000
    assert call.end_us == call.start_us + 5_000_000


def test_an_aborted_stream_takes_the_output_the_log_counted(tmp_path: Path) -> None:
    start = {"id": "msg_1", "usage": {"input_tokens": 3, "output_tokens": 1}}
    events = [{"type": "message_start", "message": start}]
    logged = record(input={"inputTokenCount": 3}, output={"outputBodyJson": events, "outputTokenCount": 57})
    silent = record(input={"inputTokenCount": 3}, output={"outputBodyJson": events}, requestId="other")
    (counted, unknown), _ = read_rows(READER, [logged, silent], tmp_path)
    assert counted.output_tokens == 57
    assert unknown.output_tokens == 1
    assert (counted.flags, unknown.flags) == ("aborted", "aborted")


def test_counts_that_disagree_with_the_body_are_flagged_and_the_body_wins(tmp_path: Path) -> None:
    output = {"outputBodyJson": invoke_body({"input_tokens": 5, "output_tokens": 20}), "outputTokenCount": 20}
    calls, _ = read_rows(READER, [record(input={"inputTokenCount": 4}, output=output)], tmp_path)
    assert calls[0].uncached_input_tokens == 5
    assert calls[0].flags == "counts_disagree"


# offloaded bodies

OFFLOADED = {
    "inputTokenCount": 3,
    "cacheReadInputTokenCount": 0,
    "cacheWriteInputTokenCount": 1000,
}
S3_PATH = "s3://bucket/AWSLogs/1/BedrockModelInvocationLogs/us-west-2/2026/09/14/04/data/abc_output.json.gz"


def offloaded() -> dict[str, Any]:
    return record(operation="InvokeModel", input=OFFLOADED, output={"outputBodyS3Path": S3_PATH, "outputTokenCount": 9})


@pytest.mark.parametrize("place", ["data/abc_output.json.gz", "abc_output.json.gz", "data/abc_output.json"])
def test_an_offloaded_body_beside_the_log_gives_the_ttl(tmp_path: Path, place: str) -> None:
    usage = {
        "input_tokens": 3,
        "cache_creation_input_tokens": 1000,
        "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 0},
        "output_tokens": 9,
    }
    body = json.dumps(invoke_body(usage)).encode()
    target = tmp_path / place
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(gzip.compress(body) if place.endswith(".gz") else body)
    calls, problems = read_rows(READER, [offloaded()], tmp_path, name="log.json")
    assert problems == []
    assert classes(calls[0]) == (3, 0, 0, 1000, 9)
    assert calls[0].flags == ""


def test_an_offloaded_body_that_is_not_there_leaves_the_ttl_unknown(tmp_path: Path) -> None:
    calls, problems = read_rows(READER, [offloaded()], tmp_path)
    assert problems == []
    assert classes(calls[0]) == (3, 0, 1000, 0, 9)
    assert calls[0].flags == "body_offloaded,ttl_unknown"


def test_an_offloaded_body_is_not_read_a_second_time_as_a_log(tmp_path: Path) -> None:
    body = tmp_path / "abc_output.json"
    body.write_text(json.dumps(invoke_body({"input_tokens": 3, "output_tokens": 9})))
    assert recognises(READER, body) == 2
    assert read_path(READER, body) == ([], [])


# who and where


@pytest.mark.parametrize(
    ("model_id", "region", "ran_in", "geo", "flags"),
    [
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "us-east-1", "ap-southeast-2", "global", ""),
        (SONNET, "us-east-1", "us-east-2", "regional", ""),
        ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "eu-west-1", "eu-north-1", "regional", ""),
        ("anthropic.claude-sonnet-4-20250514-v1:0", "us-east-1", "", "regional", ""),
        ("us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0", "us-gov-west-1", "", "us_gov", ""),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "us-gov-west-1", "", "us_gov", ""),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-x", "us-east-1", "", "global", ""),
        ("arn:aws:bedrock:us-east-1:1:foundation-model/anthropic.claude-x", "us-east-1", "", "regional", ""),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/p1", "us-east-1", "eu-west-1", "global", ""),
        (
            "arn:aws:bedrock:us-east-1:1:application-inference-profile/p1",
            "us-east-1",
            "us-west-2",
            "regional",
            "geo_assumed",
        ),
    ],
)
def test_the_profile_prefix_or_the_region_decides_the_geo_class(
    tmp_path: Path, model_id: str, region: str, ran_in: str, geo: str, flags: str
) -> None:
    row = record(modelId=model_id, region=region, inferenceRegion=ran_in, input={"inputTokenCount": 1})
    calls, problems = read_rows(READER, [row], tmp_path)
    assert problems == []
    assert (calls[0].geo, calls[0].flags) == (geo, flags)
    assert calls[0].platform == "bedrock"


def test_a_user_mapping_names_the_model_of_an_application_inference_profile(tmp_path: Path) -> None:
    arn = "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abc123def456"
    run = context(aliases={arn: "claude-opus-5"})
    (call,), _ = read_rows(READER, [record(modelId=arn)], tmp_path, run=run)
    assert (call.model_raw, call.model) == (arn, "claude-opus-5")
    assert call.workspace == "application-inference-profile/abc123def456"
    (unmapped,), problems = read_rows(READER, [record(modelId=arn)], tmp_path)
    assert (unmapped.model_raw, unmapped.model) == (arn, "")
    assert problems == []


def test_the_role_is_shown_and_the_identity_is_a_keyed_fingerprint(tmp_path: Path) -> None:
    first = record(identity={"arn": "arn:aws:sts::123456789012:assumed-role/CcaRole/GitHubActions"})
    other_session = record(identity={"arn": "arn:aws:sts::123456789012:assumed-role/CcaRole/i-0abc"})
    person = record(identity={"arn": "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Dev_0a1b/jane@example.com"})
    (one, two, three), _ = read_rows(READER, [first, other_session, person], tmp_path)
    assert one.api_key == "role/CcaRole"
    assert one.user_id == two.user_id == KEY.fingerprint("user", "arn:aws:sts::123456789012:assumed-role/CcaRole")
    assert three.api_key == "role/AWSReservedSSO_Dev_0a1b"
    assert three.user_id not in ("", one.user_id)
    assert "jane" not in repr(three)


def test_request_metadata_become_tags_and_the_account_is_the_records_unless_declared(tmp_path: Path) -> None:
    row = record(requestMetadata={"team": "engineering", "costCentre": "CC-1234"})
    (call,), _ = read_rows(READER, [row], tmp_path)
    assert call.tags == '{"costCentre":"CC-1234","team":"engineering"}'
    assert call.account == "123456789012"
    (declared,), _ = read_rows(READER, [row], tmp_path, run=context(account="prod"))
    assert declared.account == "prod"


def test_the_service_tier_is_read_from_record_request_or_response(tmp_path: Path) -> None:
    asked = record(input={"inputTokenCount": 1, "inputBodyJson": {"serviceTier": {"type": "flex"}, "messages": []}})
    served = record(output={"outputBodyJson": {"output": {}, "serviceTier": {"type": "priority"}}})
    calls, _ = read_rows(READER, [record(), asked, served, record(serviceTier="flex")], tmp_path)
    assert [call.tier for call in calls] == ["standard", "flex", "priority", "flex"]


# one id a call


def test_copies_from_s3_and_cloudwatch_have_one_id(tmp_path: Path) -> None:
    row = record()
    event = {"timestamp": 1789359157000, "message": json.dumps(row), "logStreamName": "aws/bedrock/modelinvocations"}
    (plain,), _ = read_rows(READER, [row], tmp_path)
    (wrapped,), _ = read_rows(READER, [event], tmp_path, name="cloudwatch.jsonl")
    assert plain.call_id == wrapped.call_id
    assert classes(plain) == classes(wrapped)


# shapes of files


def test_every_shape_of_a_cloudwatch_export_is_read(tmp_path: Path) -> None:
    greeting = "Permissions are correctly set for Amazon Bedrock logs."
    events = [{"timestamp": 1, "message": greeting}, {"timestamp": 2, "message": json.dumps(record())}]
    exported = [greeting.encode(), b"2026-09-14T04:12:40.000Z " + json.dumps(record()).encode()]
    insights = [{"@timestamp": "2026-09-14 04:12:37.000", "@message": record()}]
    pretty = json.dumps({"events": events, "searchedLogStreams": []}, indent=4).encode()
    assert [len(found) for found in read_rows(READER, events, tmp_path)] == [1, 0]
    assert [len(found) for found in read_rows(READER, exported, tmp_path)] == [1, 0]
    assert [len(found) for found in read_rows(READER, insights, tmp_path)] == [1, 0]
    assert [len(found) for found in read_bytes(READER, pretty, tmp_path, name="filtered.json")] == [1, 0]


def test_a_gzipped_object_and_a_single_pretty_record_are_read(tmp_path: Path) -> None:
    lines = b"\n".join(json.dumps(record(requestId=str(n))).encode() for n in range(3))
    calls, problems = read_bytes(READER, gzip.compress(lines), tmp_path, name="a.json.gz")
    assert (len(calls), problems) == (3, [])
    calls, problems = read_bytes(READER, json.dumps(record(), indent=2).encode(), tmp_path, name="one.json")
    assert (len(calls), problems) == (1, [])


def test_the_reader_knows_its_files(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps(record()))
    assert recognises(READER, path) == 2
    path.write_text(json.dumps({"timestamp": 1, "message": json.dumps(record())}))
    assert recognises(READER, path) == 2
    path.write_text('{"type":"assistant","message":{}}')
    assert recognises(READER, path) == 0


# failures and other models


def test_a_failed_request_is_a_call_that_counts_no_request(tmp_path: Path) -> None:
    row = record(errorCode="ThrottlingException", status="429", input={"inputTokenCount": 0}, output={})
    (call,), problems = read_rows(READER, [row], tmp_path)
    assert problems == []
    assert (call.requests, call.http_status, classes(call)) == (0, 429, (0, 0, 0, 0, 0))


def test_a_failure_after_output_began_is_billed(tmp_path: Path) -> None:
    (call,), _ = read_rows(READER, [record(errorCode="ModelStreamErrorException")], tmp_path)
    assert call.requests == 1
    assert call.output_tokens == 20


def test_other_models_are_left_out_and_counted_once(tmp_path: Path) -> None:
    rows = [record(), record(modelId="amazon.nova-pro-v1:0"), record(modelId="amazon.titan-embed-text-v2:0")]
    calls, problems = read_rows(READER, rows, tmp_path)
    assert len(calls) == 1
    assert [(p.code, p.value, p.row) for p in problems] == [("other-provider", "2", 0)]
    assert problems[0].message == "2 records of other providers were left out"


# what a bad record costs

TOO_DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b'{"schemaType":"ModelInvocationLog","timest', "bad-json"),
        (b"[1]", "not-an-object"),
        (TOO_DEEP, "too-deep"),
        (record(modelId=None), "no-model"),
        (record(timestamp=None), "no-time"),
        (record(timestamp="yesterday"), "bad-time"),
        (record(timestamp=12), "bad-time"),
        (record(input={"inputTokenCount": -1}), "negative-tokens"),
        (record(input={"inputTokenCount": 1.5}), "fractional-tokens"),
        (record(input={"inputTokenCount": float("nan")}), "not-a-number"),
        (record(input={"inputTokenCount": "many"}), "not-a-number"),
        (record(input={"inputTokenCount": 10**18}), "huge-tokens"),
        (record(input="text"), "not-an-object"),
        (record(input={}, output={}), "no-usage"),
        ({"timestamp": 1, "message": '{"modelId": '}, "bad-json"),
    ],
)
def test_a_bad_record_costs_one_problem_and_the_rest_is_read(tmp_path: Path, bad: Any, code: str) -> None:
    calls, problems = read_rows(READER, [record(requestId="a"), bad, record(requestId="b")], tmp_path)
    assert len(calls) == 2
    assert [(p.code, p.row, p.source) for p in problems] == [(code, 2, "bedrock_log")]
    assert len(problems[0].value) <= 60


def test_a_truncated_gzip_costs_one_problem_and_keeps_what_came_before(tmp_path: Path) -> None:
    lines = b"".join(json.dumps(record(requestId=str(n))).encode() + b"\n" for n in range(2000))
    packed = gzip.compress(lines)
    calls, problems = read_bytes(READER, packed[: len(packed) // 2], tmp_path, name="cut.json.gz")
    assert 0 < len(calls) < 2000
    assert problems
    assert {p.code for p in problems} <= {"truncated-gzip", "bad-json"}


def test_problems_never_hold_prompt_text(tmp_path: Path) -> None:
    row = record(input={"inputTokenCount": "SECRET prompt", "inputBodyJson": {"messages": "SECRET"}})
    _, problems = read_rows(READER, [row], tmp_path)
    assert "SECRET" not in repr([p for p in problems if p.code != "not-a-number"])


# real samples


def test_the_sample_log_reads_as_worked_out_by_hand(shared_data: Path) -> None:
    path = shared_data / "usage" / "bedrock" / "invocation_log_samples.jsonl"
    assert recognises(READER, path) == 2
    calls, problems = read_path(READER, path)
    assert problems == []
    assert [classes(call) for call in calls] == [(3, 0, 28857, 0, 142), (4512, 0, 0, 0, 188), (1500, 0, 0, 0, 500)]
    assert [call.model for call in calls] == [
        "claude-sonnet-4-20250514",
        "claude-sonnet-4-5-20250929",
        "claude-sonnet-4-20250514",
    ]


def test_real_runtime_calls_count_what_their_headers_count(shared_data: Path) -> None:
    path = shared_data / "usage" / "bedrock" / "recorded_runtime_calls.jsonl"
    assert recognises(READER, path) == 2
    calls, problems = read_path(READER, path)
    assert problems == []
    assert len(calls) == 28
    # The two cached calls of claude-3-5-haiku: first writes 18131 tokens, then reads them.
    assert classes(calls[3]) == (4, 0, 18131, 0, 50)
    assert classes(calls[4]) == (4, 18131, 0, 0, 50)
    # A Converse stream, from its binary frames: usage {inputTokens 236, outputTokens 58}.
    assert classes(calls[9]) == (236, 0, 0, 0, 58)
    assert calls[9].stop_reason == "tool_use"
    for call, line in zip(calls, path.read_bytes().splitlines(), strict=True):
        headers = json.loads(line)["response_headers"]
        if "x-amzn-bedrock-output-token-count" in headers:
            assert call.output_tokens == int(headers["x-amzn-bedrock-output-token-count"])
            assert call.uncached_input_tokens == int(headers["x-amzn-bedrock-input-token-count"])
