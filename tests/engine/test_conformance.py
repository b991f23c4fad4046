"""One answer on every engine: digests of every query, compared as integers and texts, never nearly."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from baseload.engine.duckdb import DuckDBEngine
from baseload.ledger.store import Ledger

SECOND_LOCK = "requirements-duckdb15.lock"
OF_THE_STORE = {"ledger.upgrades.upgrade_sql"}
"""Run by DuckDB alone, on a copy of a ledger's files."""


@pytest.fixture(scope="module")
def sample(digests: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    root = tmp_path_factory.mktemp("sample")
    digests.write_sample(root, digests.sample_calls())
    with Ledger.open(root) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def expected(digests: ModuleType, sample: Ledger) -> dict[str, str]:
    with DuckDBEngine(threads=1) as engine:
        return dict(digests.query_digests(sample, engine))


def test_the_sample_makes_every_query_answer(digests: ModuleType, sample: Ledger) -> None:
    """A digest of no rows would prove nothing."""
    with DuckDBEngine(threads=1) as engine:
        digests.register_all(sample, engine)
        rows = {name: len(next(iter(engine.query(query()).values()))) for name, query in digests.QUERIES.items()}
    assert min(rows.values()) >= 4, rows


def test_every_query_of_the_source_is_asked(root: Path, digests: ModuleType) -> None:
    source = (root / "src" / "baseload").rglob("*.py")
    written = {
        f"{'.'.join(path.relative_to(root / 'src' / 'baseload').with_suffix('').parts)}.{name}"
        for path in source
        for name in re.findall(r"^def ([a-z]\w*_sql)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert set(digests.QUERIES) == written - OF_THE_STORE


def test_threads_and_buckets_do_not_change_an_answer(
    digests: ModuleType, sample: Ledger, expected: dict[str, str]
) -> None:
    with DuckDBEngine(threads=2, bucket_rows=50, memory_limit="100MB") as engine:
        assert digests.query_digests(sample, engine) == expected


def test_a_changed_number_changes_the_digest(digests: ModuleType) -> None:
    one = {"a": np.array([1, 2]), "b": np.array(["x", None], dtype=object)}
    assert digests.digest(one) == digests.digest({name: column[::-1] for name, column in one.items()})
    assert digests.digest(one) != digests.digest({**one, "a": np.array([1, 3])})
    assert digests.digest(one) != digests.digest({"a": one["a"], "c": one["b"]})


def test_the_other_duckdb_answers_the_same(root: Path, digests: ModuleType, expected: dict[str, str]) -> None:
    """DuckDB 1.5 in its own environment (build/duckdb15), made from its own lock."""
    python = _second_environment(root)
    run = subprocess.run(
        [str(python), str(root / "tools" / "digests.py")],
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        check=True,
        capture_output=True,
    )
    found = json.loads(run.stdout)
    assert found["engine"].startswith("duckdb 1.5.")
    assert {name: found["digests"][name] for name in expected} == expected


def _second_environment(root: Path) -> Path:
    """A Python with the second lock's packages; made again when the lock is newer."""
    folder, lock = root / "build" / "duckdb15", root / SECOND_LOCK
    python, stamp = folder / "bin" / "python", folder / ".locked"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        uv = str(root / ".venv" / "bin" / "uv")
        folder.parent.mkdir(exist_ok=True)
        subprocess.run(
            [uv, "venv", "-q", "--clear", str(folder), "--python", str(root / ".venv/bin/python")], check=True
        )
        subprocess.run([uv, "pip", "sync", "-q", "--require-hashes", "--python", str(python), str(lock)], check=True)
        stamp.touch()
    return python


@pytest.mark.spark
def test_spark_answers_the_same(digests: ModuleType, sample: Ledger, expected: dict[str, str], spark: Any) -> None:
    assert digests.query_digests(sample, spark) == expected


@pytest.mark.spark
def test_spark_keeps_the_table_convention(spark: Any) -> None:
    table = {
        "number": np.array([1, 2**63 - 1]),
        "often": np.ma.array([7, 0], mask=[False, True]),
        "name": np.array(["it's", None], dtype=object),
    }
    spark.register("facts", table)
    found = spark.query("SELECT number, often, name FROM facts ORDER BY number")
    assert {name: column.tolist() for name, column in found.items()} == {
        "number": [1, 2**63 - 1],
        "often": [7, None],
        "name": ["it's", None],
    }
    again = spark.map_sorted("SELECT number, often, name FROM facts", ["number"], ["name"], lambda rows: rows)
    assert sorted(zip(*(column.tolist() for column in again.values()), strict=True)) == [
        (1, 7, "it's"),
        (2**63 - 1, None, None),
    ]


@pytest.mark.spark
def test_spark_refuses_what_numpy_would_round(spark: Any) -> None:
    with pytest.raises(TypeError, match="half is decimal"):
        spark.query("SELECT 0.5 AS half")


@pytest.mark.spark
def test_spark_says_an_overflow_instead_of_wrapping(spark: Any) -> None:
    spark.register("facts", {"number": np.array([2**63 - 1, 1])})
    with pytest.raises(Exception, match=r"(?i)overflow"):
        spark.query("SELECT CAST(SUM(facts.number) AS BIGINT) AS total FROM facts")


@pytest.mark.spark
def test_spark_needs_a_file_for_a_schema(spark: Any) -> None:
    with pytest.raises(ValueError, match="no Parquet file to register as 'calls'"):
        spark.register_parquet("calls", [])
