"""Ridge regressions, cross-fitted: every prediction comes from a fit, and a choice of features, that never saw the row.

Several targets are fitted at once (quality and cost of every model). A candidate is a set of columns with a penalty
for each kind of column; which candidate is taken is chosen inside the folds that are fitted on, so that the threshold
may be tested on the fold that is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.quality.router.features import LENGTH
from baseload.quality.router.space import Design

Floats = NDArray[np.float64]

FOLDS: Final = 8
_LEVEL_PENALTY: Final = 5.0
_SURFACE_PENALTY: Final = 20.0
_SAME: Final = 1e-10


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Which columns are used and how strongly they are held back; None = not used. All None: the means alone."""

    name: str
    text: float | None = None
    surface: float | None = None
    levels: float | None = None
    length_only: bool = False


CONSTANT: Final = Candidate(name="constant")
TABLE: Final = Candidate(name="category table", levels=_LEVEL_PENALTY)
LENGTH_ONLY: Final = Candidate(name="length only", surface=_SURFACE_PENALTY, length_only=True)
RACE: Final = (
    Candidate(name="text and structure", text=50.0, surface=_SURFACE_PENALTY, levels=_LEVEL_PENALTY),
    Candidate(name="structure", surface=_SURFACE_PENALTY, levels=_LEVEL_PENALTY),
    TABLE,
)
"""The richest first: a simpler one is taken where it is clearly better. Scores that grow smoothly make finer thresholds
than a table's steps, and cost nothing where both are as good."""
_CLEARLY: Final = 2.0
"""Standard errors."""


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """A linear map from a prompt's rows to its targets; parts that are not used are empty (0 columns)."""

    intercept: Floats
    text: Floats
    surface: Floats
    levels: Floats


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """Out-of-fold predictions (a row a unit, a column a target), the candidate that won on all of it, its weights.

    `informed`: it predicts the losses clearly better than their means do, by two standard errors.
    """

    predicted: Floats
    candidate: Candidate
    informed: bool
    weights: Weights


def folds_of(cluster: NDArray[np.int64]) -> NDArray[np.int64]:
    """The fold of every unit: clusters in turn, so that no cluster is split. Units come in the order of a hash."""
    found: NDArray[np.int64] = cluster % FOLDS
    return found


def cross_fitted(
    design: Design, targets: Sequence[Floats], fold: NDArray[np.int64], race: Sequence[Candidate],
    learn: NDArray[np.bool_], losses: Floats,
) -> list[Fitted]:  # fmt: skip
    """Race the candidates for each set of targets by the squared error of their losses (targets @ `losses`): fold by
    fold inside the others, and then on all. The sets share their sums, and nothing else.

    Units outside `learn` are predicted and never learnt from.
    """
    width = targets[0].shape[1]
    parts = [_Folded(design, candidate, np.hstack(targets), fold, learn) for candidate in race]
    pairs = {frozenset(pair): [part.without(pair) for part in parts] for pair in combinations(range(FOLDS), 2)}
    alone = [[part.without((out,)) for part in parts] for out in range(FOLDS)]
    whole = [part.without(()) for part in parts]
    blind = _Folded(design, CONSTANT, np.hstack(targets), fold, learn)
    means = [blind.without((out,)) for out in range(FOLDS)]
    found = []
    for number in range(len(targets)):
        mine = slice(number * width, (number + 1) * width)
        predicted = np.zeros_like(targets[number])
        for out in range(FOLDS):
            inner = [other for other in range(FOLDS) if other != out]
            errors = [
                np.concatenate(
                    [part.errors(pairs[frozenset((out, other))][at], other, mine, losses) for other in inner]
                )
                for at, part in enumerate(parts)
            ]
            best = _winner(errors)
            predicted[fold == out] = parts[best].predict(alone[out][best], out, mine)
        errors = [
            np.concatenate([part.errors(alone[out][at], out, mine, losses) for out in range(FOLDS)])
            for at, part in enumerate(parts)
        ]
        best = _winner(errors)
        by_means = np.concatenate([blind.errors(means[out], out, mine, losses) for out in range(FOLDS)])
        informed = _clearly_above_0(by_means - errors[best])
        found.append(
            Fitted(
                predicted=predicted,
                candidate=race[best],
                informed=informed,
                weights=parts[best].weights(whole[best], mine),
            )
        )
    return found


def _winner(errors: Sequence[Floats]) -> int:
    """The first, or a later one that is better by more than two standard errors of the difference."""
    best = 0
    for at in range(1, len(errors)):
        if _clearly_above_0(errors[best] - errors[at]):
            best = at
    return best


