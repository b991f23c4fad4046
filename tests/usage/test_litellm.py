"""LiteLLM spend: what prompt_tokens includes in each route, caches, failures, retries, batches, labels, formats."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from cloud_reading import KEY, classes, context, read_bytes, read_path, read_rows, recognises

from baseload.usage.litellm import READER
from baseload.usage.litellm_row import BATCH_ACCOUNT

SONNET = "claude-sonnet-4-5-20250929"


def usage_object(**changes: Any) -> dict[str, Any]:
    """5 uncached, 128,955 read, 1,253 written, 400 out, as LiteLLM normalises an Anthropic answer."""
    base: dict[str, Any] = {
        "prompt_tokens": 130_213,
        "completion_tokens": 400,
        "total_tokens": 130_613,
        "prompt_tokens_details": {"cached_tokens": 128_955, "cache_creation_tokens": 1_253},
        "cache_creation_input_tokens": 1_253,
        "cache_read_input_tokens": 128_955,
    }
    return {**base, **changes}


def row(usage: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    usage = usage_object() if usage is None else usage
    base: dict[str, Any] = {
        "request_id": "chatcmpl-1",
        "call_type": "acompletion",
        "api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
        "spend": 0.04940025,
        "startTime": "2026-08-01 09:20:46.847",
        "endTime": "2026-08-01 09:20:50.851",
        "completionStartTime": "2026-08-01 09:20:47.500",
        "model": SONNET,
        "custom_llm_provider": "anthropic",
        "metadata": json.dumps({"usage_object": usage}),
        "prompt_tokens": usage.get("prompt_tokens", 0),
        "completion_tokens": usage.get("completion_tokens", 0),
        "total_tokens": usage.get("total_tokens", 0),
        "cache_hit": "None",
        "request_tags": "[]",
        "messages": "{}",
        "response": "{}",
        "status": "success",
    }
    return {**base, **changes}


# what prompt_tokens includes


def test_anthropic_prompt_tokens_contain_reads_and_writes(tmp_path: Path) -> None:
    # 130213 - 128955 - 1253 = 5
    (call,), problems = read_rows(READER, [row()], tmp_path)
    assert problems == []
    assert classes(call) == (5, 128_955, 1_253, 0, 400)
    assert call.flags == "naive_time,ttl_unknown"


def test_the_ttl_split_is_used_where_the_version_logs_it(tmp_path: Path) -> None:
    details = {
        "cached_tokens": 128_955,
        "cache_creation_tokens": 1_253,
        "cache_creation_token_details": {"ephemeral_5m_input_tokens": 253, "ephemeral_1h_input_tokens": 1_000},
        "text_tokens": 5,
    }
    (call,), _ = read_rows(READER, [row(usage_object(prompt_tokens_details=details))], tmp_path)
    assert classes(call) == (5, 128_955, 253, 1_000, 400)
    assert call.flags == "naive_time"


def test_a_bedrock_row_whose_prompt_leaves_out_writes_is_told_by_its_total(tmp_path: Path) -> None:
    # provider total 3 + 401 + 1789 + 20 = 2213; prompt_tokens = 3 + 401
    usage = {
        "prompt_tokens": 404,
        "completion_tokens": 20,
        "total_tokens": 2_213,
        "prompt_tokens_details": {"cached_tokens": 401},
        "cache_creation_input_tokens": 1_789,
        "cache_read_input_tokens": 401,
    }
    bedrock = row(usage, model="us.anthropic.claude-sonnet-4-5-20250929-v1:0", custom_llm_provider="bedrock")
    (call,), _ = read_rows(READER, [bedrock], tmp_path)
    assert classes(call) == (3, 401, 1_789, 0, 20)
    assert (call.platform, call.geo, call.model) == ("bedrock", "regional", SONNET)


def test_rows_that_log_anthropics_own_counts_are_told_by_their_numbers(tmp_path: Path) -> None:
    excluding = row(usage_object(prompt_tokens=5, total_tokens=405), call_type="anthropic_messages")
    (call,), _ = read_rows(READER, [excluding], tmp_path)
    assert classes(call) == (5, 128_955, 1_253, 0, 400)


def test_the_providers_own_usage_wins_over_everything(tmp_path: Path) -> None:
    own = {
        "input_tokens": 5,
        "cache_read_input_tokens": 128_955,
        "cache_creation_input_tokens": 1_253,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1_253},
        "output_tokens": 400,
    }
    answered = row(response=json.dumps({"id": "msg_1", "stop_reason": "end_turn", "usage": own}))
    (call,), _ = read_rows(READER, [answered], tmp_path)
    assert classes(call) == (5, 128_955, 0, 1_253, 400)
    assert call.stop_reason == "end_turn"


def test_columns_alone_are_enough_for_an_uncached_call(tmp_path: Path) -> None:
    bare = row({}, metadata="{}", prompt_tokens=17, completion_tokens=4, total_tokens=21)
    (call,), problems = read_rows(READER, [bare], tmp_path)
    assert problems == []
    assert classes(call) == (17, 0, 0, 0, 4)


def test_small_reads_alone_are_taken_as_included_and_flagged(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 9_000, "completion_tokens": 1, "cache_read_input_tokens": 1_000}
    (call,), _ = read_rows(READER, [row(usage)], tmp_path)
    assert classes(call) == (8_000, 1_000, 0, 0, 1)
    assert "input_ambiguous" in call.flags


def test_reasoning_tokens_are_inside_the_output(tmp_path: Path) -> None:
    usage = usage_object(completion_tokens_details={"reasoning_tokens": 300})
    (call,), _ = read_rows(READER, [row(usage)], tmp_path)
    assert (call.output_tokens, call.thinking_tokens) == (400, 300)


# what is billed


@pytest.mark.parametrize("hit", ["True", True, "true"])
def test_an_answer_from_litellms_own_cache_bills_nothing(tmp_path: Path, hit: Any) -> None:
    (call,), _ = read_rows(READER, [row(cache_hit=hit)], tmp_path)
    assert (call.requests, classes(call), call.reported_cost_nano_usd) == (0, (0, 0, 0, 0, 0), 0)
    assert "gateway_cache_hit" in call.flags


def test_a_failure_without_tokens_counts_no_request_and_one_with_tokens_does(tmp_path: Path) -> None:
    error = {"error_information": {"error_code": "429", "error_class": "RateLimitError"}}
    failed = row({}, request_id="a", status="failure", metadata=error, prompt_tokens=0, completion_tokens=0)
    cut = row({}, request_id="b", status="failure", metadata={}, prompt_tokens=50, completion_tokens=7)
    (one, two), problems = read_rows(READER, [failed, cut], tmp_path)
    assert problems == []
    assert (one.requests, one.http_status) == (0, 429)
    assert (two.requests, classes(two)) == (1, (50, 0, 0, 0, 7))


def test_spend_is_an_estimate_never_a_bill(tmp_path: Path) -> None:
    (call,), _ = read_rows(READER, [row()], tmp_path)
    assert call.reported_cost_nano_usd == 49_400_250
    assert call.billed_nano_usd is None


def test_retries_give_the_attempt_and_the_session_stays(tmp_path: Path) -> None:
    metadata = {"usage_object": usage_object(), "attempted_retries": 2}
    (call,), _ = read_rows(READER, [row(metadata=metadata, session_id="s-1")], tmp_path)
    assert call.attempt == 3
    assert call.session_id == KEY.fingerprint("session", "s-1")


def test_a_batch_total_is_a_bucket_of_its_day_in_an_account_of_its_own(tmp_path: Path) -> None:
    (call,), _ = read_rows(READER, [row(call_type="aretrieve_batch")], tmp_path, run=context(account="prod"))
    assert (call.grain, call.requests, call.tier, call.account) == ("day", None, "batch", BATCH_ACCOUNT)
    assert "batch_total" in call.flags
    # 2026-08-01T00:00:00Z = 1785542400 s
    assert (call.start_us, call.end_us) == (1_785_542_400_000_000, 1_785_628_800_000_000)


# platforms


@pytest.mark.parametrize(
    ("changes", "platform", "geo"),
    [
        ({}, "anthropic", "global"),
        (
            {"custom_llm_provider": "bedrock", "model": "global.anthropic.claude-sonnet-4-5-20250929-v1:0"},
            "bedrock",
            "global",
        ),
        (
            {
                "custom_llm_provider": "vertex_ai",
                "model": "claude-sonnet-4-5@20250929",
                "api_base": "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/anthropic/models/x",
            },
            "vertex",
            "global",
        ),
        ({"custom_llm_provider": "azure_ai"}, "foundry", "global"),
        (
            {"custom_llm_provider": "", "model": "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0"},
            "bedrock",
            "regional",
        ),
    ],
)
def test_the_provider_names_the_platform(tmp_path: Path, changes: dict[str, Any], platform: str, geo: str) -> None:
    (call,), _ = read_rows(READER, [row(**changes)], tmp_path)
    assert (call.platform, call.geo, call.model) == (platform, geo, SONNET)


def test_other_providers_are_left_out_and_counted(tmp_path: Path) -> None:
    other = row(model="gpt-4o", custom_llm_provider="openai")
    calls, problems = read_rows(READER, [other, row(), other], tmp_path)
    assert len(calls) == 1
    assert [(p.code, p.value) for p in problems] == [("other-provider", "2")]


# labels


def test_labels_come_from_the_record_and_its_metadata(tmp_path: Path) -> None:
    metadata = {
        "usage_object": usage_object(),
        "user_api_key_alias": "checkout-prod",
        "user_api_key_team_alias": "payments",
        "spend_logs_metadata": {"feature": "refunds", "nested": {"a": 1}},
    }
    tags = ["job:nightly", "prod", "User-Agent: claude-cli", "User-Agent: claude-cli/1.0.98 (external, cli)"]
    labelled = row(metadata=metadata, end_user="jane@example.com", organization_id="org-1", request_tags=tags)
    (call,), _ = read_rows(READER, [labelled], tmp_path)
    assert (call.api_key, call.workspace, call.account) == ("checkout-prod", "payments", "org-1")
    assert call.user_id == KEY.fingerprint("user", "jane@example.com")
    assert json.loads(call.tags) == {"feature": "refunds", "job": "nightly", "tag": "prod", "User-Agent": "claude-cli"}


def test_a_key_stored_in_the_clear_never_appears(tmp_path: Path) -> None:
    calls, problems = read_rows(
        READER, [row(api_key="sk-master-1234"), row(api_key="sk-master-1234", spend="x")], tmp_path
    )
    assert calls[0].api_key == "key-" + KEY.fingerprint("api-key", "sk-master-1234")[:12]
    assert "sk-master" not in repr((calls, problems))


def test_stored_prompts_become_fingerprints(tmp_path: Path) -> None:
    body = {
        "model": "sonnet",
        "max_tokens": 300,
        "stream": True,
        "messages": [{"role": "system", "content": "You sort mail."}, {"role": "user", "content": "SECRET"}],
        "tools": [{"type": "function", "function": {"name": "sort", "parameters": {"type": "object"}}}],
    }
    (call,), _ = read_rows(READER, [row(proxy_server_request=json.dumps(body))], tmp_path)
    assert (call.max_tokens, call.stream, call.messages) == (300, True, 1)
    assert "" not in (call.system_fp, call.tools_fp, call.request_hash, call.body_ref)
    assert "SECRET" not in repr(call)


# formats


def test_standard_logging_payloads_are_the_same_call(tmp_path: Path) -> None:
    payload = {
        "id": "chatcmpl-1",
        "call_type": "acompletion",
        "cache_hit": None,
        "stream": True,
        "status": "success",
        "custom_llm_provider": "anthropic",
        "startTime": 1_785_576_046.847,
        "endTime": 1_785_576_050.851,
        "completionStartTime": 1_785_576_047.5,
        "model": SONNET,
        "metadata": {"usage_object": usage_object()},
        "response_cost": 0.04940025,
        "prompt_tokens": 130_213,
        "completion_tokens": 400,
        "total_tokens": 130_613,
        "request_tags": [],
        "messages": [{"role": "user", "content": "Hello"}],
        "response": {"choices": [{"finish_reason": "length"}]},
    }
    (call,), problems = read_bytes(READER, json.dumps(payload, indent=1).encode(), tmp_path, name="payload.json")
    (same,), _ = read_rows(READER, [row()], tmp_path)
    assert problems == []
    assert call.call_id == same.call_id
    assert classes(call) == classes(same) == (5, 128_955, 1_253, 0, 400)
    # 2026-08-01T09:20:46.847Z is 1785576046.847 seconds after 1970
    assert call.start_us == same.start_us == 1_785_576_046_847_000
    assert call.first_token_us == 1_785_576_047_500_000
    assert (call.stream, call.stop_reason, call.messages) == (True, "max_tokens", 1)


def test_a_csv_export_with_json_columns_is_the_same_call(tmp_path: Path) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row()))
    writer.writeheader()
    writer.writerow(row())
    path = tmp_path / "spend.csv"
    path.write_text(text.getvalue())
    assert recognises(READER, path) == 2
    (call,), problems = read_path(READER, path)
    (same,), _ = read_rows(READER, [row()], tmp_path)
    assert problems == []
    assert (call.call_id, classes(call), call.start_us) == (same.call_id, classes(same), same.start_us)


def test_a_json_array_is_read_too(tmp_path: Path) -> None:
    rows = [row(), row(request_id="chatcmpl-2")]
    calls, _ = read_bytes(READER, json.dumps(rows).encode(), tmp_path, name="logs.json")
    assert len({call.call_id for call in calls}) == 2


# what a bad record costs


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b'{"request_id": "x", "call_ty', "bad-json"),
        (b"[" * 100_000, "too-deep"),
        (row(metadata="{torn"), "bad-json"),
        (row(metadata=[1]), "not-an-object"),
        (row(startTime=None), "no-time"),
        (row(startTime="soon"), "bad-time"),
        (row(startTime=-5.0), "bad-time"),
        (row(spend="cheap"), "bad-amount"),
        (row(spend=float("nan")), "bad-amount"),
        (row(usage_object(prompt_tokens=-1)), "negative-tokens"),
        (row(usage_object(completion_tokens=1.5)), "fractional-tokens"),
        (row(usage_object(cache_read_input_tokens=[1])), "not-a-number"),
        (row(usage_object(prompt_tokens=float("inf"))), "not-a-number"),
    ],
)
def test_a_bad_record_costs_one_problem_and_the_rest_is_read(tmp_path: Path, bad: Any, code: str) -> None:
    calls, problems = read_rows(READER, [row(), bad, row(request_id="chatcmpl-3")], tmp_path)
    assert len(calls) == 2
    assert [(p.code, p.row, p.source) for p in problems] == [(code, 2, "litellm")]


# samples


def test_the_sample_rows_read_as_worked_out_by_hand(shared_data: Path) -> None:
    folder = shared_data / "usage" / "litellm"
    assert recognises(READER, folder / "spend_logs_rows.jsonl") == 2
    calls, problems = read_path(READER, folder / "spend_logs_rows.jsonl")
    assert [classes(call) for call in calls] == [(5, 128_955, 1_253, 0, 400)]
    assert [p.code for p in problems] == ["other-provider"]
    assert recognises(READER, folder / "standard_logging_payload.json") == 2
    calls, problems = read_path(READER, folder / "standard_logging_payload.json")
    assert (calls, [p.code for p in problems]) == ([], ["other-provider"])
