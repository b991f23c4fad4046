"""Tables that several questions share: every contract is priced once at every size it is looked at."""

from __future__ import annotations

from typing import Final

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.worth.options import Measure
from baseload.commit.worth.table import Table, cost_table

_BEST_ON_FEW: Final = 14
_BEST_OF_OTHER: Final = 6


class Shelf:
    """Costs by contract and size on the same paths."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self._rows: dict[tuple[Contract, Measure], dict[bytes, Array]] = {}

    def table(self, contract: Contract, list_sizes: Array, measure: Measure) -> Table:
        """`cost_table`, of which only sizes not met before are priced."""
        known = self._rows.setdefault((contract, measure), {})
        keys = [size.tobytes() for size in list_sizes]
        fresh = [place for place, key in enumerate(keys) if key not in known]
        if fresh:
            usd = cost_table(contract, list_sizes[fresh], self.paths, measure).usd
            known |= {keys[place]: row for place, row in zip(fresh, usd, strict=True)}
        return Table.of(contract, list_sizes, np.array([known[key] for key in keys]))


def best_rows(table: Table, most: int) -> Array:
    """List-dollar sizes of the least means, the best first."""
    found: Array = table.list_sizes[np.argsort(table.means, kind="stable")[:most]]
    return found


def worth_pricing(few: Table, other: Table) -> Array:
    """The sizes that are worth pricing on all paths, of those of `few`, which has thin paths.

    The best ones there, and the best ones of the contract it is compared with: what changes nothing is worth nothing.
    """
    rows = np.concatenate([best_rows(few, _BEST_ON_FEW), best_rows(other, _BEST_OF_OTHER)])
    return np.unique(rows, axis=0)
