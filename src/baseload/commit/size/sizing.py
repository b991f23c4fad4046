"""From an offer and a demand to the document: the size of least expected cost, and everything that stands beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, Literal

import numpy as np
from msgspec.structs import replace

from baseload.commit.contract import Contract
from baseload.commit.offer import Offer
from baseload.commit.paths import Paths
from baseload.commit.search.risk import Risk, shortfall_usd
from baseload.commit.size.alternatives import alternative, alternatives
from baseload.commit.size.amounts import at_unit, rounded, unit_of, usd
from baseload.commit.size.buffer import buffer_of
from baseload.commit.size.cautions import cautions
from baseload.commit.size.demand import NOTHING_IN_SCOPE, Demand, nothing_in_scope
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
_NEXT_TO_NOTHING: Final = 1.0
"""List dollars of a term."""
_CENT: Final = 0.005


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
            *cautions(request.offer, demand, found.chosen, recommended, found.guard),
            *_thin(found, quick=request.quick),
        ),
        problems=demand.problems,
    )


def _thin(found: Found, *, quick: bool) -> tuple[str, ...]:
    """What was looked at on fewer paths than the size."""
    count = found.case.paths.count
    parts = []
    if not found.exact and count > THINNED:
        parts.append(f"{'sensitivities' if found.yearly else 'regret and sensitivities'} on {THINNED} of them")
    clauses, timing = (_paths_of(found, count, one) for one in ("clauses", "timing"))
    if not quick and clauses < count:
        parts.append(f"clauses{' and timing' if timing == clauses else ''} on {clauses}")
    if not parts:
        return ()
    why = "unused dollars pass between years" if found.yearly else "the offer is priced month by month"
    why = "several years take long" if found.exact else why
    return (f"The size is found on all {count:,} paths; as {why}, {', '.join(parts)}.",)


def _quiet(_: str) -> None:
    """Nobody listens."""


def _clauses(request: SizeRequest, found: Found) -> tuple[ClauseRow, ...]:
    paths = thinned(found.case.paths, _paths_of(found, found.case.paths.count, "clauses"))
    return clause_rows(request.offer, paths, found.chosen.commits, request.demand.seed)


def _timing(contract: Contract, demand: Demand, found: Found) -> tuple[TimingRow, ...]:
    kept = {name: thinned(one, _paths_of(found, one.count, "timing")) for name, one in demand.scenarios.items()}
    return timing_rows(contract, demand._replace(scenarios=kept))


def _paths_of(found: Found, count: int, part: Literal["clauses", "timing"]) -> int:
    """How many paths a part uses: all, fewer where each of its searches takes long. Asks hold rights, run by month."""
    if not found.yearly:
        return min(count, WORTHS)
    return min(count, THINNED) if part == "clauses" and found.case.contract.years > 1 else count


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
        return "do_not_commit", _why_none(request.demand, found)
    if found.guard.holds is False:
        return "do_not_commit", f"{found.guard.says} {_refusal(found)}"
    if request.risk is not None:
        return (
            "commit",
            f"The least of what the appetite for risk asks for, on all paths.{_unused(request.risk, found)}",
        )
    return "commit", "The least expected cost on all paths."


def _unused(risk: Risk, found: Found) -> str:
    if risk.shortfall_budget_usd is None:
        return ""
    lost = float(shortfall_usd(found.chosen.contract, found.chosen.outcome).mean())
    budget = risk.shortfall_budget_usd
    said = rounded(lost, unit_of(lost, budget))
    return f" {said} paid for it is expected to go unused; the budget is {budget:,.0f}."


def _why_none(demand: Demand, found: Found) -> str:
    if nothing_in_scope(demand):
        return NOTHING_IN_SCOPE
    if float(found.case.paths.list_usd.sum(axis=1).mean()) < _NEXT_TO_NOTHING:
        return "There is next to no demand in the term: nothing to commit to."
    saved = float((found.case.on_demand - found.chosen.outcome.cost_usd).mean())
    if saved >= _CENT:
        return "The offer gives its discount without a commitment: sign it with none."
    return "No commitment costs less than on demand in expectation: bridge or wait."


def _refusal(found: Found) -> str:
    """What it costs, on the paths, to do as the guard says."""
    none = sized(found.case, (Decimal(0),) * found.case.contract.years).outcome.cost_usd
    nothing = float(none.mean())
    lost = _less(nothing, float(found.chosen.outcome.cost_usd.mean()))
    size = f"the size refused ({_commits(found.chosen.commits)})"
    if found.carried is None:
        return f"Do not commit: bridge or wait. In expectation that costs {lost} more than {size}."
    less = _less(nothing, float(sized(found.case, found.carried).outcome.cost_usd.mean()))
    return (
        f"Do not commit so much: bridge or wait, or sign no more than the past carries, {_commits(found.carried)} "
        f"(past_supports). In expectation, signing nothing costs {lost} more than {size} and {less} more than that."
    )


def _less(more: float, less: float) -> str:
    """The difference of two costs as they are shown."""
    unit = unit_of(more, less)
    return rounded(at_unit(more, unit) - at_unit(less, unit), unit)


def _commits(amounts: Sequence[Decimal]) -> str:
    listed = [f"{one:,.0f}" for one in amounts]
    return listed[0] if len(set(listed)) == 1 else ", ".join(listed)


def _alternatives(request: SizeRequest, found: Found, recommended: Recommended) -> tuple[Any, ...]:
    offered = request.offer.contract.commit_usd_by_year
    rows = list(alternatives(found.case, request.demand, offered, found.careful, found.carried))
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
