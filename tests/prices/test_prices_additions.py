"""`prices add`: new models and rates without waiting for a release, checked, dated and kept."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from price_helpers import day, key, rates_of, usd

from baseload.errors import PriceBookError
from baseload.prices.additions import store_addition, stored_additions, stored_files
from baseload.prices.book import PriceBook
from baseload.prices.load import load_book
from baseload.prices.price_files import read_addition
from baseload.prices.records import BookRecord

NEW_MODEL = b"""
schema: baseload.prices.addition/1
source: price page, 2026-12-01
models:
  - {id: claude-opus-6, display_name: Claude Opus 6, line: opus, tokenizer: new, released: 2026-12-01,
     min_cache: 512, context: 1000000, max_output: 128000}
prices:
  - {model: claude-opus-6, valid_from: 2026-12-01, valid_to: open, input: 3,
     write_5m: 3.75, write_1h: 6, read: 0.15, output: 15}
  - {model: claude-opus-5, valid_from: 2026-12-01, valid_to: open, input: 4,
     write_5m: 5, write_1h: 8, read: 0.40, output: 20,
     source: mail from the account team}
aliases:
  - {model: claude-opus-6, names: [opus-6], dates: [20261201]}
"""


def read(text: bytes, book: PriceBook) -> BookRecord:
    return read_addition(text, book.record, "new.yaml", as_of="2026-11-22")


def with_addition(*texts: bytes) -> PriceBook:
    record = load_book().record
    return load_book(
        additions=[msgspec.json.encode(read_addition(text, record, "new.yaml", as_of="2026-11-22")) for text in texts]
    )


def test_a_new_model_is_priced_known_and_sold_like_its_siblings() -> None:
    book = with_addition(NEW_MODEL)
    assert rates_of(book, key("claude-opus-6"), "2026-12-01") == usd("3", "0.15", "3.75", "6", "15")
    assert rates_of(book, key("claude-opus-6", tier="batch"), "2026-12-01") == usd("1.5", "0.075", "1.875", "3", "7.5")
    assert rates_of(book, key("claude-opus-6", "bedrock", "regional"), "2026-12-01") == usd(
        "3.3", "0.165", "4.125", "6.6", "16.5"
    )
    assert book.rates(key("claude-opus-6"), day("2026-11-30")) is None
    assert book.resolve("anthropic/claude-6-opus-20261201") == "claude-opus-6"
    assert "claude-opus-6" in [model.id for model in book.candidates(day("2026-12-01"))]


def test_a_new_rate_takes_over_on_its_day_and_history_stays() -> None:
    book = with_addition(NEW_MODEL)
    assert rates_of(book, key("claude-opus-5"), "2026-11-30") == usd("5", "0.50", "6.25", "10", "25")
    assert rates_of(book, key("claude-opus-5"), "2026-12-01") == usd("4", "0.40", "5", "8", "20")


def test_an_unknown_name_in_old_usage_is_priced_once_its_model_is_added() -> None:
    text = "?claude-opus-6|anthropic|global|standard|standard|0-100k"
    assert len(load_book().intervals([text]).table["price_key"]) == 0
    assert with_addition(NEW_MODEL).intervals([text]).table["from_day"].tolist() == [day("2026-12-01")]


def test_rows_are_dated_and_carry_their_source(book: PriceBook) -> None:
    added = read(NEW_MODEL, book)
    assert {row.checked for row in (*added.models, *added.prices)} == {"2026-11-22"}
    assert [row.source for row in added.prices] == ["price page, 2026-12-01", "mail from the account team"]


def test_a_later_addition_wins() -> None:
    cut = NEW_MODEL.replace(b"input: 3,", b"input: 2.5,").replace(b"output: 15}", b"output: 12}")
    found = rates_of(with_addition(NEW_MODEL, cut), key("claude-opus-6"), "2026-12-01")
    assert found is not None
    assert (found[0], found[4]) == usd("2.5", "12")


def test_a_price_for_a_known_unpriced_model_can_be_added() -> None:
    text = b"""
schema: baseload.prices.addition/1
source: contract
models:
  - {id: claude-mythos-preview, display_name: Claude Mythos Preview, line: mythos,
     released: 2026-04-07, access: invited}
prices:
  - {model: claude-mythos-preview, valid_from: 2026-04-07, valid_to: open, input: 25,
     write_5m: 31.25, write_1h: 50, read: 2.50, output: 125}
"""
    found = rates_of(with_addition(text), key("claude-mythos-preview"), "2026-06-01")
    assert found == usd("25", "2.50", "31.25", "50", "125")


MISTAKES = [
    (b"source: price page, 2026-12-01\n", b"", "models[0].source: none; expected where the figure comes from"),
    (b"addition/1", b"addition/9", "schema: 'baseload.prices.addition/9'; expected 'baseload.prices.addition/1'"),
    (b"prices:", b"price:", "'price'; expected source, checked, models, prices"),
    (b"model: claude-opus-6, valid_from", b"model: claude-opus-7, valid_from", "'claude-opus-7'; expected a model id"),
    (
        b"valid_from: 2026-12-01, valid_to: open, input: 3",
        b"valid_to: open, input: 3",
        "missing required field `valid_from`",
    ),
    (b"input: 3,", b"input: free,", "prices[0].input: 'free'"),
    (b"line: opus", b"line: epic", "models[0].line: 'epic'; expected opus | sonnet"),
    (
        b"tokenizer: new, released: 2026-12-01",
        b"tokenizer: new",
        "models[0].released: empty; expected the day it came out",
    ),
    (b"id: claude-opus-6,", b"id: Claude Opus 6,", "models[0].id: 'Claude Opus 6'; expected one lower-case id"),
]


@pytest.mark.parametrize(("replace", "by", "said"), MISTAKES)
def test_mistakes_name_path_value_and_expectation(book: PriceBook, replace: bytes, by: bytes, said: str) -> None:
    assert replace in NEW_MODEL
    with pytest.raises(PriceBookError) as error:
        read(NEW_MODEL.replace(replace, by, 1), book)
    assert said in str(error.value)


def test_a_file_without_rows_is_refused(book: PriceBook) -> None:
    with pytest.raises(PriceBookError, match="no rows"):
        read(b"schema: baseload.prices.addition/1\nsource: x\n", book)


def test_additions_are_kept_in_order_and_not_twice(book: PriceBook, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "prices"
    assert stored_additions(folder) == []
    first = store_addition(folder, "New models (Dec).yaml", read(NEW_MODEL, book))
    again = store_addition(folder, "same.yaml", read(NEW_MODEL, book))
    second = store_addition(folder, "cut.yaml", read(NEW_MODEL.replace(b"input: 3,", b"input: 2,"), book))
    assert (first.name, again, second.name) == ("0001-new-models-dec.json", first, "0002-cut.json")
    assert stored_files(folder) == [first, second]
    found = rates_of(load_book(additions=stored_additions(folder)), key("claude-opus-6"), "2026-12-01")
    assert found is not None
    assert found[0] == usd("2")[0]


def test_a_damaged_stored_addition_is_named(tmp_path: Path) -> None:
    (tmp_path / "0001-x.json").write_bytes(b'{"models": 3}')
    with pytest.raises(PriceBookError, match=r"price addition 1: .*models"):
        load_book(additions=stored_additions(tmp_path))
