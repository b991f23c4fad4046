"""Requests of a prefix-hash trace: what every form of such a file is brought to, checked, ordered, copies dropped.

A lane is (session, agent); a file with absolute time and no session is one lane. Consecutive requests of a lane with
equal block ids are one request that was recorded twice: the first counts, and takes from its copies what it does not
say itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.values import Problem

SOURCE: Final = "prefix_trace"
SESSION_BLOCK_TOKENS: Final = 64
TIMED_BLOCK_TOKENS: Final = 512
MOST_TOKENS: Final = 100_000_000
"""A prompt or an answer beyond it is a broken record."""
MOST_SECONDS: Final = 1e11

Blocks = NDArray[np.int64] | NDArray[np.int32]
Texts = NDArray[Any]


class RawRows(msgspec.Struct, frozen=True, kw_only=True):
    """Requests as a file has them, in its order. NaN = missing or no number; "" = missing text.

    The block ids of a request are `blocks[begin:begin + length]`; length -1 = it has no list. Requests may share
    their ids. `row` is 1-based. Times are seconds; `begins_s` is when the response begins, NaN where unknown. `timed`
    says that the file has absolute time and no session.
    """

    row: NDArray[np.int64]
    session: Texts
    agent: Texts
    start_s: NDArray[np.float64]
    begins_s: NDArray[np.float64]
    model: Texts
    prompt_tokens: NDArray[np.float64]
    output_tokens: NDArray[np.float64]
    last_part: Texts  # "tool_result" | "human" | ""
    stop: Texts  # as logged; "" unknown
    blocks: Blocks
    begin: NDArray[np.int64]
    length: NDArray[np.int64]
    block_tokens: int
    timed: bool


class TraceRows(msgspec.Struct, frozen=True, kw_only=True):
    """Usable requests of one file, ordered by (session, agent, start).

    `blocks[begin:begin + length]` are the ids of a request's whole blocks.
    """

    file: str
    timed: bool
    session: Texts
    agent: Texts
    start_us: NDArray[np.int64]
    begins_us: NDArray[np.int64]
    model: Texts
    prompt_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]
    last_part: Texts
    stop: Texts
    blocks: Blocks
    begin: NDArray[np.int64]
    length: NDArray[np.int64]
    block_tokens: int
    copies: int  # requests left out because they repeat the one before them

    def __len__(self) -> int:
        return len(self.start_us)


def last_part_of(types: Sequence[str] | None) -> str:
    """What a request ends with, from the kinds of content it added: a tool's result, a person's text, or unknown.

    >>> last_part_of(["tool_result"]), last_part_of(["text"]), last_part_of(["text", "tool_result"])
    ('tool_result', 'human', '')
    """
    kinds = set(types or ())
    if "tool_result" in kinds:
        return "" if "text" in kinds else "tool_result"
    return "human" if "text" in kinds else ""


def usable(raw: RawRows, file: str) -> tuple[TraceRows, list[Problem]]:
    """The requests that can be used, one Problem for each that cannot."""
    faults = _faults(raw)
    problems = [
        _problem(file, int(raw.row[index]), *_explained(raw, index, code)) for index, code in enumerate(faults) if code
    ]
    good = np.flatnonzero(faults == "")
    keys = (raw.row[good], raw.start_s[good], _ranks(raw.agent[good]), _ranks(raw.session[good]))
    order = good[np.lexsort(keys)]
    first = _firsts(raw, order)
    return _taken(raw, order, first, file), problems


def _faults(raw: RawRows) -> Texts:
    """A problem code per row, "" where it is usable; the first fault found names it."""
    with np.errstate(invalid="ignore"):
        needed = np.ceil(raw.prompt_tokens / raw.block_tokens)
        checks = (
            ("no-session", (raw.session == "") & (not raw.timed)),
            ("no-time", ~np.isfinite(raw.start_s)),
            ("bad-time", (raw.start_s < 0) | (raw.start_s > MOST_SECONDS)),
            ("no-tokens", ~np.isfinite(raw.prompt_tokens)),
            ("negative-tokens", (raw.prompt_tokens < 0) | (raw.output_tokens < 0)),
            ("too-many-tokens", (raw.prompt_tokens > MOST_TOKENS) | (raw.output_tokens > MOST_TOKENS)),
            ("no-blocks", raw.length < 0),
            ("blocks-beyond-prompt", raw.length > needed),
        )
    faults = np.full(len(raw.row), "", dtype=object)
    for code, wrong in reversed(checks):
        faults[wrong] = code
    return faults


_EXPLANATIONS: Final = {
    "no-session": ("the request names no session", "a trace_id"),
    "no-time": ("the request has no time", "t in seconds or timestamp in milliseconds"),
    "bad-time": ("the time of the request cannot be", f"0 to {MOST_SECONDS:.0e} seconds"),
    "no-tokens": ("the request has no count of input tokens", "a whole number"),
    "negative-tokens": ("the request counts less than no tokens", "0 or more"),
    "too-many-tokens": ("the request counts more tokens than any prompt has", f"at most {MOST_TOKENS:,}"),
    "no-blocks": ("the request has no list of block ids", "hash_ids, a list of whole numbers"),
    "blocks-beyond-prompt": (
        "the blocks of the request are longer than its input",
        "no more blocks than the input has",
    ),
}


def _explained(raw: RawRows, index: int, code: str) -> tuple[str, str, str, str]:
    message, expected = _EXPLANATIONS[code]
    values = {
        "bad-time": f"{raw.start_s[index]:g} s",
        "negative-tokens": f"{raw.prompt_tokens[index]:g} in, {raw.output_tokens[index]:g} out",
        "too-many-tokens": f"{raw.prompt_tokens[index]:g} in, {raw.output_tokens[index]:g} out",
    }
    value = values.get(code, "")
    if code == "blocks-beyond-prompt":
        value = f"{raw.length[index]} blocks of {raw.block_tokens}, {raw.prompt_tokens[index]:g} tokens"
    return code, message, value, expected


def _problem(file: str, row: int, code: str, message: str, value: str, expected: str) -> Problem:
    return Problem(
        source=SOURCE,
        file=file,
        row=row,
        code=code,
        message=message,
        value=value,
        expected=expected,
        next_step="The request was left out; correct the record or leave it so.",
    )


def _ranks(texts: Texts) -> NDArray[np.int64]:
    """The place of each text among the distinct ones, in order."""
    names = {name: rank for rank, name in enumerate(sorted(set(texts.tolist())))}
    return np.array([names[text] for text in texts.tolist()], dtype=np.int64)


def _firsts(raw: RawRows, order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each request, in order, differs from the one before it in its lane."""
    first = np.ones(len(order), dtype=np.bool_)
    session, agent, length = raw.session[order], raw.agent[order], raw.length[order]
    alike = (session[1:] == session[:-1]) & (agent[1:] == agent[:-1]) & (length[1:] == length[:-1])
    for place in np.flatnonzero(alike).tolist():
        before, after = int(raw.begin[order[place]]), int(raw.begin[order[place + 1]])
        size = int(length[place])
        one, other = raw.blocks[before : before + size], raw.blocks[after : after + size]
        first[place + 1] = before != after and not np.array_equal(one, other)
    return first


