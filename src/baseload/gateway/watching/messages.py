"""What the gateway asks of its watching processes, one JSON line each way. Nothing here imports anything heavy."""

from __future__ import annotations

from typing import Any

import msgspec

from baseload.quality.watch.events import Action, Event
from baseload.quality.watch.terms import Terms

FAULT = "fault"
NOT_MADE = "the bar's grader cannot be made here"
"""A difference's reason: none of its workload will be graded either."""


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """A roll-back, as `quality.watch.route.RolledBack` is written."""

    at_us: int
    candidate: str
    reason: str
    says: str


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", tag="begin"):
    """A route's first state under these terms, or the one it goes on in. `before` is the state under the workload's
    policy until now, "" where it had none; `past` are roll-backs that bar candidates."""

    terms: Terms
    at_us: int
    before: str = ""
    past: tuple[Back, ...] = ()


class Step(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", tag="step"):
    """A state and the events it is told, in order."""

    state: str
    events: tuple[Event, ...]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge is to be asked: the question's own name, and the request for the API."""

    name: str
    body: msgspec.Raw

    def __repr__(self) -> str:
        return f"Question({self.name!r})"


class Grade(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", tag="grade"):
    """Two answers to one request. `grader` is the table of a `[bar.grader]`, `folder` the project's.

    Answers are messages of the API, or {} for one that failed. `replies`: what a judge said, a message by the name of
    its question; those that are missing are asked for.
    """

    grader: dict[str, Any]
    folder: str
    call_id: str
    request: msgspec.Raw
    candidate: msgspec.Raw
    incumbent: msgspec.Raw
    replies: dict[str, msgspec.Raw] = {}

    def __repr__(self) -> str:
        return f"Grade({self.call_id!r})"


Ask = Begin | Step | Grade


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A route's state as it is stored, how many events it took, and what is to be done and told."""

    state: str
    events: int
    actions: tuple[Action, ...] = ()


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Candidate's score - incumbent's. None: nobody could say, and `reason` is why. `how` as in a trial's pairs, or
    `form`: without the call's truth only what needs none was looked at. `questions`: a judge must be asked first."""

    d: float | None = None
    how: str = ""
    reason: str = ""
    grader: str = ""
    questions: tuple[Question, ...] = ()


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked could not be done: the type of the error, never its text."""

    fault: str
