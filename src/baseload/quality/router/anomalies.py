"""Runs that look broken: a model far below the others in one category, and not elsewhere.

A harness that failed scores like a model that cannot do the task. Learning from it would be wrong either way round: a
broken strong model makes the weak one look better. So the category stays with the strong model and is not learnt.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from baseload.quality.router.table import SOURCE, Answers
from baseload.values import Problem

_LEAST_ROWS: Final = 8
_FAR_BELOW: Final = 0.5
"""Of what models have here that are no better elsewhere …"""
_NEXT_TO_NOTHING: Final = 0.1
"""… or of what all others have, and the model does its share elsewhere …"""
_USUAL: Final = 0.7
_DEVIATIONS: Final = 5.0
"""… and the gap is no chance."""


Kind = tuple[str, str]
"""Dataset and category."""


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """One model in one category: its mean score, what others have there, and its usual part of the others elsewhere."""

    model: str
    dataset: str
    category: str
    rows: int
    mean: float
    others: float
    usual: float


def anomalies(answers: Answers) -> list[Anomaly]:
    """The runs of a table that look broken, among all its models and not only those of the ladder."""
    scores: dict[Kind, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in answers.rows:
        if row.score is not None:
            scores[row.dataset, row.category][row.model].append(row.score)
    means = {
        kind: {model: float(np.mean(found)) for model, found in by_model.items() if len(found) >= _LEAST_ROWS}
        for kind, by_model in scores.items()
    }
    found = [
        _judged(means, kind, model, len(scores[kind][model])) for kind in sorted(means) for model in sorted(means[kind])
    ]
    return [one for one in found if one is not None]


def _judged(means: Mapping[Kind, Mapping[str, float]], kind: Kind, model: str, rows: int) -> Anomaly | None:
    """The anomaly, if this model's scores in this category are one."""
    here, mean = means[kind], means[kind][model]
    ratios = {other: _elsewhere(means, kind, model, other) for other in here if other != model}
    compared = {other: ratio for other, ratio in ratios.items() if ratio is not None}
    if not compared:
        return None
    usual = float(np.median(list(compared.values())))
    no_better = [here[other] for other, ratio in compared.items() if ratio >= 1]
    middle, everyone = float(np.median(no_better or [0.0])), float(np.median([here[other] for other in compared]))
    below = mean < _FAR_BELOW * middle and _no_chance(mean, middle, rows)
    nothing = mean < _NEXT_TO_NOTHING * everyone and usual >= _USUAL and _no_chance(mean, everyone, rows)
    if not below and not nothing:
        return None
    return Anomaly(
        model=model, dataset=kind[0], category=kind[1], rows=rows, mean=mean, others=middle if below else everyone,
        usual=usual,
    )  # fmt: skip


def _elsewhere(means: Mapping[Kind, Mapping[str, float]], kind: Kind, model: str, other: str) -> float | None:
    """A model's mean score over another's in the categories both have beside this one; None without any."""
    both = [found for at, found in means.items() if at != kind and model in found and other in found]
    if not both:
        return None
    theirs = float(np.mean([found[other] for found in both]))
    return float(np.mean([found[model] for found in both])) / theirs if theirs else None


def _no_chance(mean: float, middle: float, rows: int) -> bool:
    return middle - mean > _DEVIATIONS * math.sqrt(2 * max(middle * (1 - middle), 0.01) / rows)


def said(anomaly: Anomaly, file: str) -> Problem:
    """The anomaly as a problem a person can act on."""
    return Problem(
        source=SOURCE, file=file, row=0, code="broken-run", value=anomaly.model[:60],
        message=f"mean score {anomaly.mean:.2f} over {anomaly.rows} rows of one category where other models have "
        f"{anomaly.others:.2f}, and {anomaly.usual:.2f} of theirs elsewhere: it looks like a broken run; not learnt",
        expected="scores in proportion to the model's other categories",
        next_step="look at its outputs and run it again, or take the model out",
    )  # fmt: skip
