"""Pairs of a grader that needs each call's truth, which live traffic has none of: what can be said without it.

The same answer is no difference whatever the truth is; an answer that failed, or is not in the grader's form, scores 0
beside one that is. Of two sound answers that differ nobody knows which is right: no difference is counted, and how
often that happened is.
"""

from __future__ import annotations

from typing import Final

from baseload.gateway.watching.messages import Difference
from baseload.project_bars import GraderTable, HumanTable
from baseload.quality.graders.answers import Answer
from baseload.quality.graders.grader import Grader, PairGrader
from baseload.quality.graders.signals import refuses
from baseload.quality.trial.tables import needs_truths

DIFFER: Final = "the answers differ, and live calls have no truth"


def has_no_truth(spec: GraderTable) -> bool:
    """Whether a grader knows only calls of its file: of truths, or of what people said."""
    return isinstance(spec, HumanTable) or needs_truths(spec)


def by_form(grader: Grader | PairGrader, candidate: Answer, incumbent: Answer) -> Difference:
    """-1, 0 or 1 by soundness alone: answered, not refused, not cut off, in the form the grader reads."""
    ours, theirs = _is_sound(grader, candidate), _is_sound(grader, incumbent)
    if not (ours and theirs):
        return Difference(d=float(ours) - float(theirs), how="form")
    return Difference(d=0.0, how="form", reason="" if _same(grader, candidate, incumbent) else DIFFER)


def _is_sound(grader: Grader | PairGrader, answer: Answer) -> bool:
    """An answer in the grader's form is the same as itself; one that is not cannot be compared with anything."""
    return not answer.failure and not refuses(answer) and _same(grader, answer, answer)


def _same(grader: Grader | PairGrader, a: Answer, b: Answer) -> bool:
    try:
        return grader.same(a, b) is True
    except Exception:  # noqa: BLE001 - whatever a company's grader raises: nothing was shown to be the same
        return False


__all__ = ["DIFFER", "by_form", "has_no_truth"]
