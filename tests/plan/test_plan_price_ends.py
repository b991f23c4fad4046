"""A price that is withdrawn inside the planned year: Opus 4.8's fast mode is sold to 2026-11-30 (anthropic-facts 1)."""

from __future__ import annotations

from plan_menus import OPUS, TODAY_DAY, at, spent

from baseload.plan.price_ends import price_ends, sold_until
from baseload.prices.load import load_book
from baseload.values import iso_day

BOOK = load_book()
FAST = at("claude-opus-4-8", speed="fast")


def test_a_withdrawn_speed_is_said_with_its_last_day_and_the_days_left() -> None:
    positions = [spent(BOOK, FAST), spent(BOOK, FAST, workload="other"), spent(BOOK, at("claude-opus-4-8"))]
    [problem] = price_ends(positions, BOOK, TODAY_DAY)
    assert (problem.code, problem.value) == ("price-ends", "2026-11-30")
    # twice 1M plain 10, 10M read 10, 1M written 12.5, 0.1M out 5
    assert "claude-opus-4-8 ($75 of list price in the window) is sold for 9 more days" in problem.message
    assert "9 of 365 days" in problem.next_step


def test_prices_without_an_end_and_prices_that_are_gone_are_not_said() -> None:
    gone = at("claude-opus-4-7", speed="fast")
    assert price_ends([spent(BOOK, at(OPUS, speed="fast")), spent(BOOK, gone)], BOOK, TODAY_DAY) == []
    assert sold_until(gone, BOOK, TODAY_DAY) is None
    assert iso_day(sold_until(FAST, BOOK, TODAY_DAY) or 0) == "2026-12-01"


def test_an_end_beyond_the_year_is_not_said() -> None:
    assert price_ends([spent(BOOK, FAST)], BOOK, TODAY_DAY - 365) == []
