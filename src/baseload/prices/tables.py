"""Prices as columns: the dated intervals to join with, and the vectorised price of a table.

Kept apart from `pricing` because it needs numpy, which the quick commands do not load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baseload.prices.rates import DEAREST_ROW_USD, RATE_FIELDS, PriceKey, RateRange, Rates
from baseload.prices.rules import Span
from baseload.values import NANO_PER_USD, TOKEN_CLASSES, Table

Ints = NDArray[np.int64]

COUNT_COLUMNS = (*TOKEN_CLASSES, "web_search_requests")
_PAIRS = tuple(zip(TOKEN_CLASSES, RATE_FIELDS, strict=True))
_PART = 1_000_000
"""A rate of nine decimals per million tokens is a whole number of millionths of a nano-dollar per token."""
_DEAREST_NANO = float(DEAREST_ROW_USD) * NANO_PER_USD


class Intervals(NamedTuple):
    """Dated prices of the keys in use, to join with on (price_key, day).

    `table` has price_key (text), from_day (inclusive), to_day_exclusive and price_id (int64); a day outside every
    interval of its key has no price. `rates` and `keys` are indexed by price_id.
    """

    table: Table
    rates: tuple[RateRange, ...]
    keys: tuple[PriceKey, ...]


def build_intervals(price_keys: Iterable[str], spans: Callable[[PriceKey], tuple[Span, ...]]) -> Intervals:
    """The priced spans of each distinct key, in order of key and day. A text that is no key has no interval."""
    rows = [
        (text, key, span.from_day, span.to_day, span.answer)
        for text in sorted(set(price_keys))
        if (key := _parsed(text)) is not None
        for span in spans(key)
        if isinstance(span.answer, RateRange)
    ]
    table = {
        "price_key": np.array([row[0] for row in rows], dtype=object),
        "from_day": np.array([row[2] for row in rows], dtype=np.int64),
        "to_day_exclusive": np.array([row[3] for row in rows], dtype=np.int64),
        "price_id": np.arange(len(rows), dtype=np.int64),
    }
    return Intervals(table, rates=tuple(row[4] for row in rows), keys=tuple(row[1] for row in rows))


def price_table(table: Table, intervals: Intervals) -> Table:
    """List price of every row of a table, in integers of nano-dollars, rounded half-even per row and class.

    Input (int64): price_id (-1 or masked = unpriced), the five token classes, ttl_unknown (0/1), web_search_requests.
    Output (int64): one `_nano` column per class, server_tool_nano, list_nano (their sum), list_high_nano (unknown TTL
    as 1-hour writes, ambiguous band at its dearest) and priced (0/1). Unpriced rows are 0 in every money column and in
    `priced`: no such price, a count below zero, tokens of a class that is not sold, or an absurd amount.
    """
    ids = np.ma.filled(table["price_id"], -1).astype(np.int64, copy=False)
    counts = {name: np.ma.filled(table[name], 0).astype(np.int64, copy=False) for name in COUNT_COLUMNS}
    unknown_ttl = np.ma.filled(table["ttl_unknown"], 0).astype(bool)
    if not intervals.rates:
        return _empty(len(ids))
    rates = _RateColumns.of(intervals.rates)
    at = np.where(ids < 0, 0, ids)
    high_rates = rates.dearest(at, unknown_ttl)
    priced = (ids >= 0) & _countable(counts, rates, high_rates, at)
    counts = {name: np.where(priced, column, 0) for name, column in counts.items()}
    low = {field: _times(counts[name], rates.low[field][at]) for name, field in _PAIRS}
    high = {field: _times(counts[name], high_rates[field]) for name, field in _PAIRS}
    server = counts["web_search_requests"] * rates.web_search_nano[at]
    return {
        **{f"{field}_nano": low[field] for field in RATE_FIELDS},
        "server_tool_nano": server,
        "list_nano": _sum(low.values()) + server,
        "list_high_nano": _sum(high.values()) + server,
        "priced": priced.astype(np.int64),
    }


class _RateColumns(NamedTuple):
    """Rates by price_id as columns: millionths of a nano-dollar per token, exact."""

    low: dict[str, Ints]
    high: dict[str, Ints]
    web_search_nano: Ints
    unsold: dict[str, NDArray[np.bool_]]

    @classmethod
    def of(cls, rates: Sequence[RateRange]) -> _RateColumns:
        return cls(
            low=_parts_per_token([found.low for found in rates]),
            high=_parts_per_token([found.high for found in rates]),
            web_search_nano=np.array([int(found.web_search * NANO_PER_USD) for found in rates], dtype=np.int64),
            unsold={name: np.array([name in found.unsold for found in rates]) for name in COUNT_COLUMNS},
        )

    def dearest(self, at: Ints, unknown_ttl: NDArray[np.bool_]) -> dict[str, Ints]:
        """High rates per row, a 5-minute write at the dearer of the two TTLs where the TTL is unknown."""
        rows = {field: column[at] for field, column in self.high.items()}
        either = np.maximum(rows["cache_write_5m"], rows["cache_write_1h"])
        return {**rows, "cache_write_5m": np.where(unknown_ttl, either, rows["cache_write_5m"])}


def _parts_per_token(rates: Sequence[Rates]) -> dict[str, Ints]:
    nano_per_token = NANO_PER_USD // 1_000_000
    return {
        field: np.array([int(getattr(rate, field) * nano_per_token * _PART) for rate in rates], dtype=np.int64)
        for field in RATE_FIELDS
    }


def _countable(
    counts: dict[str, Ints], rates: _RateColumns, high_rates: dict[str, Ints], at: Ints
) -> NDArray[np.bool_]:
    """Rows whose counts are possible: none negative, none of a class not sold, and a sum that is not absurd."""
    fine = np.ones(len(at), dtype=bool)
    for name in COUNT_COLUMNS:
        fine &= (counts[name] >= 0) & ~((counts[name] > 0) & rates.unsold[name][at])
    estimate = counts["web_search_requests"].astype(np.float64) * rates.web_search_nano[at]
    for name, field in _PAIRS:
        estimate = estimate + counts[name].astype(np.float64) * high_rates[field] / _PART
    result: NDArray[np.bool_] = fine & (estimate <= _DEAREST_NANO)
    return result


def _times(tokens: Ints, parts: Ints) -> Ints:
    """tokens x parts / 1,000,000 rounded half-even, without leaving 64 bits: the product is taken in pieces."""
    whole, part = np.divmod(parts, _PART)
    thousands, rest = np.divmod(tokens, _PART)
    carry, fraction = np.divmod(rest * part, _PART)
    nano = tokens * whole + thousands * part + carry
    up = (2 * fraction > _PART) | ((2 * fraction == _PART) & (nano % 2 == 1))
    result: Ints = nano + up
    return result


def _sum(columns: Iterable[Ints]) -> Ints:
    total: Any = 0
    for column in columns:
        total = total + column
    result: Ints = total
    return result


def _empty(rows: int) -> Table:
    names = (*(f"{field}_nano" for field in RATE_FIELDS), "server_tool_nano", "list_nano", "list_high_nano", "priced")
    return {name: np.zeros(rows, dtype=np.int64) for name in names}


def _parsed(text: str) -> PriceKey | None:
    try:
        return PriceKey.parse(text)
    except ValueError:
        return None
