"""Other sizes on the same paths: none, rules of thumb, the middle of demand, the cautious choice, the offer's own."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import numpy as np

from baseload.commit.backtest.decide import careful as careful_size
from baseload.commit.backtest.rules import NAIVE, SAYS
from baseload.commit.contract import MONTHS_PER_YEAR, Contract, year_months
from baseload.commit.paths import Paths
from baseload.commit.search.family import yearly_usage
from baseload.commit.search.pricing import pricer_of
from baseload.commit.size.demand import Demand
from baseload.commit.size.document import Alternative
from baseload.commit.size.figures import Case, Commits, figures_of, on_demand_usd, sized
from baseload.commit.size.guard import past_carries
from baseload.commit.size.terms import in_basis

_SIZES: Final = 40


def alternatives(
    case: Case, demand: Demand, offered: Commits, least_regret: Commits, carried: Commits | None
) -> tuple[Alternative, ...]:
    """Every other size with its figures; `carried` is what the past supports where it does not carry the size found."""
    rows = [
        alternative(
            case,
            "no_commitment",
            "on demand, or what the offer gives without a commitment where that is cheaper",
            _none(case),
        )
    ]
    if any(offered):
        rows.append(alternative(case, "offered", "the commitment that the offer names", offered))
    rows += [alternative(case, name, says, commits) for name, says, commits in _naive(case.contract, demand)]
    rows.append(alternative(case, "demand_p50", "the middle of each year's demand", _middle(case)))
    rows.append(alternative(case, "careful", SAYS["careful"], careful_size(case.contract, case.paths)))
    rows.append(alternative(case, "cvar_of_regret", "the least mean of the worst tenth of regret", least_regret))
    if carried is not None:
        says = "the cheapest flat commitment that the last twelve months alone would carry"
        rows.append(alternative(case, "past_supports", says, carried))
    return tuple(rows)


def alternative(case: Case, name: str, says: str, commits: Commits) -> Alternative:
    """One size with its figures."""
    return Alternative(name=name, says=says, **figures_of(case, sized(case, commits)))


def _none(case: Case) -> Commits:
    return (Decimal(0),) * case.contract.years


def _naive(contract: Contract, demand: Demand) -> Iterator[tuple[str, str, Commits]]:
    """Rules of thumb read months that were: they need at least six."""
    if demand.history is None:
        return
    total = demand.history.total
    known = total[~np.isnan(total)]
    for name, rule in NAIVE.items():
        a_year = rule(known, MONTHS_PER_YEAR)
        yield name, SAYS[name], _scaled(contract, a_year)


def _scaled(contract: Contract, list_usd_a_year: float) -> Commits:
    """So many list dollars a year in every contract year, in its basis, less what is carved out; a part its part."""
    inside = list_usd_a_year * float(contract.eligible_share)
    return tuple(
        in_basis(contract, inside * year_months(contract, year) / MONTHS_PER_YEAR) for year in range(contract.years)
    )


def _middle(case: Case) -> Commits:
    listed = np.median(yearly_usage(case.contract, case.paths), axis=0)
    return tuple(in_basis(case.contract, float(one)) for one in listed)


def carried_by_past(case: Case, found: Contract, demand: Demand, paths: Paths) -> Commits | None:
    """Where the past does not carry the size found: of smaller flat ones that it carries, the one of least cost.

    None where it carries the size found, or nothing that costs less than on demand. Compared on `paths`.
    """
    if demand.history is None or past_carries(found, demand):
        return None
    contract, top = case.contract, float(max(found.commit_usd_by_year))
    floors = [float(band.from_usd) for band in contract.bands]
    tried = sorted(
        {round(top * part / _SIZES) for part in range(_SIZES + 1)} | {round(one) for one in floors if one < top}
    )
    means = pricer_of(contract, paths).means(np.repeat(np.array(tried, dtype=float)[:, None], contract.years, axis=1))
    listed = float(on_demand_usd(contract, paths).mean())
    for place in np.argsort(means, kind="stable"):
        commits = (Decimal(tried[place]),) * contract.years
        if means[place] >= listed or not any(commits):
            return None
        if past_carries(contract.sized(*commits), demand):
            return commits
    return None
