"""Under six months of history: no probability is claimed. What three stated growths would ask for, and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from msgspec.structs import replace

from baseload.commit.contract import Contract
from baseload.commit.paths import Paths, paths_of
from baseload.commit.search.optimum import optimum
from baseload.commit.size.amounts import usd
from baseload.commit.size.demand import Demand, demand_of_paths, first_month_of
from baseload.commit.size.document import Guard, Recommended, SizeDocument, StatedRange
from baseload.commit.size.figures import best_of
from baseload.commit.size.found import SizeRequest
from baseload.commit.size.sizing import inputs_of, open_terms
from baseload.demand.history import ALL, History
from baseload.demand.ranges import Refusal, Scenario
from baseload.demand.savings import Saving
from baseload.values import Problem

_DRAWS = 400
"""Of savings, whose mean is taken: one path has no chance in it."""


def too_short(
    history: History, *, seed: int, start: int | None, savings: Sequence[Saving], problems: Sequence[Problem]
) -> Demand:
    """A demand that says when it begins and holds no paths."""
    return Demand(
        source="demand",
        first_month=first_month_of(history, start),
        scenarios={},
        history=history,
        savings=tuple(savings),
        growth_sd=0.0,
        seed=seed,
        problems=tuple(problems),
    )


def size_refused(request: SizeRequest, refusal: Refusal) -> SizeDocument:
    """The document of a refusal: a commitment of nothing, no figure with a chance, three sizes under assumptions."""
    contract = replace(request.offer.contract, commit_usd_by_year=())
    none = tuple(usd(Decimal(0)) for _ in range(contract.years))
    return SizeDocument(
        inputs=inputs_of(request, contract, 0),
        recommended=Recommended(
            decision="do_not_commit",
            reason=refusal.reason,
            commit_usd_by_year=none,
            by_year=(),
            buffer=None,
            break_even_utilization=None,
            cash_at_risk_usd=None,
            **dict.fromkeys(
                ("expected_cost_usd", "p10_cost_usd", "p90_cost_usd", "npv_usd", "saving_usd", "effective_rate",
                 "utilization", "p_shortfall", "p_overage", "p_dearer_than_on_demand", "regret_mean_usd",
                 "regret_p95_usd", "cvar_regret_usd")
            ),
        ),
        on_demand_usd=None,
        on_demand_p10_usd=None,
        on_demand_p90_usd=None,
        guard=Guard(
            holds=None,
            break_even_usd=None,
            last_12_months_usd=None,
            known_months=refusal.known_months,
            forecast_usd=None,
            says=refusal.reason,
        ),
        curve=(),
        alternatives=(),
        bands=None,
        scenarios=(),
        tornado=(),
        assumed=None,
        scope=None,
        clauses=(),
        timing=(),
        backtest=None,
        stated_ranges=tuple(_range(contract, request, one) for one in refusal.scenarios),
        odd_months=(),
        assumed_terms=open_terms(request.offer),
        warnings=request.warnings,
        problems=request.demand.problems,
    )  # fmt: skip


def _range(contract: Contract, request: SizeRequest, one: Scenario) -> StatedRange:
    paths = _with_savings(np.array(one.usd[-contract.term_months :]), request.demand)
    commits, cost = best_of(contract, paths, lambda one, given: optimum(one, given).commit_usd_by_year)
    return StatedRange(
        name=one.name,
        growth_per_month=one.growth_per_month,
        list_usd=usd(float(paths.list_usd.sum())),
        commit_usd_by_year=tuple(map(usd, commits)),
        cost_usd=usd(float(cost.mean())),
    )


def _with_savings(list_usd: np.ndarray[tuple[int, ...], np.dtype[np.float64]], demand: Demand) -> Paths:
    if not demand.savings:
        return paths_of(list_usd)
    many = paths_of(np.repeat(list_usd[None], _DRAWS, axis=0))
    savings = demand.savings if demand.history is None else on_everything(demand.savings, demand.history)
    drawn = demand_of_paths(many, savings=savings, first_month=demand.first_month, seed=demand.seed)
    return paths_of(drawn.expected.list_usd.mean(axis=0))


def on_everything(savings: Sequence[Saving], history: History) -> tuple[Saving, ...]:
    """Savings of workloads as savings on their sum: each share times the workload's share of all known months."""
    known = np.nansum(history.usd, axis=1)
    share = dict(zip(history.names, (known / known.sum()).tolist(), strict=True))
    return tuple(
        one
        if one.workload == ALL or one.workload not in share
        else replace(
            one,
            workload=ALL,
            low=one.low * share[one.workload],
            likely=one.likely * share[one.workload],
            high=one.high * share[one.workload],
        )
        for one in savings
    )
