"""What the tests of `usage` share: a context, files from literals, and reading them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from baseload.usage.read import read_paths
from baseload.usage.reader import ReadContext, Reader
from baseload.usage.source_file import LocalFile
from baseload.values import TOKEN_CLASSES, Call, OrgKey, Problem, parse_timestamp

KEY = OrgKey(b"a key for tests, 32 bytes long..")
NOW_US = parse_timestamp("2026-11-22T12:00:00Z")[0]


def context(**changes: Any) -> ReadContext:
    """A context that resolves every model to itself."""
    return ReadContext(**({"org_key": KEY, "resolve_model": lambda raw: raw} | changes))


def jsonl(*records: Any) -> bytes:
    """JSON lines, compact; bytes and text go in as they are."""
    lines = [
        record if isinstance(record, bytes) else record.encode() if isinstance(record, str) else _compact(record)
        for record in records
    ]
    return b"".join(line + b"\n" for line in lines)


def _compact(record: Any) -> bytes:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def read_file(reader: Reader, path: Path, **changes: Any) -> tuple[list[Call], list[Problem]]:
    """One file through one reader, without detection."""
    file = LocalFile(path)
    file.source = reader.name
    try:
        return split(reader.read(file, context(**changes)))
    finally:
        file.close()


def read_all(*paths: Path, **options: Any) -> tuple[list[Call], list[Problem]]:
    """Paths as a command reads them, with detection."""
    results = read_paths(paths, options.pop("context", context()), as_of_us=NOW_US, **options)
    return split(record for result in results for record in result.records)


def split(records: Iterable[Call | Problem]) -> tuple[list[Call], list[Problem]]:
    kept = list(records)
    return [r for r in kept if isinstance(r, Call)], [r for r in kept if isinstance(r, Problem)]


def classes(call: Call) -> tuple[int, ...]:
    """(uncached, read, 5m write, 1h write, output)."""
    return tuple(getattr(call, name) for name in TOKEN_CLASSES)


def codes(problems: Sequence[Problem]) -> list[str]:
    return [problem.code for problem in problems]


def usage(**counts: Any) -> dict[str, Any]:
    """A provider's usage object."""
    return {"input_tokens": 10, "output_tokens": 20} | counts


def response_line(message_id: str = "msg_01", output: int = 20, **changes: Any) -> dict[str, Any]:
    """A Claude Code transcript line holding a response."""
    message: Mapping[str, Any] = {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": "Done."}],
        "stop_reason": None,
        "usage": usage(output_tokens=output) | changes.pop("usage", {}),
    }
    line = {
        "parentUuid": "p1",
        "isSidechain": False,
        "cwd": "/home/ada/shop",
        "sessionId": "s1",
        "version": "2.0.14",
        "message": {**message, **changes.pop("message", {})},
        "requestId": f"req_{message_id}",
        "type": "assistant",
        "uuid": f"u-{message_id}-{output}",
        "timestamp": "2026-09-03T00:52:35.576Z",
    }
    return {name: value for name, value in (line | changes).items() if value is not ...}
