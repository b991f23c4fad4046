"""What a price change does to usage already seen."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from price_helpers import day, mtok

from baseload.prices.book import PriceBook
from baseload.prices.impact import Priced, Side, Usage, annual, impact, totals, usage_of_table
from baseload.prices.load import load_book

SONNET = "claude-sonnet-5-5|anthropic|global|standard|standard|0-100k"
HAIKU = "claude-haiku-5-5|anthropic|global|standard|standard|0-200k"


def test_a_read_price_cut_shows_on_the_reads_only(book: PriceBook) -> None:
    usage = Usage(price_key=SONNET, counts={"cache_read_tokens": 3_000_000_000, "output_tokens": 10_000_000})
    (row,) = impact([usage], Side(book, day("2026-10-06")), Side(book, day("2026-10-07")))
    spent = mtok(3_000_000_000, "0.20") + mtok(10_000_000, "10")  # 600 + 100
    assert row.before == Priced(spent, spent)
    assert row.after == Priced(Decimal(400), Decimal(400))  # 300 + 100
    assert row.delta == Priced(Decimal(-300), Decimal(-300))


def test_usage_of_one_key_is_added_up_first(book: PriceBook) -> None:
    parts = [Usage(price_key=SONNET, counts={"output_tokens": 1_000_000}) for _ in range(3)]
    (row,) = impact(parts, Side(book, day("2026-11-22")), Side(book, day("2026-11-22")))
    assert row.tokens == 3_000_000
    assert row.before == Priced(Decimal(30), Decimal(30))
    assert row.delta == Priced(Decimal(0), Decimal(0))


def test_ambiguous_bands_and_ttls_stay_ranges(book: PriceBook) -> None:
    haiku = Usage(price_key=HAIKU, counts={"uncached_input_tokens": 1_000_000})
    writes = Usage(price_key=SONNET, counts={"cache_write_5m_tokens": 1_000_000}, ttl_unknown=True)
    rows = {row.price_key: row for row in impact([haiku, writes], *[Side(book, day("2026-11-22"))] * 2)}
    assert rows[HAIKU].before == Priced(Decimal("0.10"), Decimal("0.50"))
    assert rows[SONNET].before == Priced(Decimal("2.5"), Decimal(4))


def test_usage_without_a_price_on_one_side_has_no_delta_and_is_not_in_the_total(book: PriceBook) -> None:
    new = Usage(price_key=HAIKU, counts={"uncached_input_tokens": 1_000_000})
    unknown = Usage(price_key="?claude-9|anthropic|global|standard|standard|any", counts={"output_tokens": 5})
    old = Usage(price_key=SONNET, counts={"output_tokens": 1_000_000})
    rows = impact([new, unknown, old], Side(book, day("2026-10-01")), Side(book, day("2026-11-22")))
    assert [row.delta is None for row in sorted(rows, key=lambda row: row.price_key)] == [True, True, False]
    assert totals(rows) == (Priced(Decimal(10), Decimal(10)), Priced(Decimal(10), Decimal(10)))


def test_tokens_of_a_class_that_is_not_sold_leave_the_row_unpriced(book: PriceBook) -> None:
    key = "claude-opus-5-5|bedrock|global|standard|standard|any"
    (row,) = impact([Usage(price_key=key, counts={"web_search_requests": 1})], *[Side(book, day("2026-11-22"))] * 2)
    assert row.before is None


def test_a_contract_is_weighed_on_one_side(book: PriceBook) -> None:
    contract = load_book(
        overlay=b"schema: baseload.prices.overlay/1\n"
        b"discounts: [{models: 'claude-*', valid_from: 2026-01-01, percent: 20, source: offer}]"
    )
    usage = [Usage(price_key=SONNET, counts={"output_tokens": 1_000_000})]
    (row,) = impact(usage, Side(book, day("2026-11-22")), Side(contract, day("2026-11-22")))
    assert row.delta == Priced(Decimal(-2), Decimal(-2))


def test_the_largest_change_comes_first(book: PriceBook) -> None:
    rows = impact(
        [
            Usage(price_key=SONNET, counts={"cache_read_tokens": 1_000_000}),
            Usage(price_key=SONNET.replace("global", "us"), counts={"cache_read_tokens": 9_000_000}),
        ],
        Side(book, day("2026-10-06")),
        Side(book, day("2026-10-07")),
    )
    assert [row.price_key for row in rows] == [SONNET.replace("global", "us"), SONNET]


def test_a_window_of_28_days_is_annualised_by_365_over_28() -> None:
    assert annual(Decimal(28), 28) == 365


def test_a_spend_table_becomes_usage_with_missing_counts_as_zero() -> None:
    column = np.array([5, 7], dtype=np.int64)
    table = {
        "price_key": np.array([SONNET, HAIKU], dtype=object),
        "uncached_input_tokens": column,
        "cache_read_tokens": np.ma.masked_array(column, mask=[True, False]),
        "cache_write_5m_tokens": column,
        "cache_write_1h_tokens": column,
        "output_tokens": column,
        "web_search_requests": column,
        "ttl_unknown": np.array([0, 1]),
    }
    first, second = usage_of_table(table)
    assert (first.counts["cache_read_tokens"], second.counts["cache_read_tokens"]) == (0, 7)
    assert (first.ttl_unknown, second.ttl_unknown) == (False, True)


def test_a_malformed_price_key_is_refused(book: PriceBook) -> None:
    with pytest.raises(ValueError, match="price key"):
        impact([Usage(price_key="claude-opus-5-5", counts={})], *[Side(book, 20_000)] * 2)
