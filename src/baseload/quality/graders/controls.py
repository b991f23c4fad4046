"""Can this grader see? How often it notices seeded defects, and whether it is fair to the same model twice.

A test of "no worse" is passed by a blind grader (quality.md section 0, point 3). So a judged trial tests at margin x
the lower 99 % bound of the judge's hit rate, and is INVALID where the judge sees too little, sees it in one arm alone,
or prefers one of two runs of the incumbent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

import msgspec

from baseload.quality.graders.seeded import SeededPair

SEEDED: Final = 60
PLACEBOS: Final = 100
LEAST_PLACEBOS: Final = 30
LEAST_HIT_RATE: Final = 0.5
CONFIDENCE: Final = 0.99
_Z_ARMS: Final = NormalDist().inv_cdf(0.995)


class Placebo(msgspec.Struct, frozen=True, kw_only=True):
    """Incumbent again against the incumbent's recorded answers: mean difference and its 95 % interval."""

    pairs: int
    mean: float
    low: float
    high: float

    @property
    def covers_zero(self) -> bool:
        return self.low <= 0 <= self.high


class Controls(msgspec.Struct, frozen=True, kw_only=True):
    """What a grader is worth. `sensitivity` is s_L: a trial tests at margin x s_L; 0 where it is invalid.

    `fault` says why no verdict may rest on it; "" = one may.
    """

    seeded: int
    hits: int
    hits_candidate: int  # of the pairs whose candidate was spoiled
    seeded_candidate: int
    sensitivity: float
    placebo: Placebo
    fault: str = ""

    @property
    def is_valid(self) -> bool:
        return not self.fault


def controls(seeded: Sequence[tuple[SeededPair, float]], placebo: Sequence[float]) -> Controls:
    """From the graded seeded pairs and the placebo's differences, -1 to 1, to what the grader is worth."""
    hits = [pair.is_hit(d) for pair, d in seeded]
    ours = [hit for hit, (pair, _) in zip(hits, seeded, strict=True) if pair.bad_arm == "candidate"]
    bound = lower_bound(sum(hits), len(hits))
    again = placebo_of(placebo)
    fault = _fault(bound, sum(ours), len(ours), sum(hits) - sum(ours), len(hits) - len(ours), again)
    return Controls(
        seeded=len(hits),
        hits=sum(hits),
        hits_candidate=sum(ours),
        seeded_candidate=len(ours),
        sensitivity=0.0 if fault else bound,
        placebo=again,
        fault=fault,
    )


def _fault(bound: float, ours: int, of_ours: int, theirs: int, of_theirs: int, placebo: Placebo) -> str:
    if bound < LEAST_HIT_RATE:
        return f"the grader cannot see: it notices at least {bound:.0%} of seeded defects (99 %); needed 50 %"
    if not of_ours or not of_theirs:
        return "seeded defects in one arm only: nothing shows that the grader is fair to both"
    if arms_differ(ours, of_ours, theirs, of_theirs):
        return "the grader notices defects of one arm more than of the other"
    if placebo.pairs < LEAST_PLACEBOS:
        return f"{placebo.pairs} placebo pairs; needed {LEAST_PLACEBOS}"
    if not placebo.covers_zero:
        return f"the placebo is off: the incumbent against itself scores {placebo.mean:+.3f}"
    return ""


def lower_bound(hits: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """The exact (Clopper-Pearson) one-sided lower bound of a rate; 0.0 where nothing was hit or tried.

    >>> round(lower_bound(60, 60), 4), lower_bound(0, 60)
    (0.9261, 0.0)
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} hits of {trials}; expected 0 to all")
    if hits == 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_least(hits, trials, middle) < 1 - confidence else (low, middle)
    return low


def _at_least(hits: int, trials: int, rate: float) -> float:
    """P(at least so many hits) at a rate."""
    if rate <= 0:
        return 0.0
    if rate >= 1:
        return 1.0
    logs = [
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(rate) + (trials - k) * math.log1p(-rate)
        for k in range(hits, trials + 1)
    ]  # fmt: skip
    return min(1.0, math.fsum(map(math.exp, logs)))


def arms_differ(hits_a: int, a: int, hits_b: int, b: int) -> bool:
    """Two hit rates differ at the two-sided 1 % level (pooled z)."""
    pooled = (hits_a + hits_b) / (a + b)
    error = math.sqrt(pooled * (1 - pooled) * (1 / a + 1 / b))
    return error > 0 and abs(hits_a / a - hits_b / b) > _Z_ARMS * error


def placebo_of(differences: Sequence[float], level: float = 0.95) -> Placebo:
    """Mean and normal interval of the placebo's differences; everything from -1 to 1 where there are fewer than two.

    Raises ValueError outside -1 to 1.
    """
    if not all(-1 <= d <= 1 for d in differences):
        raise ValueError("a placebo difference lies outside -1 to 1")
    n = len(differences)
    if n < 2:
        return Placebo(pairs=n, mean=sum(differences), low=-1.0, high=1.0)
    mean = math.fsum(differences) / n
    variance = math.fsum((d - mean) ** 2 for d in differences) / (n - 1)
    half = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(variance / n)
    return Placebo(pairs=n, mean=mean, low=mean - half, high=mean + half)
