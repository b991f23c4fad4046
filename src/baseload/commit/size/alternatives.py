"""Other sizes on the same paths: none, rules of thumb, the middle of demand, the cautious choice, the offer's own."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from baseload.commit.backtest.decide import careful as careful_size
from baseload.commit.backtest.rules import NAIVE, SAYS
from baseload.commit.contract import MONTHS_PER_YEAR, Contract, year_months
from baseload.commit.search.family import yearly_usage
from baseload.commit.size.demand import Demand
from baseload.commit.size.document import Alternative
from baseload.commit.size.figures import Case, Sized, figures_of, sized
from baseload.commit.size.guard import break_even_usd
from baseload.commit.size.terms import in_basis

Commits = tuple[Decimal, ...]


def alternatives(
    case: Case, found: Sized, demand: Demand, offered: Commits, least_regret: Commits
) -> tuple[Alternative, ...]:
    """Every other size with its figures; `found` has the least expected cost (or what an appetite for risk asks)."""
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
    supported = _supported(case, found, demand)
    if supported is not None:
        says = "the cheapest flat commitment that the last twelve months alone would carry"
        rows.append(alternative(case, "past_supports", says, supported))
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
    """So many list dollars a year in every contract year, in its basis; a part of a year its part."""
    return tuple(
        in_basis(contract, list_usd_a_year * year_months(contract, year) / MONTHS_PER_YEAR)
        for year in range(contract.years)
    )


def _middle(case: Case) -> Commits:
    listed = np.median(yearly_usage(case.contract, case.paths), axis=0)
    return tuple(in_basis(case.contract, float(one)) for one in listed)


def _supported(case: Case, found: Sized, demand: Demand) -> Commits | None:
    """Where the past does not carry the size found: of smaller flat ones that it carries, the one of least cost."""
    if demand.history is None:
        return None
    past = float(np.nansum(demand.history.total[-MONTHS_PER_YEAR:]))
    level = break_even_usd(found)
    if level is None or past >= level:
        return None
    top = float(max(found.commits))
    floors = [float(band.from_usd) for band in case.contract.bands]
    tried = sorted({round(top * part / 40) for part in range(41)} | {round(one) for one in floors if one < top})
    best: Sized | None = None
    for amount in tried:
        one = sized(case, (Decimal(amount),) * case.contract.years)
        needed = break_even_usd(one)
        if needed is not None and needed > past:
            continue
        if best is None or one.outcome.cost_usd.mean() < best.outcome.cost_usd.mean():
            best = one
    return None if best is None or not any(best.commits) else best.commits
