"""Real outputs of a routing table as recorded answers: one row a (prompt, model, trial), as `baseload route` takes it.

A prompt is asked as one user message without anything else. The several trials of a model on a prompt are given in
turn. Rows without an output cannot be said again and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb

from baseload.demo.upstream.answers import Said, asked_hash, text_answer
from baseload.engine.text import quoted

MAX_TOKENS: Final = 8192
_COLUMNS: Final = (
    "prompt_id, prompt, model, CAST(trial AS VARCHAR), output, reference, score, input_tokens, output_tokens"
)


class Recorded(NamedTuple):
    """One answer of one model; `reference` None where the table holds no true answer."""

    prompt_id: str
    prompt: str
    model: str
    trial: str
    output: str
    reference: str | None
    score: float
    input_tokens: int | None
    output_tokens: int | None


def read_recorded(path: Path) -> list[Recorded]:
    """The rows of a table that have an output and a score, by prompt, model and trial."""
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM read_parquet({quoted(str(path))}) WHERE output IS NOT NULL AND score IS NOT NULL "
            "ORDER BY prompt_id, model, trial"
        ).fetchall()
    return [Recorded(*row) for row in rows]


def request_of(prompt: str, model: str, max_tokens: int = MAX_TOKENS) -> dict[str, Any]:
    """The Messages body that asks a table's prompt."""
    return {"model": model, "max_tokens": max_tokens, "messages": [{"role": "user", "content": prompt}]}


def recorded_answers(rows: Iterable[Recorded], models: Mapping[str, str]) -> list[tuple[str, str, Said]]:
    """What `Answers` takes: the outputs of the models named, under the ids they are asked for by (table's name -> id).

    An empty output is an answer without content.
    """
    return [
        (
            models[row.model],
            asked_hash(request_of(row.prompt, "")),
            text_answer(row.output, prompt_tokens=row.input_tokens, output_tokens=row.output_tokens),
        )
        for row in rows
        if row.model in models
    ]
