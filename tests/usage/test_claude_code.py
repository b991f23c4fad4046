"""Claude Code transcripts: one row per response, whatever its copies; nothing that is no call."""

from __future__ import annotations

import gzip
import itertools
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usage_reading import KEY, classes, codes, jsonl, read_all, read_file, response_line

from baseload.usage.claude_code import READER
from baseload.usage.claude_code_files import project_slug, workspace_of
from baseload.usage.features import session_fp
from baseload.usage.normal import call_id
from baseload.values import Call, Problem, parse_timestamp

SPLIT = {"cache_creation_input_tokens": 0, "cache_creation": {"ephemeral_5m_input_tokens": 0}}


def transcript(folder: Path, *lines: Any, name: str = "-home-ada-shop/s1.jsonl") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jsonl(*lines))
    return path


def read(folder: Path, *lines: Any, name: str = "-home-ada-shop/s1.jsonl") -> tuple[list[Call], list[Problem]]:
    return read_file(READER, transcript(folder, *lines, name=name))


# what a row says


def test_a_response_is_one_row_with_everything_the_line_says(tmp_path: Path) -> None:
    line = response_line(
        "msg_0175",
        output=172,
        usage={
            "input_tokens": 3,
            "cache_creation_input_tokens": 1331,
            "cache_read_input_tokens": 14874,
            "cache_creation": {"ephemeral_5m_input_tokens": 1331, "ephemeral_1h_input_tokens": 0},
            "server_tool_use": {"web_search_requests": 2},
            "output_tokens_details": {"thinking_tokens": 40},
            "service_tier": "standard",
            "speed": "fast",
            "inference_geo": "us",
        },
        message={"stop_reason": "tool_use"},
        costUSD=0.12,
    )
    [call], problems = read(tmp_path, {"type": "summary", "summary": "…"}, line)
    assert problems == []
    assert classes(call) == (3, 14874, 1331, 0, 172)
    assert call.call_id == call_id(message_id="msg_0175")
    assert (call.source, call.source_row, call.agent, call.workspace) == ("claude_code", 2, "claude-code", "shop")
    assert call.start_us == parse_timestamp("2026-09-03T00:52:35.576Z")[0]
    assert (call.model_raw, call.tier, call.speed, call.geo) == ("claude-sonnet-4-5-20250929", "standard", "fast", "us")
    assert (call.web_search_requests, call.thinking_tokens, call.stop_reason) == (2, 40, "tool_use")
    assert call.session_id == session_fp(KEY, "s1")
    assert call.request_features == "cache_control,fast,inference_geo"
    assert call.task_cues == "code,system,tools"
    assert call.reported_cost_nano_usd == 120_000_000
    assert (call.requests, call.grain, call.flags) == (1, "call", "")


def test_a_prompt_over_200k_relies_on_the_long_context(tmp_path: Path) -> None:
    [call], _ = read(tmp_path, response_line(usage={"cache_read_input_tokens": 200_001}))
    assert "prompt_over_200k" in call.request_features
    [call], _ = read(tmp_path, response_line(usage={"cache_read_input_tokens": 199_990}))  # + 10 uncached = 200,000
    assert "prompt_over_200k" not in call.request_features


def test_a_write_without_a_split_has_an_unknown_lifetime(tmp_path: Path) -> None:
    [call], _ = read(tmp_path, response_line(usage={"cache_creation_input_tokens": 1331}))
    assert (call.cache_write_5m_tokens, call.flags) == (1331, "ttl_unknown")


def test_compaction_and_advisors_in_iterations_are_counted(tmp_path: Path) -> None:
    entries = [
        {"type": "compaction", "input_tokens": 1_000, "output_tokens": 100},
        {"type": "message", "input_tokens": 10, "output_tokens": 20},
        {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 7, "output_tokens": 5},
    ]
    [own, advisor], _ = read(tmp_path, response_line(usage={"iterations": entries}))
    assert classes(own) == (1_010, 0, 0, 0, 120)
    assert (classes(advisor), advisor.model_raw, advisor.requests) == ((7, 0, 0, 0, 5), "claude-opus-4-8", 0)
    assert own.requests == 1
    assert own.call_id != advisor.call_id


