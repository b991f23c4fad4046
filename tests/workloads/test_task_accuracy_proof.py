"""How often the kind of task is right: 1,000 labelled workloads a draw, ten draws, three levels of noise.

The task decides how far down the lines a workload may be tried before anybody has tested it: classification,
extraction, routing, formatting and summarisation are easy to check and may go anywhere, the rest one line down. So the
error that costs something is to call work easy to check that is not: it stands beside the plain shares.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

import pytest
from labelled_company import KINDS, labelled

from baseload.levers.first_look import CHECKABLE_TASKS
from baseload.workloads.task import classify

SEEDS = range(10)
COUNT = 1_000
SURE = 0.7


class Noise(NamedTuple):
    """Chances that a true cue is missing, that a stray one turns up, that no prompt was seen; and what must hold."""

    missing: float
    stray: float
    blind: float
    least_right: float
    most_wrong: float
    most_too_easy: float


LEVELS = {
    "clean": Noise(0, 0, 0, least_right=0.85, most_wrong=0.11, most_too_easy=0.06),
    "noisy": Noise(0.25, 0.25, 0.15, least_right=0.60, most_wrong=0.15, most_too_easy=0.06),
    "very noisy": Noise(0.5, 0.5, 0.3, least_right=0.41, most_wrong=0.18, most_too_easy=0.07),
}


class Answer(NamedTuple):
    true: str
    found: str
    confidence: float

    @property
    def outcome(self) -> str:
        if self.found == "unknown":
            return "unknown"
        return "right" if self.found == self.true else "wrong"

    @property
    def is_too_easy(self) -> bool:
        """Called easy to check, and is not."""
        return self.found in CHECKABLE_TASKS and self.true not in CHECKABLE_TASKS


@pytest.mark.prove
@pytest.mark.parametrize("level", LEVELS)
def test_a_task_is_right_more_often_than_not_and_rarely_wrong(
    level: str, record_property: Callable[[str, object], None]
) -> None:
    """Lowest to highest of ten draws; the bounds hold for the worst. Sure: a confidence of 0.7 or more."""
    noise, draws = LEVELS[level], [answers(seed, level) for seed in SEEDS]
    shares = {name: [_share(draw, name) for draw in draws] for name in ("right", "unknown", "wrong")}
    too_easy = [sum(one.is_too_easy for one in draw) / COUNT for draw in draws]
    sure = [[one for one in draw if one.found != "unknown" and one.confidence >= SURE] for draw in draws]
    for name, found in shares.items():
        record_property(name, _range(found))
    record_property("called too easy", _range(too_easy))
    record_property("sure", _range([len(part) / COUNT for part in sure]))
    record_property("right of sure", _range([_share(part, "right") for part in sure]))
    assert min(shares["right"]) >= noise.least_right
    assert max(shares["wrong"]) <= noise.most_wrong
    assert max(too_easy) <= noise.most_too_easy
    assert min(_share(part, "right") for part in sure) >= 0.85


@pytest.mark.prove
@pytest.mark.parametrize("task", sorted({kind.task for kind in KINDS}))
def test_each_task_by_itself_at_the_noisy_level(task: str, record_property: Callable[[str, object], None]) -> None:
    """All draws together. What it is mostly taken for is said, right or not."""
    mine = [one for seed in SEEDS for one in answers(seed, "noisy") if one.true == task]
    for outcome in ("right", "unknown", "wrong"):
        record_property(outcome, f"{_share(mine, outcome):.0%}")
    too_easy = sum(one.is_too_easy for one in mine) / len(mine)
    record_property("called too easy", f"{too_easy:.0%}")
    mistaken = Counter(one.found for one in mine if one.outcome == "wrong").most_common(1)
    record_property("mostly mistaken for", mistaken[0][0])
    assert too_easy <= 0.4


@cache
def answers(seed: int, level: str) -> tuple[Answer, ...]:
    noise = LEVELS[level]
    drawn = labelled(COUNT, seed, missing=noise.missing, stray=noise.stray, blind=noise.blind)
    judged = ((one, classify(one.shape, one.cues, features=one.features)) for one in drawn)
    return tuple(Answer(one.task, found.task, found.confidence) for one, found in judged)


def _share(part: Iterable[Answer], outcome: str) -> float:
    outcomes = [one.outcome for one in part]
    return outcomes.count(outcome) / len(outcomes)


def _range(shares: list[float]) -> str:
    low, high = f"{min(shares):.0%}", f"{max(shares):.0%}"
    return low if low == high else f"{low} to {high}"
