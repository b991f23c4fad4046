"""Random halves of the real tables: fit on one, judge on the other."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from baseload.quality.router.certify import Promise
from baseload.quality.router.document import RouterFile
from baseload.quality.router.evaluate import Evaluation, evaluate
from baseload.quality.router.fit import learn, promised
from baseload.quality.router.table import Answers, Row, read_table

FLOORS = (0.95, 0.98)
CONFIDENCE = 0.90


class Case(NamedTuple):
    """A ladder of one table; the rows of one dataset of it, or of all ("")."""

    file: str
    strong: str
    weak: tuple[str, ...]
    dataset: str = ""

    def __str__(self) -> str:
        return f"{self.dataset or self.file}: {', '.join(self.weak)} for {self.strong}"


CASES = (
    Case("zeroeval_claude3", "claude-3-opus", ("claude-3-haiku",)),
    Case("zeroeval_claude3", "claude-3-5-sonnet", ("claude-3-5-haiku",)),
    Case("zeroeval_claude3", "claude-3-opus", ("claude-3-haiku", "claude-3-5-haiku", "claude-3-5-sonnet")),
    Case("banking77", "claude-sonnet-4-5", ("gpt-5-mini",)),
    Case("bashkit", "claude-opus-4-8", ("claude-haiku-4-5",)),
    Case("bashkit", "claude-opus-4-6", ("claude-haiku-4-5",)),
    Case("tinybird_sql", "claude-3-7-sonnet", ("gpt-4o-mini",)),
    Case("alpacaeval2_claude2", "claude-2", ("claude-instant-1.2",)),
    Case("mmlu_pro_gemini_llama", "gemini-1.5-pro", ("gemini-1.5-flash",)),
    Case("mmlu_pro_gemini_llama", "llama-3.1-70b", ("llama-3.1-8b",)),
    Case("routellm_gpt4_mixtral", "gpt-4-1106-preview", ("mixtral-8x7b",), "routellm_gsm8k"),
    Case("routellm_gpt4_mixtral", "gpt-4-1106-preview", ("mixtral-8x7b",), "routellm_mmlu"),
)
"""longlist_extraction has costs of two models on three prompts: `route fit` refuses it."""


class Half(NamedTuple):
    """One random half fitted, the other judged."""

    floor: float
    router: RouterFile
    evaluation: Evaluation

    @property
    def violated(self) -> bool:
        """Realised ratio below the floor by more than its own noise (routing.md section 8)."""
        found = self.evaluation
        return found.quality_ratio < self.floor - 1.645 * (found.quality_ratio_se or 0.0)

    @property
    def below(self) -> bool:
        return self.evaluation.quality_ratio < self.floor


def answers_of(data: Path, case: Case) -> Answers:
    answers, _ = read_table(data / "routing" / f"{case.file}.parquet")
    models = {case.strong, *case.weak}
    return chosen(answers, lambda row: row.model in models and case.dataset in ("", row.dataset))


def chosen(answers: Answers, keep: Callable[[Row], bool]) -> Answers:
    return msgspec.structs.replace(answers, rows=tuple(row for row in answers.rows if keep(row)))


def halves(answers: Answers, case: Case, many: int, *, size: int | None = None, seed: int = 0) -> Iterator[Half]:
    """`many` random halves (or samples of `size` prompts) fitted at both floors and judged on the rest."""
    prompts = sorted({(row.dataset, row.prompt_id) for row in answers.rows})
    rng = np.random.default_rng(seed)
    for _ in range(many):
        drawn = rng.permutation(len(prompts))[: size or len(prompts) // 2]
        fitted = {prompts[at] for at in drawn}
        here = chosen(answers, lambda row, fitted=fitted: (row.dataset, row.prompt_id) in fitted)  # type: ignore[misc]
        there = chosen(answers, lambda row, fitted=fitted: (row.dataset, row.prompt_id) not in fitted)  # type: ignore[misc]
        learned, _ = learn(here, case.strong, case.weak)
        for floor in FLOORS:
            router, _ = promised(learned, Promise(floor=floor, confidence=CONFIDENCE))
            yield Half(floor, router, evaluate(router, there)[0])


def most_violations(many: int) -> int:
    """A tenth and binomial slack: more would have a chance below 1 % if a tenth was the truth."""
    total, wrong = 0.0, -1
    while total < 0.99:
        wrong += 1
        total += math.comb(many, wrong) * 0.1**wrong * 0.9 ** (many - wrong)
    return wrong


def line(case: Case, found: Sequence[Half], started: float) -> str:
    return f"{case} {sum(h.violated for h in found)}/{len(found)} {time.monotonic() - started:.0f} s"
