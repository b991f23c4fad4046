"""Offers, demands and documents for tests of `commit size`: the shortest way to write one down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from baseload.commit.contract import Contract
from baseload.commit.offer import Offer, offer_of
from baseload.commit.paths import Paths, paths_of
from baseload.commit.search.risk import Risk
from baseload.commit.size.demand import Demand, demand_of, demand_of_paths, sampled
from baseload.commit.size.document import SizeDocument
from baseload.commit.size.found import SizeRequest
from baseload.commit.size.sizing import size
from baseload.demand.history import History, history_of
from baseload.demand.savings import Saving


def offer(discount: str = "0.20", **terms: Any) -> Offer:
    """A flat discount for a year, list basis, overage at list, unused forfeited, unless said otherwise."""
    plain = {
        "term_months": "12",
        "commit_basis": "list",
        "bands": [{"from_usd": "0", "discount": discount}],
        "overage": "list",
        "unused": "forfeit",
    }
    return offer_of({**plain, **terms}, "offer.yaml")


def contract(*commits: int, discount: str = "0.20", **terms: Any) -> Contract:
    """That offer as a contract of this size."""
    found = offer(discount, **terms).contract
    return found.sized(*commits) if commits else found


def yearly(*totals: float, months: int = 12) -> Paths:
    """One path for each total of a year, spread evenly over its months."""
    return paths_of(np.repeat(np.array(totals, dtype=float)[:, None] / 12, months, axis=1))


def own_paths(*totals: float, months: int = 12, savings: Sequence[Saving] = ()) -> Demand:
    """Somebody's own paths, one for each total of a year."""
    return demand_of_paths(yearly(*totals, months=months), savings=savings, first_month=None, seed=0)


def steady(level: float = 100_000.0, months: int = 24, growth: float = 0.0, wiggle: float = 0.05) -> History:
    """Months around a level that grows; up and down by turns."""
    place = np.arange(months)
    return history_of(level * np.exp(growth * place) * (1 + wiggle * (-1.0) ** place), "2025-01")


def drawn(history: History, *, term: int = 12, savings: Sequence[Saving] = (), count: int = 300) -> Demand:
    """Its sample paths, few of them."""
    return demand_of(history, sampled(history, term_months=term, paths=count, seed=0), savings=savings)


def document(
    terms: Offer, demand: Demand, *, quick: bool = True, risk: Risk | None = None, **more: Any
) -> SizeDocument:
    return size(SizeRequest(offer=terms, demand=demand, quick=quick, risk=risk, **more))
