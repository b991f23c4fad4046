"""The vectorised price agrees with the exact one on every row, and says what it could not price."""

from __future__ import annotations

import time
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from price_helpers import call, day

from baseload.prices.load import load_book
from baseload.prices.pricing import price, price_key
from baseload.prices.rates import RATE_FIELDS
from baseload.prices.tables import COUNT_COLUMNS, Intervals, price_table
from baseload.values import TOKEN_CLASSES, Call, Table

BOOK = load_book()

counts = st.integers(min_value=0, max_value=3_000_000)
calls = st.builds(
    lambda model, on, grain, context, ttl, **fields: call(
        model, on, grain=grain, context=context, flags="ttl_unknown" if ttl else "", **fields
    ),
    model=st.sampled_from([*BOOK.models, "claude-unknown"]),
    on=st.sampled_from(["2024-06-01", "2025-06-01", "2026-03-01", "2026-10-06", "2026-11-22"]),
    grain=st.sampled_from(["call", "day"]),
    context=st.sampled_from(["", "0-200k", "200k-1M"]),
    ttl=st.booleans(),
    platform=st.sampled_from(["anthropic", "bedrock", "vertex", "openrouter"]),
    geo=st.sampled_from(["global", "us", "regional", "us_gov"]),
    tier=st.sampled_from(["standard", "batch", "priority"]),
    speed=st.sampled_from(["standard", "standard", "fast"]),
    uncached_input_tokens=counts,
    cache_read_tokens=counts,
    cache_write_5m_tokens=counts,
    cache_write_1h_tokens=counts,
    output_tokens=counts,
    web_search_requests=st.integers(min_value=0, max_value=20),
)


def joined(rows: list[Call]) -> tuple[Table, Intervals]:
    """The columns of `price_table`, each row joined to the interval of its key and day, as the ledger's SQL does."""
    keys = [price_key(row, BOOK).text for row in rows]
    intervals = BOOK.intervals(keys)
    spans = intervals.table
    ids = []
    for row, text in zip(rows, keys, strict=True):
        on = row.start_us // 86_400_000_000
        hit = np.flatnonzero(
            (spans["price_key"] == text) & (spans["from_day"] <= on) & (on < spans["to_day_exclusive"])
        )
        assert len(hit) <= 1
        ids.append(int(spans["price_id"][hit[0]]) if len(hit) else -1)
    table = {name: np.array([getattr(row, name) for row in rows], dtype=np.int64) for name in COUNT_COLUMNS}
    table["price_id"] = np.array(ids, dtype=np.int64)
    table["ttl_unknown"] = np.array(["ttl_unknown" in row.flags for row in rows], dtype=np.int64)
    return table, intervals


