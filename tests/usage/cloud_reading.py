"""Reading literals through a reader as the product does: a real file, a fixed key, a resolver that knows few names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from baseload.usage.reader import ReadContext, Reader
from baseload.usage.source_file import LocalFile
from baseload.values import Call, OrgKey, Problem

KEY = OrgKey(b"a key of the tests")

MODELS = {
    "claude-sonnet-4-20250514": "claude-sonnet-4-20250514",
    "anthropic.claude-sonnet-4-20250514-v1:0": "claude-sonnet-4-20250514",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "claude-sonnet-4-5@20250929": "claude-sonnet-4-5-20250929",
    "claude-sonnet-4-5-20250929": "claude-sonnet-4-5-20250929",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0": "claude-sonnet-4-5-20250929",
    "global.anthropic.claude-sonnet-4-5-20250929-v1:0": "claude-sonnet-4-5-20250929",
    "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0": "claude-sonnet-4-5-20250929",
    "anthropic/claude-sonnet-4.5": "claude-sonnet-4-5-20250929",
    "Claude Sonnet 4.5": "claude-sonnet-4-5-20250929",
    "Claude Sonnet 4.6": "claude-sonnet-4-6",
    "Claude Opus 5.5": "claude-opus-5-5",
    "anthropic/claude-4.6-sonnet-20260217": "claude-sonnet-4-6",
    "anthropic/claude-opus-4.7": "claude-opus-4-7",
    "claude-opus-5": "claude-opus-5",
    "claude-opus-4-6": "claude-opus-4-6",
    "claude-opus-4": "claude-opus-4-20250514",
    "claude-sonnet-5-5": "claude-sonnet-5-5",
}


def context(*, account: str = "", aliases: Mapping[str, str] | None = None, features: bool = True) -> ReadContext:
    """A run's context; `aliases` adds what a user maps in baseload.toml."""
    names = {**MODELS, **(aliases or {})}
    return ReadContext(
        org_key=KEY, resolve_model=lambda raw: names.get(raw, ""), account=account, want_features=features
    )


def read_path(reader: Reader, path: Path, run: ReadContext | None = None) -> tuple[list[Call], list[Problem]]:
    """Calls and problems of a file, in order; every record survives the ledger's own types."""
    calls: list[Call] = []
    problems: list[Problem] = []
    with closing(LocalFile(path, shown=path.name)) as file:
        records = list(reader.read(file, run or context()))
    for record in records:
        if isinstance(record, Call):
            calls.append(msgspec.convert(msgspec.to_builtins(record), Call))
        else:
            problems.append(record)
    return calls, problems


def read_bytes(
    reader: Reader, data: bytes, folder: Path, *, name: str = "export.jsonl", run: ReadContext | None = None
) -> tuple[list[Call], list[Problem]]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return read_path(reader, path, run)


def read_rows(
    reader: Reader, rows: Iterable[Any], folder: Path, *, name: str = "export.jsonl", run: ReadContext | None = None
) -> tuple[list[Call], list[Problem]]:
    """The same for rows written as JSON lines; a bytes row is written as it is."""
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    return read_bytes(reader, b"\n".join(lines) + b"\n", folder, name=name, run=run)


def classes(call: Call) -> tuple[int, int, int, int, int]:
    """Uncached, read, write 5m, write 1h, output: the order of TOKEN_CLASSES."""
    return (
        call.uncached_input_tokens,
        call.cache_read_tokens,
        call.cache_write_5m_tokens,
        call.cache_write_1h_tokens,
        call.output_tokens,
    )


def recognises(reader: Reader, path: Path) -> int:
    """The reader's score for a file, as detection computes it."""
    with closing(LocalFile(path)) as file:
        return reader.recognise(file.head(), path.name)