def _taken(raw: RawRows, order: NDArray[np.int64], first: NDArray[np.bool_], file: str) -> TraceRows:
    kept = order[first]
    prompt = raw.prompt_tokens[kept].astype(np.int64)
    start_us = np.rint(raw.start_s[kept] * 1e6).astype(np.int64)
    begins_s = raw.begins_s[kept]
    sound = np.isfinite(begins_s) & (begins_s >= raw.start_s[kept]) & (begins_s <= MOST_SECONDS)
    begins_us = np.where(sound, np.rint(np.where(sound, begins_s, 0) * 1e6).astype(np.int64), start_us)
    output = np.nan_to_num(raw.output_tokens[kept], nan=0.0).astype(np.int64)
    size = raw.block_tokens
    return TraceRows(
        file=file,
        timed=raw.timed,
        session=raw.session[kept],
        agent=raw.agent[kept],
        start_us=start_us,
        begins_us=begins_us,
        model=raw.model[kept],
        prompt_tokens=prompt,
        output_tokens=output,
        last_part=_completed(raw.last_part[order], first),
        stop=_completed(raw.stop[order], first),
        blocks=raw.blocks,
        begin=raw.begin[kept],
        length=np.minimum(raw.length[kept], prompt // size),
        block_tokens=size,
        copies=len(order) - len(kept),
    )


def _completed(values: Texts, first: NDArray[np.bool_]) -> Texts:
    """The value of each first request; where it says nothing, the first that one of its copies says."""
    kept = np.flatnonzero(first)
    taken = values[kept].copy()
    owner = np.cumsum(first) - 1
    said = np.flatnonzero((values != "") & ~first)
    for place in said[::-1].tolist():
        if values[kept[owner[place]]] == "":
            taken[owner[place]] = values[place]
    return taken
