"""What a grader is, and how two answers become one difference: the only way scores get into a trial.

A failed or unparsable answer scores 0 and is never skipped. A grader that fails by itself must not help the candidate:
its fault costs the candidate 0 and is taken for a full score of the incumbent. A grader set up wrongly (no true label,
a schema that is none) raises UsageError: there is no trial then.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Final, Literal, Protocol, runtime_checkable

import msgspec

from baseload.errors import UsageError
from baseload.quality.bar import TIERS, Tier
from baseload.quality.graders.answers import Answer, Asked, Unparsable

NO_COST: Final = Decimal(0)
How = Literal["equal", "both_failed", "graded", "judged", "human"]


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """One answer's score, 0 to 1. `reason` names what was right or wrong, never the answer's text.

    `usd` is what grading cost; `fault` says why the grader itself failed, "" = it did not.
    """

    score: float
    reason: str
    tier: Tier
    usd: Decimal = NO_COST
    fault: str = ""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Candidate against incumbent, -1 to 1."""

    d: float
    reason: str
    usd: Decimal = NO_COST
    fault: str = ""


class Grader(Protocol):
    """Scores one answer at a time. `id` and `version` go into the evidence: a change of rules is another version."""

    @property
    def id(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def tier(self) -> Tier: ...

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        """The score of an answer that did not fail. May raise Unparsable: the answer then scores 0."""

    def same(self, a: Answer, b: Answer) -> bool:
        """The free first step: equal after canonicalising, so that the difference is 0 without grading."""


@runtime_checkable
class PairGrader(Protocol):
    """Compares two answers where none can be scored alone: a judge, people."""

    @property
    def how(self) -> How: ...

    @property
    def tier(self) -> Tier: ...

    def compare(self, call: Asked, candidate: Answer, incumbent: Answer) -> Comparison:
        """Who is better. Both have answered."""

    def same(self, a: Answer, b: Answer) -> bool:
        """As a Grader's."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One call's difference, candidate's score - incumbent's, as the trial takes it. Grades are None where unneeded."""

    call_id: str
    d: float
    how: How
    reason: str
    tier: Tier
    usd: Decimal
    candidate: Grade | None = None
    incumbent: Grade | None = None
    fault: str = ""


def graded(grader: Grader, call: Asked, output: Answer, reference: Any) -> Grade:
    """The grade of any answer: 0 for one that failed or cannot be parsed, a fault for a grader that broke."""
    if output.failure:
        return Grade(score=0, reason=output.failure, tier=grader.tier)
    try:
        found = grader.grade(call, output, reference)
    except Unparsable as error:
        return Grade(score=0, reason=str(error), tier=grader.tier)
    except UsageError:
        raise  # a grader set up wrongly: no trial, and no score either
    except Exception as error:  # noqa: BLE001 - whatever a customer's grader raises costs one call, not the trial
        return Grade(score=0, reason="the grader failed", tier=grader.tier, fault=type(error).__name__)
    if isinstance(found.score, bool) or not (math.isfinite(found.score) and 0 <= found.score <= 1):
        return msgspec.structs.replace(found, score=0, reason="the grader failed", fault="a score outside 0 to 1")
    return found


def difference(
    grader: Grader | PairGrader, call: Asked, candidate: Answer, incumbent: Answer, reference: Any = None
) -> Pair:
    """Candidate against incumbent on one call."""
    if candidate.failure or incumbent.failure:
        if candidate.failure and incumbent.failure:
            return _free(grader, call, "both_failed", f"candidate {candidate.failure}, incumbent {incumbent.failure}")
        if isinstance(grader, PairGrader):
            d, who = (-1.0, "candidate") if candidate.failure else (1.0, "incumbent")
            why = f"{who} {candidate.failure or incumbent.failure}"
            return Pair(call_id=call.call_id, d=d, how="graded", reason=why, tier=grader.tier, usd=NO_COST)
    elif _same(grader, candidate, incumbent):
        return _free(grader, call, "equal", "equal")
    if isinstance(grader, PairGrader):
        return _compared(grader, call, candidate, incumbent)
    ours = graded(grader, call, candidate, reference)
    theirs = graded(grader, call, incumbent, reference)
    return Pair(
        call_id=call.call_id,
        d=(0.0 if ours.fault else ours.score) - (1.0 if theirs.fault else theirs.score),
        how="graded",
        reason=f"candidate: {ours.reason}; incumbent: {theirs.reason}",
        tier=weakest(ours.tier, theirs.tier),
        usd=ours.usd + theirs.usd,
        candidate=ours,
        incumbent=theirs,
        fault=ours.fault or theirs.fault,
    )


def weakest(*tiers: Tier) -> Tier:
    """The worst of the tiers: a verdict is as good as the weakest score it rests on."""
    return max(tiers, key=TIERS.index)


def _compared(grader: PairGrader, call: Asked, candidate: Answer, incumbent: Answer) -> Pair:
    try:
        found = grader.compare(call, candidate, incumbent)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - as in `graded`
        found = Comparison(d=-1, reason="the grader failed", fault=type(error).__name__)
    if isinstance(found.d, bool) or not (math.isfinite(found.d) and -1 <= found.d <= 1):
        found = msgspec.structs.replace(found, d=-1, reason="the grader failed", fault="a difference outside -1 to 1")
    if found.fault:
        found = msgspec.structs.replace(found, d=-1)
    return Pair(
        call_id=call.call_id,
        d=float(found.d),
        how=grader.how,
        reason=found.reason,
        tier=grader.tier,
        usd=found.usd,
        fault=found.fault,
    )


def _free(grader: Grader | PairGrader, call: Asked, how: How, reason: str) -> Pair:
    return Pair(call_id=call.call_id, d=0.0, how=how, reason=reason, tier=grader.tier, usd=NO_COST)


def _same(grader: Grader | PairGrader, a: Answer, b: Answer) -> bool:
    """A canonicalising step that breaks has shown nothing."""
    try:
        return grader.same(a, b) is True
    except Exception:  # noqa: BLE001 - as in `graded`; the pair is then graded, which says what is wrong
        return False
