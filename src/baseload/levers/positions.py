"""Spend rows -> positions: the one place where a table becomes records the levers read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baseload.levers.position import Position
from baseload.prices.book import PriceKey
from baseload.values import TOKEN_CLASSES, Table, Tokens


def positions_of(spend: Table, keys: Sequence[PriceKey]) -> list[Position]:
    """Positions of every priced row that carries tokens, summed by (workload, price key, TTL known, sampling rate).

    `spend` has one row per (day, signature, price) with `workload` (object), `price_id` (-1 = unpriced, left out),
    `ttl_unknown`, `sampling_rate`, `requests`, `requests_known`, `rows`, the token classes, `list_nano` and
    `list_high_nano`; `server_tool_nano` and `other_nano` where the table has them. Rows that only carry billed dollars
    have no price and are left out too.
    """
    price_id = np.ma.filled(np.ma.asarray(spend["price_id"]), -1)
    chosen = np.flatnonzero(price_id >= 0)
    if not len(chosen):
        return []
    names, workload = np.unique(spend["workload"][chosen].astype(str), return_inverse=True)
    codes, inverse = _codes(workload, price_id[chosen], spend["ttl_unknown"][chosen], spend["sampling_rate"][chosen])
    sums = {name: _sum(spend[name][chosen], inverse, len(codes)) for name in _SUMMED}
    counted = sums["requests_known"] == sums["rows"]
    beside = np.zeros(len(codes), dtype=np.int64)
    for name in _BESIDE_TOKENS:
        if name in spend:
            beside += _sum(spend[name][chosen], inverse, len(codes))
    found = []
    for index, (name, price, unknown, rate) in enumerate(codes.tolist()):
        found.append(
            Position(
                workload=str(names[name]),
                key=keys[price],
                requests=int(sums["requests"][index]) if counted[index] else None,
                tokens=Tokens(**{token_class: int(sums[token_class][index]) for token_class in TOKEN_CLASSES}),
                list_nano=int(sums["list_nano"][index]),
                list_high_nano=int(sums["list_high_nano"][index]),
                ttl_unknown=bool(unknown),
                sampling_rate=int(rate),
                beside_tokens_nano=int(beside[index]),
            )
        )
    return found


_SUMMED = (*TOKEN_CLASSES, "requests", "requests_known", "rows", "list_nano", "list_high_nano")
_BESIDE_TOKENS = ("server_tool_nano", "other_nano")


def _codes(*columns: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Distinct rows of integer columns, and for each row the index of its kind."""
    stacked = np.stack([np.ma.filled(np.ma.asarray(column), 0).astype(np.int64) for column in columns], axis=1)
    order = np.lexsort(stacked.T[::-1])
    ordered = stacked[order]
    starts = np.ones(len(ordered), dtype=bool)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    inverse = np.empty(len(ordered), dtype=np.intp)
    inverse[order] = np.cumsum(starts) - 1
    return ordered[starts], inverse


def _sum(values: NDArray[Any], group: NDArray[np.intp], groups: int) -> NDArray[np.int64]:
    totals = np.zeros(groups, dtype=np.int64)
    np.add.at(totals, group, np.ma.filled(np.ma.asarray(values), 0).astype(np.int64))
    return totals
