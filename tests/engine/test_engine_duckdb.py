"""What the default engine promises: exact integers, the Table convention, groups that are never split."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest

from baseload.engine.duckdb import DuckDBEngine
from baseload.engine.text import identifier, quoted
from baseload.errors import LedgerError
from baseload.values import Table

LARGEST = 2**63 - 1


def texts(*values: str | None) -> np.ndarray:
    return np.array(values, dtype=object)


@pytest.fixture
def engine() -> DuckDBEngine:
    return DuckDBEngine(memory_limit="200MB", threads=1, bucket_rows=3)


def test_a_registered_table_comes_back_by_the_table_convention(engine: DuckDBEngine) -> None:
    table: Table = {
        "number": np.array([1, LARGEST]),
        "sometimes": np.ma.array([7, 0], mask=[False, True]),
        "name": texts("it's", None),
        "never": np.ma.masked_all(2, dtype=np.int64),
        "always": np.broadcast_to(texts("same"), 2),
    }
    engine.register("facts", table)
    found = engine.query("SELECT number, sometimes, name, never, always FROM facts ORDER BY number")
    assert found["number"].tolist() == [1, LARGEST]
    assert found["number"].dtype == np.int64
    assert found["sometimes"].tolist() == [7, None]
    assert found["name"].tolist() == ["it's", None]
    assert found["never"].tolist() == [None, None]
    assert found["always"].tolist() == ["same", "same"]


def test_an_empty_table_keeps_its_types(engine: DuckDBEngine) -> None:
    engine.register("facts", {"number": np.empty(0, dtype=np.int64), "name": np.empty(0, dtype=object)})
    found = engine.query("SELECT number, name, number + 1 AS next FROM facts")
    assert [column.dtype.kind for column in found.values()] == ["i", "O", "i"]


def test_registering_again_replaces(engine: DuckDBEngine, tmp_path: Path) -> None:
    engine.register("facts", {"number": np.array([1])})
    engine.register("facts", {"number": np.array([2, 3])})
    assert engine.query("SELECT COUNT(*) AS n FROM facts")["n"].tolist() == [2]
    engine.write_parquet({"number": np.arange(5)}, tmp_path / "five.parquet")
    engine.register_parquet("facts", [tmp_path / "five.parquet"])
    assert engine.query("SELECT COUNT(*) AS n FROM facts")["n"].tolist() == [5]
    engine.register("facts", {"number": np.array([1])})
    assert engine.query("SELECT COUNT(*) AS n FROM facts")["n"].tolist() == [1]


def test_a_bare_sum_is_refused_because_numpy_would_round_it(engine: DuckDBEngine) -> None:
    engine.register("facts", {"number": np.array([2**53, 1])})
    with pytest.raises(TypeError, match="total is HUGEINT: cast integers to BIGINT"):
        engine.query("SELECT SUM(number) AS total FROM facts")
    exact = engine.query("SELECT CAST(SUM(number) AS BIGINT) AS total FROM facts")
    assert exact["total"].tolist() == [2**53 + 1]  # a float64 cannot say this number


def test_floats_are_no_column(engine: DuckDBEngine) -> None:
    with pytest.raises(TypeError, match="float64 is neither text nor integer"):
        engine.register("facts", {"usd": np.array([1.5])})


def test_no_parquet_file_is_no_table(engine: DuckDBEngine) -> None:
    with pytest.raises(ValueError, match="no Parquet file to register as 'calls'"):
        engine.register_parquet("calls", [])


def test_parquet_keeps_constants_nulls_and_order(engine: DuckDBEngine, tmp_path: Path) -> None:
    path = tmp_path / "it's here.parquet"
    table: Table = {
        "place": np.arange(4),
        "constant": np.broadcast_to(texts("a'b"), 4),
        "nothing": np.ma.masked_all(4, dtype=np.int64),
        "partly": np.ma.array([1, 2, 3, 4], mask=[True, False, False, True]),
    }
    engine.write_parquet(table, path)
    engine.register_parquet("written", [path])
    found = engine.query("SELECT place, constant, nothing, partly FROM written ORDER BY place")
    assert {name: column.tolist() for name, column in found.items()} == {
        "place": [0, 1, 2, 3],
        "constant": ["a'b"] * 4,
        "nothing": [None] * 4,
        "partly": [None, 2, 3, None],
    }


def test_a_table_of_constants_alone_keeps_its_rows(engine: DuckDBEngine, tmp_path: Path) -> None:
    engine.write_parquet({"same": np.broadcast_to(np.array([5]), 3)}, tmp_path / "same.parquet")
    engine.register_parquet("same", [tmp_path / "same.parquet"])
    assert engine.query("SELECT same FROM same")["same"].tolist() == [5, 5, 5]


def test_map_sorted_passes_whole_groups_in_order(engine: DuckDBEngine) -> None:
    """Ten groups of four in buckets of about three rows: a split group would be counted twice."""
    engine.register("events", {"who": np.repeat(np.arange(10), 4), "moment": np.tile(np.array([3, 1, 2, 0]), 10)})

    def longest_run(rows: Table) -> Table:
        assert all(rows["moment"][rows["who"] == who].tolist() == [0, 1, 2, 3] for who in set(rows["who"].tolist()))
        return {"who": np.unique(rows["who"])}

    found = engine.map_sorted("SELECT who, moment FROM events", ["who"], ["moment"], longest_run)
    assert sorted(found["who"].tolist()) == list(range(10))


def test_map_sorted_of_no_rows_asks_the_function_once(engine: DuckDBEngine) -> None:
    engine.register("events", {"who": np.empty(0, dtype=np.int64)})
    assert engine.map_sorted("SELECT who FROM events", ["who"], ["who"], lambda rows: rows)["who"].tolist() == []


def test_map_sorted_joins_masked_and_plain_parts(engine: DuckDBEngine) -> None:
    engine.register("events", {"who": np.arange(9), "seen": np.ma.array(np.arange(9), mask=np.arange(9) == 4)})
    found = engine.map_sorted("SELECT who, seen FROM events", ["who"], ["who"], lambda rows: rows)
    pairs = dict(zip(found["who"].tolist(), found["seen"].tolist(), strict=True))
    assert pairs == {who: None if who == 4 else who for who in range(9)}


def test_a_torn_or_missing_data_file_is_one_plain_sentence(engine: DuckDBEngine, tmp_path: Path) -> None:
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(b"PAR1 and then the power went")
    with pytest.raises(
        LedgerError, match=r"No magic bytes.*torn\.parquet'\. Remove the ledger folder and import again"
    ):
        engine.register_parquet("calls", [torn])
    with pytest.raises(LedgerError, match=r"No files found.*gone\.parquet\"\. Check the disk"):
        engine.register_parquet("calls", [tmp_path / "gone.parquet"])
    with pytest.raises(LedgerError, match=r"Check the disk, its space and its permissions"):
        engine.copy_parquet("SELECT 1 AS one", tmp_path / "no such folder" / "one.parquet")


def test_a_mistake_in_a_statement_is_not_called_damage(engine: DuckDBEngine) -> None:
    with pytest.raises(duckdb.Error):
        engine.query("SELECT nothing FROM nowhere")


def test_folders_may_have_any_name(engine: DuckDBEngine, tmp_path: Path) -> None:
    folder = tmp_path / "it's [mine] *?"
    folder.mkdir()
    engine.write_parquet({"number": np.arange(3)}, folder / "three.parquet")
    engine.register_parquet("three", [folder / "three.parquet"])
    assert engine.query("SELECT COUNT(*) AS n FROM three")["n"].tolist() == [3]


def test_closing_removes_the_spill_folder() -> None:
    with DuckDBEngine() as engine:
        folder = Path(str(engine._connection.execute("SELECT current_setting('temp_directory')").fetchall()[0][0]))
        assert folder.is_dir()
    assert not folder.exists()


def test_no_extension_is_ever_fetched(engine: DuckDBEngine) -> None:
    for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
        assert engine._connection.execute(f"SELECT current_setting('{setting}')").fetchall() == [(False,)]


@pytest.mark.parametrize("name", ["", "Day", "day; DROP TABLE x", "1day", 'd"ay'])
def test_only_plain_identifiers_become_names(name: str) -> None:
    with pytest.raises(ValueError, match="not a plain identifier"):
        identifier(name)


def test_quotes_are_doubled() -> None:
    assert quoted("a'b") == "'a''b'"
