"""The sizes that are searched for, on the paths of the term: of least expected cost, as asked, and the cautious one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from baseload.commit.contract import Contract
from baseload.commit.offer import Offer
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.search.family import Ramp
from baseload.commit.search.optimum import Optimum, optimum
from baseload.commit.search.regret import path_optima
from baseload.commit.search.risk import Risk
from baseload.commit.size.alternatives import Commits
from baseload.commit.size.demand import Demand
from baseload.commit.size.document import (
    Guard,
)
from baseload.commit.size.figures import (
    Case,
    Places,
    Sized,
    on_demand_usd,
    sized,
)
from baseload.commit.size.guard import guard

THINNED: Final = 400
"""Paths of the regret and the sensitivities of a contract that must be priced month by month; the answer uses all."""
WORTHS: Final = 150
"""The same for clauses and timing, each of which searches many contracts."""


class SizeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to size. `inputs` names the files for the record; `quick` leaves clauses and timing out."""

    offer: Offer
    demand: Demand
    ramp: Ramp = "free"
    risk: Risk | None = None
    quick: bool = False
    offer_sha256: str = ""
    demand_sha256: str = ""
    savings_text: str = ""
    savings_sha256: str = ""
    warnings: tuple[str, ...] = ()


class Found(NamedTuple):
    """The size of least expected cost, the one chosen (by an appetite for risk, where there is one), and the guard."""

    case: Case
    least: Sized
    chosen: Sized
    guard: Guard
    search: Callable[[Contract, Paths], Commits]
    careful: Commits
    yearly: bool


def search_sizes(request: SizeRequest, contract: Contract, paths: Paths) -> Found:
    least = optimum(contract, paths, ramp=request.ramp)
    chosen = least if request.risk is None else optimum(contract, paths, ramp=request.ramp, risk=request.risk)
    listed, rows = on_demand_usd(contract, paths), _rows(paths, paths.count if least.method == "yearly" else THINNED)
    known = [least.cost_usd[rows], chosen.cost_usd[rows], listed[rows]]
    best = np.min([path_optima(contract, _pick(paths, rows), ramp=request.ramp), *known], axis=0)
    case = Case(contract, paths, listed, rows, best)
    none = (Decimal(0),) * contract.years
    one = sized(case, chosen.commit_usd_by_year if chosen.mean_usd <= float(listed.mean()) else none)
    return Found(
        case=case,
        least=sized(case, least.commit_usd_by_year),
        chosen=one,
        guard=guard(one, request.demand),
        search=_searcher(least, request.ramp),
        careful=_careful(least, contract, paths, request.ramp),
        yearly=least.method == "yearly",
    )


def _careful(least: Optimum, contract: Contract, paths: Paths, ramp: Ramp) -> Commits:
    """The least mean of the worst tenth of regret."""
    risk = Risk(cvar_weight=1.0)
    if least.method == "yearly":
        return optimum(contract, paths, ramp=ramp, risk=risk).commit_usd_by_year
    return optimum(contract, thinned(paths), ramp="flat", risk=risk).commit_usd_by_year


def _searcher(least: Optimum, ramp: Ramp) -> Callable[[Contract, Paths], Commits]:
    """How sensitivities are searched: as the answer was where yearly totals price it, else on fewer paths and flat."""
    if least.method == "yearly":
        return lambda contract, paths: optimum(contract, paths, ramp=ramp).commit_usd_by_year
    return lambda contract, paths: optimum(contract, thinned(paths), ramp="flat").commit_usd_by_year


def term_of(contract: Contract, paths: Paths) -> Paths:
    if paths.months < contract.term_months:
        raise CommitError("month", f"{paths.months} months", f"at least the term, {contract.term_months} months")
    return paths.first(contract.term_months)


def thinned(paths: Paths, most: int = THINNED) -> Paths:
    """Evenly chosen paths, at most so many."""
    return _pick(paths, _rows(paths, most))


def _rows(paths: Paths, most: int) -> Places:
    found: Places = np.unique(np.linspace(0, paths.count - 1, min(most, paths.count)).round().astype(np.int64))
    return found


def _pick(paths: Paths, rows: Places) -> Paths:
    if len(rows) == paths.count:
        return paths
    parts = {name: getattr(paths, name) for name in paths.__struct_fields__}
    return replace(
        paths,
        **{name: array[rows] for name, array in parts.items() if array is not None and array.shape[0] == paths.count},
    )
