"""The recorded calls of one workload, read back from the ledger as the records they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from baseload.engine.port import Engine
from baseload.ledger.sql_parts import canonical_calls
from baseload.prices.book import PriceBook
from baseload.values import CALL_FIELDS, Call, Table

MOST_CALLS = 200_000
"""Of a workload with more calls of its incumbent the newest are chosen from."""
_COLUMNS = tuple(name for name in CALL_FIELDS if name != "prefix_blocks")


def recorded_calls(
    engine: Engine, book: PriceBook, signatures: Sequence[str], model: str
) -> tuple[tuple[Call, ...], dict[str, int]]:
    """The newest calls of these signatures on a model, and how many calls they have by model ("?name" = unknown).

    The ledger is attached to the engine. Models are as the book knows them now, whatever it knew at the import.
    """
    engine.register("trial_signature", {"signature": np.array(signatures, dtype=object)})
    rows = engine.query(_models_sql())
    by_model: Counter[str] = Counter()
    logged: dict[str, list[tuple[str, ...]]] = {}
    for known, raw, count in zip(*(rows[name].tolist() for name in ("model", "model_raw", "calls")), strict=True):
        name = known or book.resolve(raw) or f"?{raw}"
        by_model[name] += count
        logged.setdefault(name, []).append((known, raw))
    if model not in logged:
        return (), dict(by_model)
    engine.register("trial_model", _columns(("model", "model_raw"), logged[model]))
    return tuple(_calls_of(engine.query(_calls_sql()), model)), dict(by_model)


def _models_sql() -> str:
    return f"""
WITH calls AS ({canonical_calls("cell", "model", "model_raw")})
SELECT calls.model, calls.model_raw, COUNT(*) AS calls
FROM calls INNER JOIN cells ON cells.cell = calls.cell
INNER JOIN trial_signature ON trial_signature.signature = cells.signature
GROUP BY calls.model, calls.model_raw"""


def _calls_sql() -> str:
    return f"""
WITH calls AS ({canonical_calls("cell", "id_key", *_COLUMNS)})
SELECT {", ".join(f"calls.{name}" for name in _COLUMNS)}
FROM calls INNER JOIN cells ON cells.cell = calls.cell
INNER JOIN trial_signature ON trial_signature.signature = cells.signature
INNER JOIN trial_model ON trial_model.model = calls.model AND trial_model.model_raw = calls.model_raw
ORDER BY calls.start_us DESC, calls.id_key
LIMIT {MOST_CALLS}"""


def _columns(names: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    return {name: np.array([row[place] for row in rows], dtype=object) for place, name in enumerate(names)}


def _calls_of(rows: Table, model: str) -> Iterator[Call]:
    """Rows of the ledger as calls; `model` is the id the book knows now, whatever it knew at the import."""
    columns = [_values(name, rows[name]) for name in _COLUMNS]
    for values in zip(*columns, strict=True):
        yield Call(**(dict(zip(_COLUMNS, values, strict=True)) | {"model": model}))


def _values(name: str, column: Any) -> list[Any]:
    values: list[Any] = column.tolist()
    if name == "stream":
        return [None if value is None else bool(value) for value in values]
    return values
