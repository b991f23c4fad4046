"""The engine for ledgers a single machine is too small for: the same SQL text on Spark (facts: stack.md 1.4, 1.6).

Needs the extra `baseload[spark]`, a Java runtime, and this package on the executors; import this module only where
Spark is asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from baseload.engine.text import identifier
from baseload.values import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # an integer overflow is an error, never a wrapped sum
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.debug.maxToStringFields": "1000",
}


def local_session(cores: int = 2) -> SparkSession:
    """A session in this process's own JVM, for tests and trials; a cluster's session is the caller's to build."""
    builder = SparkSession.builder.master(f"local[{cores}]").appName("baseload")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # the one way to give workers this environment's packages
    for name, value in (SETTINGS | {"spark.sql.shuffle.partitions": str(4 * cores)}).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


class SparkEngine:
    """Answers on a Spark session. `register_parquet` passes the paths on: they must mean the same on every executor."""

    def __init__(self, session: SparkSession) -> None:
        self._session = session

    def register(self, name: str, table: Table) -> None:
        self._session.createDataFrame(_arrow(table)).createOrReplaceTempView(identifier(name))

    def register_parquet(self, name: str, files: Sequence[Path]) -> None:
        """As the port says, but at least one file is needed: a schema comes from somewhere."""
        if not files:
            raise ValueError(f"no Parquet file to register as {name!r}; register an empty table instead")
        self._session.read.parquet(*map(str, files)).createOrReplaceTempView(identifier(name))

    def query(self, sql: str) -> Table:
        return _table(self._session.sql(sql))

    def map_sorted(self, sql: str, keys: Sequence[str], order: Sequence[str], fn: Callable[[Table], Table]) -> Table:
        """Each partition holds whole groups: it is sorted, then passed to `fn` as one table.

        By way of RDD rows and not `mapInArrow`, because that needs pandas, which nothing else here does.
        """
        rows = self._session.sql(sql)
        dtypes = _dtypes(rows)
        empty = fn({name: np.empty(0, dtype=dtype) for name, dtype in dtypes.items()})
        schema = ", ".join(
            f"{identifier(name)} {'string' if column.dtype.kind == 'O' else 'bigint'}" for name, column in empty.items()
        )
        ordered = rows.repartition(*keys).sortWithinPartitions(*keys, *order)
        mapped = ordered.rdd.mapPartitions(_PartitionFunction(fn, dtypes))
        return _table(self._session.createDataFrame(mapped, schema))


_DTYPES: dict[str, Any] = {"bigint": np.int64, "int": np.int64, "string": object}


class _PartitionFunction:
    """Gathers a partition's rows, so that a group is never split, and applies the function once."""

    def __init__(self, fn: Callable[[Table], Table], dtypes: dict[str, Any]) -> None:
        self._fn = fn
        self._dtypes = dtypes

    def __call__(self, rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
        columns = list(zip(*rows, strict=True))
        if not columns:
            return
        named = zip(self._dtypes.items(), columns, strict=True)
        table = {name: _column(values, dtype) for (name, dtype), values in named}
        yield from zip(*(column.tolist() for column in self._fn(table).values()), strict=True)


def _column(values: Sequence[Any], dtype: Any) -> Any:
    if dtype is object or None not in values:
        return np.array(values, dtype=dtype)
    filled = [0 if value is None else value for value in values]
    return np.ma.array(filled, mask=[value is None for value in values], dtype=dtype)


def _dtypes(rows: DataFrame) -> dict[str, Any]:
    """numpy types of a result. Raises TypeError where a column's numpy form would not be exact."""
    inexact = [f"{name} is {kind}" for name, kind in rows.dtypes if kind not in _DTYPES]
    if inexact:
        raise TypeError(f"{', '.join(inexact)}: cast integers to BIGINT in the query, so that they stay exact")
    return {name: _DTYPES[kind] for name, kind in rows.dtypes}


def _table(rows: DataFrame) -> Table:
    _dtypes(rows)
    table = rows.toArrow()
    return {name: _numpy(table.column(name)) for name in table.column_names}


def _numpy(column: Any) -> Any:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return np.array(column.to_pylist(), dtype=object)
    if not column.null_count:
        return column.to_numpy().astype(np.int64)
    return np.ma.array(column.fill_null(0).to_numpy().astype(np.int64), mask=column.is_null().to_numpy())


def _arrow(table: Table) -> pa.Table:
    return pa.table({name: _arrow_array(column) for name, column in table.items()})


def _arrow_array(column: Any) -> pa.Array:
    if column.dtype.kind == "O":
        return pa.array(column.tolist(), type=pa.string())
    if isinstance(column, np.ma.MaskedArray):
        return pa.array(column.data, type=pa.int64(), mask=np.ma.getmaskarray(column))
    return pa.array(np.ascontiguousarray(column), type=pa.int64())
