"""The cell dimension as a table, and how it stays small when a label explodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from baseload.ledger.labels import SIGNATURE_FIELDS, Cell, int64_of, signature_of
from baseload.values import Table

MOST_SIGNATURES: Final = 50_000
DROPPED_FIRST: Final = (
    "template_id",
    "tags",
    "user_id",
    "task_cues",
    "request_features",
    "system_fp",
    "tools_fp",
    "agent",
    "api_key",
)
"""Labels given up, in this order and for the whole ledger, while there are more than MOST_SIGNATURES signatures."""

_TEXT = ("signature", "price_key", "model", "band", "cost_type", "token_class")
_INTS = ("cell", "sampling_rate", "ttl_unknown", "cache_scope")
STORED_COLUMNS: Final = _INTS + _TEXT + SIGNATURE_FIELDS


def cell_columns(cells: Sequence[Cell]) -> Table:
    """STORED_COLUMNS of some cells, as the ledger keeps them."""
    table: dict[str, Any] = {name: np.array([getattr(cell, name) for cell in cells], dtype=np.int64) for name in _INTS}
    table |= {name: np.array([getattr(cell, name) for cell in cells], dtype=object) for name in _TEXT}
    for place, name in enumerate(SIGNATURE_FIELDS):
        table[name] = np.array([cell.labels[place] for cell in cells], dtype=object)
    return table


def report_cells(stored: Table, most: int) -> Table:
    """The dimension reports join: `stored` plus `tool_results` (0 | 1) and `spend_cell`, what calls are summed under.

    That is the cell itself, unless there are more than `most` signatures: then labels are dropped (DROPPED_FIRST)
    until there are not, and every row shows what is left. The choice depends on the set of cells only, never on the
    order they came in. Each `spend_cell` is also a row's `cell`.
    """
    _, once = np.unique(stored["cell"], return_index=True)  # a cell stored twice would count its calls twice
    stored = {name: column[once] for name, column in stored.items()}
    dropped: list[str] = []
    table = dict(stored)
    while len(set(table["signature"].tolist())) > most and len(dropped) < len(DROPPED_FIRST):
        dropped.append(DROPPED_FIRST[len(dropped)])
        table = _without(stored, dropped)
    table["tool_results"] = np.array(
        [_carries_tool_results(cues) for cues in stored["task_cues"].tolist()], dtype=np.int64
    )
    if not dropped:
        return {**table, "spend_cell": table["cell"]}
    return _with_coarse_rows(table)


def signature_table(cells: Table) -> Table:
    """Distinct signatures of a cell dimension: `signature` and SIGNATURE_FIELDS, sorted by signature."""
    signatures, first = np.unique(cells["signature"].astype(str), return_index=True)
    table: dict[str, Any] = {"signature": signatures.astype(object)}
    return table | {name: cells[name][first] for name in SIGNATURE_FIELDS}


def _without(stored: Table, dropped: Iterable[str]) -> dict[str, Any]:
    count = len(stored["cell"])
    table = dict(stored)
    for name in dropped:
        table[name] = np.full(count, "", dtype=object)
    labels = zip(*(table[name].tolist() for name in SIGNATURE_FIELDS), strict=True)
    table["signature"] = np.array([signature_of(values) for values in labels], dtype=object)
    return table


def _carries_tool_results(task_cues: str) -> int:
    """1 where the reader saw a tool's result in the request; a column, because the queries use no text functions."""
    return int("tool_result" in task_cues.split(","))


def _with_coarse_rows(table: dict[str, Any]) -> Table:
    keys = ("signature", "price_key", "sampling_rate", "ttl_unknown", "cost_type", "token_class")
    rows = zip(*(table[name].tolist() for name in keys), strict=True)
    spend = np.array([int64_of(*map(str, row)) for row in rows], dtype=np.int64)
    coarse, first = np.unique(spend, return_index=True)
    missing = first[~np.isin(coarse, table["cell"])]
    whole = {name: np.concatenate([column, column[missing]]) for name, column in table.items()}
    whole["cell"][len(spend) :] = spend[missing]
    return {**whole, "spend_cell": np.concatenate([spend, spend[missing]])}
