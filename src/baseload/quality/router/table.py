"""A table of replayed prompts, read from Parquet: one row a (prompt, model, trial), its score and its cost.

Columns needed: prompt_id, prompt, model, score, cost_usd. Used where they are there: dataset, category, trial,
cost_basis, output (only whether there is one), session_id and the columns of `features.NUMBERS` and `features.LEVELS`.
"""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import msgspec

from baseload.engine.text import quoted
from baseload.errors import NothingToRead, UsageError
from baseload.quality.router.features import LEVELS, NUMBERS
from baseload.values import Problem

SOURCE: Final = "routing-table"
NOTES: Final = frozenset({"other-trials", "not-cheaper", "no-text"})
"""Codes of what a reader may want to know and nobody has to mend."""
NEEDED: Final = ("prompt_id", "prompt", "model", "score", "cost_usd")
_SETTINGS: Final = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
_ROW_PROBLEMS: Final = 0.10
"""Above this share of unusable rows nothing is computed: what is left would not be the sample that was drawn."""


class Row(NamedTuple):
    """One answer. `score` None: none that can be used; `cost_usd` None: the source does not say."""

    number: int
    dataset: str
    prompt_id: str
    prompt: str
    category: str
    model: str
    trial: str
    session: str
    score: float | None
    cost_usd: float | None
    cost_basis: str
    has_output: bool
    numbers: tuple[float | None, ...]
    levels: tuple[str, ...]


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one table, those of every model; `number_names` and `level_names` are the optional columns it has."""

    file: str
    rows: tuple[Row, ...]
    number_names: tuple[str, ...]
    level_names: tuple[str, ...]

    @property
    def models(self) -> list[str]:
        return sorted({row.model for row in self.rows})


def read_table(path: Path) -> tuple[Answers, list[Problem]]:
    """The answers of a Parquet file. Raises UsageError where it is no such table, NothingToRead where it is empty."""
    try:
        with _opened(path) as (connection, file):
            columns = {
                str(row[0]) for row in connection.execute(f"DESCRIBE SELECT * FROM read_parquet({file})").fetchall()
            }
            missing = [name for name in NEEDED if name not in columns]
            if missing:
                raise UsageError(
                    f"{path}: no column {', '.join(missing)}; expected one row a (prompt, model, trial) with "
                    f"{', '.join(NEEDED)}"
                )
            numbers = tuple(name for name in NUMBERS if name in columns)
            levels = tuple(name for name in LEVELS if name in columns)
            found = connection.execute(
                f"SELECT {', '.join(_selected(columns, numbers, levels))} FROM read_parquet({file})"
            ).fetchall()
    except duckdb.Error as error:
        raise UsageError(f"{path}: {str(error).splitlines()[0][:200]}; expected a readable Parquet file") from error
    if not found:
        raise NothingToRead(f"{path}: no rows; expected one row a (prompt, model, trial)")
    problems: list[Problem] = []
    rows = tuple(_rows(found, path.name, len(numbers), problems))
    if len(problems) > _ROW_PROBLEMS * len(found):
        worst, many = Counter(problem.code for problem in problems).most_common(1)[0]
        raise NothingToRead(
            f"{path}: {len(problems)} of {len(found)} rows cannot be used ({worst} × {many}); expected at most "
            f"{_ROW_PROBLEMS:.0%}: what is left would not be the sample that was drawn. Mend the grader and replay them"
        )
    return Answers(file=path.name, rows=rows, number_names=numbers, level_names=levels), [
        *problems,
        *_half_kept(rows, path.name),
    ]


@contextmanager
def _opened(path: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A connection, and the file's name as SQL text that holds no wildcard, which DuckDB would expand."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file; expected a Parquet table of replayed prompts")
    with tempfile.TemporaryDirectory(prefix="baseload-") as folder:
        plain = Path(folder) / "table.parquet"
        plain.symlink_to(path.resolve())
        connection = duckdb.connect(":memory:", config=dict(_SETTINGS))
        try:
            connection.execute("SET enable_progress_bar = false")
            yield connection, quoted(str(plain))
        finally:
            connection.close()


def _selected(columns: set[str], numbers: Sequence[str], levels: Sequence[str]) -> Iterator[str]:
    """What is asked of every row; an optional column that is not there is empty everywhere."""
    for name in ("dataset", "prompt_id", "prompt", "category", "model", "trial", "session_id", "cost_basis"):
        yield f"COALESCE(CAST({name} AS VARCHAR), '')" if name in columns else "''"
    yield "score IS NULL"
    yield "TRY_CAST(score AS DOUBLE)"
    yield "TRY_CAST(cost_usd AS DOUBLE)"
    yield "output IS NOT NULL" if "output" in columns else "FALSE"
    yield from (f"TRY_CAST({name} AS DOUBLE)" for name in numbers)
    yield from (f"COALESCE(CAST({name} AS VARCHAR), '')" for name in levels)


def _rows(found: list[tuple[Any, ...]], file: str, numbers: int, problems: list[Problem]) -> Iterator[Row]:
    for number, one in enumerate(found, start=1):
        dataset, prompt_id, prompt, category, model, trial, session, basis, no_score, score, cost, output, *more = one
        if not prompt_id or not model:
            problems.append(_bad(file, number, "no-id", "a row without a prompt_id or a model", next_step="name both"))
            continue
        if no_score:
            problems.append(_bad(file, number, "no-score", "no score: a miss, if the model is a weak one"))
            score = None
        elif score is None or not (math.isfinite(score) and 0 <= score <= 1):
            shown = "" if score is None else f"{score:g}"
            said = "a score outside 0 to 1: a miss, if the model is a weak one"
            problems.append(_bad(file, number, "score-outside", said, shown))
            score = None
        if cost is not None and not (math.isfinite(cost) and cost >= 0):
            problems.append(_bad(file, number, "bad-cost", "a cost that is no amount of dollars", f"{cost:g}"))
            cost = None
        yield Row(
            number, dataset, prompt_id, prompt, category, model, trial, session, score, cost, basis, bool(output),
            tuple(more[:numbers]), tuple(more[numbers:]),
        )  # fmt: skip


def _bad(file: str, row: int, code: str, message: str, value: str = "", next_step: str = "") -> Problem:
    expected = "a number from 0 to 1; a failed answer scores 0" if "score" in code else ""
    return Problem(
        source=SOURCE, file=file, row=row, code=code, message=message, value=value[:60], expected=expected,
        next_step=next_step,
    )  # fmt: skip


def _half_kept(rows: Sequence[Row], file: str) -> Iterator[Problem]:
    """Models of which a trial kept some outputs and lost others: a score without its answer cannot be checked."""
    kept, scored = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in rows:
        if row.score is not None:
            kept[row.model, row.trial] += row.has_output
            scored[row.model, row.trial] += 1
    for key, rows_scored in sorted(scored.items()):
        if 0 < kept[key] < rows_scored:
            lost = rows_scored - kept[key]
            yield Problem(
                source=SOURCE, file=file, row=0, code="no-output", value=key[0][:60],
                message=f"{lost} of {rows_scored} rows of a model have a score and no output: they cannot be checked",
                expected="outputs of all rows of a model and trial, or of none", next_step="grade those rows again",
            )  # fmt: skip
