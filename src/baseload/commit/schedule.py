"""The commitment month by month: how much, at which discount, paid when, per path where something changed it.

A year's commitment is spread evenly over its months, so that stepping down, stepping up, leaving, true-forward and
carry-forward all are one operation: change the months that remain and settle what was already paid for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.bands import DiscountArrays, discount_arrays_at, key_of_year, monthly_commit_usd
from baseload.commit.contract import MONTHS_PER_YEAR, Contract, Payment, year_months

_BLOCKS: Final[dict[Payment, int]] = {"annual": MONTHS_PER_YEAR, "quarterly": 3, "monthly": 1}


def payment_month(payment: Payment, month: int) -> int:
    """The month at whose start the commitment of `month` is paid. Not asked of arrears."""
    return 0 if payment == "upfront" else month - month % _BLOCKS[payment]


class Schedule:
    """Committed dollars and discounts of every month of the term, as signed and as changed.

    `own_sizes` (paths, years) stands in for the contract's commitment, each path its own.
    """

    def __init__(self, contract: Contract, own_sizes: Array | None = None) -> None:
        self._contract = contract
        self._list_basis = contract.commit_basis == "list"
        self._prepaid = contract.payment != "arrears"
        self.committed: list[Array] = _spread(contract, own_sizes)
        self._keys: list[Array] = _month_keys(contract, own_sizes)
        yearly = [discount_arrays_at(contract, key) for key in self._keys[::MONTHS_PER_YEAR]]
        self.discounts: list[DiscountArrays] = [
            yearly[month // MONTHS_PER_YEAR] for month in range(contract.term_months)
        ]

    def unit_price(self, month: int) -> Array:
        """Cash of one committed dollar of the contract's basis."""
        return 1 - self.discounts[month].committed if self._list_basis else np.ones(1)

    def committed_in(self, start: int, end_exclusive: int) -> Array:
        """The commitment of these months together."""
        return sum(self.committed[start:end_exclusive], np.zeros(1))

    def cash(self, months: Iterable[int]) -> Array:
        """What the commitment of these months costs."""
        return sum((self.committed[month] * self.unit_price(month) for month in months), np.zeros(1))

    def due_at(self, month: int) -> Array:
        """The commitment that is paid at the start of this month; 0 in arrears."""
        if not self._prepaid or payment_month(self._contract.payment, month) != month:
            return np.zeros(1)
        paid = (m for m in range(month, self._contract.term_months) if self._paid_in(m) == month)
        return self.cash(paid)

    def _paid_in(self, month: int) -> int:
        return payment_month(self._contract.payment, month)

    def change(
        self,
        at: int,
        months: Iterable[int],
        committed: dict[int, Array],
        keys: dict[int, Array] | None = None,
    ) -> Array:
        """Set the commitment (and the look-up keys) of `months`, all from month `at` on.

        Returns what is settled at the start of month `at` for months whose payment came before it: negative where
        money comes back.
        """
        chosen = [month for month in months if self._prepaid and self._paid_in(month) < at]
        before = self.cash(chosen)
        self.committed = [committed.get(month, old) for month, old in enumerate(self.committed)]
        for month, key in (keys or {}).items():
            self._keys[month] = key
            self.discounts[month] = discount_arrays_at(self._contract, key)
        return self.cash(chosen) - before

    def key(self, month: int) -> Array:
        """The amount that is looked up in the bands for this month."""
        return self._keys[month]


def _spread(contract: Contract, own_sizes: Array | None) -> list[Array]:
    """The commitment of every month: as signed, or each path's own."""
    if own_sizes is None:
        return [np.array([float(usd)]) for usd in monthly_commit_usd(contract)]
    years = [month // MONTHS_PER_YEAR for month in range(contract.term_months)]
    return [own_sizes[:, year] / year_months(contract, year) for year in years]


def _month_keys(contract: Contract, own_sizes: Array | None) -> list[Array]:
    """What is looked up in the bands for every month."""
    if own_sizes is None:
        yearly = [np.array([float(key_of_year(contract, year))]) for year in range(contract.years)]
    elif contract.band_key == "annual_commit":
        yearly = [own_sizes[:, year] for year in range(contract.years)]
    else:
        a_year = 1.0 if contract.band_key == "tcv" else MONTHS_PER_YEAR / contract.term_months
        yearly = [own_sizes.sum(axis=1) * a_year] * contract.years
    return [yearly[month // MONTHS_PER_YEAR] for month in range(contract.term_months)]
