"""What the cloud and gateway readers share: rows of JSON files, names of models and platforms, request shapes."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.usage.bedrock_body import request_of
from baseload.usage.openai_shape import messages_request, stop_reason_of
from baseload.usage.providers import (
    Geo,
    LeftOut,
    Principal,
    bedrock_geo,
    is_claude,
    platform_of,
    principal_of,
    region_of,
    vertex_geo,
)
from baseload.usage.rows import Row, json_rows
from baseload.usage.source_file import LocalFile


def rows_of(path: Path, data: bytes, **options: Any) -> tuple[list[Row], list[tuple[str, int]]]:
    """Rows, and (code, row) of problems."""
    path.write_bytes(data)
    with closing(LocalFile(path)) as file:
        found = list(json_rows(file, "s", **options))
    rows = [item for item in found if isinstance(item, Row)]
    return rows, [(item.code, item.row) for item in found if not isinstance(item, Row)]


# rows


@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1}\n{"a":2}\n',
        b'{"a":1}\r\n\r\n{"a":2}',
        b'[{"a":1},{"a":2}]',
        b'[\n {"a":1},\n {"a":2}\n]',
        b'{"list":[{"a":1},{"a":2}]}',
        b'{\n "list": [\n  {"a":1},\n  {"a":2}\n ]\n}\n',
        b'\xef\xbb\xbf{"a":1}\n{"a":2}',
    ],
)
def test_every_layout_gives_the_same_rows(tmp_path: Path, name: str, data: bytes) -> None:
    rows, problems = rows_of(tmp_path / name, data, inside=("list",))
    assert [row.record for row in rows] == [{"a": 1}, {"a": 2}]
    assert problems == []


def test_a_line_can_be_found_again_by_its_reference(tmp_path: Path) -> None:
    data = b'{"a":1}\n{"a":22}\n'
    rows, _ = rows_of(tmp_path / "x.jsonl", data)
    digest, offset, length = rows[1].body_ref.split(":")
    assert len(digest) == 32
    assert data[int(offset) : int(offset) + int(length)] == b'{"a":22}'
    inside, _ = rows_of(tmp_path / "y.jsonl", b'[{"a":1}]')
    assert inside[0].body_ref == ""


def test_faults_cost_one_problem_each(tmp_path: Path) -> None:
    rows, problems = rows_of(tmp_path / "x.jsonl", b'{"a":1}\n{"a":\n5\n[{"a":2}, 7]\n{"a":3}\n')
    assert [row.record["a"] for row in rows] == [1, 2, 3]
    assert problems == [("bad-json", 2), ("not-an-object", 3), ("not-an-object", 4)]


def test_a_document_that_is_torn_is_one_problem_not_one_a_line(tmp_path: Path) -> None:
    rows, problems = rows_of(tmp_path / "x.jsonl", b'{\n "list": [\n  {"a":1},\n  {"a":')
    assert (rows, problems) == ([], [("bad-json", 0)])


def test_a_torn_first_line_does_not_swallow_the_rest(tmp_path: Path) -> None:
    rows, problems = rows_of(tmp_path / "x.jsonl", b'{"a":\n{"a":2}\n')
    assert ([row.record for row in rows], problems) == ([{"a": 2}], [("bad-json", 1)])


@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=300).filter(lambda data: not data.startswith(b"\x1f\x8b")))  # gzip: test_source_file
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    rows_of(tmp_path_factory.mktemp("bytes") / "x.jsonl", data, inside=("list",))


# names


@pytest.mark.parametrize(
    ("name", "resolved", "ours"),
    [
        ("claude-x", "", True),
        ("anthropic.claude-v2", "", True),
        ("sonnet-prod", "claude-sonnet-4-6", True),
        ("gpt-4o", "", False),
        ("", "", False),
    ],
)
def test_a_claude_model_is_one_by_name_or_by_the_price_book(name: str, resolved: str, ours: bool) -> None:
    assert is_claude(name, resolved) is ours


def test_provider_names_of_gateways_and_tracers() -> None:
    assert platform_of("AWS.Bedrock") == "bedrock"
    assert platform_of("gcp.vertex_ai") == "vertex"
    assert platform_of("azure.ai.inference") == "foundry"
    assert platform_of("some proxy", "openrouter") == "openrouter"


def test_regions_decide_geo_where_ids_do_not() -> None:
    assert bedrock_geo("anthropic.claude-x", "us-gov-west-1") == Geo("us_gov")
    assert region_of("bedrock-runtime.us-gov-west-1.amazonaws.com") == "us-gov-west-1"
    assert vertex_geo("https://x/v1/projects/p/locations/europe-west1/publishers/anthropic") == Geo("regional")
    assert vertex_geo("") == Geo("regional", "geo_assumed")


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:iam::1:user/team/svc", Principal("user/svc", "arn:aws:iam::1:user/team/svc")),
        ("arn:aws:sts::1:assumed-role/R/s", Principal("role/R", "arn:aws:sts::1:assumed-role/R")),
        ("arn:aws:sts::1:assumed-role/R", Principal("role/R", "arn:aws:sts::1:assumed-role/R")),
        ("arn:aws:iam::1:root", Principal("root", "arn:aws:iam::1:root")),
        ("", Principal("", "")),
        ("nonsense", Principal("", "nonsense")),
    ],
)
def test_principals(arn: str, expected: Principal) -> None:
    assert principal_of(arn) == expected


def test_other_providers_are_mentioned_once_and_only_if_there_are_any() -> None:
    left_out = LeftOut()
    assert list(left_out.problems("s", "f")) == []
    left_out.add()
    (problem,) = left_out.problems("s", "f")
    assert (problem.code, problem.message) == ("other-provider", "1 record of other providers was left out")


# shapes


def test_a_converse_request_becomes_a_messages_request() -> None:
    body = {
        "system": [{"text": "Sort."}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
        "messages": [
            {"role": "user", "content": [{"text": "Hi"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "find", "input": {"q": 1}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"text": "42"}]}}]},
        ],
        "inferenceConfig": {"maxTokens": 1024},
        "toolConfig": {"tools": [{"toolSpec": {"name": "find", "inputSchema": {"json": {"type": "object"}}}}]},
        "additionalModelRequestFields": {"thinking": {"type": "adaptive"}},
    }
    assert request_of(body) == {
        "thinking": {"type": "adaptive"},
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "find", "input": {"q": 1}}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "42"}]}],
            },
        ],
        "system": [{"type": "text", "text": "Sort.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "max_tokens": 1024,
        "tools": [{"name": "find", "description": None, "input_schema": {"type": "object"}}],
    }


def test_an_invoke_request_is_a_messages_request_already() -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}], "max_tokens": 5}
    assert request_of(body) is body


def test_a_chat_completions_request_becomes_a_messages_request() -> None:
    body = {
        "model": "sonnet",
        "max_completion_tokens": 300,
        "messages": [
            {"role": "system", "content": "Sort."},
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "t", "function": {"name": "find", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "t", "content": "42"},
        ],
        "tools": [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}],
    }
    assert messages_request(body) == {
        "model": "sonnet",
        "max_tokens": 300,
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "find", "input": "{}"}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "42"}]},
        ],
        "system": [{"type": "text", "text": "Sort."}],
        "tools": [{"name": "find", "description": None, "input_schema": {"type": "object"}}],
    }
    own = {"messages": [{"role": "user", "content": "Hi"}]}
    assert messages_request(own) is own


def test_finish_reasons_are_said_in_one_language() -> None:
    assert [stop_reason_of(x) for x in ("stop", "length", "tool_calls", "end_turn", None)] == [
        "end_turn",
        "max_tokens",
        "tool_use",
        "end_turn",
        "",
    ]


@settings(max_examples=80, deadline=None)
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "messages",
                        "system",
                        "tools",
                        "content",
                        "role",
                        "text",
                        "toolConfig",
                        "toolSpec",
                        "function",
                        "inferenceConfig",
                        "inputSchema",
                        "tool_calls",
                        "cachePoint",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_malformed_requests_never_raise(body: Any) -> None:
    json.dumps(request_of(body))
    if isinstance(body, dict):
        json.dumps(messages_request(body))
