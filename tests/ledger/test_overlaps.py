"""Two views of the same calls under different ids are said out loud."""

from __future__ import annotations

import numpy as np

from baseload.ledger.overlaps import overlap_problems


def spend(*rows: tuple[str, str, int, str]) -> dict[str, np.ndarray]:
    names = ("source", "grain", "day", "model")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    return {name: np.array(columns[name], dtype=np.int64 if name == "day" else object) for name in names}


def test_transcripts_and_telemetry_of_one_model_and_day_may_be_the_same_calls() -> None:
    found = overlap_problems(spend(("claude_code", "call", 5, "opus"), ("claude_code_otel", "call", 5, "opus")))
    assert [(problem.code, problem.value) for problem in found] == [("possible-double-count", "1 model-days")]


def test_other_days_models_or_control_totals_are_not() -> None:
    assert overlap_problems(spend(("claude_code", "call", 5, "opus"), ("claude_code_otel", "call", 6, "opus"))) == []
    assert overlap_problems(spend(("claude_code", "call", 5, "opus"), ("claude_code_otel", "call", 5, "haiku"))) == []
    assert overlap_problems(spend(("claude_code", "call", 5, "opus"), ("claude_code_otel", "day", 5, "opus"))) == []
