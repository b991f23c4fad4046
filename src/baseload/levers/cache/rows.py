"""The ledger's calls, workload by workload, for everything that follows a prompt cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from baseload.engine.port import Engine
from baseload.ledger.queries import cache_calls_sql, cache_days_sql
from baseload.levers.evidence import prefix_days
from baseload.values import Table

MOST_CALLS = 500_000
"""Of a ledger with more calls, the latest whole days that hold about as many are looked at."""


def rows_by_workload(
    engine: Engine, workload_of: Callable[[str], str], most: int = MOST_CALLS
) -> Iterator[tuple[str, Table]]:
    """(workload id, its rows of `cache_calls_sql`), in order of the id. `workload_of` takes a signature."""
    days = prefix_days(engine.query(cache_days_sql()), most)
    rows = engine.query(cache_calls_sql(None if days is None else days.start_day))
    signatures, place = np.unique(rows["signature"].astype(str), return_inverse=True)
    ids = np.array([workload_of(str(signature)) for signature in signatures], dtype=object)
    names, group = np.unique(ids.astype(str), return_inverse=True)
    order = np.argsort(group[place], kind="stable")
    starts = np.searchsorted(group[place][order], np.arange(len(names) + 1))
    for index, name in enumerate(names.tolist()):
        chosen = order[starts[index] : starts[index + 1]]
        yield name, {column: values[chosen] for column, values in rows.items()}
