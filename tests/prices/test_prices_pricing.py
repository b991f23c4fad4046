"""The price of one call: arithmetic by hand, one problem for what has no price."""

from __future__ import annotations

from decimal import Decimal

import pytest
from price_helpers import call, mtok

from baseload.prices.book import PriceBook
from baseload.prices.pricing import CallPrice, price
from baseload.values import Call


def priced(found: Call, book: PriceBook) -> CallPrice:
    result, problems = price(found, book)
    assert problems == []
    assert result is not None
    return result


def unpriced(found: Call, book: PriceBook) -> str:
    result, problems = price(found, book)
    assert result is None
    assert len(problems) == 1
    assert problems[0].next_step
    return problems[0].code


def test_each_token_class_is_billed_once_at_its_own_rate(book: PriceBook) -> None:
    found = priced(
        call(
            "claude-opus-5-5",
            uncached_input_tokens=1_000,
            cache_read_tokens=20_000,
            cache_write_5m_tokens=3_000,
            cache_write_1h_tokens=500,
            output_tokens=700,
        ),
        book,
    )
    assert found.uncached_input == mtok(1_000, "4")  # 0.004
    assert found.cache_read == mtok(20_000, "0.20")  # 0.004, and not also as plain input
    assert found.cache_write_5m == mtok(3_000, "5")  # 0.015
    assert found.cache_write_1h == mtok(500, "8")  # 0.004
    assert found.output == mtok(700, "20")  # 0.014
    assert found.server_tools == 0
    assert found.total == Decimal("0.041")
    assert found.high == found.total


def test_a_batch_call_costs_half_but_its_searches_do_not(book: PriceBook) -> None:
    found = priced(
        call(
            "claude-sonnet-5-5", tier="batch", uncached_input_tokens=10_000, output_tokens=1_000, web_search_requests=3
        ),
        book,
    )
    assert found.uncached_input == mtok(10_000, "1")  # 2 / 2
    assert found.output == mtok(1_000, "5")  # 10 / 2
    assert found.server_tools == Decimal("0.03")  # 3 x $10 per 1,000, no batch discount
    assert found.total == Decimal("0.045")


def test_one_token_past_100000_prices_the_whole_haiku_request_five_fold(book: PriceBook) -> None:
    below = priced(
        call("claude-haiku-5-5", uncached_input_tokens=60_000, cache_read_tokens=40_000, output_tokens=10), book
    )
    above = priced(
        call("claude-haiku-5-5", uncached_input_tokens=60_001, cache_read_tokens=40_000, output_tokens=10), book
    )
    assert below.total == mtok(60_000, "0.10") + mtok(40_000, "0.01") + mtok(10, "0.50")
    assert above.total == mtok(60_001, "0.50") + mtok(40_000, "0.05") + mtok(10, "2.50")


def test_an_aggregate_row_of_haiku_5_5_is_a_range_not_a_guess(book: PriceBook) -> None:
    found = priced(
        call("claude-haiku-5-5", grain="day", requests=None, context="0-200k", uncached_input_tokens=1_000_000), book
    )
    assert (found.total, found.high) == (mtok(1_000_000, "0.10"), mtok(1_000_000, "0.50"))


def test_a_cache_write_of_unknown_ttl_is_a_range_from_5m_to_1h(book: PriceBook) -> None:
    found = priced(call("claude-opus-5-5", flags="naive_time,ttl_unknown", cache_write_5m_tokens=1_000), book)
    assert (found.total, found.high) == (mtok(1_000, "5"), mtok(1_000, "8"))


def test_an_unknown_ttl_is_no_range_where_only_one_ttl_is_sold(book: PriceBook) -> None:
    found = priced(
        call(
            "claude-3-7-sonnet-20250219",
            "2025-06-01",
            platform="bedrock",
            geo="regional",
            flags="ttl_unknown",
            cache_write_5m_tokens=1_000,
        ),
        book,
    )
    assert (found.total, found.high) == (mtok(1_000, "3.75"), mtok(1_000, "3.75"))


def test_us_inference_multiplies_every_class_by_1_1(book: PriceBook) -> None:
    found = priced(call("claude-opus-5-5", geo="us", cache_read_tokens=10_000, output_tokens=1_000), book)
    assert found.total == mtok(10_000, "0.22") + mtok(1_000, "22")


def test_a_call_is_priced_on_the_utc_day_it_started(book: PriceBook) -> None:
    before = priced(call("claude-sonnet-5-5", "2026-10-06", cache_read_tokens=1_000_000), book)
    after = priced(call("claude-sonnet-5-5", "2026-10-07", cache_read_tokens=1_000_000), book)
    assert (before.total, after.total) == (Decimal("0.20"), Decimal("0.10"))


def test_the_raw_name_is_resolved_where_the_reader_left_the_model_empty(book: PriceBook) -> None:
    found = priced(call("", model_raw="us.anthropic.claude-opus-4-6-v1", output_tokens=1_000_000), book)
    assert found.total == Decimal(25)


def test_code_execution_is_said_not_to_be_in_the_price(book: PriceBook) -> None:
    assert priced(call("claude-opus-5-5", code_execution_requests=2), book).notes == ("code-execution",)


def test_a_call_without_tokens_costs_nothing_and_is_no_problem(book: PriceBook) -> None:
    assert priced(call("claude-opus-5-5"), book).total == 0


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"model": "", "model_raw": "claude-opus-99"}, "unknown-model"),
        ({"model": "claude-mythos-preview"}, "no-price-known"),
        ({"model": "claude-haiku-5-5", "on": "2026-10-06"}, "before-release"),
        ({"model": "claude-sonnet-4-6", "speed": "fast"}, "no-price-that-day"),
        ({"model": "claude-opus-5-5", "platform": "bedrock", "speed": "fast"}, "no-such-speed"),
        ({"model": "claude-opus-5-5", "platform": "foundry", "tier": "batch"}, "no-such-tier"),
        ({"model": "claude-haiku-4-5-20251001", "geo": "us"}, "no-such-geo"),
        ({"model": "claude-3-haiku-20240307", "on": "2025-06-01", "platform": "foundry"}, "not-on-platform"),
        ({"model": "claude-haiku-4-5-20251001", "uncached_input_tokens": 200_001}, "prompt-too-long"),
        ({"model": "claude-2.1", "on": "2025-01-01", "cache_read_tokens": 5}, "class-not-sold"),
        ({"model": "claude-opus-5-5", "platform": "bedrock", "web_search_requests": 1}, "class-not-sold"),
        ({"model": "claude-opus-5-5", "output_tokens": -1}, "negative-tokens"),
        ({"model": "claude-opus-5-5", "output_tokens": 10**16}, "implausible-amount"),
    ],
)
def test_what_has_no_price_is_one_problem_and_never_zero(book: PriceBook, fields: dict[str, object], code: str) -> None:
    given = {"on": "2026-11-20", **fields}
    assert unpriced(call(str(given.pop("model")), str(given.pop("on")), **given), book) == code


def test_a_problem_names_the_record_and_shortens_the_value(book: PriceBook) -> None:
    _, problems = price(call("", model_raw="x" * 500, source_file="log.jsonl", source_row=7), book)
    assert (problems[0].file, problems[0].row) == ("log.jsonl", 7)
    assert problems[0].value == "x" * 60
