"""Tables of the document that stand beside the answer: the curve, band sets, scenarios, scope, odd months."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import numpy as np
from msgspec.structs import replace

from baseload.commit.backtest.run import backtest
from baseload.commit.band_sets import BAND_SETS, BandSet
from baseload.commit.bands import key_of_year
from baseload.commit.contract import Contract
from baseload.commit.search.curve import curve
from baseload.commit.search.regret import cvar
from baseload.commit.size.amounts import usd
from baseload.commit.size.demand import NOTHING_IN_SCOPE, Demand, nothing_in_scope
from baseload.commit.size.document import (
    BacktestPart,
    BacktestRow,
    BandRange,
    BandSetRow,
    CurvePoint,
    OddMonth,
    Recommended,
    ScenarioRow,
    ScopeSplit,
)
from baseload.commit.size.figures import Case, best_of, cost_of, on_demand_usd
from baseload.commit.size.found import Found, SizeRequest, term_of
from baseload.commit.size.inputs import are_assumed
from baseload.demand.adoption import SCENARIOS
from baseload.demand.months import month_text

SCENARIO_SAYS: Final = {
    "none": "nothing ships",
    "proven": "what was measured or replayed ships, with its chance",
    "expected": "everything pending ships, with its chance: what is sized on",
    "all": "everything pending works in full and for good",
}


def curve_points(case: Case) -> tuple[CurvePoint, ...]:
    amounts, costs = curve(case.contract, case.paths)
    costs[0] = cost_of(case.contract, (Decimal(0),) * case.contract.years, case.paths)  # amounts begin at 0
    return tuple(
        CurvePoint(
            commit_usd=usd(float(amount)),
            expected_cost_usd=usd(float(cost.mean())),
            cvar_regret_usd=usd(float(cvar(case.regret(cost)))),
            p10_cost_usd=usd(float(np.quantile(cost, 0.1))),
            p90_cost_usd=usd(float(np.quantile(cost, 0.9))),
        )
        for amount, cost in zip(amounts, costs, strict=True)
    )


def band_range(found: Found) -> BandRange:
    contract, paths = found.case.contract, found.case.paths
    rows, means = [], []
    for one in BAND_SETS:
        under = replace(contract, bands=one.bands)
        commits, cost = best_of(under, paths, found.search)
        means.append(float(sum(commits)) / contract.years)
        rows.append(
            BandSetRow(
                name=one.name,
                reliability=one.reliability,
                commit_usd_by_year=tuple(map(usd, commits)),
                expected_cost_usd=usd(float(cost.mean())),
                from_usd=usd(one.from_usd),
                reaches=_reaches(found.chosen.contract, one),
            )
        )
    return BandRange(
        bands_are_assumed=are_assumed(contract),
        least_commit_usd=usd(min(means)),
        most_commit_usd=usd(max(means)),
        sets=tuple(rows),
        says=_range_says(found.chosen.contract),
    )


def _reaches(chosen: Contract, one: BandSet) -> bool:
    """Has the set a discount for every year that the size found commits in? True where it commits nothing."""
    keys = [key_of_year(chosen, year) for year, commit in enumerate(chosen.commit_usd_by_year) if commit]
    return all(key >= one.from_usd for key in keys)


def _range_says(chosen: Contract) -> str:
    without = [one for one in BAND_SETS if not _reaches(chosen, one)]
    if not without:
        return ""
    names = " and ".join(f"{one.name} (from {one.from_usd:,.0f})" for one in without)
    return (
        f"No band at the size found: {names}. Those rows are other sizes, not a better or a worse price for this one."
    )


def scenario_rows(request: SizeRequest, found: Found, recommended: Recommended) -> tuple[ScenarioRow, ...]:
    contract = found.case.contract
    chosen = tuple(Decimal(one) for one in recommended.commit_usd_by_year)
    rows = []
    for name in SCENARIOS:
        paths = term_of(contract, request.demand.scenarios[name])
        same = paths.list_usd is found.case.paths.list_usd or np.array_equal(paths.list_usd, found.case.paths.list_usd)
        search = (lambda _, __: found.least.commits) if same else found.search
        commits, cost = best_of(contract, paths, search)
        rows.append(
            ScenarioRow(
                scenario=name,
                commit_usd_by_year=tuple(map(usd, commits)),
                expected_cost_usd=usd(float(cost.mean())),
                on_demand_usd=usd(float(on_demand_usd(contract, paths).mean())),
                recommended_cost_usd=usd(float(cost_of(contract, chosen, paths).mean())),
                says=SCENARIO_SAYS[name],
            )
        )
    return tuple(rows)


def scope_split(contract: Contract, demand: Demand, found: Found) -> ScopeSplit | None:
    ends = demand.ends
    if ends is None:
        return None
    least, most = (best_of(contract, term_of(contract, one), found.search)[0] for one in (ends.least, ends.most))
    if nothing_in_scope(demand):
        says = NOTHING_IN_SCOPE
    elif demand.expected is ends.least:
        says = "Sized on what is surely covered; the other end counts every unknown dollar."
    else:
        says = "Nothing is surely covered, so that it is sized as if all of the unknown were: ask which usage draws it."
    return ScopeSplit(
        in_scope_usd=usd(ends.in_usd),
        out_of_scope_usd=usd(ends.out_usd),
        unknown_usd=usd(ends.unknown_usd),
        commit_least_usd_by_year=tuple(map(usd, least)),
        commit_most_usd_by_year=tuple(map(usd, most)),
        says=says,
    )


def odd_rows(demand: Demand) -> tuple[OddMonth, ...]:
    return tuple(
        OddMonth(
            kind=one.kind,
            workload=one.workload,
            month=month_text(one.month),
            usd=usd(one.usd),
            usual_usd=usd(one.usual_usd),
            advice=one.advice,
        )
        for one in demand.odd
    )


def backtest_part(contract: Contract, demand: Demand) -> BacktestPart | None:
    """The sizing rule on this history's own past; None where there is no history."""
    if demand.history is None:
        return None
    found = backtest(demand.history, contract, seed=demand.seed)
    return BacktestPart(
        months=found.months,
        origins=found.origins,
        independent_years=round(found.independent_years, 2),
        list_mean_usd=usd(found.list_mean_usd),
        best_saving_share=round(found.best_saving_share, 6),
        rows=tuple(
            BacktestRow(
                rule=row.rule,
                says=row.says,
                commit_mean_usd=usd(row.commit_mean_usd),
                saving_share=round(row.saving_share, 6),
                regret_mean_usd=usd(row.regret_mean_usd),
                regret_p95_usd=usd(row.regret_p95_usd),
                regret_mean_share=round(row.regret_mean_share, 6),
                regret_p95_share=round(row.regret_p95_share, 6),
                worse_share=round(row.worse_share, 6),
            )
            for row in found.rows
        ),
        left_out=found.left_out,
        missing_months=found.missing_months,
        reading=found.reading,
    )
