"""What one size comes to on the sample paths: cost, rates, chances, regret, cash at risk."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from baseload.commit.arrays import Array, Flags
from baseload.commit.clauses import Band, Overage, Unused
from baseload.commit.contract import Contract, year_months
from baseload.commit.outcome import Outcome
from baseload.commit.paths import Paths
from baseload.commit.search.family import yearly_usage
from baseload.commit.search.pricing import costs_at
from baseload.commit.search.regret import cvar
from baseload.commit.search.risk import shortfall_usd
from baseload.commit.size.amounts import share, usd
from baseload.commit.size.document import YearRow
from baseload.commit.size.terms import adders_usd, committed_pv, discount_of, list_value, usage_in_basis

Places: TypeAlias = "NDArray[np.int64]"
Commits = tuple[Decimal, ...]
Search = Callable[[Contract, Paths], Commits]
"""The size of least cost of a contract on paths."""
_ROUNDING: Final = 0.5
"""Dollars; commitments are whole dollars, so that less than half of one is rounding."""


class Case(NamedTuple):
    """The paths of the term, what they cost on demand, and the least each of some of them could have cost.

    `rows` are those whose regret is known: all, or evenly chosen ones where months must be priced. `best` is the path's
    own optimum in the contract's family, in which not to sign is a member.
    """

    contract: Contract
    paths: Paths
    on_demand: Array
    rows: Places
    best: Array

    def regret(self, cost_usd: Array) -> Array:
        """Cost beyond what knowing the path would have cost, (rows,) or (sizes, rows)."""
        found: Array = np.maximum(cost_usd[..., self.rows] - self.best, 0.0)
        return found


class Sized(NamedTuple):
    """One size on the paths of a case."""

    contract: Contract
    outcome: Outcome
    regret: Array

    @property
    def commits(self) -> tuple[Decimal, ...]:
        return self.contract.commit_usd_by_year


def on_demand_usd(contract: Contract, paths: Paths) -> Array:
    """List dollars of the term, with the seats and support that the offer has too, (paths,)."""
    listed: Array = paths.list_usd[:, : contract.term_months].sum(axis=1) + adders_usd(contract)
    return listed


def sized(case: Case, commits: tuple[Decimal, ...]) -> Sized:
    """A size on a case's paths; no commitment is the offer signed without one, or not signed: the cheaper."""
    contract = case.contract.sized(*commits)
    outcome = costs_at(contract, case.paths)
    if not any(commits) and float(outcome.cost_usd.mean()) > float(case.on_demand.mean()):
        contract = unsigned(contract)
        outcome = costs_at(contract, case.paths)
    return Sized(contract, outcome, case.regret(outcome.cost_usd))


def cost_of(contract: Contract, commits: Commits, paths: Paths) -> Array:
    """What a size costs on any paths, (paths,); no commitment as in `sized`."""
    found = costs_at(contract.sized(*commits), paths).cost_usd
    if any(commits):
        return found
    listed = on_demand_usd(contract, paths)
    return listed if float(found.mean()) > float(listed.mean()) else found


def best_of(contract: Contract, paths: Paths, search: Search) -> tuple[Commits, Array]:
    """The size that a search finds on paths and its cost; none at all where on demand is cheaper."""
    commits = search(contract, paths)
    cost = cost_of(contract, commits, paths)
    if any(commits) and float(cost.mean()) > float(on_demand_usd(contract, paths).mean()):
        commits = (Decimal(0),) * contract.years
        cost = cost_of(contract, commits, paths)
    return commits, cost


def unsigned(contract: Contract) -> Contract:
    """No contract at all, in a contract's words: the price list of each month, seats and support as they are."""
    return Contract(
        name=contract.name,
        term_months=contract.term_months,
        commit_usd_by_year=(Decimal(0),) * contract.years,
        commit_basis="list",
        bands=(Band(from_usd=Decimal(0), discount=Decimal(0)),),
        overage=Overage(rule="list"),
        unused=Unused(rule="forfeit"),
        payment="arrears",
        payment_lag_days=contract.payment_lag_days,
        wacc=contract.wacc,
        seats_usd_per_month=contract.seats_usd_per_month,
        support_usd_per_year=contract.support_usd_per_year,
    )


