"""What the simulator carries from month to month, and the books it writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from baseload.commit.arrays import Array, Flags
from baseload.commit.balance import Balance
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.rating import Rated
from baseload.commit.schedule import Schedule

START_LINES: Final = ("commitment", "resettled", "fees", "support")
"""Cash due at the start of its month."""
END_LINES: Final = ("drawn", "true_up", "overage", "rerated", "refund", "outside", "on_demand", "seats")
"""Cash due at the end of its month."""
LINES: Final = (*START_LINES, *END_LINES)
_PERIODS: Final = {"month": 1, "quarter": 3, "year": MONTHS_PER_YEAR}


def periods(contract: Contract) -> list[tuple[int, int]]:
    """Test periods as (first month, month after the last); quarters begin with each contract year."""
    term = contract.term_months
    if contract.period == "term":
        return [(0, term)]
    step = _PERIODS[contract.period]
    return [(start, min(start + step, term)) for start in range(0, term, step)]


class Books:
    """Cash by line and month, and the units of every test period. Arrays are (months, paths)."""

    def __init__(self, months: int, paths: int) -> None:
        self._shape = (months, paths)
        self.lines: dict[str, Array] = {}
        self.periods: list[dict[str, Array]] = []
        self.drawn = np.zeros(self._shape)  # commitment and rolled dollars, in the contract's basis
        self.credited = np.zeros(self._shape)  # promotional credits drawn
        self.excess = np.zeros(self._shape)
        self.contract_usd = np.zeros(self._shape)  # usage of the term at the committed rate

    def pay(self, line: str, month: int, usd: Array | float) -> None:
        """Add cash to a line; negative is money back."""
        if line not in self.lines:
            self.lines[line] = np.zeros(self._shape)
        self.lines[line][month] += usd

    def total(self, lines: tuple[str, ...]) -> Array:
        """The sum of lines, (months, paths)."""
        found = np.zeros(self._shape)
        for name in lines:
            if name in self.lines:
                found += self.lines[name]
        return found


class Year:
    """What one contract year adds up to, for the clauses that look at a whole year."""

    def __init__(self, paths: int) -> None:
        zero: Array = np.zeros(paths)
        self.months: list[Array] = []  # usage of each month, in the contract's basis
        self.rated_drawn = zero  # list dollars that drew the commitment or rolled dollars
        self.paid_drawn = zero  # what those cost at the committed rate
        self.rated_excess = zero
        self.overage_cash = zero
        self.excess = zero  # in the contract's basis


class State:
    """One contract on many paths, between two months."""

    def __init__(self, contract: Contract, rated: Rated, own_sizes: Array | None = None) -> None:
        months, paths = rated.rated.shape
        self.contract = contract
        self.rated = rated
        self.paths = paths
        self.zero: Array = np.zeros(paths)
        self.list_basis = contract.commit_basis == "list"
        self.own_sizes = own_sizes  # each path's commitment by year; None = the contract's
        self.schedule = Schedule(contract, own_sizes)
        self.balance = Balance(contract.roll_order, paths)
        self.books = Books(months, paths)
        self.year = Year(paths)
        self.live: Flags | None = None  # None = nobody has left
        self.floor: Array = self.zero  # true-forward: a year's least commitment, which never falls
        self.vouchers: list[tuple[Array, int]] = []  # dollars at list that pay excess, and the month they end
        self.opening: Array = self.zero  # already paid when the first period opens
        self.left: Array = self.zero  # balance that a renewal could still draw, in the contract's basis
        self.lost_late: Array = self.zero  # rolled dollars lost with the end of the term, or after it
        self.periods = periods(contract)
        self.starts = dict(self.periods)
        self.ends = {end: start for start, end in self.periods}

    def period_of(self, month: int) -> tuple[int, int]:
        """The test period a month of the term lies in."""
        return next((start, end) for start, end in self.periods if start <= month < end)

    def year_months(self, month: int) -> Iterator[int]:
        """Months of the contract year that begins at `month`."""
        return iter(range(month, min(month + MONTHS_PER_YEAR, self.contract.term_months)))

    def units(self, rated: Array, month: int) -> Array:
        """Rated list dollars in the contract's basis, at that month's discount."""
        return rated if self.list_basis else rated * (1 - self.schedule.discounts[month].committed)

    def rated_of(self, units: Array, month: int) -> Array:
        """The list dollars behind dollars of the contract's basis."""
        return units if self.list_basis else units / (1 - self.schedule.discounts[month].committed)
