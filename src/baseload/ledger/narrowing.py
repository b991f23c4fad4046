"""What calls know and their report does not: the price band of a prompt, the lifetime of a cache write.

A report's tokens have one price only where it says everything a price depends on. Haiku 5.5 costs five times as much
above 100,000 prompt tokens, which no report shows (anthropic-facts section 0.2); some reports do not split cache writes
by lifetime. Such a row is priced low, with the distance to its highest price in `high_extra`. Calls inside it say what
they cost, so the total is what they cost plus the rest at the low price, and only the rest keeps its distance.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from baseload.ledger.attribution import Columns, Groups, Ints, codes_of
from baseload.values import TOKEN_CLASSES

NANO_CLASSES: Final = tuple(name.replace("_tokens", "_nano") for name in TOKEN_CLASSES)
_WRITE_5M, _WRITE_1H = "cache_write_5m", "cache_write_1h"


def narrow(values: Columns, cell: Ints, inner: Ints, statement: Ints, ttl_unknown: Ints) -> None:
    """Change the `statement` rows' dollars (and write classes) in cells where calls settle what they leave open.

    `inner` and `statement` are row numbers; tokens never change in sum, dollars only within the row's own range.
    """
    doubtful = np.unique(cell[statement[values["high_extra"][statement] > 0]])
    rows, calls = statement[np.isin(cell[statement], doubtful)], inner[np.isin(cell[inner], doubtful)]
    if not len(rows) or not len(calls):
        return
    codes, count = codes_of([cell[np.concatenate([calls, rows])]])
    inside, outside = Groups(codes[: len(calls)], count), Groups(codes[len(calls) :], count)
    _split_writes(values, calls, rows, inside, outside, ttl_unknown)
    _choose_band(values, calls, rows, inside, outside)


def _split_writes(values: Columns, calls: Ints, rows: Ints, inside: Groups, outside: Groups, ttl_unknown: Ints) -> None:
    """Move writes of unknown lifetime to one hour, as many as the calls wrote and the report does not show."""
    tokens_5m, tokens_1h = values[f"{_WRITE_5M}_tokens"], values[f"{_WRITE_1H}_tokens"]
    nano_5m, nano_1h = values[f"{_WRITE_5M}_nano"], values[f"{_WRITE_1H}_nano"]
    open_tokens = np.where(ttl_unknown[rows] > 0, tokens_5m[rows], 0)
    hour_calls = inside.sums(tokens_1h[calls])
    wanted = np.maximum(hour_calls - outside.sums(tokens_1h[rows]), 0)
    moved = outside.share(open_tokens, np.minimum(wanted, outside.sums(open_tokens)))
    if not moved.any():
        return
    unit = np.divide(inside.sums(nano_1h[calls]), hour_calls, out=np.zeros(inside.count), where=hour_calls > 0)
    old = np.floor(nano_5m[rows] * (moved / np.maximum(tokens_5m[rows], 1))).astype(np.int64)
    new = np.rint(moved * unit[outside.codes]).astype(np.int64)
    new = np.clip(new, old, old + values["high_extra"][rows])
    tokens_5m[rows] -= moved
    tokens_1h[rows] += moved
    nano_5m[rows] -= old
    nano_1h[rows] += new
    values["high_extra"][rows] -= new - old


def _choose_band(values: Columns, calls: Ints, rows: Ints, inside: Groups, outside: Groups) -> None:
    """Raise each class to what its calls cost plus the rest at the low price, at most to the highest price."""
    low = sum((outside.sums(values[name][rows]) for name in NANO_CLASSES), np.zeros(outside.count, dtype=np.int64))
    extra = outside.sums(values["high_extra"][rows])
    most = np.divide(low + extra, low, out=np.ones(outside.count), where=low > 0)
    settled = np.zeros(outside.count)
    raised = np.zeros(outside.count, dtype=np.int64)
    for tokens, nano in zip(TOKEN_CLASSES, NANO_CLASSES, strict=True):
        has, has_nano = outside.sums(values[tokens][rows]), outside.sums(values[nano][rows])
        asks, asks_nano = inside.sums(values[tokens][calls]), inside.sums(values[nano][calls])
        covered = np.minimum(np.divide(asks, has, out=np.zeros(outside.count), where=has > 0), 1.0)
        fits = np.minimum(np.divide(has, asks, out=np.zeros(outside.count), where=asks > 0), 1.0)
        goal = np.clip(asks_nano * fits + (1 - covered) * has_nano, has_nano, has_nano * most)
        whole = np.rint(goal).astype(np.int64)
        values[nano][rows] = outside.share(values[nano][rows], whole, grow=True)
        settled += covered * has_nano
        raised += np.where(has_nano > 0, whole - has_nano, 0)
    open_share = 1 - np.divide(settled, low, out=np.zeros(outside.count), where=low > 0)
    open_extra = np.rint(extra * np.clip(open_share, 0, 1)).astype(np.int64) + inside.sums(values["high_extra"][calls])
    left = np.clip(open_extra, 0, np.maximum(extra - raised, 0))
    values["high_extra"][rows] = outside.share(values["high_extra"][rows], left)
