"""Reading literal reports through a reader: a real file, a fixed key, a resolver of the few names used here."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import closing
from pathlib import Path
from typing import Any

from baseload.usage.reader import ReadContext, Reader
from baseload.usage.source_file import LocalFile
from baseload.values import Call, OrgKey, Problem

KEY = OrgKey(b"a key of the report tests")
DISPLAY = {
    "Claude Haiku 4.5": "claude-haiku-4-5-20251001",
    "Claude Opus 4.6": "claude-opus-4-6",
    "Claude Sonnet 4.6": "claude-sonnet-4-6",
    "Claude Sonnet 4.5": "claude-sonnet-4-5-20250929",
    "Claude 3.5 Sonnet 2024-10-22": "claude-3-5-sonnet-20241022",
    "anthropic.claude-opus-4-6-v1": "claude-opus-4-6",
    "Claude Opus 5.5": "claude-opus-5-5",
}
KNOWN = {"claude-opus-5-5", "claude-opus-4-6", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-sonnet-4-6"}


def resolve(raw: str) -> str:
    if raw in DISPLAY:
        return DISPLAY[raw]
    return (
        raw if raw in KNOWN or raw.startswith(("claude-sonnet-4-2025", "claude-3-5-haiku", "claude-haiku-4-5")) else ""
    )


def context(account: str = "") -> ReadContext:
    return ReadContext(org_key=KEY, resolve_model=resolve, account=account)


def read_path(reader: Reader, path: Path, account: str = "") -> tuple[list[Call], list[Problem]]:
    with closing(LocalFile(path, shown=path.name)) as file:
        records = list(reader.read(file, context(account)))
    calls = [record for record in records if isinstance(record, Call)]
    return calls, [record for record in records if isinstance(record, Problem)]


def read_text(
    reader: Reader, text: str | bytes, folder: Path, name: str = "export.csv", account: str = ""
) -> tuple[list[Call], list[Problem]]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_path(reader, path, account)


def read_json(
    reader: Reader, value: Any, folder: Path, name: str = "report.json", account: str = ""
) -> tuple[list[Call], list[Problem]]:
    return read_text(reader, json.dumps(value), folder, name, account)


def score(reader: Reader, path: Path) -> int:
    with closing(LocalFile(path)) as file:
        return reader.recognise(file.head(), path.name)


def classes(call: Call) -> tuple[int, int, int, int, int]:
    """Uncached, read, write 5m, write 1h, output."""
    return (
        call.uncached_input_tokens,
        call.cache_read_tokens,
        call.cache_write_5m_tokens,
        call.cache_write_1h_tokens,
        call.output_tokens,
    )


def micros(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp()) * 1_000_000


def codes(problems: list[Problem]) -> list[str]:
    return [problem.code for problem in problems]
