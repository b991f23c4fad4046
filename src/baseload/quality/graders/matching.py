"""Best matching of two lists whose order does not count (Kuhn-Munkres with potentials, in whole numbers or floats)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MOST: Final = 60
"""Longer lists are not matched: the time grows with the cube."""


def best_total(gains: Sequence[Sequence[float]]) -> float:
    """The largest sum of gains of pairs in which each row and each column stands at most once; gains are 0 or more.

    >>> best_total([[5, 4], [4, 0]])
    8.0
    """
    if not gains or not gains[0]:
        return 0.0
    if len(gains) > len(gains[0]):
        gains = list(zip(*gains, strict=True))
    rows, columns = len(gains), len(gains[0])
    left, right = [0.0] * (rows + 1), [0.0] * (columns + 1)
    owner = [0] * (columns + 1)  # row of a column, from 1; 0 = none
    for row in range(1, rows + 1):
        _give_place(row, gains, left, right, owner)
    return float(sum(gains[owner[column] - 1][column - 1] for column in range(1, columns + 1) if owner[column]))


def _give_place(
    row: int, gains: Sequence[Sequence[float]], left: list[float], right: list[float], owner: list[int]
) -> None:
    """One more row gets a column, others move where that is better: the shortest augmenting path."""
    columns = len(owner) - 1
    slack, back, used = [float("inf")] * (columns + 1), [0] * (columns + 1), [False] * (columns + 1)
    owner[0], column = row, 0
    while owner[column]:
        used[column] = True
        here, step, after = owner[column], float("inf"), 0
        for other in range(1, columns + 1):
            if used[other]:
                continue
            cost = -gains[here - 1][other - 1] - left[here] - right[other]
            if cost < slack[other]:
                slack[other], back[other] = cost, column
            if slack[other] < step:
                step, after = slack[other], other
        for other in range(columns + 1):
            if used[other]:
                left[owner[other]] += step
                right[other] -= step
            else:
                slack[other] -= step
        column = after
    while column:
        owner[column] = owner[back[column]]
        column = back[column]
