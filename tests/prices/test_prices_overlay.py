"""Negotiated prices: percent or rates, per model and period, laid over the list."""

from __future__ import annotations

import pytest
from price_helpers import call, day, key, mtok, rates_of, usd

from baseload.errors import PriceBookError
from baseload.prices.load import load_book
from baseload.prices.pricing import price

CONTRACT = b"""
schema: baseload.prices.overlay/1
contract: Enterprise agreement 4711
discounts:
  - models: claude-sonnet-5-5
    valid_from: 2026-07-01
    valid_to: 2027-07-01
    rates: {uncached_input: 1.70, output: 8.50}
    source: order form, annex B
  - models: [claude-opus-*, claude-haiku-5-5]
    platforms: [anthropic]
    valid_from: 2026-07-01
    valid_to: 2027-07-01
    percent: 12.5
    source: order form, annex A
  - models: "claude-*"
    valid_from: 2026-10-01
    valid_to: open
    percent: 5
    source: order form, annex C
"""


def test_a_percentage_comes_off_every_class_after_tier_and_geography() -> None:
    book = load_book(overlay=CONTRACT)
    # 4 x 0.5 x 1.1 x 0.875 = 1.925; read 0.20 -> 0.09625; writes 5 -> 2.40625 and 8 -> 3.85; output 20 -> 9.625
    contracted = key("claude-opus-5-5", geo="us", tier="batch")
    assert rates_of(book, contracted, "2026-11-22") == usd("1.925", "0.09625", "2.40625", "3.85", "9.625")


def test_own_rates_replace_the_base_and_leave_other_classes_at_list() -> None:
    book = load_book(overlay=CONTRACT)
    assert rates_of(book, key("claude-sonnet-5-5"), "2026-11-22") == usd("1.70", "0.10", "2.5", "4", "8.50")
    assert rates_of(book, key("claude-sonnet-5-5", tier="batch"), "2026-11-22") == usd(
        "0.85", "0.05", "1.25", "2", "4.25"
    )


def test_a_discount_holds_in_its_period_and_on_its_platform_only() -> None:
    book = load_book(overlay=CONTRACT)
    listed = usd("5", "0.50", "6.25", "10", "25")
    assert rates_of(book, key("claude-opus-4-8"), "2026-06-30") == listed
    assert rates_of(book, key("claude-opus-4-8"), "2026-07-01") == tuple(rate * 7 / 8 for rate in listed)
    assert rates_of(book, key("claude-opus-4-8"), "2027-07-01") == tuple(rate * 95 / 100 for rate in listed)
    assert rates_of(book, key("claude-opus-4-8", "vertex"), "2026-09-30") == listed


def test_the_first_row_that_holds_wins() -> None:
    book = load_book(overlay=CONTRACT)
    assert rates_of(book, key("claude-opus-5"), "2026-11-22") == usd("4.375", "0.4375", "5.46875", "8.75", "21.875")
    assert rates_of(book, key("claude-fable-5-2"), "2026-11-22") == usd("7.6", "0.19", "9.5", "15.2", "38")


def test_contract_prices_are_marked_and_the_list_book_is_untouched() -> None:
    contracted = load_book(overlay=CONTRACT).rates(key("claude-opus-5"), day("2026-11-22"))
    listed = load_book().rates(key("claude-opus-5"), day("2026-11-22"))
    assert contracted is not None
    assert listed is not None
    assert contracted.notes == ("overlay",)
    assert listed.notes == ()


def test_a_discount_leaves_web_searches_at_list() -> None:
    found, _ = price(call("claude-opus-5-5", web_search_requests=100, output_tokens=1_000), load_book(overlay=CONTRACT))
    assert found is not None
    assert found.server_tools == 1
    assert found.output == mtok(1_000, "17.5")


def test_a_discount_makes_nothing_exist_that_is_not_sold() -> None:
    assert load_book(overlay=CONTRACT).rates(key("claude-opus-5-5", "moon"), day("2026-11-22")) is None


def test_own_rates_of_one_band_leave_the_other_at_list() -> None:
    text = b"""
schema: baseload.prices.overlay/1
discounts:
  - {models: claude-haiku-5-5, valid_from: 2026-10-07, over: 100000, rates: {uncached_input: 0.30}, source: annex}
"""
    book = load_book(overlay=text)
    below = rates_of(book, key("claude-haiku-5-5"), "2026-11-22")
    above = rates_of(book, key("claude-haiku-5-5", band="100k-200k"), "2026-11-22")
    assert below is not None
    assert above is not None
    assert (below[0], above[0], above[4]) == usd("0.10", "0.30", "2.50")


ROW = "{models: claude-opus-5, valid_from: 2026-01-01, percent: 10, source: x}"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ROW.replace("percent: 10", "percent: 100"), "discounts[0].percent: 100; expected more than 0 and less"),
        (ROW.replace("percent: 10", "percent: ten"), "discounts[0].percent: 'ten'"),
        (ROW.replace("percent: 10, ", ""), "expected either percent or rates"),
        (ROW.replace("claude-opus-5,", "claude-x,"), "discounts[0].models: 'claude-x' matches no model"),
        (ROW.replace("2026-01-01", "yesterday"), "discounts[0].valid_from: 'yesterday'; expected a day"),
        (ROW.replace("percent: 10", "rates: {output: -1}"), "discounts[0].rates.output: -1; expected USD"),
        (ROW.replace(", source: x", ""), "missing required field `source`"),
        (ROW.replace("source: x", "source: x, discount: 3"), "unknown field `discount`"),
    ],
)
def test_mistakes_name_path_value_and_expectation(row: str, said: str) -> None:
    with pytest.raises(PriceBookError) as error:
        load_book(overlay=f"schema: baseload.prices.overlay/1\ndiscounts: [{row}]".encode())
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"- a list", "expected a mapping"),
        (b"discounts: []", "schema: 'None'; expected 'baseload.prices.overlay/1'"),
        (b"a: [", "not readable as YAML"),
        (b"\xff\xfe\x00", "not readable as YAML"),
        (b"[" * 5_000, "price overlay"),
        (b"a: !!python/object/apply:os.system [true]", "not readable as YAML"),
    ],
)
def test_a_file_that_is_no_overlay_is_refused_in_one_sentence(text: bytes, said: str) -> None:
    with pytest.raises(PriceBookError) as error:
        load_book(overlay=text)
    assert said in str(error.value)
