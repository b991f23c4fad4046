"""Small tables of answers, made in memory."""

from __future__ import annotations

from collections.abc import Iterable

from baseload.quality.router.table import Answers, Row

STRONG, WEAK = "strong-1", "weak-1"


def row(
    prompt_id: str, model: str, score: float | None, cost: float | None = 1.0, *, prompt: str | None = None,
    category: str = "", trial: str = "0", session: str = "", basis: str = "measured", dataset: str = "",
    numbers: tuple[float | None, ...] = (),
) -> Row:  # fmt: skip
    text = f"question {prompt_id}" if prompt is None else prompt
    return Row(0, dataset, prompt_id, text, category, model, trial, session, score, cost, basis, True, numbers, ())


def answers(rows: Iterable[Row], number_names: tuple[str, ...] = ()) -> Answers:
    return Answers(file="made.parquet", rows=tuple(rows), number_names=number_names, level_names=())


def paired(scores: Iterable[tuple[float, float]], *, prompts: Iterable[str] = (), weak_cost: float = 0.1) -> Answers:
    """Prompt p0, p1, … with the scores of strong and weak; strong costs 1 each."""
    texts = list(prompts)
    rows = []
    for at, (strong, weak) in enumerate(scores):
        prompt = texts[at] if texts else f"question number {at} of many"
        rows += [row(f"p{at}", STRONG, strong, prompt=prompt), row(f"p{at}", WEAK, weak, weak_cost, prompt=prompt)]
    return answers(rows)
