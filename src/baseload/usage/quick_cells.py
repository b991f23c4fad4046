"""What the quick look sums by."""

from __future__ import annotations

from operator import add
from typing import NamedTuple

Counts = tuple[int, ...]
"""(requests, the five TOKEN_CLASSES, web searches); -1 requests where a source does not say."""


class Cell(NamedTuple):
    """All that decides a price, and what calls may be grouped by ("" where they are not)."""

    day: int
    model: str  # as logged
    platform: str
    geo: str
    tier: str
    speed: str
    band: str
    ttl_unknown: bool
    key: str  # api key; where there is none, the project or workspace
    session: str


class Sums(dict[Cell, Counts]):
    """Counts by cell."""

    def count(self, cell: Cell, counts: Counts) -> None:
        """Add one row. Where one row of a cell does not say how many requests it stands for, nor does the cell."""
        held = self.get(cell)
        if held is None:
            if any(counts):
                self[cell] = counts
        else:
            requests = -1 if held[0] < 0 or counts[0] < 0 else held[0] + counts[0]
            self[cell] = (requests, *map(add, held[1:], counts[1:]))
