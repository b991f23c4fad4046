"""Tables of the document that stand beside the answer: the curve, band sets, scenarios, scope, odd months."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import numpy as np
from msgspec.structs import replace

from baseload.commit.backtest.run import backtest
from baseload.commit.band_sets import BAND_SETS
from baseload.commit.contract import Contract
from baseload.commit.search.curve import curve
from baseload.commit.search.pricing import costs_at
from baseload.commit.search.regret import cvar
from baseload.commit.size.amounts import usd
from baseload.commit.size.demand import Demand
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
from baseload.commit.size.figures import (
    Case,
    on_demand_usd,
)
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
        commits = found.search(under, paths)
        means.append(float(sum(commits)) / contract.years)
        rows.append(
            BandSetRow(
                name=one.name,
                reliability=one.reliability,
                commit_usd_by_year=tuple(map(usd, commits)),
                expected_cost_usd=usd(float(costs_at(under.sized(*commits), paths).cost_usd.mean())),
            )
        )
    return BandRange(
        bands_are_assumed=are_assumed(contract),
        least_commit_usd=usd(min(means)),
        most_commit_usd=usd(max(means)),
        sets=tuple(rows),
    )


def scenario_rows(request: SizeRequest, found: Found, recommended: Recommended) -> tuple[ScenarioRow, ...]:
    contract = found.case.contract
    chosen = contract.sized(*(Decimal(one) for one in recommended.commit_usd_by_year))
    rows = []
    for name in SCENARIOS:
        paths = term_of(contract, request.demand.scenarios[name])
        same = paths.list_usd is found.case.paths.list_usd or np.array_equal(paths.list_usd, found.case.paths.list_usd)
        commits = found.least.commits if same else found.search(contract, paths)
        rows.append(
            ScenarioRow(
                scenario=name,
                commit_usd_by_year=tuple(map(usd, commits)),
                expected_cost_usd=usd(float(costs_at(contract.sized(*commits), paths).cost_usd.mean())),
                on_demand_usd=usd(float(on_demand_usd(contract, paths).mean())),
                recommended_cost_usd=usd(float(costs_at(chosen, paths).cost_usd.mean())),
                says=SCENARIO_SAYS[name],
            )
        )
    return tuple(rows)


def scope_split(contract: Contract, demand: Demand, found: Found) -> ScopeSplit | None:
    ends = demand.ends
    if ends is None:
        return None
    least, most = (found.search(contract, term_of(contract, one)) for one in (ends.least, ends.most))
    if demand.expected is ends.least:
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
