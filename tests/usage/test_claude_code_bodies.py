"""Raw bodies of Claude Code: every response is counted, and finds its request through the next one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from usage_reading import KEY, classes, codes, context, read_all, response_line, usage

from baseload.usage.claude_code_bodies import READER
from baseload.usage.features import session_fp
from baseload.usage.normal import call_id
from baseload.values import Call, parse_timestamp

AT_US = parse_timestamp("2026-09-14T04:12:37Z")[0]
USER = json.dumps({"device_id": "d", "session_id": "s1"})


def say(text: str, **marks: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text} | marks]}


def answer(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def save_request(folder: Path, name: str, messages: list[Any], previous: str = "") -> None:
    header = "x-anthropic-billing-header: cc_version=2.1.260; cc_prompt_id=p1;" + (
        f" cc_prev_req={previous};" if previous else ""
    )
    body = {
        "model": "claude-opus-4-8",
        "max_tokens": 32_000,
        "system": [{"type": "text", "text": header}, {"type": "text", "text": "You write code."}],
        "tools": [{"name": "Bash", "input_schema": {"type": "object"}}],
        "messages": messages,
        "metadata": {"user_id": USER},
    }
    (folder / f"{name}.request.json").write_text(json.dumps(body))


def save_response(folder: Path, request_id: str, text: str = "ok") -> None:
    body = {"id": f"msg_{request_id}", "type": "message", "model": "claude-opus-4-8", **answer(text), "usage": usage()}
    path = folder / f"{request_id}.response.json"
    path.write_text(json.dumps(body))
    os.utime(path, ns=(AT_US * 1_000, AT_US * 1_000))


def conversation(folder: Path) -> list[Call]:
    """Two calls: the second request repeats the first, spelled differently, with its answer."""
    mark = {"cache_control": {"type": "ephemeral"}}
    save_request(folder, "1b4e", [say("hello", **mark)])
    save_response(folder, "req_A", "hi")
    again = {"role": "user", "content": "hello"}
    save_request(folder, "9f00", [again, answer("hi"), say("go on", **mark)], previous="req_A")
    save_response(folder, "req_B", "done")
    calls, problems = read_all(folder)
    assert problems == []
    return calls


def test_every_response_is_a_call_dated_by_its_file(tmp_path: Path) -> None:
    calls = conversation(tmp_path)
    assert [call.call_id for call in calls] == [call_id(message_id="msg_req_A"), call_id(message_id="msg_req_B")]
    assert [classes(call) for call in calls] == [(10, 0, 0, 0, 20)] * 2
    assert {call.start_us for call in calls} == {AT_US}
    assert {call.agent for call in calls} == {"claude-code"}


def test_a_response_finds_its_request_through_the_next_one(tmp_path: Path) -> None:
    first, last = conversation(tmp_path)
    assert (first.messages, first.max_tokens, first.flags) == (1, 32_000, "time_from_file")
    assert first.session_id == session_fp(KEY, "s1")
    assert first.tools_fp
    assert first.prefix_blocks
    # nothing follows the last call, so nothing says which request was its
    assert (last.messages, last.flags) == (None, "request_unknown,time_from_file")


def test_two_requests_that_fit_leave_the_response_without_one(tmp_path: Path) -> None:
    conversation(tmp_path)
    save_request(tmp_path, "twin", [say("hello")])
    calls, _ = read_all(tmp_path)
    assert [call.messages for call in calls] == [None, None]


def test_the_same_call_in_the_transcript_has_the_same_id_and_a_lower_rank(tmp_path: Path) -> None:
    save_response(tmp_path, "req_A")
    (tmp_path / "s.jsonl").write_text(json.dumps(response_line("msg_req_A", 20)) + "\n")
    by_source = {call.source: call for call in read_all(tmp_path)[0]}
    body, line = by_source["claude_code_bodies"], by_source["claude_code"]
    assert body.call_id == line.call_id
    assert body.rank > line.rank


def test_a_half_written_body_is_one_problem_and_a_half_written_request_none(tmp_path: Path) -> None:
    save_response(tmp_path, "req_A")
    (tmp_path / "req_B.response.json").write_text('{"id":"msg_')
    (tmp_path / "torn.request.json").write_text('{"model":')
    calls, problems = read_all(tmp_path)
    assert (len(calls), codes(problems)) == (1, ["bad-json"])


def test_the_folder_is_looked_through_once_a_run(tmp_path: Path) -> None:
    conversation(tmp_path)
    run = context()
    read_all(tmp_path, context=run)
    assert list(run.memo) == [f"{READER.name}:{tmp_path}"]
