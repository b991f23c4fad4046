"""Cost against commitment: one amount for every year."""

from __future__ import annotations

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.search.family import family_of
from baseload.commit.search.pricing import pricer_of


def curve(contract: Contract, paths: Paths, *, points: int = 41) -> tuple[Array, Array]:
    """Amounts that every year commits, from 0 to the largest useful one and beyond, and their costs on every path.

    (amounts,) ascending and (amounts, paths). At least `points` amounts, evenly spaced in whole dollars; band floors
    within come on top. Raises CommitError as `simulate` does.
    """
    family = family_of(contract, paths, "flat")
    even = np.round(np.linspace(0, np.ceil(family.tops[0] * 1.05), max(points, 2)))
    amounts = np.unique(np.concatenate([even, np.ceil(family.fixed_points(0) * 100 - 1e-6) / 100]))
    return amounts, pricer_of(contract, paths).costs(family.by_year(amounts[:, None]))
