"""Two methods are all the analysis ever asks of an engine (facts: stack.md 1.2-1.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from baseload.values import Table


class Engine(Protocol):
    """Answers plain SQL of the portable subset over registered tables."""

    def register(self, name: str, table: Table) -> None:
        """Make a small in-memory table visible under `name`, replacing an earlier one."""

    def register_parquet(self, name: str, files: Sequence[Path]) -> None:
        """Make immutable Parquet files of one schema visible under `name`. Raises ValueError without a file."""

    def query(self, sql: str) -> Table:
        """The rows of one SELECT as columns. Order is as ORDER BY says, else undefined."""

    def map_sorted(self, sql: str, keys: Sequence[str], order: Sequence[str], fn: Callable[[Table], Table]) -> Table:
        """Rows of `sql` grouped by `keys` and sorted by `order` within each, passed to `fn`, results concatenated.

        One call of `fn` receives one or more whole groups in one table, never part of a group; `order` must be a
        total order of NOT NULL columns.
        """
