"""What changed between two days, and how old the book is."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest
from price_helpers import day

from baseload.prices.age import age_line, age_warning
from baseload.prices.book import PriceBook
from baseload.prices.changes import Change, changes_between
from baseload.prices.load import load_book
from baseload.prices.price_files import read_addition


def changes(book: PriceBook, first: str, last: str) -> list[tuple[str, str, str, str, str, str]]:
    return [_short(change) for change in changes_between(book, day(first), day(last))]


def _short(change: Change) -> tuple[str, str, str, str, str, str]:
    return (change.day, change.kind, change.subject, change.what, change.before, change.after)


def test_the_cut_of_sonnet_5_5_reads_is_one_changed_class(book: PriceBook) -> None:
    assert changes(book, "2026-10-06", "2026-10-07")[-1] == (
        "2026-10-07",
        "price",
        "claude-sonnet-5-5",
        "cache read",
        "0.20",
        "0.10",
    )


def test_a_release_is_a_model_and_its_five_rates_in_bill_order(book: PriceBook) -> None:
    found = changes(book, "2026-09-21", "2026-09-22")
    assert found[0] == ("2026-09-22", "model", "claude-opus-5-5", "released", "", "released")
    assert [row[3:] for row in found if row[2] == "claude-opus-5-5" and row[1] == "price"] == [
        ("uncached input", "", "4"),
        ("cache write 5m", "", "5"),
        ("cache write 1h", "", "8"),
        ("cache read", "", "0.20"),
        ("output", "", "20"),
    ]


def test_the_end_of_the_premium_shows_the_band_that_went(book: PriceBook) -> None:
    found = changes(book, "2026-03-12", "2026-03-13")
    assert ("2026-03-13", "price", "claude-opus-4-6 over 200K", "output", "37.5", "") in found
    assert {row[2] for row in found} == {"claude-opus-4-6 over 200K", "claude-sonnet-4-6 over 200K"}


def test_retirements_and_deprecations_are_on_the_list(book: PriceBook) -> None:
    found = changes(book, "2026-09-29", "2026-11-30")
    assert ("2026-09-30", "model", "claude-sonnet-4-5-20250929", "deprecated", "", "deprecated") in found
    assert ("2026-11-30", "model", "claude-sonnet-4-5-20250929", "retires", "", "retires") not in found
    assert ("2026-11-30", "model", "claude-sonnet-4-5-20250929", "retired", "", "retired") in found


def test_a_platform_that_opened_says_what_it_sells(book: PriceBook) -> None:
    found = [row for row in changes(book, "2026-10-21", "2026-10-22") if row[1] == "platform"]
    assert {row[2] for row in found} == {"google_anthropic"}
    assert any("speed fast for claude-opus-5-5" in row[3] for row in found)


def test_fees_that_began_are_listed(book: PriceBook) -> None:
    assert (
        "2025-05-07",
        "fee",
        "anthropic, anthropic_aws, google_anthropic, foundry, vertex, openrouter",
        "web_search",
        "",
        "0.01 USD per request",
    ) in changes(book, "2025-05-06", "2025-05-07")


@pytest.mark.parametrize("on", ["2024-01-01", "2026-11-22"])
def test_a_day_does_not_differ_from_itself(book: PriceBook, on: str) -> None:
    assert changes(book, on, on) == []


def test_an_added_rate_is_a_change_with_its_source() -> None:
    text = b"""
schema: baseload.prices.addition/1
source: price page
prices:
  - {model: claude-opus-5, valid_from: 2026-12-01, valid_to: open, input: 4,
     write_5m: 6.25, write_1h: 10, read: 0.50, output: 25}
"""
    record = read_addition(text, load_book().record, "new.yaml", as_of="2026-11-22")
    book = load_book(additions=[msgspec.json.encode(record)])
    found = changes_between(book, day("2026-11-30"), day("2026-12-01"))
    price = next(change for change in found if change.subject == "claude-opus-5")
    assert _short(price) == ("2026-12-01", "price", "claude-opus-5", "uncached input", "5", "4")
    assert price.source == "price page"


AGES = [
    ("2026-11-22", "Prices checked 2026-11-22 (today).", False),
    ("2026-11-23", "Prices checked 2026-11-22 (1 day ago).", False),
    ("2026-12-06", "Prices checked 2026-11-22 (14 days ago).", False),
    ("2026-12-07", "Prices checked 2026-11-22 (15 days ago).", True),
    ("2026-11-01", "Prices checked 2026-11-22 (later than this report's day).", False),
]


@pytest.mark.parametrize(("as_of", "line", "warns"), AGES)
def test_the_age_is_always_said_and_warned_of_after_14_days(
    book: PriceBook, as_of: str, line: str, warns: bool
) -> None:
    date = dt.date.fromisoformat(as_of)
    assert book.checked == dt.date(2026, 11, 22), "the book was checked again: move these days with it"
    assert age_line(book, date) == line
    assert bool(age_warning(book, date)) is warns
    assert "baseload prices add" in age_warning(book, date) or not warns
