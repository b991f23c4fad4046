"""How often each model line answers right: the planted quality that the demo's trials have to find.

A record is plain or knotty; a line is right on a share of each. What it misses it misses every time it is asked, but
for the flickers, which are drawn anew at each asking.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from baseload.demo.answers.chance import Chance

Level = Literal["plain", "knotty"]
LINES: Final = ("opus", "sonnet", "haiku", "fable")


class Skill(msgspec.Struct, frozen=True, kw_only=True):
    """One line's chance to be right on a part of one answer (the label, a field), by the record's difficulty.

    `flicker` is the chance that a part it knows comes out wrong this once.
    """

    plain: float
    knotty: float
    flicker: float

    def right(self, level: Level) -> float:
        return (self.plain if level == "plain" else self.knotty) * (1 - self.flicker)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One gradeable workload: how many of its records are knotty, and what each line makes of them.

    An answer has `parts`, each right or wrong by itself, and scores 1 where all of them are right.
    """

    knotty_share: float
    parts: int = 1
    lines: Mapping[str, Skill]

    def mean_score(self, line: str) -> float:
        """The expected score of an answer."""
        skill = self.lines[line]
        plain, knotty = skill.right("plain") ** self.parts, skill.right("knotty") ** self.parts
        return (1 - self.knotty_share) * plain + self.knotty_share * knotty


_STRONG: Final = Skill(plain=0.999, knotty=0.97, flicker=0.002)

TASKS: Final[Mapping[str, Task]] = {
    # A choice among eight words: the smallest model makes it as well.
    "support-triage": Task(
        knotty_share=0.1,
        lines={
            "opus": _STRONG,
            "fable": _STRONG,
            "sonnet": _STRONG,
            "haiku": Skill(plain=0.999, knotty=0.968, flicker=0.002),
        },
    ),
    # Six terms in long contracts: the smallest model gets one in seven wrong, the middle one hardly more
    # than the flagship.
    "contract-extraction": Task(
        knotty_share=0.1,
        parts=6,
        lines={
            "opus": _STRONG,
            "fable": _STRONG,
            "sonnet": Skill(plain=0.998, knotty=0.969, flicker=0.002),
            "haiku": Skill(plain=0.86, knotty=0.7, flicker=0.01),
        },
    ),
    # Addresses: a little worse, by less than the bar allows, which its few calls cannot show.
    "address-enrichment": Task(
        knotty_share=0.2,
        lines={
            "opus": Skill(plain=0.995, knotty=0.93, flicker=0.005),
            "fable": Skill(plain=0.995, knotty=0.93, flicker=0.005),
            "sonnet": Skill(plain=0.995, knotty=0.93, flicker=0.005),
            "haiku": Skill(plain=0.989, knotty=0.912, flicker=0.008),
        },
    ),
}


def line_of(model: str) -> str:
    """The line a model id belongs to; "" for a name of none.

    >>> line_of("claude-haiku-5-5"), line_of("gpt-5")
    ('haiku', '')
    """
    return next((line for line in LINES if f"-{line}-" in model), "")


def level_of(service: str, number: int) -> Level:
    """Difficulty of one record: its own, whoever answers."""
    return "knotty" if Chance("level", service, number).share() < TASKS[service].knotty_share else "plain"


def is_right(service: str, model: str, number: int, part: str, *, seed: int, take: str) -> bool:
    """Whether a model gets one part of one answer right at one asking."""
    skill = TASKS[service].lines[line_of(model)]
    known = skill.plain if level_of(service, number) == "plain" else skill.knotty
    knows = Chance(seed, "knows", service, model, number, part).share() < known
    return knows and Chance(seed, "slips", service, model, number, part, take).share() >= skill.flicker


def planted_difference(service: str, candidate: str, incumbent: str) -> float:
    """Candidate's expected score - incumbent's, by model ids."""
    task = TASKS[service]
    return task.mean_score(line_of(candidate)) - task.mean_score(line_of(incumbent))
