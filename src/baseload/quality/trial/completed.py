"""How much of the work was done: tasks completed, by the scores of the answers where they are known.

The test grades only answers that differ, and a task that both arms fail in the same way is not completed by either: so
the equal ones are graded here, once, for the arms' figures alone. No score of it is part of the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from baseload.quality.graders.answers import Answer
from baseload.quality.graders.grader import Grader, PairGrader, graded
from baseload.quality.graders.plugin import PluginGrader
from baseload.quality.trial.pairs import ANOTHER_MODEL, Seen
from baseload.quality.trial.setup import TrialSetup

Completed = tuple[float, float]
"""The candidate's and the incumbent's sum of scores: 0 = nothing was done."""


def completed(setup: TrialSetup, rows: Sequence[tuple[Seen, Mapping[str, Any]]]) -> Completed | None:
    """The tasks each arm completed of these pairs; None where scores are not the truth, or cost dollars to have.

    A plug-in is not asked again: its author may charge for it.
    """
    grader = setup.grader
    if isinstance(grader, (PairGrader, PluginGrader)) or grader.tier != "truth":
        return None
    pairs = [_scores(grader, setup.agreement, seen, body) for seen, body in rows]
    return sum(ours for ours, _ in pairs), sum(theirs for _, theirs in pairs)


def _scores(grader: Grader, agreement: bool, seen: Seen, body: Mapping[str, Any]) -> tuple[float, float]:
    ours, theirs = body["candidate"], body["incumbent"]
    if body["how"] == "equal":
        ours = theirs = _score(grader, seen, seen.candidate_answer)
    if ours is None:
        ours = 0.0 if body["fault"] == ANOTHER_MODEL else _score(grader, seen, seen.candidate_answer)
    if theirs is None:
        theirs = _score(grader, seen, seen.incumbent_answer(agreement))
    return float(ours), float(theirs)


def _score(grader: Grader, seen: Seen, answer: Answer | None) -> float:
    return 0.0 if answer is None else graded(grader, seen.case.asked, answer, seen.case.reference).score
