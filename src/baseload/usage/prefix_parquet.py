"""Prefix-hash traces in Parquet: one row a request, block ids in a list column.

Needed columns: `hash_ids`, an input count and a time, and a session unless the time is absolute. Read by DuckDB in
pieces, because one column of ids is larger than all others together.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from baseload.engine.text import quoted
from baseload.usage.prefix_rows import (
    SESSION_BLOCK_TOKENS,
    SOURCE,
    TIMED_BLOCK_TOKENS,
    Blocks,
    RawRows,
    Texts,
    TraceRows,
    last_part_of,
    usable,
)
from baseload.values import Problem

_ROWS_AT_ONCE: Final = 8_192
_MOST_ROOM: Final = 1 << 28
"""Room for so many block ids is taken at once at most; a file may claim anything."""
_SESSIONS: Final = ("trace_id", "session_id")
_INPUTS: Final = ("input_tokens", "input_length")
_OUTPUTS: Final = ("output_tokens", "output_length")
_ID_TYPES: Final = frozenset({"TINYINT[]", "SMALLINT[]", "INTEGER[]", "BIGINT[]", "UTINYINT[]", "USMALLINT[]"})
_NO_IDS: Final = ("FLOAT", "DOUBLE", "DECIMAL")
"""Rounded to whole numbers, different blocks would be one."""
_WHOLE: Final = "(-?[0-9]+(,-?[0-9]+)*)?"
_SETTINGS: Final = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


def read_parquet_trace(path: Path) -> tuple[TraceRows | None, list[Problem]]:
    """The requests of one file; None and one Problem where nothing of it can be read."""
    try:
        with _connection() as connection, _plain_name(path) as name:
            return _read(connection, name, path)
    except duckdb.Error as error:
        return None, [_broken(path, str(error).split("\n", 1)[0][:200])]


def may_have_block_ids(path: Path) -> bool:
    """Whether a Parquet file has a column of block ids; True also where it is damaged, so that reading says so."""
    try:
        with _connection() as connection, _plain_name(path) as name:
            return "hash_ids" in _columns(connection, name)
    except duckdb.Error:
        return True


def _read(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> tuple[TraceRows | None, list[Problem]]:
    columns = _columns(connection, name)
    missing = _missing(columns)
    if missing:
        return None, [_broken(path, f"it has no column {missing}")]
    if any(kind in columns["hash_ids"] for kind in _NO_IDS):
        return None, [_broken(path, f"its ids in hash_ids are {columns['hash_ids']}, not whole numbers")]
    timed = not any(column in columns for column in _SESSIONS)
    size = _block_tokens(connection, columns, name, path) or (TIMED_BLOCK_TOKENS if timed else SESSION_BLOCK_TOKENS)
    ids = _Ids(_ids_in(connection, name))
    chunks = [ids.taken_from(chunk) for chunk in _chunks(connection, name, columns)]
    if not chunks:
        return None, [_broken(path, "it has no rows")]
    return usable(_joined(chunks, ids.kept(), size, timed), str(path))


def _missing(columns: dict[str, str]) -> str:
    if "hash_ids" not in columns:
        return "hash_ids"
    if not any(name in columns for name in _INPUTS):
        return " or ".join(_INPUTS)
    if "t" in columns and any(name in columns for name in _SESSIONS):
        return ""
    return "" if "timestamp" in columns else "t beside trace_id, or timestamp"


def _columns(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({name})").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def _chunks(connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Columns of a stretch of rows, in the order of the file."""
    counted = connection.execute(f"SELECT COUNT(*) FROM read_parquet({name})").fetchone()
    rows = int(counted[0]) if counted else 0
    for start in range(0, rows, _ROWS_AT_ONCE):
        chunk = connection.execute(
            f"SELECT file_row_number AS row, {', '.join(_selected(columns))} "
            f"FROM read_parquet({name}, file_row_number = true) "
            f"WHERE file_row_number >= {start} AND file_row_number < {start + _ROWS_AT_ONCE}"
        ).fetchnumpy()
        order = np.argsort(chunk["row"], kind="stable")  # sorting in SQL would move every list
        yield {name: column[order] for name, column in chunk.items()}


