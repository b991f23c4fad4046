"""Bodies re-read from real files of each source that has them, and refused where anything changed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from baseload.usage.detect import READERS
from baseload.usage.reader import ReadContext
from baseload.usage.source_file import LocalFile
from baseload.values import Call, OrgKey, Problem
from baseload.vault.bodies import bodies_of, entry_of, keep
from baseload.vault.body import Body
from baseload.vault.key import VaultKey
from baseload.vault.source_bodies import BodyRef, parse_body_ref, read_bodies
from baseload.vault.store import Vault

ORG = OrgKey(b"a key for tests, 32 bytes long..")
USAGE = {"input_tokens": 5, "output_tokens": 2}


def request(text: str) -> dict[str, object]:
    return {"model": "claude-haiku-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}


def message(number: int, text: str) -> dict[str, object]:
    content = [{"type": "text", "text": text}]
    return {
        "id": f"msg_{number:03d}", "type": "message", "role": "assistant", "model": "claude-haiku-5-5",
        "content": content, "usage": USAGE, "stop_reason": "end_turn",
    }  # fmt: skip


def exchange(number: int, text: str = "") -> dict[str, object]:
    asked = text or f"question {number} with ünïcode"
    return {"timestamp": "2026-11-01T10:00:00Z", "request": request(asked), "response": message(number, "yes")}


def bedrock(number: int) -> dict[str, object]:
    return {
        "schemaType": "ModelInvocationLog", "timestamp": "2026-11-01T10:00:00Z", "accountId": "1",
        "requestId": f"r-{number}", "operation": "Converse", "modelId": "anthropic.claude-haiku-5-5-v1:0",
        "input": {"inputBodyJson": {"messages": [{"role": "user", "content": [{"text": f"hi {number}"}]}],
                                    "inferenceConfig": {"maxTokens": 7}}, "inputTokenCount": 5},
        "output": {"outputBodyJson": {"output": {"message": {"role": "assistant", "content": [{"text": "yes"}]}},
                                      "stopReason": "end_turn", "usage": {"inputTokens": 5, "outputTokens": 2}},
                   "outputTokenCount": 2},
    }  # fmt: skip


def litellm(number: int) -> dict[str, object]:
    return {
        "request_id": f"chatcmpl-{number}", "call_type": "acompletion", "spend": 0.1, "total_tokens": 7,
        "prompt_tokens": 5, "completion_tokens": 2, "startTime": "2026-11-01T10:00:00Z",
        "endTime": "2026-11-01T10:00:01Z", "model": "claude-haiku-5-5", "custom_llm_provider": "anthropic",
        "messages": json.dumps([{"role": "system", "content": "Sort."}, {"role": "user", "content": f"hi {number}"}]),
        "response": json.dumps({"id": "x", "choices": [{"finish_reason": "stop",
                                                        "message": {"role": "assistant", "content": "yes"}}]}),
    }  # fmt: skip


def write(path: Path, records: Iterable[object], *, packed: bool = False) -> Path:
    data = b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


def calls_in(path: Path, reader: str) -> list[Call]:
    chosen = next(found for found in READERS if found.name == reader)
    file = LocalFile(path)
    try:
        read = list(chosen.read(file, ReadContext(org_key=ORG, resolve_model=lambda raw: "claude-haiku-5-5")))
    finally:
        file.close()
    found = [call for call in read if isinstance(call, Call)]
    assert found
    return found


def read(calls: Iterable[Call], **options: object) -> list[Body | Problem]:
    return [found for _, found in read_bodies(calls, ORG, base=Path("/"), **options)]  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("packed", [False, True])
def test_every_body_of_a_log_is_read_again_plain_or_packed(tmp_path: Path, packed: bool) -> None:
    path = write(tmp_path / ("log.jsonl.gz" if packed else "log.jsonl"), map(exchange, range(40)), packed=packed)
    calls = calls_in(path, "messages")[::3]
    bodies = read(reversed(calls))
    assert [body.request for body in bodies if isinstance(body, Body)] == [
        request(f"question {number} with ünïcode") for number in range(0, 40, 3)
    ]
    assert all(isinstance(body, Body) and body.response_verified for body in bodies)


def test_bedrock_and_litellm_records_come_back_in_the_messages_shape(tmp_path: Path) -> None:
    [body] = read(calls_in(write(tmp_path / "b.jsonl", [bedrock(1)]), "bedrock_log"))
    assert isinstance(body, Body)
    assert body.request == {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi 1"}]}],
        "max_tokens": 7,
    }
    assert body.response["content"] == [{"type": "text", "text": "yes"}]
    [body] = read(calls_in(write(tmp_path / "l.jsonl", [litellm(1)]), "litellm"))
    assert isinstance(body, Body)
    assert body.request["system"] == [{"type": "text", "text": "Sort."}]
    assert body.response["content"] == [{"type": "text", "text": "yes"}]
    assert not body.response_verified  # a chat completion carries no id of ours


def generation(asked: object, said: object, **more: object) -> dict[str, object]:
    return {
        "id": "obs-1", "traceId": "t-1", "type": "GENERATION", "name": "turn", "model": "claude-haiku-5-5",
        "startTime": "2026-11-01T10:00:00Z", "endTime": "2026-11-01T10:00:01Z", "input": asked, "output": said,
        "usageDetails": {"input": 5, "output": 2}, "modelParameters": {"max_tokens": 9}, **more,
    }  # fmt: skip


TURNS = [{"role": "system", "content": "Sort."}, {"role": "user", "content": "hi"}]
YES = [{"type": "text", "text": "yes"}]
USE = {"type": "tool_use", "id": "c1", "name": "find"}
LANGFUSE_OUTPUTS = [
    ("yes", "yes"),
    ({"role": "assistant", "content": "yes"}, "yes"),
    ({"type": "message", "role": "assistant", "content": YES, "stop_reason": "end_turn"}, YES),
    ([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}], YES),
    ([{"role": "assistant", "parts": [{"type": "text", "content": "yes"}], "finish_reason": "stop"}], YES),
    (
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "function": {"name": "find", "arguments": '{"q": 1}'}}]},
        [{**USE, "input": {"q": 1}}],
    ),
    (
        [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "find", "arguments": {"q": 1}}]}],
        [{**USE, "input": {"q": 1}}],
    ),
    (
        {"role": "assistant", "content": "", "additional_kwargs": {
            "tool_calls": [{"id": "c1", "function": {"name": "find", "arguments": {"q": 1}}}]}},
        [{"type": "text", "text": ""}, {**USE, "input": {"q": 1}}],
    ),
    ({"content": "yes", "additional_kwargs": {}, "type": "AIMessageChunk"}, "yes"),
    (None, None),
    ("", None),
]  # fmt: skip


@pytest.mark.parametrize(("output", "content"), LANGFUSE_OUTPUTS)
@pytest.mark.parametrize("as_text", [False, True])
def test_langfuse_exports_give_back_what_was_asked_and_said(
    tmp_path: Path, output: object, content: object, as_text: bool
) -> None:
    """Observations as JSON lines; blob exports hold their maps as text."""
    row = generation(TURNS, output)
    if as_text:
        row |= {name: json.dumps(row[name]) for name in ("input", "usageDetails", "modelParameters")}
        row |= {} if isinstance(output, str) or output is None else {"output": json.dumps(output)}
    [body] = read(calls_in(write(tmp_path / "lf.jsonl", [row]), "langfuse"))
    assert isinstance(body, Body)
    assert body.request["system"] == [{"type": "text", "text": "Sort."}]
    assert body.request["messages"] == [{"role": "user", "content": "hi"}]
    assert body.response.get("content") == content
    assert not body.response_verified


def test_a_langfuse_input_in_the_messages_shape_comes_back_as_it_was(tmp_path: Path) -> None:
    asked = request("hi") | {"system": "Sort.", "tools": [{"name": "find", "input_schema": {"type": "object"}}]}
    [body] = read(calls_in(write(tmp_path / "lf.jsonl", [generation(asked, "yes")]), "langfuse"))
    assert isinstance(body, Body)
    assert body.request == asked


def test_the_framework_traces_of_langfuse_come_back(shared_data: Path, tmp_path: Path) -> None:
    """What two dozen frameworks log, one observation a line: every request that has a hash is found again."""
    found = answered = 0
    for path in sorted((shared_data / "usage" / "langfuse").rglob("*.json")):
        rows = [{**row, "model": "claude-x", "usageDetails": {"input": 5, "output": 2}} for row in generations(path)]
        if not rows:
            continue
        calls = [call for call in calls_in(write(tmp_path / path.name, rows), "langfuse") if call.body_ref]
        bodies = read(calls)
        assert [body.code for body in bodies if isinstance(body, Problem)] == [], path.name
        found += len(bodies)
        answered += sum(isinstance(body, Body) and bool(body.response) for body in bodies)
    assert (found, answered) == (44, 33)  # the rest log no answer, or another vendor's shape


def generations(path: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    waiting: list[object] = [json.loads(path.read_text())]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            rows += [value] if value.get("type") == "GENERATION" else []
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return rows


@pytest.mark.parametrize(
    ("reader", "name"),
    [
        ("bedrock_log", "bedrock/invocation_log_samples.jsonl"),
        ("vertex", "vertex/request_response_logging_constructed.jsonl"),
        ("helicone", "helicone/helicone_request_constructed.jsonl"),
    ],
)
def test_the_recorded_calls_of_sample_exports_come_back(reader: str, name: str, shared_data: Path) -> None:
    calls = [call for call in calls_in(shared_data / "usage" / name, reader) if call.body_ref and call.request_hash]
    assert calls
    assert [body.code for body in read(calls) if isinstance(body, Problem)] == []


def test_an_edited_request_is_refused_and_the_others_are_not(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", map(exchange, range(5)))
    calls = calls_in(path, "messages")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"question 3", b"question 9"))
    kinds = [body.code if isinstance(body, Problem) else "body" for body in read(calls)]
    assert kinds == ["body", "body", "body", "body-changed", "body"]


def test_lines_that_moved_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", map(exchange, range(3)))
    calls = calls_in(path, "messages")
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], lines[2], lines[1], b""]))
    kinds = [body.code if isinstance(body, Problem) else "body" for body in read(calls)]
    assert kinds == ["body", "body-changed", "body-changed"]
    path.write_bytes(b"\n".join([lines[0], b"   " + lines[1], lines[2], b""]))
    assert [isinstance(body, Body) for body in read(calls)] == [True, True, False]


def test_a_file_that_moved_is_found_by_its_hash_and_one_that_is_gone_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", map(exchange, range(2)))
    calls = calls_in(path, "messages")
    moved = path.rename(tmp_path / "log.1.jsonl")
    other = write(tmp_path / "other.jsonl", [exchange(77)])
    assert [body.code for body in read(calls) if isinstance(body, Problem)] == ["body-file-gone"] * 2
    assert all(isinstance(body, Body) for body in read(calls, beside=[other, moved]))


def test_a_call_without_a_reference_or_a_hash_is_not_recorded(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", [exchange(1)])
    [call] = calls_in(path, "messages")
    for change in ({"body_ref": ""}, {"body_ref": "x:-1:5"}, {"request_hash": ""}):
        [found] = read([msgspec.structs.replace(call, **change)])
        assert isinstance(found, Problem)
        assert found.code == "body-not-recorded"


def test_a_reference_is_its_three_parts() -> None:
    assert parse_body_ref("ab:0:12") == BodyRef("ab", 0, 12)
    assert [parse_body_ref(text) for text in ("", "ab", "ab:1", "ab:1:", ":1:2", "ab:+1:2", "ab:١:2")] == [None] * 7


def test_problems_never_show_text(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", [exchange(1, "the secret plan")])
    calls = calls_in(path, "messages")
    path.write_bytes(path.read_bytes().replace(b"secret plan", b"secret flan"))
    [found] = read(calls)
    assert "secret" not in repr(found)
    assert "secret" not in repr(Body(request={"x": "secret"}))


def test_the_vault_stands_in_where_the_file_is_gone(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", map(exchange, range(3)))
    calls = calls_in(path, "messages")
    vault = Vault.open(tmp_path / "vault", VaultKey(b"k" * 32), create=True)
    kept = keep(vault, calls[:2], {calls[0].call_id: "w-1"}, ORG, base=Path("/"), as_of_day=10)
    assert (kept.stored, kept.problems) == (2, ())
    path.unlink()
    read_again = bodies_of(calls, ORG, base=Path("/"), vault=vault, as_of_day=11)
    found = {call.call_id: body for call, body in read_again}
    assert isinstance(found[calls[0].call_id], Body)
    assert isinstance(found[calls[2].call_id], Problem)
    assert [entry.workload for entry in vault.entries] == ["w-1", ""]
    assert entry_of(calls[0], "w").session_id == calls[0].session_id
    again = keep(vault, calls[2:], {}, ORG, base=Path("/"), as_of_day=11)
    assert [problem.code for problem in again.problems] == ["body-file-gone"]
