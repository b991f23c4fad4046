"""What one contract costs at every size on every path: the table that clauses, offers and intervals are read from."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.search.pricing import YearlyPricer, by_the_year
from baseload.commit.simulate import simulate
from baseload.commit.worth.options import Measure, has_rights, measured, use_well
from baseload.commit.worth.sizes import in_basis, in_list

_CHUNK: Final = 64
"""Sizes priced at once from yearly totals: keeps intermediate arrays in tens of megabytes."""
_EQUAL: Final = 1e-12


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """`list_sizes` (sizes, years) in list dollars, `sizes` in the contract's basis, `usd` (sizes, paths)."""

    contract: Contract
    list_sizes: Array
    sizes: Array
    usd: Array

    @classmethod
    def of(cls, contract: Contract, list_sizes: Array, usd: Array) -> Table:
        """Of costs that are known already."""
        return cls(contract=contract, list_sizes=list_sizes, sizes=in_basis(contract, list_sizes), usd=usd)

    @property
    def means(self) -> Array:
        found: Array = self.usd.mean(axis=1)
        return found

    @property
    def best(self) -> int:
        """The place of the least mean cost; of equals the first, which is the smallest."""
        means = self.means
        return int(np.flatnonzero(means <= means.min() + abs(means.min()) * _EQUAL)[0])

    @property
    def least_usd(self) -> float:
        return float(self.means[self.best])

    @property
    def best_sizes(self) -> tuple[Decimal, ...]:
        """The commitments of the least mean cost, in the contract's basis."""
        return amounts(self.sizes[self.best])

    def row(self, place: int) -> Table:
        """One size alone."""
        one = slice(place, place + 1)
        return msgspec.structs.replace(self, list_sizes=self.list_sizes[one], sizes=self.sizes[one], usd=self.usd[one])


def amounts(sizes: Array) -> tuple[Decimal, ...]:
    """Commitments as a contract takes them, to a millionth of a dollar."""
    return tuple(Decimal(repr(round(float(size), 6))) for size in sizes)


def cost_table(contract: Contract, list_sizes: Array, paths: Paths, measure: Measure = "cost") -> Table:
    """Every size on every path, over all months of the paths: those after the term are on demand."""
    return Table.of(contract, list_sizes, usd_of(contract, in_basis(contract, list_sizes), paths, measure))


def stated_table(contract: Contract, paths: Paths, measure: Measure = "cost") -> Table:
    """One row: the stated commitment exactly as it stands, in a dead zone too."""
    sizes = np.array([[float(amount) for amount in contract.commit_usd_by_year]])
    return Table(
        contract=contract,
        list_sizes=in_list(contract, sizes[0].tolist())[None, :],
        sizes=sizes,
        usd=usd_of(contract, sizes, paths, measure),
    )


def usd_of(contract: Contract, sizes: Array, paths: Paths, measure: Measure) -> Array:
    """Sizes in the contract's own basis on every path, (sizes, paths)."""
    if not is_yearly(contract, paths, measure):
        return np.array([_monthly(contract, size, paths, measure) for size in sizes])
    pricer = YearlyPricer(contract, paths)
    found: Array = np.concatenate([pricer.costs(sizes[at : at + _CHUNK]) for at in range(0, len(sizes), _CHUNK)])
    return found


def is_yearly(contract: Contract, paths: Paths, measure: Measure) -> bool:
    """Do yearly totals price it? Not a right that somebody uses, nor a payment that is late."""
    if has_rights(contract) or (measure == "npv" and (contract.wacc or contract.payment_lag_days)):
        return False
    return by_the_year(contract, paths, "cost", None)


def _monthly(contract: Contract, size: Array, paths: Paths, measure: Measure) -> Array:
    sized = msgspec.structs.replace(contract, commit_usd_by_year=amounts(size))
    if has_rights(contract) and size.any():
        return use_well(sized, paths, measure).usd
    return measured(simulate(sized, paths), measure)
