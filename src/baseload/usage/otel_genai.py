"""OpenTelemetry GenAI spans as OTLP JSON: one chat span is one call.

The conventions say that `gen_ai.usage.input_tokens` includes cached tokens; instrumentations in the wild write both
(usage-sources 1.2), so the numbers of one scope, provider and model decide, and stay flagged where they cannot. Agent
spans repeat the sums of their children, and frameworks wrap a chat span around a client library's: only the innermost
chat span counts. No span says the TTL of a write or the service tier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from baseload.usage.conventions import Draft, settle
from baseload.usage.normal import BadRecord, problem
from baseload.usage.otel_span import CHAT, SOURCE, chat_kind, draft_of
from baseload.usage.otlp import Entry, entries, text
from baseload.usage.providers import LeftOut
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.values import Problem

NAME: Final = SOURCE
_MARKS: Final = (b"gen_ai.", b"llm.", b"openinference.")


class _SpanId(NamedTuple):
    trace: str
    span: str


def recognise(head: bytes, _name: str) -> int:
    """2 for OTLP spans with attributes of a GenAI convention."""
    if b'"resourceSpans"' not in head:
        return 0
    return 2 if any(mark in head for mark in _MARKS) else 1


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """Calls of the file's innermost chat spans; spans without an answer are calls with `requests` 0."""
    left_out = LeftOut()
    yield from settle(_drafts(file, context, left_out), documented="all")
    yield from left_out.problems(NAME, file.path)


def _drafts(file: SourceFile, context: ReadContext, left_out: LeftOut) -> Iterator[Draft | Record]:
    """Drafts of the innermost chat spans. The whole file comes first: a parent may stand before or after its child."""
    parents: dict[_SpanId, _SpanId] = {}
    chats: dict[_SpanId, Draft | Problem | None] = {}
    number = faults = 0
    for number, entry in enumerate(entries(file, NAME, "resourceSpans"), start=1):
        if isinstance(entry, Problem):
            faults += 1
            yield entry
            continue
        trace = text(entry.record, "traceId")
        own = _SpanId(trace, text(entry.record, "spanId") or f"span without id {number}")
        parents[own] = _SpanId(trace, text(entry.record, "parentSpanId"))
        if chat_kind(entry) == CHAT:
            chats[own] = _read_span(entry, file.path, context)
    if number and not chats and not faults:
        yield _no_chats(file.path, number)
    for draft in _innermost(chats, parents):
        if draft is None:
            left_out.add()
        else:
            yield draft


def _read_span(entry: Entry, path: str, context: ReadContext) -> Draft | Problem | None:
    try:
        return draft_of(entry, path, context)
    except BadRecord as bad:
        return bad.problem(NAME, path, entry.row)


def _innermost(
    chats: Mapping[_SpanId, Draft | Problem | None], parents: Mapping[_SpanId, _SpanId]
) -> Iterator[Draft | Problem | None]:
    """The chat spans with no usable chat span below them; a bad one inside a usable one is not missed."""
    wrapping = {above for own in chats if not isinstance(chats[own], Problem) for above in _above(own, chats, parents)}
    for own, found in chats.items():
        inside = isinstance(found, Problem) and any(
            not isinstance(chats[above], Problem) for above in _above(own, chats, parents)
        )
        if own not in wrapping and not inside:
            yield found


def _above(own: _SpanId, chats: Mapping[_SpanId, object], parents: Mapping[_SpanId, _SpanId]) -> Iterator[_SpanId]:
    """The chat spans around a span, nearest first; none where parents form a loop, so that no span is lost to it."""
    around = [own]
    while (above := parents[around[-1]]) in parents:
        if above in around:
            return
        around.append(above)
    yield from (above for above in around[1:] if above in chats)


def _no_chats(path: str, spans: int) -> Problem:
    return problem(
        NAME,
        path,
        0,
        "no-chat-spans",
        "None of the file's spans is a call of a model",
        value=spans,
        expected="spans with gen_ai.operation.name chat",
        next_step="Instrument the client library (docs/reference/sources/otel_genai.md), or leave the file out.",
    )


READER: Final = Reader(name=NAME, recognise=recognise, read=read)
"""Not appendable: a span's parents may have been read in an earlier run."""