def test_iterations_that_only_break_down_the_top_level_change_nothing(tmp_path: Path) -> None:
    entries = [{"type": "message", "input_tokens": 10, "output_tokens": 20}]
    [call], _ = read(tmp_path, response_line(usage={"iterations": entries}))
    assert (classes(call), call.flags) == ((10, 0, 0, 0, 20), "")


# copies


def test_of_several_lines_of_one_response_the_most_complete_is_the_call(tmp_path: Path) -> None:
    # sequences seen in real files: [3, 172, 172] and [1, 1, 1, 598]
    lines = [response_line("msg_a", output) for output in (3, 172, 172)]
    lines += [response_line("msg_b", output) for output in (1, 1, 1, 598)]
    calls, _ = read(tmp_path, *lines)
    assert [call.output_tokens for call in calls] == [172, 598]


def test_of_equal_copies_the_earliest_is_kept(tmp_path: Path) -> None:
    late, early = "2026-09-04T00:00:01.000Z", "2026-09-03T23:59:59.000Z"
    calls, _ = read(tmp_path, response_line(timestamp=late), response_line(timestamp=early))
    assert [call.start_us for call in calls] == [parse_timestamp(early)[0]]


def test_an_original_beats_its_replay_by_a_subagent_even_with_fewer_tokens(tmp_path: Path) -> None:
    replay = response_line("msg_a", 900, isSidechain=True, requestId="req_other", agentId="77")
    [call], _ = read(tmp_path, replay, response_line("msg_a", 100))
    assert (call.output_tokens, call.agent) == (100, "claude-code")


def test_a_fork_copies_lines_into_another_file_and_still_counts_once(tmp_path: Path) -> None:
    transcript(tmp_path, response_line("msg_a"), response_line("msg_b"))
    fork = [response_line("msg_a", sessionId="s2"), response_line("msg_c", sessionId="s2")]
    transcript(tmp_path, *fork, name="-home-ada-shop/s2.jsonl")
    calls, _ = read_all(tmp_path)
    assert len(calls) == 4
    assert len({call.call_id for call in calls}) == 3
    twins = [call for call in calls if call.call_id == call_id(message_id="msg_a")]
    assert twins[0].rank == twins[1].rank


def test_subagents_are_told_by_their_lines_and_belong_to_the_same_project(tmp_path: Path) -> None:
    line = response_line("msg_s", isSidechain=True, agentId="a1")
    [call], _ = read(tmp_path, line, name="-home-ada-shop/s1/subagents/agent-a1.jsonl")
    assert (call.agent, call.workspace) == ("claude-code-subagent", "shop")


def test_rows_without_a_request_id_are_told_apart_by_their_message(tmp_path: Path) -> None:
    calls, _ = read(tmp_path, response_line("msg_a", requestId=...), response_line("msg_b", requestId=None))
    assert len(calls) == 2


def test_rows_without_a_message_id_go_by_request_then_by_their_own_id(tmp_path: Path) -> None:
    nameless = {"id": None}
    calls, problems = read(
        tmp_path,
        response_line(message=nameless, requestId="req_1"),
        response_line(message=nameless, requestId="req_1"),
        response_line(message=nameless, requestId=..., uuid="u1"),
        response_line(message=nameless, requestId=..., uuid="u2"),
        response_line(message=nameless, requestId=..., uuid=...),
        response_line(message=nameless, requestId=..., uuid=...),
    )
    assert (len(calls), problems) == (4, [])


