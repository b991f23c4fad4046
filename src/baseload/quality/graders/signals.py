"""What is free to see on every answer: refusals, empty and cut-off answers, length; counted for each arm."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from baseload.quality.bar import Tier
from baseload.quality.graders.answers import Answer, Asked
from baseload.quality.graders.grader import Grade
from baseload.quality.graders.normal import plain, same_text

_REFUSAL: Final = re.compile(
    r"^(?:i(?:'m| am) (?:sorry|unable|not able)|sorry,|i can(?:'|no)t (?:help|assist|do|provide|comply)"
    r"|i (?:must|have to) decline|as an ai\b|es tut mir leid|ich kann (?:ihnen )?(?:dabei|damit) nicht)"
)
_REFUSAL_CHARS: Final = 200


class SignalGrader(msgspec.Struct, frozen=True, kw_only=True):
    """1 for an answer without a bad sign, 0 for one with.

    A screen: it sees breakage, not quality. `shortest` and `longest` bound the length as a multiple of the reference's
    (the incumbent's answer, text); None = no bound.
    """

    shortest: float | None = None
    longest: float | None = None
    id: str = "signals"
    version: str = "1"
    tier: Tier = "same_as_incumbent"

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        del call
        ratio = length_ratio(output.text, reference) if isinstance(reference, str) else None
        reason = "refused" if refuses(output) else ""
        if ratio is not None and self.shortest is not None and ratio < self.shortest:
            reason = reason or "too short"
        if ratio is not None and self.longest is not None and ratio > self.longest:
            reason = reason or "too long"
        return Grade(score=float(not reason), reason=reason or "no bad sign", tier=self.tier)

    def same(self, a: Answer, b: Answer) -> bool:
        return same_text(a, b)


class Signals(msgspec.Struct, frozen=True, kw_only=True):
    """One arm's answers, counted. The kinds are disjoint; `mean_output_tokens` is None where no answer says its."""

    answers: int
    errors: int
    refused: int
    cut_off: int
    empty: int
    mean_chars: float
    mean_output_tokens: float | None


def signals(answers: Sequence[Answer]) -> Signals:
    """The counts of one arm."""
    kinds = [answer.failure or ("refused" if refuses(answer) else "") for answer in answers]
    tokens = [answer.output_tokens for answer in answers if answer.output_tokens is not None]
    return Signals(
        answers=len(answers),
        errors=kinds.count("no answer"),
        refused=kinds.count("refused"),
        cut_off=kinds.count("cut off"),
        empty=kinds.count("empty"),
        mean_chars=sum(len(answer.text) for answer in answers) / len(answers) if answers else 0.0,
        mean_output_tokens=sum(tokens) / len(tokens) if tokens else None,
    )


def refuses(answer: Answer) -> bool:
    """By the stop reason, or by how a text begins that asks for no tool: English and German openings."""
    if answer.stop_reason == "refusal":
        return True
    start = plain(answer.text.replace("’", "'")[:_REFUSAL_CHARS])
    return not answer.tool_calls and bool(_REFUSAL.match(start))


def length_ratio(text: str, reference: str) -> float | None:
    """Words of one text for each word of the other; None where that has none."""
    words = len(reference.split())
    return len(text.split()) / words if words else None
