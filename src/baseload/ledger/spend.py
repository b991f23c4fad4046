"""The spend table: a ledger's calls summed by day and price, with list dollars, sampled rows scaled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baseload.engine.port import Engine
from baseload.ledger.queries import spend_sql
from baseload.ledger.store import Ledger
from baseload.prices.book import PriceBook
from baseload.prices.rates import PriceKey
from baseload.prices.reasons import NEXT_STEPS
from baseload.prices.tables import Intervals, price_table
from baseload.values import DAY_US, TOKEN_CLASSES, Problem, Table, iso_day

SCALED = (*TOKEN_CLASSES, "thinking_tokens", "web_search_requests", "requests")
"""What a 1-in-N sample stands for N of. Billed dollars are never scaled: a bill has no sample."""


MOST_NAME = 300
"""Longest price key quoted whole: `[model_alias]` needs the full ARN of an inference profile."""


def spend_table(ledger: Ledger, engine: Engine, book: PriceBook) -> tuple[Table, Intervals, list[Problem]]:
    """Rows of `spend_sql` with the ledger attached to `engine`, scaled and priced, and what has no price.

    Adds workspace, api_key and agent of the signature, and the nano-dollar columns of `price_table`. A row without a
    price
    keeps its tokens, has `priced` 0 and is one problem per (model, platform, …) combination, never a guess.
    """
    intervals = book.intervals(ledger.price_keys())
    ledger.attach(engine)
    engine.register("price_interval", intervals.table)
    rows = dict(engine.query(spend_sql()))
    rows["rows"] = rows.pop("row_count")
    for name in SCALED:
        rows[name] = rows[name] * rows["sampling_rate"]
    rows["end_day_exclusive"] = -(-np.ma.filled(np.ma.asarray(rows.pop("last_end_us")), 0) // DAY_US)
    rows["model"] = _models(rows["price_key"], book)
    owners = _labels(ledger.signatures(), rows["signature"])
    table = {**rows, **owners, **price_table(rows, intervals)}
    return table, intervals, unpriced_problems(table, book)


def _models(price_keys: NDArray[Any], book: PriceBook) -> NDArray[Any]:
    """The model of each row as the book knows it now; "?name" as logged where it does not, "" where none was logged."""
    names = {}
    for text in set(price_keys.tolist()):
        logged = PriceKey.parse(text).model
        resolved = book.resolve(logged[1:]) if logged.startswith("?") else logged
        names[text] = resolved or ("" if logged == "?" else logged)
    return np.array([names[text] for text in price_keys.tolist()], dtype=object)


def _labels(signatures: Table, used: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Who each row is about, from its signature."""
    place = {signature: index for index, signature in enumerate(signatures["signature"].tolist())}
    index = np.fromiter((place[signature] for signature in used.tolist()), dtype=np.int64, count=len(used))
    return {name: signatures[name][index] for name in ("workspace", "api_key", "agent")}


def unpriced_problems(table: Table, book: PriceBook) -> list[Problem]:
    """One problem per price key with tokens and no price, with its days and tokens."""
    totals: dict[str, list[Any]] = {}
    tokens = sum((table[name] for name in TOKEN_CLASSES), np.zeros(len(table["day"]), dtype=np.int64))
    without = np.flatnonzero((np.ma.filled(table["priced"], 0) == 0) & (tokens > 0))
    for index in without.tolist():
        key = table["price_key"][index]
        total = totals.setdefault(key, [0, int(table["day"][index]), int(table["day"][index]), table["source"][index]])
        total[0] += int(tokens[index])
        total[1] = min(total[1], int(table["day"][index]))
        total[2] = max(total[2], int(table["day"][index]))
    return [_unpriced(text, total, book) for text, total in sorted(totals.items())]


def _unpriced(text: str, total: list[Any], book: PriceBook) -> Problem:
    tokens, first, last, source = total
    why = book.why_unpriced(PriceKey.parse(text), last)
    return Problem(
        source=source,
        file="price book",
        row=0,
        code=why.code if why else "unpriced",
        message=(
            f"{tokens:,} tokens from {iso_day(first)} to {iso_day(last)} have no price and are in no dollar figure"
            + (f": {why.message}" if why else "")
        ),
        value=text[:MOST_NAME],
        expected=why.expected if why else "",
        next_step=NEXT_STEPS.get(why.code, "") if why else "",
    )


def spend_by_signature(table: Table) -> Mapping[str, int]:
    """List nano-dollars of every signature: what grouping weighs by."""
    totals: dict[str, int] = {}
    for signature, nano in zip(table["signature"].tolist(), table["list_nano"].tolist(), strict=True):
        totals[signature] = totals.get(signature, 0) + nano
    return totals
