"""From the requests of trace files to one `Trace`: lanes, sessions in order of their name, models of the price book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from baseload.errors import UsageError
from baseload.levers.cache.trace import EndsWith, Stop, Trace
from baseload.usage.prefix_rows import TraceRows
from baseload.values import Problem

_ENDS: Final = {"tool_result": EndsWith.TOOL_RESULT, "human": EndsWith.HUMAN}
_STOPS: Final = {"": Stop.UNKNOWN, "tool_use": Stop.TOOL_USE, "end_turn": Stop.END_TURN}
_UNPRICED: Final = "the price book has no price for a model of that name"


def build_trace(
    files: Sequence[TraceRows], resolve: Callable[[str], str], *, model: str = ""
) -> tuple[Trace | None, list[Problem]]:
    """One trace of all files' requests; None where none is left.

    `resolve` gives the price book's id of a model name, "" for an unknown one: its requests are left out with one
    Problem a name. `model` puts every request on that model instead, whatever it names. A session is a (file,
    session) pair: one of the same name in two files is two sessions. Raises UsageError for files of different kinds.
    """
    _same_kind(files)
    problems = _shared_sessions(files)
    known: list[tuple[TraceRows, NDArray[np.int64], list[str]]] = []
    for rows in files:
        names = [model] * len(rows) if model else [resolve(name) for name in rows.model.tolist()]
        kept = np.array([index for index, name in enumerate(names) if name], dtype=np.int64)
        problems += _unknown(rows, names)
        known.append((rows, kept, [names[index] for index in kept.tolist()]))
    if not any(len(kept) for _, kept, _ in known):
        return None, problems
    return _built(known), problems


def _same_kind(files: Sequence[TraceRows]) -> None:
    kinds = {(rows.timed, rows.block_tokens) for rows in files}
    if len(kinds) > 1:
        listed = ", ".join(
            f"{'one lane' if timed else 'sessions'} in blocks of {size}" for timed, size in sorted(kinds)
        )
        raise UsageError(f"these traces are of different kinds ({listed}). Give traces of one kind at a time.")


def _shared_sessions(files: Sequence[TraceRows]) -> list[Problem]:
    """One problem a file that names sessions an earlier file has."""
    problems, seen = [], set[str]()
    for rows in files:
        names = set() if rows.timed else set(rows.session.tolist())
        again = len(names & seen)
        if again:
            problems.append(
                Problem(
                    source="prefix_trace",
                    file=rows.file,
                    row=0,
                    code="session-in-two-files",
                    message=f"{again} of its sessions have the name of a session in an earlier file",
                    expected="a session in one file; they are taken for different sessions",
                    next_step="Put the parts of a session into one file where they belong together.",
                )
            )
        seen |= names
    return problems


def _unknown(rows: TraceRows, names: Sequence[str]) -> list[Problem]:
    counts = Counter(raw for raw, name in zip(rows.model.tolist(), names, strict=True) if not name)
    return [
        Problem(
            source="prefix_trace",
            file=rows.file,
            row=0,
            code="unknown-model",
            message=f"{count} requests are left out: {_UNPRICED if raw else 'they name no model'}",
            value=raw[:60],
            expected="a model id or a known alias",
            next_step="Price every request as one model with --model.",
        )
        for raw, count in sorted(counts.items())
    ]


def _built(known: Sequence[tuple[TraceRows, NDArray[np.int64], list[str]]]) -> Trace:
    timed = known[0][0].timed
    sessions: list[tuple[str, int]] = []
    agents: list[str] = []
    for place, (rows, kept, _) in enumerate(known):
        sessions += [(name, place) for name in rows.session[kept].tolist()]
        agents += rows.agent[kept].tolist()
    lanes = [(*session, agent) for session, agent in zip(sessions, agents, strict=True)]
    lane = _numbered(lanes)
    group = np.full(len(lane), -1, dtype=np.int32) if timed else _numbered(sessions)
    start_us = _column(known, "start_us")
    order = np.lexsort((start_us, lane))
    models = sorted({name for _, _, names in known for name in names})
    index = {name: number for number, name in enumerate(models)}
    model = np.array([index[name] for _, _, names in known for name in names], dtype=np.int16)
    blocks, lengths = _blocks(known, order)
    offset = np.zeros(len(order) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offset[1:])
    return Trace(
        lane=lane[order],
        group=group[order],
        start_us=start_us[order],
        begins_us=_column(known, "begins_us")[order],
        model=model[order],
        models=tuple(models),
        prompt_tokens=_column(known, "prompt_tokens")[order],
        output_tokens=_column(known, "output_tokens")[order],
        ends_with=_coded(known, "last_part", _ENDS, EndsWith.UNKNOWN)[order],
        stop=_coded(known, "stop", _STOPS, Stop.OTHER)[order],
        blocks=blocks,
        offset=offset,
        block_tokens=known[0][0].block_tokens,
    )


def _blocks(
    known: Sequence[tuple[TraceRows, NDArray[np.int64], list[str]]], order: NDArray[np.int64]
) -> tuple[Any, NDArray[np.int64]]:
    """All requests' blocks in order, and how many each has. A file that lies in order already is not copied."""
    begin, length = _column(known, "begin")[order], _column(known, "length")[order]
    owner = np.repeat(np.arange(len(known)), [len(kept) for _, kept, _ in known])[order].tolist()
    if len(known) == 1 and bool((begin[1:] == begin[:-1] + length[:-1]).all()):
        return known[0][0].blocks[begin[0] : begin[-1] + length[-1]], length
    slices = zip(owner, begin.tolist(), (begin + length).tolist(), strict=True)
    return np.concatenate([known[place][0].blocks[start:end] for place, start, end in slices]), length


