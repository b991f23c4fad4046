"""The gateway's own call log: segments of checksummed lines, a start and an end for each attempt.

Rules are in `gateway_records` (the lines), `gateway_pairs` (start and end) and `gateway_rows` (rows); the page is
docs/reference/sources/gateway_log.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from baseload.usage.fields import BadRecord
from baseload.usage.gateway_pairs import Pair, Pairing, Placed, record_at
from baseload.usage.gateway_rows import NAME, NOT_SETTLED, calls_of
from baseload.usage.normal import NULL_TOKENS, null_tokens
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.values import Problem

_HEAD: Final = re.compile(rb'[0-9a-f]{8} \{"type":"head","schema":"baseload\.gateway_log/')


def recognise(head: bytes, name: str) -> int:
    del name
    return 2 if _HEAD.match(head) else 0


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """Rows of every attempt that ended, then of those in flight; read whole, since a start may end later."""
    pairing = Pairing()
    said_null = False
    not_settled = 0
    for line in file.lines():
        if isinstance(line, Problem):
            yield line
        elif line.data:
            try:
                pair = pairing.take(Placed(line.row, record_at(line.data)))
                for call in calls_of(pair, context, file.path) if pair else ():
                    yield call
                    if NULL_TOKENS in call.flags and not said_null:
                        said_null = True
                        yield null_tokens().problem(NAME, file.path, line.row)
                    not_settled += NOT_SETTLED in call.flags and call.requests != 0
                    if "unmetered" in call.flags:
                        yield _unmetered().problem(NAME, file.path, line.row)
            except BadRecord as bad:
                yield bad.problem(NAME, file.path, line.row)
    if not_settled:
        yield _not_settled(not_settled).problem(NAME, file.path, 0)
    yield from _rest(pairing, file.path, context)


def _rest(pairing: Pairing, file: str, context: ReadContext) -> Iterator[Record]:
    """What the segment leaves open, and what the gateway says it could not write."""
    in_flight = pairing.in_flight()
    for pair in in_flight:
        yield from calls_of(pair, context, file)
    if open_now := (in_flight if pairing.seal else list(pairing.open)):
        yield _in_flight(open_now, sealed=pairing.seal is not None).problem(NAME, file, 0)
    dropped = sum(count for note in pairing.notes if isinstance(count := note.values.get("dropped"), int))
    if dropped:
        yield _dropped(dropped).problem(NAME, file, 0)


def _unmetered() -> BadRecord:
    return BadRecord(
        "no-usage",
        "The answer's usage was not seen: its tokens are not known",
        expected="an answer that came as far as its usage, uncompressed or gzipped",
        next_step="A caller that left, an upstream that broke off or an unknown encoding are the usual reasons.",
    )


def _not_settled(calls: int) -> BadRecord:
    return BadRecord(
        "not-settled",
        "Answers that ended before their final usage: what was seen is counted, and is the least they cost",
        value=calls,
        expected="an answer read to its end",
        next_step="Callers that leave streams early are the usual reason; compare with the provider's report.",
    )


def _in_flight(calls: list[Pair] | list[int], *, sealed: bool) -> BadRecord:
    after = "they never ended" if sealed else "the segment is still written, or its gateway was not started again"
    return BadRecord(
        "in-flight",
        f"Calls that started and have no end: their cost is not known ({after})",
        value=len(calls),
        expected="an end record for every start",
        next_step="They count as requests without tokens; compare with the provider's report."
        if sealed
        else "Read the log again later, or start the gateway on this folder: it seals what a crash left open.",
    )


def _dropped(records: int) -> BadRecord:
    return BadRecord(
        "dropped-records",
        "The gateway could not write records, most likely on a full disk: their calls are missing here",
        value=records,
        expected="0",
        next_step="Compare with the provider's report; give the log more room, or let the policy refuse instead.",
    )


READER: Final = Reader(name=NAME, recognise=recognise, read=read)
