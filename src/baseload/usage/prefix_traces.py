"""Prefix-hash traces on disk: which files are one, and the requests of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from baseload.usage.prefix_json import read_jsonl_trace, read_session_trace
from baseload.usage.prefix_parquet import may_have_block_ids, read_parquet_trace
from baseload.usage.prefix_rows import TraceRows
from baseload.values import Problem

_HEAD_BYTES: Final = 1 << 16
_READERS: Final = {".parquet": read_parquet_trace, ".jsonl": read_jsonl_trace, ".json": read_session_trace}


def trace_files(path: Path) -> list[Path]:
    """The trace files a PATH stands for: itself, or those in the folder and below, in order of name. Empty: none.

    A damaged Parquet file, and an empty file given by name, count as traces: reading them says what is wrong.
    """
    if path.is_dir():
        return [file for file in sorted(path.rglob("*")) if file.is_file() and is_trace(file)]
    return [path] if is_trace(path) or (path.suffix in _READERS and not path.stat().st_size) else []


def is_trace(path: Path) -> bool:
    """Whether a file's head says that it holds requests with block ids, or that it is damaged Parquet."""
    if path.suffix not in _READERS:
        return False
    if path.suffix == ".parquet":
        return may_have_block_ids(path)
    with path.open("rb") as file:
        return b'"hash_ids"' in file.read(_HEAD_BYTES)


def read_trace(path: Path) -> tuple[TraceRows | None, list[Problem]]:
    """The requests of one trace file and a Problem for each that cannot be used; None where there are none."""
    return _READERS[path.suffix](path)


def read_traces(paths: Sequence[Path]) -> tuple[list[TraceRows], list[Problem]]:
    """The requests of several trace files, one entry a file that has any."""
    found: list[TraceRows] = []
    problems: list[Problem] = []
    for path in paths:
        rows, faults = read_trace(path)
        problems += faults
        if rows is not None and len(rows):
            found.append(rows)
    return found, problems
