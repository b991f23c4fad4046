"""Demand paths as a contract meets them."""

from __future__ import annotations

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.paths import Paths, paths_of
from baseload.demand import paths as demand


def contract_paths(drawn: demand.Paths) -> Paths:
    """List dollars, price index and metering of every month; what stays at 1 is left out. Raises CommitError."""
    return paths_of(drawn.list_usd, price_index=_moves(drawn.price), metering=_moves(drawn.metering))


def _moves(factor: Array) -> Array | None:
    return None if bool(np.all(factor == 1)) else factor
