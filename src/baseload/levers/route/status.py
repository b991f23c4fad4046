"""What is known of a move to another model, in one word each: how plan, map and report say a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from baseload.values import VerdictGrade, VerdictState

Status = Literal["proven", "simulated", "broken", "not shown", "not tested", "not verified here", "invalid"]

STATUS: Final[Mapping[VerdictState, Status]] = {
    "holds": "proven",
    "breaks": "broken",
    "not_shown": "not shown",
    "assumed": "not tested",
    "invalid": "invalid",
}
MEANINGS: Final[Mapping[Status, str]] = {
    "proven": "a trial shows that its answers are no worse than the bar allows",
    "simulated": "a trial ran against a stand-in, and no model answered: of the model itself nothing is known",
    "broken": "a trial shows that its answers are worse than the bar allows",
    "not shown": "a trial ended without an answer: it may hold, nobody knows",
    "not tested": "nobody tried: whether its answers are as good is an assumption",
    "not verified here": "a file says so, and the record that could show it is not in this project",
    "invalid": "its trial failed, by a blind grader, a control or too few calls that can be sent: nothing is known",
}
WORTH_FINDING_OUT: Final[frozenset[Status]] = frozenset(
    {"simulated", "not shown", "not tested", "not verified here", "invalid"}
)
"""Of these the answer is still open, so what finding out costs is worth saying."""


def status_of(state: VerdictState, grade: VerdictGrade) -> Status:
    """The word for a verdict: what a stand-in said is never proven, and rules nothing out on own traffic.

    >>> status_of("holds", "replayed"), status_of("holds", "simulated"), status_of("assumed", "replayed")
    ('proven', 'simulated', 'not tested')
    """
    if state == "assumed" and grade == "unverified":
        return "not verified here"
    return "simulated" if state in ("holds", "assumed") and grade == "simulated" else STATUS[state]
