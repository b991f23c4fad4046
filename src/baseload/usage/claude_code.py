"""Claude Code transcripts: `<project>/<session>.jsonl`, sub-agents below it. One row per response, whatever its copies.

A response is written as one to nine lines of the same message id; forks and resumed sessions copy lines into other
files; sub-agents replay them under new request ids. The call is the most complete copy (`normal.completeness_rank`:
original before replay, then most tokens; of equal copies the earliest), taken whole. Output is partial where every
copy is: such calls carry the flag `output_suspect`. docs/reference/sources/claude_code.md says what is included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import InvalidOperation
from typing import Any, Final, NamedTuple

import msgspec

from baseload.usage.capabilities import LONG_PROMPT_TOKENS
from baseload.usage.claude_code_files import project_slug, recognise, workspace_of
from baseload.usage.claude_code_lines import (
    SOURCE,
    Found,
    Message,
    OtherModels,
    Response,
    Usage,
    composite_of,
    content_key,
    counts_of,
    identity,
    is_composite,
    responses,
)
from baseload.usage.features import FEATURES_VERSION, session_fp
from baseload.usage.fields import UNDECODABLE, BadRecord, time_field
from baseload.usage.normal import (
    NULL_TOKENS,
    Part,
    completeness_rank,
    derived_call_id,
    geo_of,
    join_flags,
    null_tokens,
    speed_of,
    tier_of,
    totals_of,
)
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.values import TOKEN_CLASSES, Call, Problem, nano_from_usd

NAME: Final = SOURCE
AGENT: Final = "claude-code"
SUBAGENT: Final = "claude-code-subagent"
CUES: Final = "code,system,tools"
"""Every Claude Code request has a system prompt and tools, and its task is code; transcripts show no more."""
SUSPECT_FACTOR: Final = 4
"""Output is suspect when a line's own text implies more than four times the tokens logged (usage-sources 0.3)."""
_CHARS_PER_TOKEN: Final = 4
_NO_CONTENT: Final = msgspec.Raw(b"")
_decode_content = msgspec.json.Decoder(list[dict[str, Any]] | str).decode


class Copy(NamedTuple):
    """The best copy of a response so far; its content only where it may have to be looked into."""

    rank: int
    start_us: int
    row: int
    line: Response
    message: Message
    usage: Usage
    counts: Sequence[int]  # in the order of TOKEN_CLASSES
    parts: tuple[Part, ...]
    flags: tuple[str, ...]


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """One Call per response of the file, and one more per part billed at another model."""
    best: dict[str, Copy] = {}
    others = OtherModels(context.resolve_model)
    said_null = False
    for found in responses(file):
        if isinstance(found, Problem):
            yield found
            continue
        if others.took(found):
            continue
        if found.has_nulls and not said_null:
            said_null = True
            yield null_tokens().problem(NAME, file.path, found.row)
        try:
            _keep_best(best, found)
        except BadRecord as bad:
            yield bad.problem(NAME, file.path, found.row)
    yield from others.problems(file.path)
    rows = _Rows(file.path, context)
    for copy in best.values():
        yield from rows.calls_of(copy)


def _keep_best(best: dict[str, Copy], found: Found) -> None:
    """Remember a copy of a response if it is the first or beats the one held. Raises BadRecord."""
    row, line, message, usage, has_nulls = found
    *counts, ttl_unknown = counts_of(usage)
    total = sum(counts)
    parts: tuple[Part, ...] = ()
    flags: tuple[str, ...] = ("ttl_unknown",) if ttl_unknown else ()
    if is_composite(usage):
        whole = composite_of(message, usage)
        counts = [getattr(whole.tokens, name) for name in TOKEN_CLASSES]
        total, parts, flags = totals_of(whole), whole.extra, whole.flags
        ttl_unknown = "ttl_unknown" in flags
    rank = completeness_rank(total, original=not line.isSidechain, detail=0 if ttl_unknown else 1)
    start_us, naive = time_field(line.timestamp, "timestamp")
    key = message.id or line.requestId or line.uuid or content_key(line, message, usage)
    held = best.get(key)
    if held is not None and (held.rank, -held.start_us) >= (rank, -start_us):
        return
    if naive:
        flags += ("naive_time",)
    if has_nulls:
        flags += (NULL_TOKENS,)
    is_long = len(message.content) > _most_chars(counts[4])
    message.content = message.content.copy() if is_long else _NO_CONTENT  # uncopied it would keep the block in memory
    best[key] = Copy(rank, start_us, row, line, message, usage, counts, parts, flags)


