"""What a search makes least: expected dollars, or what an appetite for risk makes of them."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.bands import discounts_at, key_of_year
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.outcome import Outcome
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.search.descent import Score
from baseload.commit.search.family import Family
from baseload.commit.search.pricing import Pricer, Rights, YearlyPricer, costs_at, sized
from baseload.commit.search.regret import cvar, known_optima

_OUT_OF_BOUNDS: Final = 1_000.0
"""What a dollar over a limit weighs: no saving is worth one."""


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """An appetite for risk; without one, expected dollars alone.

    `cvar_weight` (0..1): weight of the mean regret of the worst tenth of paths, expected cost has the rest.
    `shortfall_budget_usd`: what is expected to be paid for commitment that nobody can use any more, over the term and
    in the mean of all paths, stays within it. Neither ever commits more than expected cost alone would. Raises
    CommitError outside these ranges.
    """

    cvar_weight: float = 0.0
    shortfall_budget_usd: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.cvar_weight <= 1:
            raise CommitError("cvar_weight", self.cvar_weight, "0 to 1")
        if self.shortfall_budget_usd is not None and not 0 <= self.shortfall_budget_usd < np.inf:
            raise CommitError("shortfall_budget_usd", self.shortfall_budget_usd, "US dollars, 0 or more")

    @property
    def is_neutral(self) -> bool:
        return self.cvar_weight == 0 and self.shortfall_budget_usd is None


def averse_score(
    family: Family, pricer: Pricer, paths: Paths, rights: Rights | None, risk: Risk, most_usd: float
) -> Score:
    """Dollars to be made least, of every size.

    Sizes that commit more than `most_usd` over the term, what expected cost alone asks for, are out of the question:
    where demand may run far up the worst regret is a discount that was missed, and that is no money at risk.
    """
    weighed = pricer.means if risk.cvar_weight == 0 else _with_regret(pricer, known_optima(family, pricer), risk)
    budget = risk.shortfall_budget_usd

    def score(sizes: Array) -> Array:
        over = np.maximum(sizes.sum(axis=1) - most_usd - 0.005, 0.0)
        if budget is not None:
            lost = _expected_lost(family, pricer, paths, rights, sizes)
            over = over + np.maximum(lost - budget, 0.0)
        found: Array = weighed(sizes) + _OUT_OF_BOUNDS * over
        return found

    return score


def _with_regret(pricer: Pricer, optima: Array, risk: Risk) -> Score:
    def score(sizes: Array) -> Array:
        found = [_weighed(costs, costs - optima, risk.cvar_weight) for costs in map(pricer.costs, sizes[:, None])]
        return np.array(found)

    return score


def _weighed(costs: Array, regret: Array, weight: float) -> float:
    return float((1 - weight) * costs.mean() + weight * cvar(regret[0]))


def _expected_lost(family: Family, pricer: Pricer, paths: Paths, rights: Rights | None, sizes: Array) -> Array:
    """Mean `shortfall_usd` of every size, (sizes,): from yearly totals where nothing passes between years."""
    contract = family.contract
    if isinstance(pricer, YearlyPricer) and _passes_nothing_on(contract):
        return np.array([_lost_by_totals(family, size) for size in sizes])
    signed = (sized(contract, size) for size in sizes)
    return np.array([float(shortfall_usd(one, costs_at(one, paths, rights)).mean()) for one in signed])


def _passes_nothing_on(contract: Contract) -> bool:
    return contract.unused.rule in ("forfeit", "refund") and not contract.carry_forward.share


def _lost_by_totals(family: Family, size: Array) -> float:
    """Each year's usage against its own commitment."""
    contract = sized(family.contract, size)
    kept = 1 - float(contract.unused.share) if contract.unused.rule == "refund" else 1.0
    total = 0.0
    for year, commit in enumerate(contract.commit_usd_by_year):
        usage = family.usage[:, year]
        if contract.commit_basis == "net":
            usage = usage * (1 - float(discounts_at(contract, key_of_year(contract, year)).committed))
        total += _paid_for_one(contract, year) * kept * float(np.maximum(float(commit) - usage, 0.0).mean())
    return total


def shortfall_usd(contract: Contract, outcome: Outcome) -> Array:
    """What each path paid for commitment that was lost, (paths,).

    A year's own unused dollars at what that year's cost; those that rolled on and ran out later, and dollars of a
    period longer than a year, at the mean of the term.
    """
    commits = [float(usd) for usd in contract.commit_usd_by_year]
    rates = [_paid_for_one(contract, year) for year in range(contract.years)]
    mean = float(np.dot(rates, commits)) / sum(commits) if any(commits) else 0.0
    paid: Array = outcome.lost * mean
    if contract.period == "term":
        return paid
    step = {"month": 1, "quarter": 3, "year": MONTHS_PER_YEAR}[contract.period]
    for place, period in enumerate(outcome.periods):
        own = period["unused"] - period["rolled"] - period["returned"]
        paid = paid + own * (rates[place * step // MONTHS_PER_YEAR] - mean)
    return paid


def _paid_for_one(contract: Contract, year: int) -> float:
    """Cash for a dollar that stays unused, of the commitment of `year`; back at list where the true-up says so."""
    off = float(discounts_at(contract, key_of_year(contract, year)).committed)
    at_list = contract.shortfall_rate == "list"
    return (1.0 if at_list else 1 - off) if contract.commit_basis == "list" else (1 / (1 - off) if at_list else 1.0)
