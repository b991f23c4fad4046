"""The bound behind the promise: bets on paired losses, one cluster at a time, in an order the prompts' hashes give.

A policy keeps the promise if E[router's score - floor x strong's score] >= 0. Wealth that is bet on it from what is
known before each cluster reaches 1/alpha with a chance of at most alpha where the promise is broken (Ville; bounded
scores, no normality, graded or not). The size of the bets aims at the last cluster (STaR, as in `quality.betting`).

Policies are tested in a fixed sequence, the most careful first, and the first that fails ends it (Learn-then-Test,
arXiv 2110.01052): all that passed hold together at one alpha.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STAKED: Final = 0.95
_PRIOR_WEIGHT: Final = 20
_POWER_Z: Final = 0.8416
"""A chance of 80 %."""
_BET_COST: Final = 1.15
"""Bets need about so many times the prompts of a test that knew the spread."""


def by_cluster(differences: Floats, cluster: NDArray[np.int64]) -> Floats:
    """Sums of a cluster over the size of the largest: bounded as one difference is, and weighted as calls are."""
    sizes = np.bincount(cluster)
    sums = np.stack([np.bincount(cluster, weights=column) for column in differences.T], axis=1)
    found: Floats = sums / sizes.max()
    return found


def weight(cluster: NDArray[np.int64]) -> float:
    """Mean square of the clusters' sizes over the largest: how far `by_cluster` shrinks what is believed of one row."""
    sizes = np.bincount(cluster)
    return float(np.mean(np.square(sizes / sizes.max())))


def shown(differences: Floats, floor: float, alpha: float, spreads: Floats) -> NDArray[np.bool_]:
    """For each column whether its mean is shown not to lie below 0.

    A row is a cluster, values lie in [-floor, 1]; `spreads` is what is believed of each column's mean square before any
    row, from no score of these rows.
    """
    rows, columns = differences.shape
    most, goal = _STAKED / floor, -math.log(alpha)
    wealth, squares, done = np.zeros(columns), np.zeros(columns), np.zeros(columns, dtype=bool)
    for at in range(rows):
        spread = (spreads * _PRIOR_WEIGHT + squares) / (_PRIOR_WEIGHT + at)
        bets = np.minimum(np.sqrt(np.maximum(2 * (goal - wealth), 0) / (spread * (rows - at))), most)
        one = differences[at]
        wealth += np.log1p(bets * one) * ~done
        squares += one * one
        done |= wealth >= goal
    return done


def in_sequence(passed: NDArray[np.bool_]) -> int:
    """How many of the tests count: those before the first that failed."""
    failed = np.flatnonzero(~passed)
    return int(failed[0]) if len(failed) else len(passed)


def clusters_needed(differences: Floats, floor: float, alpha: float) -> int | None:
    """Clusters at which a policy with these differences would be shown with a chance of 80 %.

    None where its mean is not above 0: more of the same would not show it.
    """
    mean, deviation = float(differences.mean()), float(differences.std())
    if mean <= 0:
        return None
    z = _normal_quantile(1 - alpha) + _POWER_Z
    return max(math.ceil(_BET_COST * (z * deviation / mean) ** 2), least_clusters(mean, floor, alpha))


def least_clusters(mean: float, floor: float, alpha: float) -> int:
    """Clusters without which not even a cheaper model that never loses can be shown: the highest stake on each."""
    return math.ceil(-math.log(alpha) / math.log1p(_STAKED / floor * mean))


def _normal_quantile(chance: float) -> float:
    """By bisection; twelve digits are more than a plan needs."""
    low, high = -8.0, 8.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        below = math.erfc(-middle / math.sqrt(2)) / 2 < chance
        low, high = (middle, high) if below else (low, middle)
    return (low + high) / 2
