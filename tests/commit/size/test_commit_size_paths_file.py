"""Reading --paths: what is whole is read, what is not is refused by column, value and rule."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from baseload.commit.refusal import CommitError
from baseload.commit.size.paths_file import read_paths

WHOLE = (
    "SELECT p AS path, m::INTEGER AS month, (100 * p + m)::DOUBLE AS list_usd FROM range(1, 4) a(p), range(0, 12) b(m)"
)


def parquet(folder: Path, sql: str, name: str = "paths.parquet") -> Path:
    path = folder / name
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")
    return path


def changed(column: str, value: str, where: str = "path = 2 AND month = 3") -> str:
    return f"SELECT * REPLACE (CASE WHEN {where} THEN {value} ELSE {column} END AS {column}) FROM ({WHOLE})"


def test_rows_in_any_order_become_paths_by_number_and_months(tmp_path):
    file = parquet(tmp_path, f"SELECT *, 'x' AS note FROM ({WHOLE}) ORDER BY hash(path, month)", "odd [name].parquet")
    paths, ignored = read_paths(file, term_months=12)
    assert paths.list_usd.shape == (3, 12)
    assert paths.list_usd[1].tolist() == [200.0 + month for month in range(12)]
    assert ignored == ("note",)


def test_price_and_metering_come_along_and_decimals_are_read(tmp_path):
    sql = f"SELECT path, month, list_usd::DECIMAL(18,2) AS list_usd, 0.9 AS price_index FROM ({WHOLE})"
    paths, ignored = read_paths(parquet(tmp_path, sql), term_months=6)
    assert paths.price_index is not None
    assert paths.price_index[0, 0] == 0.9
    assert ignored == ()


@pytest.mark.parametrize(
    ("sql", "field", "said"),
    [
        (f"SELECT path, month FROM ({WHOLE})", "list_usd", "missing"),
        (f"SELECT path, month::DOUBLE AS month, list_usd FROM ({WHOLE})", "month", "DOUBLE"),
        (f"SELECT path, month, 'x' AS list_usd FROM ({WHOLE})", "list_usd", "VARCHAR"),
        (changed("list_usd", "-1.0"), "list_usd", "-1"),
        (changed("list_usd", "'nan'::DOUBLE"), "list_usd", "nan"),
        (changed("list_usd", "'inf'::DOUBLE"), "list_usd", "inf"),
        (changed("list_usd", "1e12"), "list_usd", "1e+12"),
        (changed("list_usd", "NULL"), "list_usd", "an empty value"),
        (changed("path", "NULL"), "path", "an empty value"),
        (f"{WHOLE} UNION ALL SELECT 2, 3, 5.0", "month", "3 twice in path 2"),
        (f"SELECT * FROM ({WHOLE}) WHERE NOT (path = 2 AND month = 3)", "month", "4 after 2 in path 2"),
        (f"SELECT * FROM ({WHOLE}) WHERE NOT (path = 2 AND month = 0)", "month", "path 2 begins at 1"),
        (f"SELECT * FROM ({WHOLE}) WHERE NOT (path = 2 AND month = 11)", "month", "path 2 has 11, path 1 has 12"),
        (f"SELECT * FROM ({WHOLE}) WHERE month < 11", "month", "11 months in every path"),
        (f"SELECT *, CASE WHEN path = 2 THEN 'EUR' ELSE 'USD' END AS currency FROM ({WHOLE})", "currency", "EUR"),
        (f"SELECT * FROM ({WHOLE}) WHERE path > 9", "", "0 rows"),
    ],
)  # fmt: skip
def test_what_is_not_whole_is_refused(tmp_path, sql, field, said):
    with pytest.raises(CommitError) as refused:
        read_paths(parquet(tmp_path, sql), term_months=12)
    assert refused.value.field == field
    assert said in refused.value.value
    assert "paths.parquet" in str(refused.value)


def test_what_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "x.parquet").write_text("path,month,list_usd\n")
    for name in ("x.parquet", "absent.parquet"):
        with pytest.raises(CommitError, match="Parquet"):
            read_paths(tmp_path / name, term_months=12)
