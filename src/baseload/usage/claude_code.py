"""Claude Code transcripts: `<project>/<session>.jsonl`, sub-agents below it. One row per response, whatever its copies.

A response is written as one to nine lines of the same message id; forks and resumed sessions copy lines into other
files; sub-agents replay them under new request ids. The call is the most complete copy (`normal.completeness_rank`:
original before replay, then most tokens; of equal copies the earliest), taken whole. Output is partial where every
copy is: such calls carry the flag `output_suspect`. docs/reference/sources/claude-code.md says what is included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import PurePath
from typing import Any, Final, NamedTuple

import msgspec

from baseload.usage.capabilities import LONG_PROMPT_TOKENS
from baseload.usage.claude_code_lines import (
    Message,
    Response,
    Usage,
    composite_of,
    counts_of,
    is_composite,
    response_lines,
    response_of,
)
from baseload.usage.features import FEATURES_VERSION, session_fp
from baseload.usage.fields import BadRecord, time_field
from baseload.usage.normal import (
    Part,
    call_id,
    completeness_rank,
    derived_call_id,
    geo_of,
    join_flags,
    speed_of,
    tier_of,
)
from baseload.usage.reader import Line, ReadContext, Reader, Record, SourceFile
from baseload.values import Call, Problem, Tokens, nano_from_usd

NAME: Final = "claude_code"
AGENT: Final = "claude-code"
SUBAGENT: Final = "claude-code-subagent"
CUES: Final = "code,system,tools"
"""Every Claude Code request has a system prompt and tools, and its task is code; transcripts show no more."""
SUSPECT_FACTOR: Final = 4
"""Output is suspect when a line's own text implies more than four times the tokens logged (usage-sources 0.3)."""
_CHARS_PER_TOKEN: Final = 4
_KINDS = re.compile(rb'"type": ?"(?:assistant|user|summary|file-history-snapshot|queue-operation)"')
_NOT_SLUG = re.compile(r"[^A-Za-z0-9]")
_decode_content = msgspec.json.Decoder(list[dict[str, Any]] | str).decode


class Copy(NamedTuple):
    """The best copy of a response so far, without its content."""

    rank: int
    start_us: int
    row: int
    line: Response
    message: Message
    usage: Usage
    tokens: Tokens
    parts: tuple[Part, ...]
    flags: str


def recognise(head: bytes, name: str) -> int:
    """2 for lines with a transcript's own fields, 1 for lines that merely could be some."""
    if not _KINDS.search(head):
        return 0
    if b'"sessionId"' in head and (b'"parentUuid"' in head or b'"isSidechain"' in head):
        return 2
    is_lines = name.lower().endswith((".jsonl", ".jsonl.gz"))
    return int(is_lines and any(mark in head for mark in (b'"leafUuid"', b'"sessionId"', b'"cache_read_input_tokens"')))


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """One Call per response of the file, and one more per part billed at another model."""
    best: dict[str, Copy] = {}
    for line in response_lines(file):
        if isinstance(line, Problem):
            yield line
            continue
        try:
            found = response_of(line.data)
            if found is not None:
                _keep_best(best, line, *found)
        except BadRecord as bad:
            yield bad.problem(NAME, file.path, line.row)
    labels = _Labels(file.path, project_slug(file.path), context)
    for copy in best.values():
        yield from labels.calls_of(copy)


def identity(line: Response, message: Message) -> str:
    """What all copies of a response share: its message id, else its request id, else the line's own id."""
    if message.id:
        return call_id(message_id=message.id)
    if line.requestId or line.uuid:
        return call_id(request_id=line.requestId or "", source=NAME, native_id=line.uuid or "")
    counted = msgspec.json.encode([line.timestamp, line.sessionId, message.model, message.usage])
    return call_id(source=NAME, content=counted)


def _keep_best(best: dict[str, Copy], raw: Line, line: Response, message: Message, usage: Usage) -> None:
    """Remember a copy of a response if it is the first or beats the one held. Raises BadRecord."""
    uncached, read_, write_5m, write_1h, output, ttl_unknown = counts_of(usage)
    total, parts, flags = uncached + read_ + write_5m + write_1h + output, (), ["ttl_unknown"] if ttl_unknown else []
    if is_composite(usage):
        whole = composite_of(raw.data)
        tokens, parts, flags = whole.tokens, whole.extra, list(whole.flags)
        total = tokens.total_tokens + sum(part.tokens.total_tokens for part in parts)
    else:
        tokens = None
    rank = completeness_rank(total, original=not line.isSidechain, detail=0 if ttl_unknown else 1)
