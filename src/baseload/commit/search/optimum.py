"""The size with the least expected cost on the paths given, or the least that an appetite for risk asks for.

Where yearly totals price a contract and no dollar passes from year to year the optimum is exact. Where dollars do, a
grid of every combination finds the cells and steps inside them the size. Any other clause set is searched by the month
from the optima of contracts much like it and a line of sizes, `MOST_SIMULATIONS` of them at most.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.search.descent import Score, Trials, descend
from baseload.commit.search.family import Family, Ramp, family_of
from baseload.commit.search.grid import grid, has_grid
from baseload.commit.search.monthly import first_looks
from baseload.commit.search.pricing import Objective, Pricer, Rights, YearlyPricer, costs_at, pricer_of
from baseload.commit.search.risk import Risk, averse_score
from baseload.commit.search.rounding import by_year_usd, rounded
from baseload.commit.search.segments import exact, is_stateless

Method = Literal["yearly", "coarse"]
MOST_SIMULATIONS: Final = 470
"""Of one search by the month. With rounding and the final run: under 500."""
_MOST_NEUTRAL: Final = 200
"""Of these, what an appetite for risk leaves for the least mean."""
_MOST_YEARLY: Final = 6_000
_STARTS: Final = 3
_FIRST_STEPS: Final = (1 / 8, 1 / 32)
_SHARES: Final = 11
_FINEST_YEARLY: Final = 1e-5
_FINEST_MONTHLY: Final = 1 / 1_024
"""The last step, as a share of the top."""


class Optimum(msgspec.Struct, frozen=True, kw_only=True):
    """What to commit, and what it then costs on every path, (paths,).

    `commit_usd_by_year` is in the offer's basis: whole dollars, thousands where that costs nothing, band floors to the
    cent. `evaluated`: sizes that were compared, combinations of years counted one by one. `method`: priced from yearly
    totals, or a coarse-to-fine search by the month.
    """

    commit_usd_by_year: tuple[Decimal, ...]
    cost_usd: Array
    npv_usd: Array
    evaluated: int
    method: Method

    @property
    def mean_usd(self) -> float:
        """Expected cash over all months of the paths."""
        return float(self.cost_usd.mean())


class _Best(NamedTuple):
    chosen: Array  # (width,)
    compared: int


def optimum(
    contract: Contract,
    paths: Paths,
    *,
    ramp: Ramp = "free",
    objective: Objective = "cost",
    rights: Rights | None = None,
    risk: Risk | None = None,
) -> Optimum:
    """The cheapest size over all months of the paths; a commitment of nothing is always among them.

    A size the contract brings along is ignored. `rights` says how rights are used, given a size; without it they are
    not. Raises CommitError where the paths are shorter than the term.
    """
    family = family_of(contract, paths, ramp)
    pricer = pricer_of(contract, paths, objective, rights)
    averse = risk is not None and not risk.is_neutral
    best = _least_mean(family, pricer, _MOST_NEUTRAL if averse else MOST_SIMULATIONS)
    signed = rounded(family, pricer.means, best.chosen)
    if risk is not None and averse:
        most_usd = float(family.by_year(signed[None]).sum())
        score = averse_score(family, pricer, paths, rights, risk, most_usd)
        best = _averse(family, pricer, score, _Best(signed, best.compared))
        signed = rounded(family, score, best.chosen)
    commits = by_year_usd(family, signed)
    outcome = costs_at(contract.sized(*commits), paths, rights)
    return Optimum(
        commit_usd_by_year=commits,
        cost_usd=outcome.cost_usd,
        npv_usd=outcome.npv_usd,
        evaluated=best.compared,
        method="yearly" if isinstance(pricer, YearlyPricer) else "coarse",
    )


def _least_mean(family: Family, pricer: Pricer, simulations: int) -> _Best:
    if not isinstance(pricer, YearlyPricer):
        return _stepwise(family, Trials(family, pricer.means, simulations), first_looks(family), _FINEST_MONTHLY)
    if is_stateless(family):
        found = exact(family)
        return _Best(found.chosen, found.compared)
    trials = Trials(family, pricer.means, _MOST_YEARLY)
    if not has_grid(family):
        return _stepwise(family, trials, first_looks(family), _FINEST_YEARLY)
    cells = grid(family, pricer.contract, 2 * _STARTS)
    best = _stepwise(family, trials, cells.best, _FINEST_YEARLY)
    return _Best(best.chosen, best.compared + cells.compared)


def _averse(family: Family, pricer: Pricer, score: Score, neutral: _Best) -> _Best:
    """From what is cheapest in the mean, and from shares of it, to what the appetite asks for."""
    shares = np.linspace(0, 1, _SHARES)[:, None] * neutral.chosen
    looks = np.vstack([first_looks(family), shares])
    yearly = isinstance(pricer, YearlyPricer)
    trials = Trials(family, score, _MOST_YEARLY if yearly else MOST_SIMULATIONS - _MOST_NEUTRAL)
    best = _stepwise(family, trials, looks, _FINEST_YEARLY if yearly else _FINEST_MONTHLY)
    return _Best(best.chosen, best.compared + neutral.compared)


def _stepwise(family: Family, trials: Trials, looks: Array, finest: float) -> _Best:
    """Steps from the best of the first looks, then smaller ones from the best of each choice of bands met since."""
    trials.scores(looks)
    for first in _FIRST_STEPS:
        for start in trials.best(_STARTS):
            descend(family, trials, start, family.tops * first, np.maximum(family.tops * finest, 0.5))
    return _Best(trials.cheapest(), trials.count)
