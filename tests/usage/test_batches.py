"""Batch results joined with what lies beside them: only what succeeded is billed, on the day it was submitted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from usage_reading import classes, codes, jsonl, read_all, usage

from baseload.usage.normal import call_id
from baseload.values import Call, Problem, parse_timestamp

SUBMITTED, ENDED = "2026-09-01T23:50:00Z", "2026-09-02T01:10:00Z"
FILE_US = parse_timestamp("2026-10-05T00:00:00Z")[0]


def result(custom_id: str, kind: str = "succeeded", **changes: Any) -> dict[str, Any]:
    message = {
        "id": f"msg_{custom_id}",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": "Hello!"}],
        "stop_reason": "end_turn",
        "usage": usage(service_tier="batch"),
    }
    body: dict[str, Any] = {"type": kind} | ({"message": message} if kind == "succeeded" else {})
    return {"custom_id": custom_id, "result": body | changes}


def request(custom_id: str, **changes: Any) -> dict[str, Any]:
    params = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "Summarize it."}],
    }
    return {"custom_id": custom_id, "params": params | changes}


def batch(batch_id: str = "msgbatch_01") -> dict[str, Any]:
    return {
        "id": batch_id, "type": "message_batch", "processing_status": "ended", "created_at": SUBMITTED,
        "ended_at": ENDED,
    }  # fmt: skip


def save(folder: Path, name: str, *records: Any) -> Path:
    path = folder / name
    path.write_bytes(jsonl(*records))
    os.utime(path, ns=(FILE_US * 1_000, FILE_US * 1_000))
    return path


def read(folder: Path) -> tuple[list[Call], list[Problem]]:
    return read_all(folder)


def test_a_succeeded_result_is_billed_at_the_batch_tier_on_the_day_of_submission(tmp_path: Path) -> None:
    save(tmp_path, "results.jsonl", result("a"))
    save(tmp_path, "batch.json", batch())
    [call], problems = read(tmp_path)
    assert problems == []
    assert (classes(call), call.tier, call.requests, call.flags) == ((10, 0, 0, 0, 20), "batch", 1, "")
    assert call.call_id == call_id(message_id="msg_a")
    # ended on the 2nd, belongs to the 1st
    assert (call.start_us, call.end_us) == (parse_timestamp(SUBMITTED)[0], parse_timestamp(ENDED)[0])


@pytest.mark.parametrize("kind", ["errored", "expired", "canceled"])
def test_what_did_not_succeed_is_a_row_that_was_not_billed(tmp_path: Path, kind: str) -> None:
    save(tmp_path, "results.jsonl", result("a", kind))
    save(tmp_path, "batch.json", batch())
    [call], problems = read(tmp_path)
    assert (classes(call), call.requests, call.tier, call.stop_reason) == ((0, 0, 0, 0, 0), 0, "batch", kind)
    assert (call.flags, problems) == ("failed", [])


def test_results_in_any_order_find_their_requests(tmp_path: Path) -> None:
    save(tmp_path, "results.jsonl", result("b"), result("a"))
    save(tmp_path, "requests.jsonl", request("a", max_tokens=11), request("b", max_tokens=22), '{"torn')
    save(tmp_path, "batch.json", batch())
    calls, _ = read(tmp_path)
    assert [(call.call_id, call.max_tokens) for call in calls] == [
        (call_id(message_id="msg_b"), 22), (call_id(message_id="msg_a"), 11),
    ]  # fmt: skip
    assert calls[0].task_cues == "summarise"


def test_the_body_of_the_batchs_creation_is_a_requests_file_too(tmp_path: Path) -> None:
    save(tmp_path, "results.jsonl", result("a"))
    (tmp_path / "create.json").write_text(json.dumps({"requests": [request("a")]}))
    save(tmp_path, "batch.json", batch())
    [call], problems = read(tmp_path)
    assert (call.max_tokens, problems) == (99, [])


def test_a_batch_among_others_is_the_one_its_results_are_named_after(tmp_path: Path) -> None:
    save(tmp_path, "msgbatch_02_results.jsonl", result("a"))
    save(tmp_path, "one.json", batch("msgbatch_01") | {"created_at": "2026-01-01T00:00:00Z"})
    save(tmp_path, "two.json", batch("msgbatch_02"))
    [call], problems = read(tmp_path)
    assert (call.start_us, problems) == (parse_timestamp(SUBMITTED)[0], [])


def test_without_a_batch_object_the_files_own_time_is_taken_and_said_once(tmp_path: Path) -> None:
    save(tmp_path, "results.jsonl", result("a"), result("b"))
    calls, problems = read(tmp_path)
    assert [(call.start_us, call.flags) for call in calls] == [(FILE_US, "time_from_file")] * 2
    assert codes(problems) == ["no-time"]


def test_a_bad_result_is_one_problem_and_its_neighbours_are_read(tmp_path: Path) -> None:
    bad = result("x", message={"id": "msg_x", "usage": usage(input_tokens=-4)})
    save(tmp_path, "results.jsonl", result("a"), '{"custom_id":"t","result":{', bad, result("b"))
    save(tmp_path, "batch.json", batch())
    calls, problems = read(tmp_path)
    assert len(calls) == 2
    assert [(problem.code, problem.row) for problem in problems] == [("bad-json", 2), ("negative-tokens", 3)]


def test_expired_results_of_one_batch_are_told_apart(tmp_path: Path) -> None:
    save(tmp_path, "results.jsonl", result("a", "expired"), result("b", "expired"))
    save(tmp_path, "batch.json", batch())
    assert len({call.call_id for call in read(tmp_path)[0]}) == 2


def test_the_four_documented_result_types_are_read(shared_data: Path) -> None:
    calls, problems = read_all(shared_data / "usage/anthropic-batches")
    assert [(call.requests, classes(call)) for call in calls] == [
        (1, (10, 0, 0, 0, 34)), (0, (0, 0, 0, 0, 0)), (0, (0, 0, 0, 0, 0)), (0, (0, 0, 0, 0, 0)),
    ]  # fmt: skip
    assert calls[1].call_id == call_id(request_id="req_011")
    assert codes(problems) == ["no-time"]