def _selected(columns: dict[str, str]) -> Iterator[str]:
    """What is asked of every row; a column the file does not have is missing everywhere."""
    yield f"CAST({_first(columns, _SESSIONS)} AS VARCHAR) AS session"
    yield f"CAST({_first(columns, ('agent_id',))} AS VARCHAR) AS agent"
    yield f"{_seconds(columns)} AS start_s"
    yield f"TRY_CAST({_first(columns, ('ttft',))} AS DOUBLE) AS ttft"
    yield f"CAST({_first(columns, ('model',))} AS VARCHAR) AS model"
    yield f"TRY_CAST({_first(columns, _INPUTS)} AS DOUBLE) AS prompt_tokens"
    yield f"TRY_CAST({_first(columns, _OUTPUTS)} AS DOUBLE) AS output_tokens"
    types = "input_types" if columns.get("input_types") == "VARCHAR[]" else "NULL"
    yield f"CAST(array_to_string({types}, ' ') AS VARCHAR) AS types"
    yield f"CAST({_first(columns, ('stop',))} AS VARCHAR) AS stop"
    kind = columns["hash_ids"]
    if kind in _ID_TYPES:
        yield "hash_ids AS blocks"
    elif kind == "VARCHAR[]":  # a cast would round "1.5"
        whole = f"regexp_full_match(array_to_string(hash_ids, ','), '{_WHOLE}')"
        yield f"CASE WHEN {whole} THEN TRY_CAST(hash_ids AS BIGINT[]) END AS blocks"
    else:
        yield "TRY_CAST(hash_ids AS BIGINT[]) AS blocks"


def _first(columns: dict[str, str], names: tuple[str, ...]) -> str:
    return next((name for name in names if name in columns), "NULL")


def _seconds(columns: dict[str, str]) -> str:
    if "t" in columns:
        spawned = "COALESCE(TRY_CAST(agent_t0 AS DOUBLE), 0)" if "agent_t0" in columns else "0"
        return f"TRY_CAST(t AS DOUBLE) + {spawned}"
    if columns["timestamp"].startswith("TIMESTAMP"):
        return "CAST(epoch_us(timestamp) AS DOUBLE) / 1e6"
    return "TRY_CAST(timestamp AS DOUBLE) / 1e3"


def _joined(chunks: list[dict[str, Any]], blocks: Blocks, size: int, timed: bool) -> RawRows:
    def numbers(name: str) -> NDArray[np.float64]:
        return np.concatenate([np.ma.filled(np.ma.asarray(chunk[name], np.float64), np.nan) for chunk in chunks])

    def texts(name: str) -> Texts:
        return np.concatenate([_texts(chunk[name]) for chunk in chunks])

    start_s = numbers("start_s")
    types = {text: last_part_of(text.split()) for text in set(texts("types").tolist())}
    return RawRows(
        row=np.concatenate([np.asarray(chunk["row"], dtype=np.int64) for chunk in chunks]) + 1,
        session=texts("session"),
        agent=texts("agent"),
        start_s=start_s,
        begins_s=start_s + np.maximum(numbers("ttft"), 0),
        model=texts("model"),
        prompt_tokens=numbers("prompt_tokens"),
        output_tokens=numbers("output_tokens"),
        last_part=np.array([types[text] for text in texts("types").tolist()], dtype=object),
        stop=texts("stop"),
        blocks=blocks,
        begin=np.concatenate([chunk["begin"] for chunk in chunks]),
        length=np.concatenate([chunk["length"] for chunk in chunks]),
        block_tokens=size,
        timed=timed,
    )


def _texts(column: Any) -> Texts:
    """Text of a fetched column; "" where it is missing."""
    values = np.ma.filled(np.ma.asarray(column, object), "") if isinstance(column, np.ma.MaskedArray) else column
    return np.array(["" if value is None else str(value) for value in values.tolist()], dtype=object)


