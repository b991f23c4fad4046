"""Reading a table: what it must have, and what a bad row costs."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from baseload.errors import NothingToRead, UsageError
from baseload.quality.router.table import read_table


def written(path: Path, rows: list[str], columns: str = "prompt_id, prompt, model, score, cost_usd, output") -> Path:
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM (VALUES {', '.join(rows)}) AS t({columns})) TO '{path}' (FORMAT parquet)"
        )
    return path


def good(at: int) -> str:
    return f"('p{at}', 'text', 'm', 1.0, 0.5, 'answer')"


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "t.parquet", ["('p', 'm')"], "prompt_id, model")
    with pytest.raises(UsageError, match="no column prompt, score, cost_usd"):
        read_table(path)


def test_what_is_no_parquet_file_or_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("no parquet")
    with pytest.raises(UsageError, match="expected a readable Parquet file"):
        read_table(tmp_path / "t.parquet")
    with pytest.raises(UsageError, match="no such file"):
        read_table(tmp_path / "other.parquet")


def test_a_star_in_a_name_reads_that_file_alone(tmp_path: Path) -> None:
    written(tmp_path / "a.parquet", [good(1)])
    starred = written(tmp_path / "x.parquet", [good(2), good(3)]).rename(tmp_path / "*.parquet")
    assert [row.prompt_id for row in read_table(starred)[0].rows] == ["p2", "p3"]


def test_a_table_without_rows_is_nothing_to_read(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    with duckdb.connect() as connection:
        query = "SELECT 'p' AS prompt_id, '' AS prompt, 'm' AS model, 1.0 AS score, 1.0 AS cost_usd WHERE false"
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    with pytest.raises(NothingToRead, match="no rows"):
        read_table(path)


def test_bad_rows_cost_one_problem_each_and_are_never_a_hit(tmp_path: Path) -> None:
    rows = [good(at) for at in range(40)]
    rows[3] = "('p3', 'text', 'm', NULL, 0.5, 'a')"
    rows[4] = "('p4', 'text', 'm', 1.5, 0.5, 'a')"
    rows[5] = "('p5', 'text', 'm', 1.0, -1, 'a')"
    rows[6] = "(NULL, 'text', 'm', 1.0, 1, 'a')"
    answers, problems = read_table(written(tmp_path / "t.parquet", rows))
    assert sorted((one.code, one.row) for one in problems) == [
        ("bad-cost", 6), ("no-id", 7), ("no-score", 4), ("score-outside", 5),
    ]  # fmt: skip
    by_id = {row.prompt_id: row for row in answers.rows}
    assert by_id["p3"].score is None
    assert by_id["p4"].score is None
    assert by_id["p5"].cost_usd is None
    assert len(answers.rows) == 39


def test_a_table_with_many_bad_scores_is_refused(tmp_path: Path) -> None:
    """5 of 40 rows (12.5 %) on a scale of 1 to 5."""
    rows = [good(at) if at >= 5 else f"('p{at}', 'text', 'm', 5.0, 0.5, 'a')" for at in range(40)]
    with pytest.raises(NothingToRead, match=r"5 of 40 rows cannot be used \(score-outside × 5\)"):
        read_table(written(tmp_path / "t.parquet", rows))


def test_scores_that_lost_their_outputs_are_said_once_a_model(tmp_path: Path) -> None:
    rows = [good(at) for at in range(20)]
    rows[0] = "('p0', 'text', 'm', 1.0, 0.5, NULL)"
    _, problems = read_table(written(tmp_path / "t.parquet", rows))
    assert [(one.code, one.value) for one in problems] == [("no-output", "m")]
    assert "1 of 20 rows" in problems[0].message


def test_no_problem_holds_text_of_a_prompt(tmp_path: Path) -> None:
    rows = [good(at).replace("text", "SECRET") for at in range(40)]
    rows[0] = "('p0', 'SECRET', 'm', 7.0, 0.5, 'SECRET')"
    _, problems = read_table(written(tmp_path / "t.parquet", rows))
    assert len(problems) == 1
    assert "SECRET" not in repr(problems)
