"""What a search makes least: expected dollars, or what an appetite for risk makes of them."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.bands import committed_cash_usd
from baseload.commit.contract import Contract
from baseload.commit.outcome import Outcome
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.search.descent import Score
from baseload.commit.search.family import Family
from baseload.commit.search.pricing import Pricer, Rights, costs_at, sized
from baseload.commit.search.regret import TAIL, cvar, known_optima

_OUT_OF_BOUNDS: Final = 1_000.0
"""What a dollar over a limit weighs: no saving is worth one."""


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """An appetite for risk; without one, expected dollars alone.

    `cvar_weight` (0..1): weight of the mean regret of the worst tenth of paths, expected cost has the rest.
    `shortfall_budget_usd`: what is paid for commitment that nobody can use any more stays within it on nine paths of
    ten. Neither ever commits more than expected cost alone would. Raises CommitError outside these ranges.
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
            lost = [_lost_on_nine_of_ten(sized(family.contract, size), paths, rights) for size in sizes]
            over = over + np.maximum(np.array(lost) - budget, 0.0)
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


def _lost_on_nine_of_ten(contract: Contract, paths: Paths, rights: Rights | None) -> float:
    return float(np.quantile(shortfall_usd(contract, costs_at(contract, paths, rights)), 1 - TAIL, method="higher"))


def shortfall_usd(contract: Contract, outcome: Outcome) -> Array:
    """What each path paid for commitment that was lost, at the committed rate of the term, (paths,)."""
    committed = float(sum(contract.commit_usd_by_year))
    paid = float(sum(committed_cash_usd(contract, year) for year in range(contract.years)))
    return outcome.lost * (paid / committed if committed else 0.0)