class _Ids:
    """The block ids of all rows in one array, filled piece by piece; neighbours with equal ids share them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._room: Blocks | None = None
        self._used = 0
        self._last: Blocks | None = None  # of the row before, and where it lies
        self._last_begin = 0

    def kept(self) -> Blocks:
        return np.empty(0, dtype=np.int64) if self._room is None else self._room[: self._used]

    def taken_from(self, chunk: dict[str, Any]) -> dict[str, Any]:
        """The chunk with `begin` and `length` instead of its column of lists."""
        column = chunk.pop("blocks")
        lists = np.asarray(np.ma.getdata(column), dtype=object)
        missing = np.ma.getmaskarray(column)
        begin, length, fresh = [], [], []
        end = self._used
        for ids, none in zip(lists, missing, strict=True):
            if none or ids is None or np.ma.is_masked(ids):
                begin.append(0)
                length.append(-1)
                continue
            if self._last is None or not np.array_equal(self._last, ids):
                fresh.append(ids)
                self._last, self._last_begin = ids, end
                end += len(ids)
            begin.append(self._last_begin)
            length.append(len(ids))
        self._append(fresh, end)
        return chunk | {"begin": np.array(begin, dtype=np.int64), "length": np.array(length, dtype=np.int64)}

    def _append(self, fresh: list[Blocks], end: int) -> None:
        if not fresh:
            return
        if self._room is None or end > len(self._room):  # where the metadata counts less than there is, twice as much
            roomier = np.empty(max(self._most, 2 * end if self._used else end), dtype=fresh[0].dtype)
            roomier[: self._used] = self.kept()
            self._room = roomier
        np.concatenate([np.ma.getdata(ids) for ids in fresh], out=self._room[self._used : end])
        self._used = end


def _ids_in(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """At most so many block ids are in the file, as its own metadata says."""
    counted = connection.execute(
        f"SELECT CAST(COALESCE(SUM(num_values), 0) AS BIGINT) FROM parquet_metadata({name}) "
        "WHERE starts_with(path_in_schema, 'hash_ids')"
    ).fetchone()
    return min(int(counted[0]), _MOST_ROOM) if counted else 0


def _block_tokens(connection: duckdb.DuckDBPyConnection, columns: dict[str, str], name: str, path: Path) -> int:
    """The one block size the file, or the file of traces beside it, states; 0 where none does."""
    beside = path.with_name(path.name.replace("requests", "traces", 1))
    if "block_size" in columns:
        return _single(connection, f"SELECT DISTINCT TRY_CAST(block_size AS BIGINT) FROM read_parquet({name})")
    if beside == path or not beside.is_file():
        return 0
    try:
        with _plain_name(beside) as other:
            return _single(connection, f"SELECT DISTINCT TRY_CAST(block_size AS BIGINT) FROM read_parquet({other})")
    except duckdb.Error:
        return 0


def _single(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    sizes = [row[0] for row in connection.execute(sql).fetchall() if row[0] is not None and row[0] > 0]
    return int(sizes[0]) if len(sizes) == 1 else 0


@contextmanager
def _connection() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(":memory:", config=dict(_SETTINGS))
    try:
        connection.execute("SET enable_progress_bar = false")
        yield connection
    finally:
        connection.close()


@contextmanager
def _plain_name(path: Path) -> Iterator[str]:
    """The file's name as an SQL literal that holds no wildcard, which DuckDB would expand."""
    if not set(str(path)) & set("*?[]{}"):
        yield quoted(str(path))
        return
    with tempfile.TemporaryDirectory(prefix="baseload-") as folder:
        plain = Path(folder) / "trace.parquet"
        plain.symlink_to(path.resolve())
        yield quoted(str(plain))


def _broken(path: Path, why: str) -> Problem:
    return Problem(
        source=SOURCE,
        file=str(path),
        row=0,
        code="bad-trace-file",
        message=f"the trace cannot be read: {why}",
        expected="Parquet with trace_id, t, input_tokens and hash_ids, or timestamp, input_length and hash_ids",
        next_step="Export the trace again, or leave the file out.",
    )