@given(
    outputs=st.lists(st.integers(1, 900), min_size=1, max_size=5),
    replays=st.lists(st.integers(1, 900), max_size=3),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_lines_of_one_response_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, outputs: list[int], replays: list[int], order: Any
) -> None:
    lines = [
        response_line("msg_a", output, timestamp=f"2026-09-03T00:00:{number:02d}.000Z")
        for number, output in enumerate(outputs)
    ]
    lines += [response_line("msg_a", output, isSidechain=True) for output in replays]
    shuffled = [*lines]
    order.shuffle(shuffled)
    folder = tmp_path_factory.mktemp("t")
    (first,), (second,) = read(folder, *lines)[0], read(folder, *shuffled)[0]
    assert msgspec.structs.replace(first, source_row=0) == msgspec.structs.replace(second, source_row=0)
    assert first.output_tokens == max(outputs)


# what is no call


def test_a_task_results_nested_usage_never_counts(tmp_path: Path) -> None:
    task = {
        "type": "user",
        "sessionId": "s1",
        "message": {"role": "user", "content": [{"type": "tool_result", "content": "done"}]},
        "toolUseResult": {"totalTokens": 12_345, "usage": {"input_tokens": 9_999, "output_tokens": 777}},
    }
    assert read(tmp_path, task) == ([], [])
    calls, _ = read(tmp_path, task, response_line())
    assert [classes(call) for call in calls] == [(10, 0, 0, 0, 20)]


def test_lines_claude_code_wrote_itself_are_no_calls(tmp_path: Path) -> None:
    synthetic = response_line(message={"model": "<synthetic>"})
    error = response_line("msg_e", isApiErrorMessage=True)
    assert read(tmp_path, synthetic, error) == ([], [])


def test_usage_in_prompts_and_answers_is_text_and_never_counts(tmp_path: Path) -> None:
    text = json.dumps({"message": {"usage": {"input_tokens": 5_000_000}}})
    user = {"type": "user", "sessionId": "s1", "message": {"role": "user", "content": text}}
    calls, problems = read(tmp_path, user, response_line(message={"content": [{"type": "text", "text": text}]}))
    assert ([classes(call) for call in calls], problems) == ([(10, 0, 0, 0, 20)], [])


def test_a_tool_input_named_usage_does_not_disturb(tmp_path: Path) -> None:
    content = [{"type": "tool_use", "name": "X", "input": {"message": {"usage": {"input_tokens": 7}}, "usage": "full"}}]
    [call], _ = read(tmp_path, response_line(message={"content": content}))
    assert classes(call) == (10, 0, 0, 0, 20)


# suspect output


def test_output_is_suspect_when_the_text_implies_four_times_as_much(tmp_path: Path) -> None:
    # 20 tokens logged: suspect from 20 x 4 x 4 = 320 characters of text on
    def flags(chars: int) -> str:
        content = [{"type": "text", "text": "x" * chars}]
        return read(tmp_path, response_line(output=20, message={"content": content}))[0][0].flags

    assert flags(320) == ""
    assert flags(321) == "output_suspect"


def test_signatures_and_escapes_are_not_taken_for_output(tmp_path: Path) -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "A" * 5_000}
    quotes = {"type": "text", "text": '"' * 200}  # 400 bytes once escaped
    for block in (thinking, quotes):
        [call], _ = read(tmp_path, response_line(output=20, message={"content": [block]}))
        assert call.flags == ""


