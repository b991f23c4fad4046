"""Answers of both arms to one difference, weighted, and the evidence line that says so."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any, Final

import msgspec

from baseload.quality.graders.answers import Answer, answer_of
from baseload.quality.graders.grader import Grader, PairGrader, difference
from baseload.quality.graders.grader import Pair as Difference
from baseload.quality.replay.run import Replayed
from baseload.quality.trial.prepare import Case

NO_INCUMBENT: Final = "no incumbent answer"
ANOTHER_MODEL: Final = "another model"
_REASON_CHARS: Final = 200


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One call's answers. `again` is what the incumbent said when asked again; None = it was not, or said nothing."""

    case: Case
    candidate: Replayed
    again: Replayed | None

    @property
    def candidate_answer(self) -> Answer:
        return answer(self.candidate)

    @property
    def again_answer(self) -> Answer | None:
        """None where nobody answered, which says nothing of the incumbent."""
        return None if self.again is None or self.again.failed else answer(self.again)

    def incumbent_answer(self, agreement: bool) -> Answer | None:
        """What the candidate is held against: the recorded answer, or where agreement is tested the one given again."""
        first, second = self.case.recorded, self.again_answer
        return (second or first) if agreement else (first or second)

    def __repr__(self) -> str:
        return "Seen(…)"  # text must not reach a log by way of a traceback


def answer(replayed: Replayed) -> Answer:
    """An item's answer; one that failed is an error and scores 0."""
    if replayed.message is None:
        return Answer(error=replayed.error or replayed.outcome)
    return answer_of(replayed.message)


def compared(grader: Grader | PairGrader, seen: Seen, agreement: bool, *, by_another: bool = False) -> Difference:
    """Candidate against incumbent on one call.

    An answer `by_another` model than the candidate says nothing of it, and counts against it. Where nobody knows what
    the incumbent would have said, its score is taken for a full one and the candidate's for 0: a call that is missing
    must not help.
    """
    if by_another:
        return _against(grader, seen, "another model answered than the candidate", ANOTHER_MODEL)
    theirs = seen.incumbent_answer(agreement)
    if theirs is None:
        return _against(grader, seen, "the incumbent gave no answer to compare with", NO_INCUMBENT)
    return difference(grader, seen.case.asked, seen.candidate_answer, theirs, seen.case.reference)


def _against(grader: Grader | PairGrader, seen: Seen, reason: str, fault: str) -> Difference:
    """Nothing to compare: as if the incumbent were right and the candidate wrong."""
    return Difference(
        call_id=seen.case.call.call_id,
        d=-1.0,
        how="graded",
        reason=reason,
        tier=grader.tier,
        usd=Decimal(0),
        fault=fault,
    )


def repeated(grader: Grader | PairGrader, seen: Seen) -> Difference | None:
    """The incumbent again against its recorded answer; None where either is missing."""
    if seen.case.recorded is None or seen.again_answer is None:
        return None
    return difference(grader, seen.case.asked, seen.again_answer, seen.case.recorded, seen.case.reference)


def pair_body(pair: Difference, seen: Seen, agreement: bool, key: bytes) -> dict[str, Any]:
    """The evidence of one pair: ids, scores, tokens and keyed hashes, never a word of an answer."""
    return {
        **answers_body(seen, agreement, key),
        "score": pair.d,
        "d": pair.d * seen.case.drawn.weight,
        "how": pair.how,
        "reason": pair.reason[:_REASON_CHARS],
        "tier": pair.tier,
        "fault": pair.fault[:60],
        "usd": pair.usd,
        "candidate": None if pair.candidate is None else pair.candidate.score,
        "incumbent": None if pair.incumbent is None else pair.incumbent.score,
    }


def answers_body(seen: Seen, agreement: bool, key: bytes) -> dict[str, Any]:
    """The part of the evidence that is about the answers and not about their grades."""
    theirs = seen.incumbent_answer(agreement)
    return {
        "call": seen.case.call.call_id,
        "stratum": seen.case.drawn.stratum,
        "weight": seen.case.drawn.weight,
        "model": seen.candidate.model,
        "outcome": seen.candidate.outcome,
        "answer_blake2b": _hash(seen.candidate_answer, key),
        "against_blake2b": "" if theirs is None else _hash(theirs, key),
        "tokens": seen.candidate_answer.output_tokens,
        "against_tokens": None if theirs is None else theirs.output_tokens,
    }


def _hash(given: Answer, key: bytes) -> str:
    """Keyed: a short answer could be guessed from a plain hash."""
    spelt = msgspec.json.encode([given.text, given.tool_calls, given.stop_reason, given.error])
    return hashlib.blake2b(spelt, key=key, digest_size=16).hexdigest()
