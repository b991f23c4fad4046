"""The default engine: DuckDB in this process, the same on 1.5 and 2.0 (facts: stack.md 1.2).

Only `execute`, `fetchnumpy`, `fetchall`, `description` and `register` are used, because 2.0 rebuilt the relation API;
no extension is ever loaded, because they are fetched from the network at run time.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import duckdb
import numpy as np

from baseload.engine.text import identifier, quoted
from baseload.errors import LedgerError
from baseload.values import Table

_EXACT_TYPES = ("BIGINT", "INTEGER", "VARCHAR", "BOOLEAN", "SMALLINT", "TINYINT")
"""Types whose numpy form is exact. A HUGEINT (a bare SUM) would silently become a float64."""

_BUCKET_ROWS = 2_000_000
_MASK = "__is_missing"


class DuckDBEngine:
    """`memory_limit` is DuckDB's text ("2GB"; default: DuckDB's own 80 % of RAM), beyond which it spills to a
    temporary folder; `threads` None means all cores. Close it, or use it as a context manager."""

    def __init__(
        self, memory_limit: str | None = None, threads: int | None = None, *, bucket_rows: int = _BUCKET_ROWS
    ) -> None:
        self._spill = tempfile.mkdtemp(prefix="baseload-")
        self._bucket_rows = bucket_rows
        self._kinds: dict[str, str] = {}
        settings: dict[str, Any] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
            "temp_directory": self._spill,
        }
        if memory_limit is not None:
            settings["memory_limit"] = memory_limit
        if threads is not None:
            settings["threads"] = str(threads)
        self._connection = duckdb.connect(":memory:", config=settings)
        self._connection.execute("SET enable_progress_bar = false")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free memory and remove the spill folder."""
        self._connection.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    def register(self, name: str, table: Table) -> None:
        self._drop(name)
        with self._incoming(table) as rows:
            self._run(f"CREATE TEMP TABLE {_name(name)} AS {rows}")
        self._kinds[name] = "TABLE"

    def register_parquet(self, name: str, files: Sequence[Path]) -> None:
        """As the port says, but at least one file is needed: a schema comes from somewhere."""
        if not files:
            raise ValueError(f"no Parquet file to register as {name!r}; register an empty table instead")
        listed = ", ".join(quoted(str(file)) for file in files)
        self._drop(name)
        self._run(f"CREATE TEMP VIEW {_name(name)} AS SELECT * FROM read_parquet([{listed}])")
        self._kinds[name] = "VIEW"

    def query(self, sql: str) -> Table:
        result = self._run(sql)
        inexact = [f"{column[0]} is {column[1]}" for column in result.description if str(column[1]) not in _EXACT_TYPES]
        if inexact:
            raise TypeError(
                f"{', '.join(inexact)}: cast integers to BIGINT in the query, so that numpy keeps them exact"
            )
        fetched: dict[str, Any] = result.fetchnumpy()
        return {name: _canonical(column) for name, column in fetched.items()}

    def map_sorted(self, sql: str, keys: Sequence[str], order: Sequence[str], fn: Callable[[Table], Table]) -> Table:
        """One ordered scan per hash bucket of the keys, so that no more than about `bucket_rows` rows are held."""
        key_list = ", ".join(_name(key) for key in keys)
        sort_list = ", ".join(_name(column) for column in (*keys, *order))
        rows = int(self.query(f"SELECT COUNT(*) AS n FROM ({sql}) AS source")["n"][0])
        buckets = max(1, -(-rows // self._bucket_rows))
        parts = []
        for bucket in range(buckets):
            chosen = f"WHERE hash({key_list}) % {buckets} = {bucket} " if buckets > 1 else ""
            part = self.query(f"SELECT * FROM ({sql}) AS source {chosen}ORDER BY {sort_list}")
            parts.append(fn(part))
        return concatenated(parts)

    def write_parquet(self, table: Table, path: Path, *, row_group_rows: int = 122_880) -> None:
        """Write columns as one zstd Parquet file. A column broadcast from one value (stride 0) costs nothing a row."""
        with self._incoming(table) as rows:
            self.copy_parquet(rows, path, row_group_rows=row_group_rows)

    def copy_parquet(self, sql: str, path: Path, *, row_group_rows: int = 122_880) -> None:
        """Write the rows of a SELECT as one zstd Parquet file, in its order when it has ORDER BY."""
        self._run(
            f"COPY ({sql}) TO {quoted(str(path))} "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {int(row_group_rows)})"
        )

    def _run(self, sql: str) -> Any:
        """Execute one statement. Raises LedgerError where a data file cannot be read or written, or memory ran out."""
        try:
            return self._connection.execute(sql)
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise LedgerError(f"{_first_line(error)}. Check the disk, its space and its permissions.") from error
        except duckdb.InvalidInputException as error:
            if not _is_damage(error):
                raise
            raise LedgerError(f"{_first_line(error)}. Remove the ledger folder and import again.") from error

    @contextmanager
    def _incoming(self, table: Table) -> Iterator[str]:
        """A SELECT of the table's rows, good inside the block."""
        with _pandas_not_looked_for():
            self._connection.register("incoming", _varying(table))
            try:
                yield f"SELECT {_typed(table)} FROM incoming"
            finally:
                self._connection.unregister("incoming")

    def _drop(self, name: str) -> None:
        kind = self._kinds.pop(name, "")
        if kind:
            self._run(f"DROP {kind} {_name(name)}")


def _first_line(error: duckdb.Error) -> str:
    return str(error).split("\n", 1)[0].rstrip(".")


def _is_damage(error: duckdb.Error) -> bool:
    """Whether the message is about the bytes of a Parquet file, not about a statement of ours."""
    return "No magic bytes" in str(error) or "Failed to read file" in str(error)


def concatenated(parts: Sequence[Table]) -> Table:
    """The rows of several tables of the same columns, one after the other; what is masked stays so."""
    if len(parts) == 1:
        return parts[0]
    return {name: _joined([part[name] for part in parts]) for name in (parts[0] if parts else ())}


def _joined(columns: Sequence[Any]) -> Any:
    values = np.concatenate([np.asarray(column) for column in columns])
    if not any(isinstance(column, np.ma.MaskedArray) for column in columns):
        return values
    return np.ma.array(values, mask=np.concatenate([np.ma.getmaskarray(column) for column in columns]))


def _name(name: str) -> str:
    """A checked name in quotes, because a plain one may still be a keyword."""
    return f'"{identifier(name)}"'


@contextmanager
def _pandas_not_looked_for() -> Iterator[None]:
    """Where pandas is not installed, DuckDB 1.5 tries to import it at every text value; this answers at once."""
    if not duckdb.__version__.startswith("1.") or "pandas" in sys.modules or find_spec("pandas") is not None:
        yield
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]  # what the import system takes for "does not exist"
    try:
        yield
    finally:
        del sys.modules["pandas"]