# bad input: each costs one problem and the rest is read


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (jsonl(response_line("msg_x"))[:120], "bad-json"),
        ('{"type":"assistant","message":{"id":"msg_x","usage":{"input_tokens":1', "bad-json"),
        ('"massive error"', "not-an-object"),
        ("42", "not-an-object"),
        ("[1]", "not-an-object"),
        (response_line("msg_x", -5), "negative-tokens"),
        (response_line("msg_x", 10**12), "huge-tokens"),
        (response_line("msg_x", usage={"input_tokens": 1.5}), "fractional-tokens"),
        (response_line("msg_x", usage={"input_tokens": True}), "not-a-number"),
        (response_line("msg_x", usage={"input_tokens": "12"}), "not-a-number"),
        (response_line("msg_x", usage={"cache_creation": []}), "not-an-object"),
        (response_line("msg_x", timestamp=...), "no-time"),
        (response_line("msg_x", timestamp="soon"), "bad-time"),
        (response_line("msg_x", timestamp="2019-01-01T00:00:00.000Z"), "clock-skew"),
        (response_line("msg_x", timestamp="2027-01-01T00:00:00.000Z"), "clock-skew"),
        ('{"usage":' + "[" * 5_000 + "]" * 5_000 + "}", "too-deep"),
        (jsonl(response_line("msg_x")).replace(b'"input_tokens":10', b'"input_tokens":NaN').rstrip(), "not-a-number"),
    ],
)
def test_a_bad_line_is_one_problem_and_its_neighbours_are_read(tmp_path: Path, bad: Any, code: str) -> None:
    path = transcript(tmp_path, response_line("msg_a"), bad, response_line("msg_b"))
    calls, problems = read_all(path)
    assert [call.call_id for call in calls] == [call_id(message_id="msg_a"), call_id(message_id="msg_b")]
    [problem] = problems
    assert (problem.code, problem.row, problem.source) == (code, 2, "claude_code")
    assert problem.expected
    assert problem.file == str(path)


def test_a_tiny_torn_line_that_looks_finished_is_still_seen(tmp_path: Path) -> None:
    calls, problems = read(tmp_path, response_line(), '{"type":"user","message":{"content":"}')
    assert (len(calls), codes(problems)) == (1, ["bad-json"])


def test_odd_labels_never_cost_a_response(tmp_path: Path) -> None:
    line = response_line("msg_a", isSidechain="no", cwd=5, sessionId=None, version=[], usage={"service_tier": 7})
    calls, problems = read(tmp_path, line)
    assert ([classes(call) for call in calls], problems) == ([(10, 0, 0, 0, 20)], [])


def test_empty_lines_do_not_shift_the_rows(tmp_path: Path) -> None:
    calls, _ = read(tmp_path, "", response_line("msg_a"), "", "", response_line("msg_b"))
    assert [call.source_row for call in calls] == [2, 5]


def test_lone_surrogates_and_wrong_bytes_in_the_text_do_not_cost_the_response(tmp_path: Path) -> None:
    half = jsonl(response_line("msg_a", message={"content": [{"type": "text", "text": "X"}]})).rstrip()
    calls, _ = read(
        tmp_path, half.replace(b'"X"', b'"\\ud83d"'), half.replace(b"msg_a", b"msg_b").replace(b'"X"', b'"\xe9"')
    )
    assert len(calls) == 2


def test_a_wrong_byte_in_a_label_is_replaced(tmp_path: Path) -> None:
    calls, problems = read(tmp_path, jsonl(response_line()).rstrip().replace(b"/home/ada/shop", b"/home/ada/caf\xe9"))
    assert (len(calls), problems) == (1, [])


def test_spaces_after_colons_change_nothing(tmp_path: Path) -> None:
    calls, _ = read(tmp_path, json.dumps(response_line("msg_a")), json.dumps(response_line("msg_b")))
    assert len(calls) == 2


