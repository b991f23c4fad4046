"""Each cloud, gateway and tracing reader knows its own files, and leaves everybody else's alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from cloud_reading import recognises

from baseload.usage import (
    bedrock_log,
    claude_code_otel,
    cur,
    helicone,
    langfuse,
    litellm,
    openrouter,
    otel_genai,
    vertex,
)

READERS = [
    module.READER
    for module in (bedrock_log, claude_code_otel, cur, helicone, langfuse, litellm, openrouter, otel_genai, vertex)
]
SAMPLES = {
    "bedrock/invocation_log_samples.jsonl": "bedrock_log",
    "bedrock/recorded_runtime_calls.jsonl": "bedrock_log",
    "bedrock/cur2_rows.csv": "cur",
    "vertex/request_response_logging_constructed.jsonl": "vertex",
    "litellm/spend_logs_rows.jsonl": "litellm",
    "litellm/standard_logging_payload.json": "litellm",
    "otel/claude_code_api_request_logs.json": "claude_code_otel",
    "otel/otlp_genai_span.json": "otel_genai",
    "langfuse/framework-traces/claude-agent-2025-12-22.trace.json": "langfuse",
    "helicone/helicone_request_constructed.jsonl": "helicone",
    "openrouter/activity_daily_2026-05.csv": "openrouter",
    "openrouter/activity_per_generation_constructed.csv": "openrouter",
}
OTHERS = ("anthropic-*/**/*.*", "claude-code/**/*.jsonl", "claude-cookbooks/*.csv", "focus/*.csv", "tau-bench/*.json*")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_surely_its_own_readers_and_nobody_elses(shared_data: Path, name: str) -> None:
    scores = {reader.name: recognises(reader, shared_data / "usage" / name) for reader in READERS}
    assert {reader for reader, score in scores.items() if score} == {SAMPLES[name]}
    assert scores[SAMPLES[name]] == 2


@pytest.mark.parametrize("pattern", OTHERS)
def test_other_sources_files_are_left_alone(shared_data: Path, pattern: str) -> None:
    files = [path for path in (shared_data / "usage").glob(pattern) if path.is_file()]
    assert files
    claimed = [(path.name, reader.name) for path in files for reader in READERS if recognises(reader, path)]
    assert claimed == []


@pytest.mark.parametrize("head", [b"", b"\x00\xff\xfe", b"{", b"[", b"a,b,c\n1,2,3", b'{"type":"assistant"}'])
def test_a_head_of_anything_else_is_nobodys(head: bytes) -> None:
    assert [reader.name for reader in READERS if reader.recognise(head, "x.jsonl")] == []


def test_names_are_unique_and_stable() -> None:
    assert sorted(reader.name for reader in READERS) == [
        "bedrock_log",
        "claude_code_otel",
        "cur",
        "helicone",
        "langfuse",
        "litellm",
        "openrouter",
        "otel_genai",
        "vertex",
    ]