def _is_constant(column: Any) -> bool:
    """True for a column known to hold one value: broadcast from it, or masked throughout."""
    if isinstance(column, np.ma.MaskedArray):
        return len(column) > 0 and bool(np.ma.getmaskarray(column).all())
    return len(column) > 1 and column.strides == (0,)


def _varying(table: Table) -> dict[str, Any]:
    """The columns DuckDB must read row by row; at least one, because it carries the number of rows.

    A mask is a column of its own: DuckDB 1.5 takes a masked array for its data.
    """
    varying: dict[str, Any] = {}
    for name, column in table.items():
        if _is_constant(column):
            continue
        varying[name] = np.asarray(column)
        if isinstance(column, np.ma.MaskedArray):
            varying[name + _MASK] = np.ma.getmaskarray(column)
    if varying:
        return varying
    name, column = next(iter(table.items()))
    return {name: np.array(column)}


def _typed(table: Table) -> str:
    """The select list that gives every column its type."""
    return ", ".join(
        f"CAST({_expression(name, column)} AS {_sql_type(column)}) AS {_name(name)}" for name, column in table.items()
    )


def _expression(name: str, column: Any) -> str:
    if _is_constant(column):
        return _literal(column)
    if isinstance(column, np.ma.MaskedArray):
        return f"CASE WHEN {_name(name + _MASK)} THEN NULL ELSE {_name(name)} END"
    return _name(name)


def _literal(column: Any) -> str:
    value = column[0]
    if value is None or value is np.ma.masked:
        return "NULL"
    return quoted(value) if isinstance(value, str) else str(int(value))


def _sql_type(column: Any) -> str:
    kind = column.dtype.kind
    if kind == "O":
        return "VARCHAR"
    if kind in "iu":
        return "BIGINT"
    if kind == "b":
        return "BOOLEAN"
    raise TypeError(f"a column of {column.dtype} is neither text nor integer; tables hold integers and text only")


def _canonical(column: Any) -> Any:
    """A fetched column by the Table convention: int64, text as objects, masked only where something is missing."""
    if isinstance(column, np.ma.MaskedArray):
        if column.dtype.kind == "O":
            text = column.data
            text[column.mask] = None
            return text
        if not column.mask.any():
            column = column.data
    if column.dtype.kind == "i" and column.dtype.itemsize < 8:
        return column.astype(np.int64)
    return column
