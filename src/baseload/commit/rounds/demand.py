"""Paths to price offers on, from one demand file: the same for every offer and round that is compared."""

from __future__ import annotations

import hashlib
from typing import Final

from baseload.commit.paths import Paths
from baseload.commit.search.demand import contract_paths
from baseload.demand.paths import sample_paths
from baseload.demand.series import read_demand
from baseload.values import Problem

PATHS: Final = 500


def offer_paths(
    data: bytes, name: str, months: int, *, seed: int = 0, paths: int = PATHS
) -> tuple[Paths, list[Problem]]:
    """Paths of so many months (the longest term of what is compared), from the month after the demand ends.

    Raises DemandError below six months of history: no dollars without them.
    """
    history, problems = read_demand(data, name)
    return contract_paths(sample_paths(history, paths=paths, months=months, seed=seed)), problems


def digest_of(data: bytes) -> str:
    """What a figure was computed on: the first half of the file's SHA-256."""
    return hashlib.sha256(data).hexdigest()[:32]
