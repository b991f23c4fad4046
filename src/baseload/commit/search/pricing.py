"""Pricing many sizes of one contract on the same paths: from yearly totals where they suffice, else by the month."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, Literal

import numpy as np
from msgspec.structs import replace

from baseload.commit.annual import annual_cost, own_cost, why_not_annual
from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.exercise import Exercise
from baseload.commit.outcome import Outcome
from baseload.commit.paths import Paths
from baseload.commit.rating import Rated, rate
from baseload.commit.search.family import yearly_usage
from baseload.commit.simulate import NO_RIGHT_USED, simulate

Objective = Literal["cost", "npv"]
Rights = Callable[[Contract, Paths], Exercise]
"""How the buyer's rights are used, given a contract with its size. They are not used where none is handed in."""
_CELLS: Final = 2_000_000
"""Sizes x paths that are priced at once."""


class YearlyPricer:
    """Contracts of which yearly totals say everything: cash."""

    def __init__(self, contract: Contract, paths: Paths) -> None:
        self.contract = replace(contract, carve_outs=())
        self._usage = yearly_usage(contract, paths)
        self._beside = _beside(contract, rate(contract, paths))

    def costs(self, sizes: Array) -> Array:
        """(sizes, years) -> (sizes, paths)."""
        return annual_cost(self.contract, self._usage, sizes) + self._beside

    def means(self, sizes: Array) -> Array:
        """(sizes, years) -> (sizes,)."""
        rows = max(1, _CELLS // len(self._usage))
        parts = [self.costs(sizes[start : start + rows]).mean(axis=1) for start in range(0, len(sizes), rows)]
        return np.concatenate(parts)

    def own(self, sizes: Array) -> Array:
        """Each path its own size: (paths, years) -> (paths,)."""
        return own_cost(self.contract, self._usage, sizes) + self._beside


class MonthlyPricer:
    """Any contract, month by month; cash or its present value."""

    def __init__(
        self, contract: Contract, paths: Paths, objective: Objective = "cost", rights: Rights | None = None
    ) -> None:
        self.contract = contract
        self._paths, self._objective, self._rights = paths, objective, rights

    def costs(self, sizes: Array) -> Array:
        """(sizes, years) -> (sizes, paths)."""
        return np.stack([self._of(costs_at(sized(self.contract, size), self._paths, self._rights)) for size in sizes])

    def means(self, sizes: Array) -> Array:
        """(sizes, years) -> (sizes,)."""
        return np.array([float(self.costs(size[None]).mean()) for size in sizes])

    def own(self, sizes: Array) -> Array:
        """Each path its own size, no right used: (paths, years) -> (paths,)."""
        return self._of(simulate(self.contract, self._paths, own_sizes=sizes))

    def _of(self, outcome: Outcome) -> Array:
        return outcome.cost_usd if self._objective == "cost" else outcome.npv_usd


Pricer = YearlyPricer | MonthlyPricer


def sized(contract: Contract, size: Array) -> Contract:
    """The contract with floating-point amounts as its commitments, to the cent."""
    return contract.sized(*(Decimal(f"{amount:.2f}") for amount in size))


def costs_at(contract: Contract, paths: Paths, rights: Rights | None = None) -> Outcome:
    """A contract with its size on every path. Raises CommitError as `simulate` does."""
    return simulate(contract, paths, rights(contract, paths) if rights else NO_RIGHT_USED)


def pricer_of(contract: Contract, paths: Paths, objective: Objective = "cost", rights: Rights | None = None) -> Pricer:
    """The quicker one that is right."""
    if by_the_year(contract, paths, objective, rights):
        return YearlyPricer(contract, paths)
    return MonthlyPricer(contract, paths, objective, rights)


def by_the_year(contract: Contract, paths: Paths, objective: Objective, rights: Rights | None) -> bool:
    """Do yearly totals price it as the months do?

    Not where rights are used, where a price moves within the term and overage is paid at that month's list, where a new
    model stays at list; nor present value, unless capital is free.
    """
    if rights is not None or why_not_annual(contract) or (objective == "npv" and contract.wacc):
        return False
    rated = rate(contract, paths)
    if rated.undiscounted is not None:
        return False
    term = slice(0, contract.term_months)
    return contract.overage.rule != "list" or np.allclose(rated.rated[term], rated.listed[term], rtol=1e-12, atol=0)


def _beside(contract: Contract, rated: Rated) -> Array:
    """What is paid whatever is committed: carved-out usage, and all usage after the term."""
    after: Array = rated.listed[contract.term_months :].sum(axis=0)
    return after if rated.outside is None else after + rated.outside.sum(axis=0)
