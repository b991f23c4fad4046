"""Offers and scenarios for tests of timing: small enough to work out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baseload.commit.clauses import Band, Overage, Unused
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths, paths_of
from baseload.demand.adoption import Scenario

Floats = NDArray[np.float64]


def bands(*steps: tuple[int, str]) -> tuple[Band, ...]:
    return tuple(Band(from_usd=Decimal(floor), discount=Decimal(discount)) for floor, discount in steps)


def offer(**terms: Any) -> Contract:
    """One year at 20 % off, list basis, overage at list, unused forfeited."""
    given: dict[str, Any] = {
        "term_months": 12,
        "commit_basis": "list",
        "bands": bands((0, "0.20")),
        "overage": Overage(rule="list"),
        "unused": Unused(rule="forfeit"),
    }
    return Contract(**{**given, **terms})


def both(none: Any, expected: Any | None = None) -> dict[Scenario, Paths]:
    """Scenarios of monthly usage; the same in both where nothing is planned."""
    without = paths_of(np.atleast_2d(np.array(none, dtype=np.float64)))
    planned = without if expected is None else paths_of(np.atleast_2d(np.array(expected, dtype=np.float64)))
    return {"none": without, "expected": planned}


def two_fates(low: float, high: float, months: int = 12, paths: int = 400) -> Floats:
    """Every other path at `low` a month, the others at `high`: known from the first month on."""
    return np.tile(np.array([[low] * months, [high] * months]), (paths // 2, 1))