def chances(one: Sized) -> tuple[float | None, float | None]:
    """That some test period leaves commitment unused, and that some period's usage exceeds it; null without one."""
    if not any(one.commits):
        return None, None
    short = _any(one.outcome, "unused")
    return float(short.mean()), float(_any(one.outcome, "excess").mean())


def _any(outcome: Outcome, field: str) -> Flags:
    found: Flags = np.any([period[field] > _ROUNDING for period in outcome.periods], axis=0)
    return found


def figures_of(case: Case, one: Sized) -> dict[str, Any]:
    """The fields of `document.Figures`."""
    cost, listed = one.outcome.cost_usd, float(one.outcome.list_usd.mean())
    committed = float(one.outcome.committed.mean())
    short, over = chances(one)
    any_commit = any(one.commits)
    return {
        "commit_usd_by_year": tuple(map(usd, one.commits)),
        "expected_cost_usd": usd(float(cost.mean())),
        "p10_cost_usd": usd(float(np.quantile(cost, 0.1))),
        "p90_cost_usd": usd(float(np.quantile(cost, 0.9))),
        "npv_usd": usd(float(one.outcome.npv_usd.mean())),
        "saving_usd": usd(float((case.on_demand - cost).mean())),
        "saving_p10_usd": usd(float(np.quantile(case.on_demand - cost, 0.1))),
        "saving_p90_usd": usd(float(np.quantile(case.on_demand - cost, 0.9))),
        "effective_rate": share(float(cost.mean()) / listed) if listed else None,
        "utilization": share(float(one.outcome.drawn.mean()) / committed) if committed else None,
        "p_shortfall": share(short),
        "p_overage": share(over),
        "p_dearer_than_on_demand": share(float((cost > case.on_demand + _ROUNDING).mean())) if any_commit else None,
        "regret_mean_usd": usd(float(one.regret.mean())),
        "regret_p95_usd": usd(float(np.quantile(one.regret, 0.95))),
        "cvar_regret_usd": usd(float(cvar(one.regret))),
        "expected_unused_usd": usd(float(shortfall_usd(one.contract, one.outcome).mean())),
    }


def cash_at_risk_usd(case: Case, one: Sized) -> float:
    """Present value of committed cash, less that of the part which the 10th percentile of each year's usage needs."""
    usage = yearly_usage(one.contract, case.paths)
    total = 0.0
    for year in range(one.contract.years):
        value = list_value(one.contract, year)
        if value:
            needed = min(1.0, float(np.quantile(usage[:, year], 0.1)) / value)
            total += committed_pv(one.contract, year) * (1 - needed)
    return total


def year_rows(case: Case, one: Sized) -> tuple[YearRow, ...]:
    """Each contract year of a size."""
    contract, listed = one.contract, yearly_usage(one.contract, case.paths)
    yearly = contract.period == "year" and len(one.outcome.periods) == contract.years
    rows = []
    for year, commit in enumerate(contract.commit_usd_by_year):
        usage = usage_in_basis(contract, year, listed[:, year])
        period = one.outcome.periods[year] if yearly and commit else None
        p10, p50, p90 = np.quantile(usage, [0.1, 0.5, 0.9]).tolist()
        rows.append(
            YearRow(
                year=year + 1,
                months=year_months(contract, year),
                commit_usd=usd(commit),
                discount=round(discount_of(contract, year), 6),
                usage_mean_usd=usd(float(usage.mean())),
                usage_p10_usd=usd(p10),
                usage_p50_usd=usd(p50),
                usage_p90_usd=usd(p90),
                p_shortfall=None if period is None else share(float((period["unused"] > _ROUNDING).mean())),
                p_overage=None if period is None else share(float((period["excess"] > _ROUNDING).mean())),
            )
        )
    return tuple(rows)
