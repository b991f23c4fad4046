"""The offer with its size open, and the paths of its term: all of them, or fewer where months are priced one by one."""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec.structs import replace

from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.size.demand import Demand
from baseload.commit.size.found import term_of, thinned
from baseload.commit.worth.table import is_yearly
from baseload.demand.adoption import Scenario

ONE_YEAR: Final = 400
"""Paths of a contract of at most a year that is priced month by month."""
LONGER: Final = 150
"""The same over several years: each size searched is three years of months. As `commit size` has it."""
RIGHTS_LONGER: Final = 150
CLAUSES: Final = 150


class Priced(NamedTuple):
    """The offer without its size and demand over its term: for timing and leverage, for clauses, for rights."""

    contract: Contract
    scenarios: dict[Scenario, Paths]
    clauses: Paths
    rights: Paths
    yearly: bool
    drawn: int

    @property
    def expected(self) -> Paths:
        return self.scenarios["expected"]

    @property
    def wacc(self) -> float:
        return float(self.contract.wacc)


def priced(contract: Contract, demand: Demand) -> Priced:
    """Raises CommitError on a term of a month, paths that are shorter than the term, and no usage at all."""
    if contract.term_months < 2:
        raise CommitError("term_months", contract.term_months, "at least 2: a case weighs signing now against later")
    open_size = replace(contract, commit_usd_by_year=())
    whole = {name: term_of(open_size, one) for name, one in demand.scenarios.items()}
    if not whole["none"].list_usd.any():
        raise CommitError("list_usd", "0 in every month", "usage that the contract covers: there is nothing to weigh")
    expected = whole["expected"]
    yearly = is_yearly(open_size, expected, "cost")
    longer = contract.term_months > MONTHS_PER_YEAR
    most = LONGER if longer else ONE_YEAR
    return Priced(
        contract=open_size,
        scenarios=whole if yearly else {name: thinned(one, most) for name, one in whole.items()},
        clauses=expected if yearly else thinned(expected, CLAUSES),
        rights=thinned(expected, RIGHTS_LONGER) if longer else expected if yearly else thinned(expected, ONE_YEAR),
        yearly=yearly,
        drawn=expected.count,
    )
