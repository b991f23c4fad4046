"""From an offer and a demand to the document: the size of least expected cost, and everything that stands beside it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
from msgspec.structs import replace

from baseload.commit.contract import Contract
from baseload.commit.offer import Offer
from baseload.commit.paths import Paths
from baseload.commit.size.alternatives import alternative, alternatives
from baseload.commit.size.amounts import usd
from baseload.commit.size.buffer import buffer_of
from baseload.commit.size.cautions import cautions
from baseload.commit.size.demand import Demand
from baseload.commit.size.document import (
    ClauseRow,
    Decision,
    Inputs,
    Recommended,
    SizeDocument,
    TimingRow,
)
from baseload.commit.size.figures import (
    cash_at_risk_usd,
    figures_of,
    sized,
    year_rows,
)
from baseload.commit.size.found import THINNED, WORTHS, Found, SizeRequest, search_sizes, term_of, thinned
from baseload.commit.size.inputs import knobs
from baseload.commit.size.rows import backtest_part, band_range, curve_points, odd_rows, scenario_rows, scope_split
from baseload.commit.size.terms import break_even_utilization
from baseload.commit.size.tornado import Held, resting, tornado
from baseload.commit.size.worths import clause_rows, timing_rows
from baseload.demand.months import month_text

Say = Callable[[str], None]


def size(request: SizeRequest, say: Say | None = None) -> SizeDocument:
    """The document. Raises CommitError where the paths are shorter than the term or a search is impossible."""
    tell = say or _quiet
    demand = request.demand
    contract = replace(request.offer.contract, commit_usd_by_year=())
    paths = term_of(contract, demand.expected)
    tell("Searching sizes")
    found = search_sizes(request, contract, paths)
    recommended = _recommended(request, found)
    tell("Alternatives, scenarios and band sets")
    bands = band_range(found)
    scenarios = scenario_rows(request, found, recommended)
    others = _alternatives(request, found, recommended)
    tell("Inputs that move it")
    held = Held(contract, paths, found.chosen.commits, found.search)
    turns = knobs(contract, demand)
    bars = tornado(held, turns)
    if not request.quick:
        tell("Clauses, timing, and a back-test")
    listed = found.case.on_demand
    return SizeDocument(
        inputs=_inputs(request, contract, paths),
        recommended=recommended,
        on_demand_usd=usd(float(listed.mean())),
        on_demand_p10_usd=usd(float(np.quantile(listed, 0.1))),
        on_demand_p90_usd=usd(float(np.quantile(listed, 0.9))),
        guard=found.guard,
        curve=curve_points(found.case),
        alternatives=others,
        bands=bands,
        scenarios=scenarios,
        tornado=bars,
        assumed=resting(held, turns),
        scope=scope_split(contract, demand, found),
        clauses=() if request.quick else _clauses(request, found),
        timing=() if request.quick else _timing(contract, demand, found),
        backtest=backtest_part(request.offer.contract, demand),
        stated_ranges=(),
        odd_months=odd_rows(demand),
        assumed_terms=open_terms(request.offer),
        warnings=(
            *request.warnings,
            *cautions(request.offer.contract, demand, found.chosen, recommended, found.guard),
            *_thin(found),
        ),
        problems=demand.problems,
    )


def _thin(found: Found) -> tuple[str, ...]:
    if found.yearly or len(found.case.rows) == found.case.paths.count:
        return ()
    said = (
        f"This offer is priced month by month: the size is found on all {found.case.paths.count:,} paths, regret and "
        f"sensitivities on {THINNED} of them, clauses and timing on {WORTHS}."
    )
    return (said,)


def _quiet(_: str) -> None:
    """Nobody listens."""


def _clauses(request: SizeRequest, found: Found) -> tuple[ClauseRow, ...]:
    paths = found.case.paths if found.yearly else thinned(found.case.paths, WORTHS)
    return clause_rows(request.offer.contract, paths, found.chosen.commits, request.demand.seed)


def _timing(contract: Contract, demand: Demand, found: Found) -> tuple[TimingRow, ...]:
    kept = {name: one if found.yearly else thinned(one, WORTHS) for name, one in demand.scenarios.items()}
    return timing_rows(contract, demand._replace(scenarios=kept))


def _recommended(request: SizeRequest, found: Found) -> Recommended:
    decision, reason = _decision(request, found)
    none = (Decimal(0),) * found.case.contract.years
    one = found.chosen if decision == "commit" else sized(found.case, none)
    return Recommended(
        decision=decision,
        reason=reason,
        cash_at_risk_usd=usd(cash_at_risk_usd(found.case, one)),
        break_even_utilization=_share(break_even_utilization(one.contract)),
        by_year=year_rows(found.case, one),
        buffer=buffer_of(found.case, one),
        **figures_of(found.case, one),
    )


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _decision(request: SizeRequest, found: Found) -> tuple[Decision, str]:
    if not any(found.chosen.commits):
        saved = float((found.case.on_demand - found.chosen.outcome.cost_usd).mean())
        if saved > 0:
            return "do_not_commit", "The offer gives its discount without a commitment: sign it with none."
        return "do_not_commit", "No commitment costs less than on demand in expectation: bridge or wait."
    if found.guard.holds is False:
        return "do_not_commit", f"{found.guard.says} Do not commit: bridge or wait."
    if request.risk is not None:
        return "commit", "The least of what the appetite for risk asks for, on all paths."
    return "commit", "The least expected cost on all paths."


def _alternatives(request: SizeRequest, found: Found, recommended: Recommended) -> tuple[Any, ...]:
    offered = request.offer.contract.commit_usd_by_year
    rows = list(alternatives(found.case, found.chosen, request.demand, offered, found.careful))
    if recommended.decision == "do_not_commit" and any(found.chosen.commits):
        says = "the size that the guard refuses" if request.risk is None else "the size that was asked for, refused"
        rows.insert(0, alternative(found.case, "refused_by_guard", says, found.chosen.commits))
    if request.risk is not None:
        rows.insert(0, alternative(found.case, "least_cost", "the least expected cost", found.least.commits))
    return tuple(rows)


def open_terms(offer: Offer) -> tuple[str, ...]:
    """What the offer leaves out, but for the size that is looked for."""
    return tuple(name for name in offer.assumed if name != "commit_usd_by_year")


def _inputs(request: SizeRequest, contract: Contract, paths: Paths) -> Inputs:
    return inputs_of(request, contract, paths.count)


def inputs_of(request: SizeRequest, contract: Contract, paths: int) -> Inputs:
    """What the answer was made from."""
    demand, risk = request.demand, request.risk
    budget = None if risk is None else risk.shortfall_budget_usd
    return Inputs(
        offer=contract.name,
        offer_sha256=request.offer_sha256,
        demand_source=demand.source,
        demand_sha256=request.demand_sha256,
        savings=request.savings_text,
        savings_sha256=request.savings_sha256,
        first_month=None if demand.first_month is None else month_text(demand.first_month),
        term_months=contract.term_months,
        commit_basis=contract.commit_basis,
        history_months=None if demand.history is None else int((~np.isnan(demand.history.total)).sum()),
        paths=paths,
        seed=demand.seed,
        ramp=request.ramp,
        risk_weight=0.0 if risk is None else risk.cvar_weight,
        shortfall_budget_usd=None if budget is None else usd(budget),
    )