def _clearly_above_0(gains: Floats) -> bool:
    return bool(gains.mean() > _CLEARLY * gains.std() / np.sqrt(max(len(gains), 1)))


Solution = tuple[Floats, Floats]
"""Intercept and weights, in the columns of a candidate."""


class _Folded:
    """One candidate's columns, with penalties taken into their scale, and their sums of products fold by fold."""

    def __init__(
        self, design: Design, candidate: Candidate, targets: Floats, fold: NDArray[np.int64], learn: NDArray[np.bool_]
    ) -> None:
        self.candidate = candidate
        self._design = design
        columns = _columns(design, candidate)
        self._scaled = columns
        self._back: Floats | None = None
        if 0 < len(columns) < columns.shape[1]:
            values, vectors = np.linalg.eigh((columns @ columns.T).astype(np.float64))
            kept = values > max(values.max(), 0) * _SAME
            roots = np.sqrt(values[kept]).astype(np.float64)
            self._scaled = vectors[:, kept] * roots
            self._back = columns.T.astype(np.float64) @ (vectors[:, kept] / roots)
        self._rows = [np.flatnonzero(fold == out) for out in range(FOLDS)]
        learnt = [rows[learn[rows]] for rows in self._rows]
        self._targets, self._learnt = targets, learnt
        self._products = [self._scaled[rows].T @ self._scaled[rows] for rows in learnt]
        self._crossed = [self._scaled[rows].T @ targets[rows] for rows in learnt]
        self._sums = [self._scaled[rows].sum(axis=0, dtype=np.float64) for rows in learnt]

    def without(self, out: Iterable[int]) -> Solution:
        """The ridge solution on all folds but these."""
        kept = [at for at in range(FOLDS) if at not in set(out)]
        size = max(sum(len(self._learnt[at]) for at in kept), 1)
        means = (
            sum((self._targets[self._learnt[at]].sum(axis=0) for at in kept), np.zeros(self._targets.shape[1])) / size
        )
        width = self._scaled.shape[1]
        if width == 0:
            return means, np.zeros((0, self._targets.shape[1]))
        sums = sum((self._sums[at] for at in kept), np.zeros(width))
        products = sum((self._products[at].astype(np.float64) for at in kept), np.eye(width))
        crossed = sum((self._crossed[at] for at in kept), np.zeros((width, self._targets.shape[1])))
        middle = sums / size
        products -= np.outer(middle, sums)
        solved = np.linalg.solve(products, crossed - np.outer(middle, means * size)).astype(np.float64)
        return means - middle @ solved, solved

    def predict(self, solution: Solution, out: int, mine: slice) -> Floats:
        """The targets of one fold."""
        return self._predicted(self._rows[out], solution, mine)

    def errors(self, solution: Solution, out: int, mine: slice, losses: Floats) -> Floats:
        """Squared errors of the losses on what may be learnt of one fold, a row a unit."""
        rows = self._learnt[out]
        missed = (self._predicted(rows, solution, mine) - self._targets[rows, mine]) @ losses
        found: Floats = np.square(missed).sum(axis=1)
        return found

    def _predicted(self, rows: NDArray[np.int64], solution: Solution, mine: slice) -> Floats:
        found: Floats = solution[0][mine] + self._scaled[rows] @ solution[1][:, mine].astype(self._scaled.dtype)
        return found

    def weights(self, solution: Solution, mine: slice) -> Weights:
        """The solution in the design's own columns."""
        solved = solution[1][:, mine]
        values = solved if self._back is None else self._back @ solved
        outputs, start, taken = solved.shape[1], 0, []
        for part, penalty in _parts(self._design, self.candidate):
            width = part.shape[1] if penalty else 0
            taken.append(values[start : start + width] / np.sqrt(penalty) if penalty else np.zeros((0, outputs)))
            start += width
        return Weights(intercept=solution[0][mine], text=taken[0], surface=taken[1], levels=taken[2])


def _parts(design: Design, candidate: Candidate) -> list[tuple[NDArray[np.float32] | Floats, float | None]]:
    seen = design.surface[:, :LENGTH] if candidate.length_only else design.surface
    return [(design.text, candidate.text), (seen, candidate.surface), (design.levels, candidate.levels)]


def _columns(design: Design, candidate: Candidate) -> NDArray[np.float32] | Floats:
    """Columns divided by the root of their penalty, so that one penalty of 1 holds for all."""
    used = [part / np.asarray(np.sqrt(penalty), part.dtype) for part, penalty in _parts(design, candidate) if penalty]
    if not used:
        return np.zeros((len(design.surface), 0))
    kind = np.float32 if candidate.text else np.float64
    return np.hstack([part.astype(kind) for part in used])
