"""Signing later, with what is known then: one size for each run rate that may have come.

The rule: paths are put in order of their run rate at signing (mean of the three months before it), cut into at most
eight groups of at least a hundred (four where months must be priced one by one), and each group has one size. The size
of one half of a group (every other path in the order) is found on the other half, so that no path is sized on its own
future.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from baseload.commit.contract import Contract
from baseload.commit.options.known import run_rate
from baseload.commit.options.picking import pick
from baseload.commit.paths import Paths
from baseload.commit.search.family import Ramp
from baseload.commit.search.optimum import optimum
from baseload.commit.search.pricing import by_the_year
from baseload.commit.timing.shorten import shortened

MOST_GROUPS: Final = 8
MOST_GROUPS_BY_MONTH: Final = 4
LEAST_PER_GROUP: Final = 100
LEAST_TO_HALVE: Final = 40
"""Fewer paths are sized on themselves: they are scenarios, not a sample."""

Rows: TypeAlias = "NDArray[np.int64]"


class Signed(NamedTuple):
    """What some of the paths sign."""

    rows: Rows
    contract: Contract


def signed_then(
    contract: Contract, paths: Paths, month: int, *, groups: int | None = None, ramp: Ramp = "free"
) -> list[Signed]:
    """The offer signed in `month` of these paths and ending with them, sized by what is known then.

    `groups`: of run rates, at most; None = as the rule says.
    """
    open_size = shortened(contract, min(contract.term_months, paths.months - month))
    rest = paths.between(month, month + open_size.term_months)
    if groups is None:
        groups = MOST_GROUPS if by_the_year(open_size, rest, "cost", None) else MOST_GROUPS_BY_MONTH
    return [
        Signed(rows, open_size.sized(*optimum(open_size, pick(rest, learned), ramp=ramp).commit_usd_by_year))
        for rows, learned in _groups(run_rate(paths, month), groups)
    ]


def _groups(rate: NDArray[np.float64], most: int) -> Iterator[tuple[Rows, Rows]]:
    """(paths that sign, paths their size is found on)."""
    order = np.argsort(rate, kind="stable")
    count = max(1, min(most, len(order) // LEAST_PER_GROUP))
    for part in np.array_split(order, count):
        if len(part) < LEAST_TO_HALVE:
            yield part, part
        else:
            yield part[::2], part[1::2]
            yield part[1::2], part[::2]