def _numbered(names: Sequence[Any]) -> NDArray[np.int32]:
    """The rank of each name among the distinct ones."""
    ranks = {name: rank for rank, name in enumerate(sorted(set(names)))}
    return np.array([ranks[name] for name in names], dtype=np.int32)


def _column(known: Sequence[tuple[TraceRows, NDArray[np.int64], list[str]]], name: str) -> NDArray[np.int64]:
    return np.concatenate([getattr(rows, name)[kept] for rows, kept, _ in known])


def _coded(
    known: Sequence[tuple[TraceRows, NDArray[np.int64], list[str]]], name: str, codes: dict[str, Any], other: int
) -> NDArray[np.int8]:
    values = [text for rows, kept, _ in known for text in getattr(rows, name)[kept].tolist()]
    return np.array([codes.get(text, other) for text in values], dtype=np.int8)


def select(trace: Trace, chosen: NDArray[np.bool_]) -> Trace:
    """The chosen requests of a trace, in its order: lanes, sessions and models keep their numbers.

    A stretch of requests shares its blocks with the trace; only a scattered choice copies them.
    """
    kept = np.flatnonzero(chosen)
    if len(kept) == len(trace):
        return trace
    offset = np.zeros(len(kept) + 1, dtype=np.int64)
    np.cumsum(np.diff(trace.offset)[kept], out=offset[1:])
    wanted: slice | NDArray[np.bool_]
    if len(kept) and kept[-1] - kept[0] == len(kept) - 1:
        wanted = slice(int(trace.offset[kept[0]]), int(trace.offset[kept[-1] + 1]))
    else:
        wanted = np.repeat(chosen, np.diff(trace.offset))
    return Trace(
        lane=trace.lane[kept],
        group=trace.group[kept],
        start_us=trace.start_us[kept],
        begins_us=trace.begins_us[kept],
        model=trace.model[kept],
        models=trace.models,
        prompt_tokens=trace.prompt_tokens[kept],
        output_tokens=trace.output_tokens[kept],
        ends_with=trace.ends_with[kept],
        stop=trace.stop[kept],
        blocks=trace.blocks[wanted],
        offset=offset,
        block_tokens=trace.block_tokens,
        sizes=None if trace.sizes is None else trace.sizes[wanted],
    )
