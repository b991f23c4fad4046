"""Calls as columns: the one place that says what the calls table has, and how a record becomes a row of it."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Final, get_type_hints

import numpy as np

from baseload.ledger.labels import SIGNATURE_FIELDS, Cell, CellKey, cell_of, int64_of
from baseload.values import BANDS, CALL_FIELDS, DAY_US, HOUR_US, Call, Table
from baseload.values.bands import BAND_EDGES

__all__ = ["CALL_TABLE_COLUMNS", "DERIVED", "NULLABLE_INTS", "SIGNATURE_FIELDS", "TEXT", "CallColumns", "calls_table"]


def _kinds() -> tuple[frozenset[str], frozenset[str]]:
    hints = get_type_hints(Call)
    text = frozenset(name for name in CALL_FIELDS if hints[name] is str)
    nullable = frozenset(name for name in CALL_FIELDS if isinstance(hints[name], types.UnionType))
    return text, nullable


TEXT, NULLABLE_INTS = _kinds()
"""Fields stored as text (never null, "" when unsaid), and integers that may be null (`stream` is 0 or 1)."""

DERIVED: Final = (
    "day",  # UTC day of start_us since 1970-01-01
    "hour",  # 0-23, UTC
    "prompt_tokens",  # the four input classes together
    "band",
    "price_key",
    "signature",
    "ttl_unknown",  # 0 | 1
    "cell",  # see ledger.labels
    "thread",  # hash of what shares one conversation's cache; 0 where no session is known
    "id_key",  # first 64 bits of call_id: what duplicates are looked up by
    "request_key",  # first 64 bits of request_hash; 0 where there is none
)
DERIVED_TEXT: Final = frozenset({"band", "price_key", "signature"})
CALL_TABLE_COLUMNS: Final = CALL_FIELDS + DERIVED
_THREAD_FIELDS = ("session_id", "account", "agent", "model", "tools_fp", "system_fp")
_NO_HASH = "0" * 32
_MOST_REMEMBERED = 200_000
_BANDS = np.array(BANDS[: len(BAND_EDGES) + 1], dtype=object)


def calls_table(calls: Sequence[Call]) -> Table:
    """CALL_FIELDS and DERIVED of some calls, in their order. A column of one value may be a read-only broadcast."""
    return CallColumns().table(calls)


class CallColumns:
    """Turns calls into columns, remembering labels between batches (they repeat)."""

    def __init__(self) -> None:
        self._codes: dict[tuple[Any, ...], int] = {}
        self._cells: list[Cell] = []
        self._threads: dict[tuple[str, ...], int] = {}

    def table(self, calls: Sequence[Call]) -> Table:
        """As `calls_table`. Raises UnicodeError or OverflowError where a value is not storable (`ledger.storable`)."""
        fields = dict(zip(CALL_FIELDS, _transposed(calls), strict=True))
        return self._with_derived(fields, len(calls))

    def cells(self, table: Table) -> Iterator[Cell]:
        """The distinct cells of a table this object made last."""
        present = set(np.unique(table["cell"]).tolist())
        yield from (cell for cell in dict.fromkeys(self._cells) if cell.cell in present)

    def _with_derived(self, fields: dict[str, Sequence[Any]], count: int) -> Table:
        table = {name: _column(name, fields[name], count) for name in CALL_FIELDS}
        start = table["start_us"]
        prompt = sum(table[name] for name in PROMPT_FIELDS)
        band_codes = np.searchsorted(np.array(BAND_EDGES), prompt, side="left")
        cells = self._cell_codes(fields, band_codes.tolist())
        table |= {"day": start // DAY_US, "hour": start // HOUR_US % 24, "prompt_tokens": np.asarray(prompt)}
        for name in ("band", "price_key", "signature", "ttl_unknown", "cell"):
            table[name] = self._of_cells(name, cells)
        table["thread"] = self._threads_of(fields)
        table["id_key"] = id_keys(fields["call_id"])
        table["request_key"] = _request_keys(fields["request_hash"])
        return table

    def _cell_codes(self, fields: dict[str, Sequence[Any]], bands: list[int]) -> Any:
        if len(self._codes) > _MOST_REMEMBERED:
            self._codes.clear()
            self._cells.clear()
        codes, known, missing = [], self._codes.get, self._learn
        for key in zip(*(fields[name] for name in CellKey._fields), bands, strict=True):
            code = known(key)
            codes.append(missing(key) if code is None else code)
        return np.array(codes, dtype=np.int64)

    def _learn(self, key: tuple[Any, ...]) -> int:
        self._codes[key] = code = len(self._cells)
        self._cells.append(cell_of(CellKey(*key[:-1]), BANDS[key[-1]]))
        return code

    def _of_cells(self, name: str, codes: Any) -> Any:
        dtype = object if name in DERIVED_TEXT else np.int64
        used = np.unique(codes)
        if len(used) == 1:
            return np.broadcast_to(np.array([getattr(self._cells[used[0]], name)], dtype=dtype), len(codes))
        values = np.array([getattr(cell, name) for cell in self._cells], dtype=dtype)
        return values[codes]

    def _threads_of(self, fields: dict[str, Sequence[Any]]) -> Any:
        if len(self._threads) > _MOST_REMEMBERED:
            self._threads.clear()
        sessions = fields[_THREAD_FIELDS[0]]
        if not any(sessions):
            return np.broadcast_to(np.zeros(1, dtype=np.int64), len(sessions))
        found, threads = [], self._threads
        for key in zip(*(fields[name] for name in _THREAD_FIELDS), strict=True):
            thread = threads.get(key)
            if thread is None:
                thread = threads[key] = int64_of(*key) if key[0] else 0
            found.append(thread)
        return np.array(found, dtype=np.int64)


PROMPT_FIELDS: Final = (
    "uncached_input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
)


def id_keys(call_ids: Iterable[str]) -> Any:
    """The first 64 bits of each call id as a signed integer; an id that is not 32 hex digits is hashed first."""
    ids = list(call_ids)
    try:
        joined = np.frombuffer(bytes.fromhex("".join(ids)), dtype=">i8")
    except ValueError:
        joined = np.empty(0)
    if len(joined) == 2 * len(ids) and all(len(call_id) == 32 for call_id in ids):
        return joined[::2].astype(np.int64)
    return np.array([_id_key(call_id) for call_id in ids], dtype=np.int64)


def _id_key(call_id: str) -> int:
    try:
        return (
            int.from_bytes(bytes.fromhex(call_id)[:8], "big", signed=True) if len(call_id) == 32 else int64_of(call_id)
        )
    except ValueError:
        return int64_of(call_id)


def _request_keys(hashes: Sequence[str]) -> Any:
    if not any(hashes):
        return np.broadcast_to(np.zeros(1, dtype=np.int64), len(hashes))
    return id_keys(value or _NO_HASH for value in hashes)


def _transposed(calls: Sequence[Call]) -> Iterator[Sequence[Any]]:
    for name in CALL_FIELDS:
        yield list(map(attrgetter(name), calls))


def _column(name: str, values: Sequence[Any], count: int) -> Any:
    if name in TEXT:
        return _text_column(values, count)
    if name in NULLABLE_INTS:
        return _nullable_column(values, count)
    return np.array(values, dtype=np.int64)


def _text_column(values: Sequence[str], count: int) -> Any:
    """Raises UnicodeError where a text holds lone surrogates: no engine takes them."""
    is_constant = bool(count) and values.count(values[0]) == count
    distinct = values[:1] if is_constant else values
    together = "".join(distinct)
    if not together.isascii():
        together.encode()
    column = np.array(distinct, dtype=object)
    return np.broadcast_to(column, count) if is_constant else column


def _nullable_column(values: Sequence[int | None], count: int) -> Any:
    missing = values.count(None)
    if not missing:
        return np.array(values, dtype=np.int64)
    if missing == count:
        return np.ma.masked_all(count, dtype=np.int64)  # type: ignore[no-untyped-call]  # numpy leaves ma untyped
    mask = [value is None for value in values]
    return np.ma.array([0 if value is None else value for value in values], mask=mask, dtype=np.int64)
