"""A dated price change, workload by workload, worked out from the book's rates."""

from __future__ import annotations

import datetime as dt

import pytest
from plan_menus import HAIKU, MTOK, OPUS, SONNET, at, spent

from baseload.plan.price_moves import price_moves
from baseload.prices.book import PriceBook
from baseload.prices.impact import Side
from baseload.prices.load import load_book
from baseload.values import Tokens, day_of_date


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def side(book: PriceBook, day: str) -> Side:
    return Side(book, day_of_date(dt.date.fromisoformat(day)))


def test_a_cheaper_cache_read_is_a_year_of_reads_at_the_difference(book: PriceBook) -> None:
    """Sonnet 5.5 reads: 0.20 before 2026-10-07, 0.10 since. 10 MTok of reads in 73 days: 1 USD less, 5 a year.

    Opus 5.5 did not move in these days: listed with 0, after the one that did.
    """
    positions = [spent(book, at(OPUS), workload="still"), spent(book, at(SONNET), workload="moved")]
    found = price_moves(positions, side(book, "2026-10-01"), side(book, "2026-10-10"), window_days=73)
    assert [move.workload for move in found] == ["moved", "still"]
    assert (found[0].delta.low, found[0].delta.high) == (-5 * 10**9, -5 * 10**9)
    assert found[0].after.likely - found[0].before.likely == -5 * 10**9
    assert (found[1].delta.low, found[1].before) == (0, found[1].after)


def test_what_one_side_has_no_price_for_is_named_and_left_out(book: PriceBook) -> None:
    """Haiku 5.5 is younger than the first day."""
    key = at(HAIKU)
    found = price_moves([spent(book, key)], side(book, "2026-01-01"), side(book, "2026-11-22"), window_days=28)
    assert found[0].unpriced == (key.text,)
    assert (found[0].before.high, found[0].after.high, found[0].delta.high) == (0, 0, 0)


def test_an_unknown_ttl_makes_a_range(book: PriceBook) -> None:
    """1 MTok of Opus 5.5 writes in 365 days: 5 USD for five minutes, 8 for an hour."""
    writes = spent(book, at(OPUS), Tokens(cache_write_5m_tokens=MTOK), ttl_unknown=True)
    day = side(book, "2026-11-22")
    found = price_moves([writes], day, day, window_days=365)
    assert (found[0].before.low, found[0].before.high) == (5 * 10**9, 8 * 10**9)