def is_suspect(content: msgspec.Raw, output_tokens: int) -> bool:
    """True when the text of one line implies far more output than was logged for the whole response."""
    most_chars = _most_chars(output_tokens)
    if len(content) <= most_chars:
        return False
    try:
        blocks = _decode_content(content)
    except UNDECODABLE:
        return False
    return (len(blocks) if isinstance(blocks, str) else sum(map(_chars_of, blocks))) > most_chars


def _most_chars(output_tokens: int) -> int:
    return SUSPECT_FACTOR * _CHARS_PER_TOKEN * output_tokens


def _chars_of(block: dict[str, Any]) -> int:
    text = block.get("text") or block.get("thinking")
    if isinstance(text, str):
        return len(text)
    return len(msgspec.json.encode(block["input"])) if "input" in block else 0


class _Rows:
    """Turns copies into rows; what is the same for a file or a session is worked out once."""

    def __init__(self, path: str, context: ReadContext) -> None:
        self._path = path
        self._slug = project_slug(path)
        self._context = context
        self._sessions: dict[str, str] = {}

    def calls_of(self, copy: Copy) -> Iterator[Call]:
        identifier = identity(copy.line, copy.message, copy.usage)
        flags = join_flags(*copy.flags)
        own = join_flags(*copy.flags, "output_suspect") if is_suspect(copy.message.content, copy.counts[4]) else flags
        yield self._call(copy, identifier, copy.message.model or "", copy.counts, own, requests=1)
        for part in copy.parts:
            counts = [getattr(part.tokens, name) for name in TOKEN_CLASSES]
            part_id = derived_call_id(identifier, f"{part.kind}:{part.model}")
            yield self._call(copy, part_id, part.model, counts, flags, requests=0)

    def _call(
        self, copy: Copy, identifier: str, model: str, counts: Sequence[int], flags: str, *, requests: int
    ) -> Call:
        line, usage = copy.line, copy.usage
        own = requests == 1
        server = usage.server_tool_use if own else None
        details = usage.output_tokens_details if own else None
        return Call(
            call_id=identifier,
            rank=copy.rank,
            source=NAME,
            account=self._context.account,
            source_file=self._path,
            source_row=copy.row,
            flags=flags,
            requests=requests,
            start_us=copy.start_us,
            workspace=workspace_of(self._slug, line.cwd or ""),
            agent=SUBAGENT if line.isSidechain or line.agentId else AGENT,
            model_raw=model,
            model=self._context.resolve_model(model),
            geo=geo_of(usage.inference_geo),
            tier=tier_of(usage.service_tier),
            speed=speed_of(usage.speed),
            stop_reason=copy.message.stop_reason or "",
            uncached_input_tokens=counts[0],
            cache_read_tokens=counts[1],
            cache_write_5m_tokens=counts[2],
            cache_write_1h_tokens=counts[3],
            output_tokens=counts[4],
            thinking_tokens=details.thinking_tokens if details else None,
            web_search_requests=server.web_search_requests or 0 if server else 0,
            web_fetch_requests=server.web_fetch_requests or 0 if server else 0,
            features_version=FEATURES_VERSION,
            session_id=self._session(line.sessionId or ""),
            request_features=_features(usage, sum(counts[:4])),
            task_cues=CUES,
            reported_cost_nano_usd=_cost(line.costUSD) if own else None,
        )

    def _session(self, session: str) -> str:
        found = self._sessions.get(session)
        if found is None:
            found = self._sessions[session] = session_fp(self._context.org_key, session)
        return found


def _features(usage: Usage, prompt_tokens: int) -> str:
    """The capability rows that can be told from the counts alone."""
    return join_flags(
        "prompt_over_200k" if prompt_tokens > LONG_PROMPT_TOKENS else "",
        "cache_control" if usage.cache_read_input_tokens or usage.cache_creation_input_tokens else "",
        "fast" if usage.speed == "fast" else "",
        "inference_geo" if usage.inference_geo == "us" else "",
    )


def _cost(written: msgspec.Raw) -> int | None:
    """Claude Code's own estimate, which old versions wrote; None where it is absent or no number."""
    text = bytes(written).decode("ascii", "replace")
    if not text or text == "null":
        return None
    try:
        return nano_from_usd(text)
    except InvalidOperation:
        return None


READER: Final = Reader(name=NAME, recognise=recognise, read=read, appendable=True)
