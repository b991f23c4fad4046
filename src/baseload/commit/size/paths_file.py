"""Reading `--paths`: somebody's own sample paths in Parquet, refused where they are not whole.

Columns `path` and `month` (integers; month 0 is the first of the contract) and `list_usd`; where known `price_index`
and `metering`, both over those at signature; `currency`, which must be USD throughout.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from baseload.commit.paths import MOST_USD_PER_MONTH, Paths, paths_of
from baseload.commit.refusal import MOST_MONTHS, CommitError
from baseload.engine.text import quoted

MOST_ROWS: Final = 10_000_000
_KEYS: Final = ("path", "month")
_AMOUNTS: Final = {
    "list_usd": (0.0, MOST_USD_PER_MONTH),
    "price_index": (1e-3, 1e3),
    "metering": (1e-3, 1e3),
}
"""Column -> least and most, both inclusive."""
_INTEGERS: Final = frozenset(
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
)
_NUMBERS: Final = _INTEGERS | {"FLOAT", "DOUBLE", "HUGEINT"}
_SETTINGS: Final = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


def read_paths(path: Path, *, term_months: int) -> tuple[Paths, tuple[str, ...]]:
    """The paths of a file, in the order of their numbers, and the columns of no known meaning. Raises CommitError.

    Every path must have every month from 0 on, each once, all of them the same number, at least the term.
    """
    name = str(path)
    try:
        with _opened(path) as (connection, file):
            columns = _columns(connection, file)
            table = _table(connection, file, columns, name)
    except duckdb.Error as error:
        said = type(error).__name__  # its text names a folder that is another one every time
        raise CommitError("--paths", said, "a readable Parquet file", where=name) from error
    months = _whole(table, name)
    if months < term_months:
        rule = f"at least the term of the offer, {term_months} months (0 to {term_months - 1})"
        raise CommitError("month", f"{months} months in every path", rule, where=name)
    arrays = {column: table[column].reshape(-1, months) for column in _AMOUNTS if column in table}
    ignored = sorted(set(columns) - {*_KEYS, *_AMOUNTS, "currency"})
    return paths_of(arrays.pop("list_usd"), **arrays), tuple(ignored)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A connection, and the file's name as SQL text that holds no wildcard, which DuckDB would expand."""
    if not path.is_file():
        raise CommitError("--paths", "no such file", "a Parquet file", where=str(path))
    with tempfile.TemporaryDirectory(prefix="baseload-") as folder:
        plain = Path(folder) / "paths.parquet"
        plain.symlink_to(path.resolve())
        connection = duckdb.connect(":memory:", config=dict(_SETTINGS))
        try:
            connection.execute("SET enable_progress_bar = false")
            yield connection, quoted(str(plain))
        finally:
            connection.close()


def _columns(connection: duckdb.DuckDBPyConnection, file: str) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({file})").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def _table(
    connection: duckdb.DuckDBPyConnection, file: str, columns: Mapping[str, str], name: str
) -> dict[str, NDArray[Any]]:
    """Rows by path and month, every value checked."""
    for column in (*_KEYS, "list_usd"):
        if column not in columns:
            raise CommitError(column, "missing", "the columns path, month and list_usd", where=name)
    for column in _KEYS:
        if columns[column] not in _INTEGERS:
            raise CommitError(column, f"type {columns[column]}", "an integer column", where=name)
    asked = [column for column in _AMOUNTS if column in columns]
    for column in asked:
        if columns[column] not in _NUMBERS and not columns[column].startswith("DECIMAL"):
            raise CommitError(column, f"type {columns[column]}", "a column of numbers", where=name)
    _check_size(connection, file, name)
    _check_currency(connection, file, columns, name)
    listed = [f"CAST({column} AS BIGINT) AS {column}" for column in _KEYS]
    listed += [f"CAST({column} AS DOUBLE) AS {column}" for column in asked]
    found = connection.execute(
        f"SELECT {', '.join(listed)} FROM read_parquet({file}) ORDER BY path, month"
    ).fetchnumpy()
    for column in (*_KEYS, *asked):
        if np.ma.getmaskarray(np.ma.asarray(found[column])).any():
            raise CommitError(column, "an empty value", "a value in every row", where=name)
    table = {column: np.ma.getdata(np.ma.asarray(found[column])) for column in (*_KEYS, *asked)}
    for column in asked:
        _check_amounts(table, column, name)
    return table


