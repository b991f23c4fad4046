"""Call-level evidence from the ledger: repeats, reads missed, prefixes shared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from baseload.engine.port import Engine
from baseload.ledger.queries import cache_misses_sql, prefix_days_sql, prefixes_sql, repeats_sql
from baseload.levers.caching import prefix_reads
from baseload.levers.first_look import CallEvidence
from baseload.prices.book import PriceBook, PriceKey
from baseload.prices.tables import Intervals, price_table
from baseload.values import Table, Tokens, Window

WorkloadIdOf = Callable[[str], str]
"""Signature -> workload id."""


MOST_PREFIX_CALLS = 600_000
"""More calls with prefixes than this are not all followed: the latest whole days that hold about as many stand for
the rest (about 10 s of work)."""


def call_evidence(engine: Engine, intervals: Intervals, book: PriceBook, workload_id: WorkloadIdOf) -> CallEvidence:
    """What the calls of the attached ledger show; rows of a 1-in-N sample count N times.

    `prefix_days` of the result is None where every prefix was followed.
    """
    days = prefix_days(engine.query(prefix_days_sql()))
    return CallEvidence(
        repeats=repeats_by_workload(engine, intervals, workload_id),
        missed_reads=_missed_reads(engine, intervals.keys, workload_id),
        prefixes=_prefixes(engine, book, workload_id, days),
        prefix_days=days,
    )


def prefix_days(calls_by_day: Table, most: int = MOST_PREFIX_CALLS) -> Window | None:
    """The latest days that together hold at most `most` calls (one day at least); None when all of them do."""
    if int(calls_by_day["calls"].sum()) <= most:
        return None
    order = np.argsort(calls_by_day["day"])[::-1]
    days, running = calls_by_day["day"][order], np.cumsum(calls_by_day["calls"][order])
    taken = max(1, int((running <= most).sum()))
    return Window(start_day=int(days[taken - 1]), end_day_exclusive=int(days[0]) + 1)


def repeats_by_workload(
    engine: Engine, intervals: Intervals, workload_id: WorkloadIdOf
) -> Mapping[str, tuple[int, int]]:
    """Workload -> (calls that repeat an answered request, their list nano-dollars), sampled rows scaled."""
    rows = dict(engine.query(repeats_sql()))
    zeros = np.zeros(len(rows["price_id"]), dtype=np.int64)
    priced = price_table({**rows, "web_search_requests": zeros}, intervals)
    totals: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for signature, rate, calls, nano in _rows({**rows, **priced}, "signature", "sampling_rate", "calls", "list_nano"):
        total = totals[workload_id(signature)]
        total[0] += calls * rate
        total[1] += nano * rate
    return {workload: (calls, nano) for workload, (calls, nano) in totals.items()}


def _missed_reads(
    engine: Engine, keys: Sequence[PriceKey], workload_id: WorkloadIdOf
) -> tuple[tuple[str, PriceKey, Tokens], ...]:
    rows = engine.query(cache_misses_sql())
    columns = (
        "signature",
        "price_id",
        "sampling_rate",
        "resent_uncached_tokens",
        "rewritten_5m_tokens",
        "rewritten_1h_tokens",
    )
    return tuple(
        (
            workload_id(signature),
            keys[price],
            Tokens(
                uncached_input_tokens=resent * rate,
                cache_write_5m_tokens=five * rate,
                cache_write_1h_tokens=hour * rate,
            ),
        )
        for signature, price, rate, resent, five, hour in _rows(rows, *columns)
        if price >= 0
    )


def _prefixes(
    engine: Engine, book: PriceBook, workload_id: WorkloadIdOf, days: Window | None
) -> tuple[tuple[str, PriceKey, int, int], ...]:
    minimum = {model.id: model.min_cacheable_tokens for model in book.models.values()}
    sql = prefixes_sql(None if days is None else days.start_day)
    rows = engine.map_sorted(sql, ["scope"], ["start_us", "id_key"], prefix_reads(minimum))
    totals: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for signature, key, read, written in _rows(rows, "signature", "price_key", "readable_tokens", "written_tokens"):
        total = totals[workload_id(signature), key]
        total[0] += read
        total[1] += written
    return tuple(
        (workload, PriceKey.parse(key), read, written) for (workload, key), (read, written) in sorted(totals.items())
    )


def _rows(table: Table, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(np.ma.filled(np.ma.asarray(table[name]), 0).tolist() for name in names), strict=True)
