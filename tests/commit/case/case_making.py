"""One path, worked out by hand: 100 list dollars a month today, 60 with what is planned; 20 % off for a year."""

from __future__ import annotations

from typing import Any

import numpy as np

from baseload.commit.case.build import case
from baseload.commit.case.document import CaseDocument
from baseload.commit.case.terms import CaseRequest, Given, PlanWork
from baseload.commit.offer import Offer, offer_of
from baseload.commit.paths import paths_of
from baseload.commit.size.demand import Demand
from baseload.demand.history import history_of
from baseload.demand.savings import Saving

JANUARY = 2027 * 12
SAVING = Saving(name="w1/route", low=0.3, likely=0.4, high=0.5, ship_first=1, ship_likely=2, ship_last=3, ramp_months=1)


def offer(**terms: Any) -> Offer:
    plain = {
        "term_months": "12",
        "commit_basis": "list",
        "bands": [{"from_usd": "0", "discount": "0.20"}],
        "overage": "list",
        "unused": "forfeit",
    }
    return offer_of({**plain, **terms}, "offer.yaml")


def demand(today: Any = 100.0, planned: Any = 60.0, *, months: int = 12, history: bool = True, **more: Any) -> Demand:
    """The same in every path unless arrays are given; twelve months of `today` behind it."""
    none, expected = (
        paths_of(np.full((1, months), one) if isinstance(one, float) else np.asarray(one)) for one in (today, planned)
    )
    given: dict[str, Any] = {
        "source": "demand" if history else "paths",
        "first_month": JANUARY,
        "scenarios": {"none": none, "proven": none, "expected": expected, "all": expected},
        "history": history_of(np.full(12, 100.0), "2026-01") if history else None,
        "savings": (SAVING,),
        "growth_sd": 0.01,
        "seed": 0,
    }
    return Demand(**{**given, **more})


def unplanned(**more: Any) -> Demand:
    return demand(100.0, 100.0, savings=(), **more)


def made(
    found: Demand | None = None, terms: Offer | None = None, plan: PlanWork | None = None, **flags: Any
) -> CaseDocument:
    return case(CaseRequest(offer=terms or offer(), demand=found or demand(), given=Given(**flags), plan=plan))
