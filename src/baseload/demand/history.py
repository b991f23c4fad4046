"""What was used, month by month and workload by workload, at one set of prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from baseload.demand.months import month_text, parse_month
from baseload.errors import UsageError

Floats: TypeAlias = NDArray[np.float64]
LEAST_MONTHS: Final = 6
"""Below this many months there are no quantiles, only scenarios (issue rule)."""
MOST_USD_PER_MONTH: Final = 1e11
"""A hundred billion a month: beyond what any series of dollars or counts can be."""
ALL: Final = "all"


class DemandError(UsageError):
    """A demand file or a demand setting cannot be used; names the field, the value and the rule."""


class History(NamedTuple):
    """List dollars per month at today's prices and metering: volume x today's unit cost.

    `usd` is (workloads, months); NaN where a workload had nothing to count yet or the month is not known. Months are
    whole and consecutive from `first_month` on.
    """

    first_month: int
    names: tuple[str, ...]
    usd: Floats

    @property
    def months(self) -> int:
        return int(self.usd.shape[1])

    @property
    def next_month(self) -> int:
        """The first month that is not history."""
        return self.first_month + self.months

    @property
    def total(self) -> Floats:
        """All workloads, per month; NaN where no workload is known."""
        known = ~np.isnan(self.usd)
        summed: Floats = np.where(known.any(axis=0), np.where(known, self.usd, 0.0).sum(axis=0), np.nan)
        return summed

    def until(self, months: int) -> History:
        """The first `months` months: what was known then. Workloads that had not begun are left out."""
        cut = self.usd[:, :months]
        begun = np.flatnonzero((~np.isnan(cut)).any(axis=1))
        return History(self.first_month, tuple(self.names[place] for place in begun), cut[begun])


def history_of(usd: Sequence[float] | Floats, first_month: str, name: str = ALL) -> History:
    """One series as a history. Raises DemandError where `first_month` is not YYYY-MM or a value is no amount."""
    try:
        month = parse_month(first_month)
    except ValueError as error:
        raise DemandError(f"first_month: {first_month[:20]!r} is {error}") from error
    found = History(month, (name,), np.asarray(usd, dtype=np.float64).reshape(1, -1))
    check(found)
    return found


def check(history: History) -> None:
    """Raises DemandError unless every known value is a positive amount below the absurd, and names are distinct."""
    if history.usd.ndim != 2 or len(history.names) != history.usd.shape[0]:
        raise DemandError(f"usd: {history.usd.shape} values for {len(history.names)} workloads; one row each expected")
    if len(set(history.names)) != len(history.names):
        raise DemandError("names: a workload is named twice; each must have one series")
    bad = np.argwhere(~np.isnan(history.usd) & ~((history.usd > 0) & (history.usd <= MOST_USD_PER_MONTH)))
    if len(bad):
        row, column = (int(place) for place in bad[0])
        raise DemandError(
            f"{history.names[row]}: {history.usd[row, column]:g} in {month_text(history.first_month + column)}; "
            f"expected more than 0 and at most {MOST_USD_PER_MONTH:g} dollars a month (leave unknown months out)"
        )
