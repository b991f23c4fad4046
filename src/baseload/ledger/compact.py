"""Rewriting a ledger into fewer, larger files of disjoint days, without the call copies that better ones replaced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from baseload.engine.duckdb import DuckDBEngine
from baseload.ledger.columns import CALL_TABLE_COLUMNS
from baseload.ledger.dimension import STORED_COLUMNS
from baseload.ledger.manifest import CallFile, Manifest, new_token
from baseload.ledger.store import Ledger

TARGET_ROWS: Final = 1_000_000
MEMORY_LIMIT: Final = "1GB"

_KEPT = (
    "SELECT {columns} FROM stored_calls LEFT JOIN superseded ON superseded.row_id = stored_calls.row_id "
    "WHERE (superseded.row_id IS NULL OR stored_calls.grain <> 'call')"
)
"""Canonical rows, and replaced versions of control totals: a restatement stays visible."""


class Rewritten(msgspec.Struct, frozen=True, kw_only=True):
    """Before and after a rewrite; equal where there was nothing to do."""

    files_before: int
    files: int
    rows_before: int
    rows: int


def compact(ledger: Ledger, target_rows: int = TARGET_ROWS) -> Rewritten:
    """Merge files day by day up to `target_rows` each and drop replaced call copies; answers stay the same.

    A single day is never split. Needs disk space for a second copy. Raises LedgerLocked while another process writes.
    """
    with ledger.exclusive() as before, DuckDBEngine(memory_limit=MEMORY_LIMIT) as engine:
        ledger.attach(engine)
        spans = list(_spans(engine, target_rows))
        if _is_compact(engine, before, spans):
            return _rewritten(before, before)
        files = tuple(_copy_days(engine, ledger.root, first, last) for first, last, _ in spans)
        changes: dict[str, Any] = {
            "calls": files,
            "cells": tuple(_copy_cells(ledger, engine)),
            **_copy_superseded(engine, ledger.root),
        }
        after = msgspec.structs.replace(before, **changes)
        ledger.publish(after)
    return _rewritten(before, after)


def migrate(ledger: Ledger) -> Rewritten:
    """Rewrite files of older schemas in this version's; those that have it stay. Raises LedgerLocked."""
    with ledger.exclusive() as before, DuckDBEngine(memory_limit=MEMORY_LIMIT) as engine:
        files = []
        for file in before.calls:
            source = ledger.path_of(file)
            if source.parent == ledger.root:
                files.append(file)
                continue
            engine.register_parquet("older", [source])
            name = f"calls-{new_token()}.parquet"
            engine.copy_parquet("SELECT * FROM older", ledger.root / name)
            files.append(
                CallFile(**{**msgspec.structs.asdict(file), "name": name, "schema_version": before.schema_version})
            )
        after = msgspec.structs.replace(before, calls=tuple(files))
        if after != before:
            ledger.publish(after)
    return _rewritten(before, after)


def _spans(engine: DuckDBEngine, target_rows: int) -> Iterator[tuple[int, int, int]]:
    """(first day, last day, rows) of each new file, in order."""
    per_day = engine.query(
        f"SELECT kept.day, COUNT(*) AS row_count FROM ({_KEPT.format(columns='stored_calls.day')}) AS kept "
        "GROUP BY kept.day ORDER BY kept.day"
    )
    first = last = rows = 0
    for day, count in zip(per_day["day"].tolist(), per_day["row_count"].tolist(), strict=True):
        if rows and rows + count > target_rows:
            yield first, last, rows
            rows = 0
        first = day if not rows else first
        last, rows = day, rows + count
    if rows:
        yield first, last, rows


def _is_compact(engine: DuckDBEngine, manifest: Manifest, spans: list[tuple[int, int, int]]) -> bool:
    found = [(file.min_day, file.max_day, file.rows) for file in manifest.calls]
    return found == spans and len(manifest.cells) <= 1 and _kept_superseded(engine) == manifest.superseded_rows


def _kept_superseded(engine: DuckDBEngine) -> int:
    if not engine.query("SELECT COUNT(*) AS n FROM superseded")["n"][0]:
        return 0
    return int(engine.query(f"SELECT COUNT(*) AS n FROM ({_SUPERSEDED_TOTALS}) AS kept")["n"][0])


_SUPERSEDED_TOTALS = (
    "SELECT superseded.row_id FROM superseded INNER JOIN stored_calls ON stored_calls.row_id = superseded.row_id "
    "WHERE stored_calls.grain <> 'call'"
)


def _copy_days(engine: DuckDBEngine, root: Path, first: int, last: int) -> CallFile:
    name = f"calls-{new_token()}.parquet"
    columns = ", ".join(f"stored_calls.{column}" for column in (*CALL_TABLE_COLUMNS, "row_id"))
    days = f"stored_calls.day >= {int(first)} AND stored_calls.day <= {int(last)}"
    engine.copy_parquet(f"{_KEPT.format(columns=columns)} AND {days} ORDER BY start_us, call_id, row_id", root / name)
    engine.register_parquet("written", [root / name])
    found = engine.query(
        "SELECT COUNT(*) AS row_count, COUNT(CASE WHEN written.grain = 'call' THEN 1 END) AS calls FROM written"
    )
    rows, calls = int(found["row_count"][0]), int(found["calls"][0])
    return CallFile(name=name, rows=rows, min_day=first, max_day=last, has_calls=calls > 0, has_aggregates=calls < rows)


def _copy_cells(ledger: Ledger, engine: DuckDBEngine) -> Iterator[str]:
    """One file of the cells that are still used, or none."""
    if not ledger.manifest.cells:
        return
    engine.register_parquet("all_cells", [ledger.root / name for name in ledger.manifest.cells])
    name = f"cells-{new_token()}.parquet"
    columns = ", ".join(f"all_cells.{column}" for column in STORED_COLUMNS)
    kept = _KEPT.format(columns="stored_calls.cell")
    engine.copy_parquet(
        f"WITH used AS (SELECT kept.cell FROM ({kept}) AS kept GROUP BY kept.cell) "
        f"SELECT {columns} FROM all_cells INNER JOIN used ON used.cell = all_cells.cell ORDER BY all_cells.cell",
        ledger.root / name,
    )
    yield name


def _copy_superseded(engine: DuckDBEngine, root: Path) -> dict[str, Any]:
    count = _kept_superseded(engine)
    if not count:
        return {"superseded": "", "superseded_rows": 0}
    name = f"superseded-{new_token()}.parquet"
    engine.copy_parquet(f"{_SUPERSEDED_TOTALS} ORDER BY superseded.row_id", root / name)
    return {"superseded": name, "superseded_rows": count}


def _rewritten(before: Manifest, after: Manifest) -> Rewritten:
    return Rewritten(
        files_before=len(before.calls),
        files=len(after.calls),
        rows_before=sum(file.rows for file in before.calls),
        rows=sum(file.rows for file in after.calls),
    )