def _check_size(connection: duckdb.DuckDBPyConnection, file: str, name: str) -> None:
    counted = connection.execute(f"SELECT COUNT(*) FROM read_parquet({file})").fetchone()
    rows = int(counted[0]) if counted else 0
    if not 1 <= rows <= MOST_ROWS:
        raise CommitError("", f"{rows:,} rows", f"1 to {MOST_ROWS:,}: one for each path and month", where=name)


def _check_currency(connection: duckdb.DuckDBPyConnection, file: str, columns: Mapping[str, str], name: str) -> None:
    if "currency" not in columns:
        return
    found = connection.execute(
        f"SELECT MIN(CAST(currency AS VARCHAR)) FROM read_parquet({file}) "
        "WHERE UPPER(CAST(currency AS VARCHAR)) <> 'USD' OR currency IS NULL"
    ).fetchone()
    counted = connection.execute(f"SELECT COUNT(*) FROM read_parquet({file}) WHERE currency IS NULL").fetchone()
    if (found and found[0] is not None) or (counted and counted[0]):
        value = found[0] if found and found[0] is not None else "an empty value"
        raise CommitError("currency", value, "USD in every row: currencies are not mixed", where=name)


def _check_amounts(table: Mapping[str, NDArray[Any]], column: str, name: str) -> None:
    least, most = _AMOUNTS[column]
    values = table[column]
    bad = np.flatnonzero(~np.isfinite(values) | (values < least) | (values > most))
    if len(bad):
        row = int(bad[0])
        where = f"{name}: path {table['path'][row]}, month {table['month'][row]}"
        raise CommitError(column, f"{values[row]:g}", f"{least:g} to {most:,g} in every row", where=where)


def _whole(table: Mapping[str, NDArray[Any]], name: str) -> int:
    """Months of every path: 0, 1, 2 … without a gap, each once, as many in all. The table is sorted."""
    path, month = table["path"], table["month"]
    same = path[1:] == path[:-1]
    twice = np.flatnonzero(same & (month[1:] == month[:-1]))
    if len(twice):
        row = int(twice[0])
        raise CommitError("month", f"{month[row]} twice in path {path[row]}", "each month of a path once", where=name)
    firsts = np.concatenate(([0], np.flatnonzero(~same) + 1))
    late = np.flatnonzero(month[firsts] != 0)
    if len(late):
        row = int(firsts[late[0]])
        rule = "0, the first month of the contract"
        raise CommitError("month", f"path {path[row]} begins at {month[row]}", rule, where=name)
    gap = np.flatnonzero(same & (month[1:] != month[:-1] + 1))
    if len(gap):
        row = int(gap[0])
        rule = f"month {month[row] + 1}: no month may be missing"
        raise CommitError("month", f"{month[row + 1]} after {month[row]} in path {path[row]}", rule, where=name)
    counts = np.diff(np.concatenate((firsts, [len(path)])))
    odd = np.flatnonzero(counts != counts[0])
    if len(odd):
        other = int(path[firsts[odd[0]]])
        value = f"path {other} has {counts[odd[0]]}, path {path[0]} has {counts[0]}"
        raise CommitError("month", value, "as many months in every path", where=name)
    if counts[0] > 2 * MOST_MONTHS:
        raise CommitError("month", f"{counts[0]} months", f"at most {2 * MOST_MONTHS}", where=name)
    return int(counts[0])
