"""What a workload's shadow calls are graded by, from the table of its bar: nothing heavy, for the process that serves.

In words too, since it decides what a climb of the route is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from baseload.project_bars import INCUMBENT

SIGNALS: Final[dict[str, Any]] = {"kind": "signals"}
"""Without a bar: answered, not refused, not cut off."""
_FORM: Final = "form only: answered, not refused, not cut off, readable"


def judge_of(grader: Mapping[str, Any]) -> str:
    """The model that judges, "" where none does."""
    return str(grader.get("model", "")) if grader.get("kind") == "judge" else ""


def has_truths(grader: Mapping[str, Any]) -> bool:
    """Whether it knows only calls of a file: of truths, or of what people said (`unlabelled.has_no_truth`)."""
    return grader.get("kind") == "human" or grader.get("truth", "") not in ("", INCUMBENT)


def graded_by(grader: Mapping[str, Any] | None) -> str:
    """For people: what the shadow of a workload can see, and what it cannot.

    >>> graded_by({"kind": "label", "truth": "truths.jsonl"})
    'form only: answered, not refused, not cut off, readable by label; live calls have no truth, so not who is right'
    """
    if grader is None:
        return "signals, for want of a bar: answered, not refused, not cut off"
    kind = str(grader.get("kind", ""))
    if judge_of(grader):
        return f"judge {judge_of(grader)}, both orders, within the cap"
    if has_truths(grader):
        return f"{_FORM} by {kind}; live calls have no truth, so not who is right"
    return f"{kind} against the incumbent's answer" if grader.get("truth") == INCUMBENT else kind


__all__ = ["SIGNALS", "graded_by", "has_truths", "judge_of"]
