"""Answers spoiled on purpose: what a judge must notice before its word counts."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec

from baseload.quality.graders.answers import Answer, Asked, Unparsable, json_in
from baseload.quality.graders.normal import label

Defect = Literal["dropped_field", "swapped_label", "negated_claim", "wrong_number", "truncation"]
DEFECTS: Final[tuple[Defect, ...]] = (
    "dropped_field", "swapped_label", "negated_claim", "wrong_number", "truncation",
)  # fmt: skip
Arm = Literal["candidate", "incumbent"]
LEAST_WORDS_TO_CUT: Final = 8
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?!\w)")
_VERB: Final = re.compile(r"\b(is|are|was|were|will|can|should|must|has|does|do)\b(?!\s+not\b|n't)")
_NEGATION: Final = re.compile(r"\b(is|are|was|were|will|can|should|must|has|does|do) ?(?:not|n't)\b")


class SeededPair(msgspec.Struct, frozen=True, kw_only=True):
    """One call with a sound answer in one arm and the same, spoiled, in `bad_arm`."""

    call: Asked
    defect: Defect
    bad_arm: Arm
    good: Answer
    bad: Answer

    @property
    def arms(self) -> tuple[Answer, Answer]:
        """(candidate, incumbent), as a pair grader compares them."""
        return (self.bad, self.good) if self.bad_arm == "candidate" else (self.good, self.bad)

    def is_hit(self, d: float) -> bool:
        """The grader prefers the sound answer; a tie is a miss."""
        return d < 0 if self.bad_arm == "candidate" else d > 0


def spoiled(answer: Answer, defect: Defect, *, seed: str, labels: Sequence[str] = ()) -> Answer | None:
    """The answer with one defect; None where this one has no place for it."""
    text = _SPOILERS[defect](answer.text, random.Random(seed), labels)  # noqa: S311 - a seeded choice, no secret
    if text is None or text.strip() == answer.text.strip():
        return None
    return msgspec.structs.replace(answer, text=text)


def seeded_pairs(
    sound: Sequence[tuple[Asked, Answer]], count: int, *, seed: str, labels: Sequence[str] = ()
) -> list[SeededPair]:
    """Up to `count` pairs, the defects and the arms in turn; fewer where the answers have no place for more.

    Every answer is used at most once, so that the pairs are independent.
    """
    order = list(sound)
    random.Random(seed).shuffle(order)  # noqa: S311 - as above
    pairs: list[SeededPair] = []
    turn = 0
    for call, answer in order:
        if len(pairs) == count:
            break
        for step in range(len(DEFECTS)):
            defect = DEFECTS[(turn + step) % len(DEFECTS)]
            bad = spoiled(answer, defect, seed=f"{seed}|{call.call_id}", labels=labels)
            if bad is not None:
                arm: Arm = "candidate" if len(pairs) % 2 == 0 else "incumbent"
                pairs.append(SeededPair(call=call, defect=defect, bad_arm=arm, good=answer, bad=bad))
                turn += step + 1
                break
    return pairs


def _dropped_field(text: str, chance: random.Random, _: Sequence[str]) -> str | None:
    """A JSON object without one of its fields."""
    try:
        value = json_in(text)
    except Unparsable:
        return None
    if not isinstance(value, dict) or not value:
        return None
    gone = chance.choice(sorted(value))
    return json.dumps({name: kept for name, kept in value.items() if name != gone}, ensure_ascii=False)


def _swapped_label(text: str, chance: random.Random, labels: Sequence[str]) -> str | None:
    """Another label of the set, where the answer is one or a field of it holds one."""
    others = [other for other in labels if label(other) != label(text)]
    if others and len(others) < len(labels):
        return chance.choice(others)
    try:
        value = json_in(text)
    except Unparsable:
        return None
    names = {label(name) for name in labels}
    fields = (
        [k for k, v in value.items() if isinstance(v, str) and label(v) in names] if isinstance(value, dict) else []
    )
    if not fields or len(labels) < 2:
        return None
    field = chance.choice(fields)
    other = chance.choice([name for name in labels if label(name) != label(value[field])])
    return json.dumps({**value, field: other}, ensure_ascii=False)


def _negated_claim(text: str, chance: random.Random, _: Sequence[str]) -> str | None:
    """A "not" taken away where there is one, else put behind a verb; English."""
    denied = list(_NEGATION.finditer(text))
    if denied:
        found = chance.choice(denied)
        return text[: found.end(1)] + text[found.end() :]
    stated = list(_VERB.finditer(text))
    if not stated:
        return None
    found = chance.choice(stated)
    return f"{text[: found.end()]} not{text[found.end() :]}"


def _wrong_number(text: str, chance: random.Random, _: Sequence[str]) -> str | None:
    """One number with its first digit changed."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return None
    number = chance.choice(found)
    digit = str((int(number[0][0]) + chance.randint(1, 8) - 1) % 9 + 1)  # never the one that stands there
    return text[: number.start()] + digit + text[number.start() + 1 :]


def _truncation(text: str, chance: random.Random, _: Sequence[str]) -> str | None:
    """The first third to half of the words."""
    words = list(re.finditer(r"\S+", text))
    if len(words) < LEAST_WORDS_TO_CUT:
        return None
    return text[: words[round(len(words) * chance.uniform(0.33, 0.5))].start()].rstrip()


_SPOILERS: Final[dict[Defect, Callable[[str, random.Random, Sequence[str]], Any]]] = {
    "dropped_field": _dropped_field,
    "swapped_label": _swapped_label,
    "negated_claim": _negated_claim,
    "wrong_number": _wrong_number,
    "truncation": _truncation,
}
