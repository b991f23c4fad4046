"""The sizes that are searched for, on the paths of the term: of least expected cost, as asked, and the cautious one."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.offer import Offer
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.search.family import Ramp, family_of
from baseload.commit.search.optimum import Optimum, optimum
from baseload.commit.search.regret import path_optima
from baseload.commit.search.risk import Risk
from baseload.commit.search.segments import is_stateless
from baseload.commit.size.alternatives import carried_by_past
from baseload.commit.size.demand import Demand
from baseload.commit.size.document import Guard
from baseload.commit.size.figures import Case, Commits, Places, Search, Sized, on_demand_usd, sized
from baseload.commit.size.guard import guard

THINNED: Final = 400
"""Paths of the sensitivities where one search takes long, and of the regret of a contract priced month by month.

The answer uses all.
"""
WORTHS: Final = 150
"""The same for clauses and timing of a contract priced month by month: each searches many contracts."""


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
    """The size of least expected cost, the one chosen (by an appetite for risk, where there is one), and the guard.

    `carried`: what the past supports where it does not carry the one chosen. `exact`: no dollar passes between years
    that yearly totals price, so that every search is quick and uses all paths.
    """

    case: Case
    least: Sized
    chosen: Sized
    guard: Guard
    carried: Commits | None
    search: Search
    careful: Commits
    yearly: bool
    exact: bool


def search_sizes(request: SizeRequest, contract: Contract, paths: Paths) -> Found:
    least = optimum(contract, paths, ramp=request.ramp)
    chosen = least if request.risk is None else optimum(contract, paths, ramp=request.ramp, risk=request.risk)
    listed, rows = on_demand_usd(contract, paths), _rows(paths, paths.count if least.method == "yearly" else THINNED)
    known = [least.cost_usd[rows], chosen.cost_usd[rows], listed[rows]]
    best = np.min([path_optima(contract, _pick(paths, rows), ramp=request.ramp), *known], axis=0)
    case = Case(contract, paths, listed, rows, best)
    one, cheapest = (sized(case, _paying(found, contract, listed)) for found in (chosen, least))
    yearly = least.method == "yearly"
    exact = yearly and is_stateless(family_of(contract, paths, request.ramp))
    search = Remembered(request.ramp if yearly else "flat", paths.count if exact else THINNED)
    search.learn(contract, paths, cheapest.commits)
    return Found(
        case=case,
        least=cheapest,
        chosen=one,
        guard=guard(one.contract, request.demand),
        carried=carried_by_past(case, one.contract, request.demand, paths if yearly else thinned(paths)),
        search=search,
        careful=_careful(least, contract, paths, request.ramp),
        yearly=yearly,
        exact=exact,
    )


def _paying(found: Optimum, contract: Contract, listed: Array) -> Commits:
    """A size that costs no more than on demand; none where this one does."""
    pays = found.mean_usd <= float(listed.mean())
    return found.commit_usd_by_year if pays else (Decimal(0),) * contract.years


def _careful(least: Optimum, contract: Contract, paths: Paths, ramp: Ramp) -> Commits:
    """The least mean of the worst tenth of regret."""
    risk = Risk(cvar_weight=1.0)
    if least.method == "yearly":
        return optimum(contract, paths, ramp=ramp, risk=risk).commit_usd_by_year
    return optimum(contract, thinned(paths), ramp="flat", risk=risk).commit_usd_by_year


class Remembered:
    """How sensitivities are searched: on at most so many paths, the same case once."""

    def __init__(self, ramp: Ramp, most_paths: int) -> None:
        self._ramp, self._most = ramp, most_paths
        self._known: dict[tuple[Contract, bytes], Commits] = {}

    def __call__(self, contract: Contract, paths: Paths) -> Commits:
        key = (contract, _digest(paths))
        if key not in self._known:
            self._known[key] = optimum(contract, thinned(paths, self._most), ramp=self._ramp).commit_usd_by_year
        return self._known[key]

    def learn(self, contract: Contract, paths: Paths, commits: Commits) -> None:
        """What was found on all paths."""
        self._known[contract, _digest(paths)] = commits


def _digest(paths: Paths) -> bytes:
    found = hashlib.sha256()
    for name in paths.__struct_fields__:
        part = getattr(paths, name)
        if part is not None:
            found.update(f"{name} {np.shape(part)}".encode())
            found.update(np.ascontiguousarray(part).tobytes())
    return found.digest()


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