def nano(amount: Decimal) -> int:
    return int((amount * 1_000_000_000).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


@settings(max_examples=150, deadline=None)
@given(st.lists(calls, min_size=1, max_size=8))
def test_the_table_equals_the_exact_price_of_every_row(rows: list[Call]) -> None:
    found = price_table(*joined(rows))
    for index, row in enumerate(rows):
        exact, problems = price(row, BOOK)
        assert bool(found["priced"][index]) == (exact is not None) == (not problems)
        if exact is None:
            assert all(column[index] == 0 for column in found.values())
            continue
        parts = [nano(getattr(exact, field)) for field in RATE_FIELDS]
        assert [int(found[f"{field}_nano"][index]) for field in RATE_FIELDS] == parts
        assert int(found["list_nano"][index]) == sum(parts) + nano(exact.server_tools)
        assert abs(int(found["list_high_nano"][index]) - nano(exact.high)) <= len(TOKEN_CLASSES)  # rounded per class
        assert found["list_high_nano"][index] >= found["list_nano"][index]


def one(**columns: int) -> Table:
    names = (*COUNT_COLUMNS, "price_id", "ttl_unknown")
    return {name: np.array([columns.get(name, 0)], dtype=np.int64) for name in names}


def interval(text: str) -> Intervals:
    return BOOK.intervals([text])


HAIKU_BATCH_US = "claude-haiku-5-5|anthropic|us|batch|standard|0-100k"


def test_amounts_are_rounded_half_even_once_per_row_and_class() -> None:
    # 0.01 x 0.5 x 1.1 = 0.0055 USD per million tokens = 5.5 nano-dollars a token
    found = [
        int(price_table(one(cache_read_tokens=tokens), interval(HAIKU_BATCH_US))["cache_read_nano"][0])
        for tokens in (1, 2, 3)
    ]
    assert found == [6, 11, 16]  # 5.5 -> 6 (even), 11, 16.5 -> 16 (even)


def test_rows_without_a_price_are_zero_and_marked() -> None:
    found = price_table(one(price_id=-1, output_tokens=1_000), interval(HAIKU_BATCH_US))
    assert (int(found["list_nano"][0]), int(found["priced"][0])) == (0, 0)


def test_masked_price_ids_and_counts_are_missing_not_garbage() -> None:
    table = dict(one(output_tokens=1_000))
    table["price_id"] = np.ma.masked_array([12345], mask=[True])
    assert int(price_table(table, interval(HAIKU_BATCH_US))["priced"][0]) == 0
    table = dict(one())
    table["output_tokens"] = np.ma.masked_array([999], mask=[True])
    found = price_table(table, interval(HAIKU_BATCH_US))
    assert (int(found["output_nano"][0]), int(found["priced"][0])) == (0, 1)


def test_absurd_and_negative_counts_are_unpriced_and_never_wrap_around() -> None:
    opus = interval("claude-opus-5-5|anthropic|global|standard|standard|any")
    for columns in (
        {"output_tokens": 2**62},
        {"uncached_input_tokens": 2**62, "cache_read_tokens": 2**62},
        {"cache_write_5m_tokens": 2**62, "cache_write_1h_tokens": 2**62, "ttl_unknown": 1},
        {"web_search_requests": 2**62},
        {"output_tokens": -1},
    ):
        found = price_table(one(**columns), opus)
        assert (int(found["list_nano"][0]), int(found["priced"][0])) == (0, 0)


def test_a_year_of_a_giant_is_exact() -> None:
    opus = interval("claude-opus-5-5|anthropic|global|standard|standard|any")
    found = price_table(one(cache_read_tokens=5_000_000_000_001, output_tokens=7), opus)
    # 5,000,000,000,001 x 0.20 / 1e6 = 1,000,000.0000002 USD; 7 x 20 / 1e6 = 0.00014
    assert int(found["list_nano"][0]) == 1_000_000_000_000_200 + 140_000


def test_an_empty_table_and_a_book_without_prices_are_fine() -> None:
    nothing = {name: np.array([], dtype=np.int64) for name in (*COUNT_COLUMNS, "price_id", "ttl_unknown")}
    assert len(price_table(nothing, interval(HAIKU_BATCH_US))["list_nano"]) == 0
    assert int(price_table(one(price_id=-1), BOOK.intervals([]))["priced"][0]) == 0


def test_intervals_name_keys_in_use_and_re_resolve_raw_names() -> None:
    found = BOOK.intervals(["?claude-sonnet-4.5|anthropic|global|standard|standard|0-100k", "not a key", "a|b|c|d|e|f"])
    assert set(found.table["price_key"]) == {"?claude-sonnet-4.5|anthropic|global|standard|standard|0-100k"}
    assert found.table["from_day"].tolist() == [day("2025-09-29"), day("2026-11-30")]  # release, retirement
    assert found.table["price_id"].tolist() == [0, 1]
    assert len(found.rates) == len(found.keys) == 2


def test_a_hundred_thousand_rows_are_priced_in_well_under_a_second() -> None:
    """The bound is 0.3 s on a quiet machine; the test only catches a fall back to row-by-row work."""
    intervals = BOOK.intervals([f"{model}|anthropic|global|standard|standard|any" for model in BOOK.models])
    random = np.random.default_rng(20261122)
    table = {name: random.integers(0, 1_000_000, 100_000) for name in COUNT_COLUMNS}
    table["price_id"] = random.integers(0, len(intervals.rates), 100_000)
    table["ttl_unknown"] = random.integers(0, 2, 100_000)
    start = time.process_time()
    price_table(table, intervals)
    assert time.process_time() - start < 1.0
