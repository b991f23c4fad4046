"""Which source a file comes from, told from its content; `--source` overrules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from baseload.errors import UsageError
from baseload.usage import (
    admin_api,
    analytics_api,
    batches,
    bedrock_log,
    claude_code,
    claude_code_bodies,
    claude_code_otel,
    console_csv,
    cur,
    focus,
    gateway_log,
    helicone,
    langfuse,
    litellm,
    message_streams,
    messages,
    openrouter,
    otel_genai,
    vertex,
)
from baseload.usage.reader import READER_FAULTS, Reader

READERS: Final[tuple[Reader, ...]] = (
    gateway_log.READER,
    claude_code.READER,
    claude_code_bodies.READER,
    batches.READER,
    message_streams.READER,
    analytics_api.READER,
    admin_api.READER,
    console_csv.READER,
    bedrock_log.READER,
    cur.READER,
    vertex.READER,
    litellm.READER,
    claude_code_otel.READER,
    otel_genai.READER,
    langfuse.READER,
    helicone.READER,
    openrouter.READER,
    focus.READER,
    messages.READER,
)
"""Every reader; where two are equally sure the earlier one has it."""


def detect(head: bytes, name: str, readers: Sequence[Reader] = READERS) -> Reader | None:
    """The reader that is surest of a file, by its first 64 KiB and its name; None when none is."""
    best, best_score = None, 0
    for reader in readers:
        score = _score(reader, head, name)
        if score > best_score:
            best, best_score = reader, score
        if score >= 2:
            break
    return best


def _score(reader: Reader, head: bytes, name: str) -> int:
    """How sure a reader is; a head it trips over is not its."""
    try:
        return reader.recognise(head, name)
    except READER_FAULTS:
        return 0


def reader_named(name: str, readers: Sequence[Reader] = READERS) -> Reader:
    """The reader `--source` names. Raises UsageError listing them all."""
    for reader in readers:
        if reader.name == name:
            return reader
    raise UsageError(f"--source {name!r} is not a source; expected one of {', '.join(r.name for r in readers)}")
