"""The worked case of the clause tests: about 0.94M a year, drift 2 % +- 3 % a month, shocks of 12 %, central bands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.band_sets import CENTRAL
from baseload.commit.clauses import Band, Overage, Unused
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths, paths_of

FIRST_YEAR_USD = 940_000


def offer(months: int = 12, **terms: Any) -> Contract:
    """The market's first draft over the central bands, not sized."""
    given: dict[str, Any] = {
        "term_months": months,
        "commit_basis": "list",
        "bands": CENTRAL.bands,
        "overage": Overage(rule="list"),
        "unused": Unused(rule="forfeit"),
    }
    return Contract(**{**given, **terms})


def flat(discount: str, months: int = 12, **terms: Any) -> Contract:
    """One discount from the first dollar on."""
    return offer(months, bands=(Band(from_usd=Decimal(0), discount=Decimal(discount)),), **terms)


def usage(months: int = 12, paths: int = 600, seed: int = 7) -> Array:
    rng = np.random.default_rng(seed)
    drift = rng.normal(0.02, 0.03, (paths, 1))
    drawn = np.exp(np.cumsum(drift + rng.normal(0, 0.12, (paths, months)), axis=1))
    found: Array = drawn / drawn[:, :12].sum(axis=1).mean() * FIRST_YEAR_USD
    return found


def worked(months: int = 12, **more: Any) -> Paths:
    return paths_of(usage(months), **more)


def falling(months: int = 12, chance: float = 0.3, cut: float = 0.3) -> Paths:
    """List prices that fall by `cut` from month 4 on, on a share of the paths."""
    drawn = usage(months)
    falls = np.random.default_rng(11).random((len(drawn), 1)) < chance
    index = np.where(falls & (np.arange(months) >= 4), 1 - cut, 1.0)
    return paths_of(drawn * index, price_index=index)
