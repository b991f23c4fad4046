"""Which of a project's verdicts stand together: each alone may be wrong, and of many that were tried some are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from baseload.quality.portfolio import e_bh
from baseload.quality.trial.document import TrialDocument, TrialGrade

RATE: Final = 0.05
"""Of the verdicts said to stand together an expected share of at most this is wrong (false discovery rate)."""


class Together(msgspec.Struct, frozen=True, kw_only=True):
    """The trials of one grade, by name: `holds` alone, and of those the ones that `stand` at the rate, by e-BH.

    `trials` counts all that ran, those set aside and those without an answer among them: what was tried and did not
    hold counts too. `all_stand_at` is the smallest rate at which all of `holds` stand; None where none holds or no rate
    below 1 lets them.
    """

    grade: TrialGrade
    rate: float
    trials: int
    holds: tuple[str, ...]
    stand: tuple[str, ...]
    all_stand_at: float | None


def together(trials: Mapping[str, TrialDocument], unfinished: int = 0, rate: float = RATE) -> tuple[Together, ...]:
    """One for each grade of which several trials ran; `unfinished` were set aside before they ended."""
    found = []
    for grade in ("replayed", "simulated"):
        mine = {name: one for name, one in trials.items() if one.grade == grade}
        if mine and len(mine) + unfinished > 1:
            found.append(_of(mine, unfinished, rate))
    return tuple(found)


def _of(trials: Mapping[str, TrialDocument], unfinished: int, rate: float) -> Together:
    evidence = {name: evidence_of(one) for name, one in trials.items()}
    evidence |= {f"\0{number}": 0.0 for number in range(unfinished)}
    holds = tuple(sorted(name for name, one in trials.items() if one.state == "holds"))
    passed = e_bh(evidence, rate)
    return Together(
        grade=next(iter(trials.values())).grade,
        rate=rate,
        trials=len(evidence),
        holds=holds,
        stand=tuple(name for name in holds if name in passed),
        all_stand_at=_least_rate([evidence[name] for name in holds], len(evidence)),
    )


def evidence_of(trial: TrialDocument) -> float:
    """The e-value against "worse by the margin": the wealth at the stop; 0 where the trial is invalid.

    A judge's controls took a part of the bar's alpha, so its wealth counts for so much less.
    """
    wealth = trial.decision.e_value
    if trial.state == "invalid" or wealth is None:
        return 0.0
    return wealth * min(1.0, trial.decision.alpha / trial.bar.level)


def _least_rate(evidence: list[float], trials: int) -> float | None:
    """K / (k x the smallest e-value of the k)."""
    if not evidence or min(evidence) <= 0:
        return None
    rate = trials / (len(evidence) * min(evidence))
    return rate if rate < 1 else None


def sentence_of(found: Together, names: Mapping[str, str]) -> str:
    """What may be said of several trials at once. `names` are those a reader knows.

    >>> found = Together(grade="replayed", rate=0.05, trials=4, holds=("a", "b"), stand=(), all_stand_at=0.1)
    >>> sentence_of(found, {})[59:]
    'none stand together. Counting on all 2 accepts 10 % wrong ones'
    """
    kind = "" if found.grade == "replayed" else " against a stand-in"
    if not found.holds:
        return f"Of {found.trials} trials{kind} none holds"
    if len(found.stand) == len(found.holds):
        which = "all of them"
    else:
        which = ", ".join(names.get(name, name) for name in found.stand) or "none"
    said = (
        f"Of {found.trials} trials{kind} {len(found.holds)} hold alone; at a false discovery rate of "
        f"{_percent(found.rate)} {which} stand together"
    )
    if len(found.stand) == len(found.holds) or found.all_stand_at is None:
        return said
    return f"{said}. Counting on all {len(found.holds)} accepts {_percent(found.all_stand_at)} wrong ones"


def _percent(rate: float) -> str:
    """Rounded up: a rate is never said to be smaller than it is."""
    return f"{-int(-rate * 1000 // 1) / 10:g} %"
