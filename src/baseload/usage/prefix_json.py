"""Prefix-hash traces in JSON: one request a line (Mooncake), or one session a file with its sub-agents inside."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from baseload.usage.prefix_rows import (
    SESSION_BLOCK_TOKENS,
    SOURCE,
    TIMED_BLOCK_TOKENS,
    Blocks,
    RawRows,
    TraceRows,
    last_part_of,
    usable,
)
from baseload.values import Problem

_NAN: Final = float("nan")
_MOST_BLOCK_TOKENS: Final = 1 << 20


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request in any of the spellings; what a spelling lacks is None. `requests` is a sub-agent's own list."""

    trace_id: str | None = None
    session_id: str | None = None
    agent_id: str | None = None
    t: float | None = None
    timestamp: float | None = None
    ttft: float | None = None
    agent_t0: float | None = None
    model: str | None = None
    input_length: float | None = None
    input_tokens: float | None = None
    in_: float | None = msgspec.field(name="in", default=None)
    output_length: float | None = None
    output_tokens: float | None = None
    out: float | None = None
    hash_ids: list[int] | None = None
    input_types: list[str] | None = None
    stop: str | None = None
    block_size: int | None = None
    type: str | None = None
    requests: list[msgspec.Raw] | None = None


class _Session(msgspec.Struct, frozen=True, kw_only=True):
    requests: list[msgspec.Raw]
    id: str = ""
    block_size: int | None = None


_REQUEST: Final = msgspec.json.Decoder(Request)
_SESSION: Final = msgspec.json.Decoder(_Session)


def read_jsonl_trace(path: Path) -> tuple[TraceRows | None, list[Problem]]:
    """The requests of a file with one JSON object a line; None where it holds none."""
    found: list[tuple[int, Request]] = []
    problems: list[Problem] = []
    with path.open("rb") as lines:
        for row, line in enumerate(lines, start=1):
            if line.strip():
                _decode(line, path, row, found, problems)
    return _finished(found, path, problems)


def read_session_trace(path: Path) -> tuple[TraceRows | None, list[Problem]]:
    """The requests of a file that is one session; a sub-agent's requests are a lane of their own.

    Rows are numbered in the order of the file, sub-agents' requests where their agent stands.
    """
    try:
        session = _SESSION.decode(path.read_bytes())
    except (msgspec.DecodeError, RecursionError) as error:
        return None, [_bad(path, 0, "bad-trace-file", f"the trace cannot be read: {_said(error)}")]
    found: list[tuple[int, Request]] = []
    problems: list[Problem] = []
    for raw in session.requests:
        _decode(raw, path, len(found) + len(problems) + 1, found, problems)
    flat = list(_with_agents(found, path, problems))
    named = [
        (row, msgspec.structs.replace(request, trace_id=session.id or path.stem, block_size=session.block_size))
        for row, request in enumerate(flat, start=1)
    ]
    return _finished(named, path, problems)


def _with_agents(found: Sequence[tuple[int, Request]], path: Path, problems: list[Problem]) -> Iterator[Request]:
    for row, request in found:
        if request.requests is None:
            yield request
            continue
        inner: list[tuple[int, Request]] = []
        for raw in request.requests:
            _decode(raw, path, row, inner, problems)
        for _, own in inner:
            yield msgspec.structs.replace(own, agent_id=request.agent_id or f"agent at {row}", agent_t0=request.t)


def _decode(
    data: bytes | msgspec.Raw, path: Path, row: int, found: list[tuple[int, Request]], problems: list[Problem]
) -> None:
    try:
        found.append((row, _REQUEST.decode(data)))
    except (msgspec.DecodeError, RecursionError) as error:
        problems.append(_bad(path, row, "bad-json", f"the request cannot be read: {_said(error)}"))


def _finished(
    found: Sequence[tuple[int, Request]], path: Path, problems: list[Problem]
) -> tuple[TraceRows | None, list[Problem]]:
    if not found:
        return None, problems or [_bad(path, 0, "bad-trace-file", "the trace holds no request")]
    requests = [request for _, request in found]
    timed = all(_session(request) == "" for request in requests)
    sizes = {request.block_size for request in requests if request.block_size}
    size = sizes.pop() if len(sizes) == 1 else TIMED_BLOCK_TOKENS if timed else SESSION_BLOCK_TOKENS
    if not 0 < size <= _MOST_BLOCK_TOKENS:
        return None, [*problems, _bad(path, 0, "bad-trace-file", "the trace states a block size that cannot be")]
    rows, unusable = usable(_raw([row for row, _ in found], requests, size, timed), str(path))
    return rows, [*problems, *unusable]


def _raw(rows: Sequence[int], requests: Sequence[Request], size: int, timed: bool) -> RawRows:
    def texts(values: Iterator[str | None]) -> Any:
        return np.array([value or "" for value in values], dtype=object)

    def numbers(values: Iterator[float | None]) -> Any:
        return np.array([_NAN if value is None else value for value in values], dtype=np.float64)

    start_s = numbers(_start(request) for request in requests)
    ids = [_blocks(request.hash_ids) for request in requests]
    length = np.array([-1 if own is None else len(own) for own in ids], dtype=np.int64)
    return RawRows(
        row=np.array(rows, dtype=np.int64),
        session=texts(_session(request) for request in requests),
        agent=texts(request.agent_id for request in requests),
        start_s=start_s,
        begins_s=start_s + np.maximum(numbers(request.ttft for request in requests), 0),
        model=texts(request.model for request in requests),
        prompt_tokens=numbers(_said_first(r.input_tokens, r.input_length, r.in_) for r in requests),
        output_tokens=numbers(_said_first(r.output_tokens, r.output_length, r.out) for r in requests),
        last_part=texts(last_part_of(request.input_types) for request in requests),
        stop=texts(request.stop for request in requests),
        blocks=np.concatenate([np.empty(0, dtype=np.int64), *(own for own in ids if own is not None)]),
        begin=np.cumsum(np.maximum(length, 0)) - np.maximum(length, 0),
        length=length,
        block_tokens=size,
        timed=timed,
    )


def _session(request: Request) -> str:
    return request.trace_id or request.session_id or ""


def _start(request: Request) -> float | None:
    if request.t is not None:
        return request.t + (request.agent_t0 or 0)
    return None if request.timestamp is None else request.timestamp / 1e3


def _said_first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _blocks(ids: list[int] | None) -> Blocks | None:
    """Ids as an array; None where there are none or one is past 64 bits."""
    if ids is None:
        return None
    try:
        return np.frombuffer(array("q", ids), dtype=np.int64) if ids else np.empty(0, dtype=np.int64)
    except OverflowError:
        return None


def _said(error: Exception) -> str:
    """The decoder's own words: they name fields and kinds, never values."""
    return str(error)[:160]


def _bad(path: Path, row: int, code: str, message: str) -> Problem:
    return Problem(
        source=SOURCE,
        file=str(path),
        row=row,
        code=code,
        message=message,
        expected="timestamp, input_length and hash_ids on every line, or one object with id and requests",
        next_step="The record was left out; export the trace again, or leave it so.",
    )