def test_a_gzipped_transcript_is_read_like_a_plain_one(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl.gz"
    path.write_bytes(gzip.compress(jsonl(response_line("msg_a"), response_line("msg_b"))))
    calls, problems = read_all(path)
    assert (len(calls), problems) == (2, [])


# names


def test_the_project_is_read_from_the_path_in_every_layout() -> None:
    assert project_slug("x/.claude/projects/-a-b/s.jsonl") == "-a-b"
    assert project_slug("x/-a-b/s/subagents/agent-1.jsonl") == "-a-b"
    assert project_slug("s.jsonl") == ""


def test_a_project_is_called_by_its_folders_name() -> None:
    assert workspace_of("-home-ada-my-shop", "/home/ada/my-shop") == "my-shop"
    assert workspace_of("-home-ada-my-shop", "/home/ada/my-shop/src/deep") == "my-shop"
    assert workspace_of("-home-ada-my-shop", "/elsewhere") == "-home-ada-my-shop"
    assert workspace_of("logs", "/home/ada/my-shop") == "my-shop"
    assert workspace_of("C--src-shop", "C:\\src\\shop") == "shop"


# real sessions (version 1.0.17)


def test_real_sessions_have_90_calls_in_123_lines_and_suspect_output(shared_data: Path) -> None:
    folder = shared_data / "usage/claude-code/sniffly"
    calls, problems = read_all(folder)
    assert problems == []
    assert len(calls) == len({call.call_id for call in calls}) == 24 + 62 + 4
    assert sum(call.output_tokens for call in calls) == 19_313  # usage-sources 0.3: "total 19.3 k logged"
    suspect = [call for call in calls if "output_suspect" in call.flags]
    assert 40 <= len(suspect) <= 45  # usage-sources 0.3 counts 43 of 90 by the text of all lines together


def test_real_sessions_agree_with_a_plain_reading_of_every_line(shared_data: Path) -> None:
    folder = shared_data / "usage/claude-code/sniffly"
    most: dict[str, dict[str, int]] = defaultdict(lambda: {"output_tokens": -1})
    for text in itertools.chain.from_iterable(path.read_text().splitlines() for path in folder.rglob("*.jsonl")):
        message = json.loads(text).get("message", {})
        if "usage" in message and message["usage"]["output_tokens"] > most[message["id"]]["output_tokens"]:
            most[message["id"]] = message["usage"]
    calls, _ = read_all(folder)
    for name, field in (
        ("input_tokens", "uncached_input_tokens"),
        ("cache_read_input_tokens", "cache_read_tokens"),
        ("cache_creation_input_tokens", "cache_write_5m_tokens"),
        ("output_tokens", "output_tokens"),
    ):
        assert sum(usage[name] for usage in most.values()) == sum(getattr(call, field) for call in calls)


def test_fixtures_of_other_tools_are_read(shared_data: Path) -> None:
    calls, problems = read_all(shared_data / "usage/claude-code/ccusage/claude")
    # five lines; alpha 1 costs 0.12 USD by its tool, alpha 2 was fast
    assert ([call.workspace for call in calls], problems) == (["project-alpha"] * 3 + ["project-beta"] * 2, [])
    assert [call.reported_cost_nano_usd for call in calls[:2]] == [120_000_000, 340_000_000]
    assert [call.speed for call in calls] == ["standard", "fast", "standard", "standard", "standard"]
    assert classes(calls[0]) == (100, 10, 25, 0, 50)


def test_edge_cases_of_other_tools_cost_one_problem_a_bad_line(shared_data: Path) -> None:
    calls, problems = read_all(shared_data / "usage/claude-code/claude-code-log/test_data/edge_cases.jsonl")
    assert len(calls) == 4
    assert [(problem.code, problem.row) for problem in problems] == [
        ("not-an-object", 13), ("not-an-object", 15), ("not-an-object", 16),
    ]  # fmt: skip


def test_responses_of_other_providers_are_left_out_and_counted_once_a_file(tmp_path: Path) -> None:
    other = {"model": "gpt-4o"}
    path = tmp_path / "s.jsonl"
    path.write_bytes(
        jsonl(
            response_line("msg_1"),
            response_line("msg_2", message=other),
            response_line("msg_2", 30, message=other),  # a copy of the same response
            response_line("msg_3", message=other),
            response_line("msg_4", message={"model": "arn:aws:bedrock:us-east-1:1:application-inference-profile/x"}),
        )
    )
    calls, [problem] = read_file(READER, path, resolve_model=lambda raw: "")
    assert len(calls) == 2  # a Bedrock profile hides its model: it stays, unpriced
    assert (problem.code, problem.value) == ("other-provider", "2")


def test_null_counts_are_said_once_a_file(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(jsonl(*(response_line(name, usage={"input_tokens": None}) for name in ("msg_1", "msg_2"))))
    calls, [problem] = read_file(READER, path)
    assert [(call.flags, classes(call)) for call in calls] == [("null_tokens", (0, 0, 0, 0, 20))] * 2
    assert (problem.code, problem.row) == ("null-tokens", 1)
