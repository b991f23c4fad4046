"""Fixes by hand. USD per million tokens on 2026-11-22: Opus 5.5 costs 4 in at standard speed, 8 in fast mode."""

from __future__ import annotations

import datetime as dt

import pytest

from baseload.levers.fixes import fixes
from baseload.levers.options import Fix
from baseload.levers.position import Position
from baseload.prices.book import PriceBook, PriceKey
from baseload.prices.load import load_book
from baseload.values import Tokens, day_of_date

TODAY = day_of_date(dt.date(2026, 11, 22))
USD = 1_000_000_000
SONNET = "claude-sonnet-4-5-20250929"


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def position(
    workload: str = "w",
    sampling_rate: int = 1,
    *,
    model: str = "claude-opus-5-5",
    platform: str = "anthropic",
    geo: str = "global",
    speed: str = "standard",
) -> Position:
    at = PriceKey(model, platform, geo, "standard", speed, "0-100k")
    tokens = Tokens(uncached_input_tokens=1_000_000)
    return Position(
        workload=workload,
        key=at,
        requests=10,
        tokens=tokens,
        list_nano=4 * USD,
        list_high_nano=4 * USD,
        sampling_rate=sampling_rate,
    )


def found(
    book: PriceBook, *positions: Position, repeats: tuple[int, int] = (0, 0), spent: int = 4 * USD
) -> tuple[Fix, ...]:
    return fixes(positions, {"w": repeats}, {"w": spent}, book, TODAY).get("w", ())


def test_a_workload_without_waste_has_no_fix(book: PriceBook) -> None:
    assert fixes([position()], {}, {}, book, TODAY) == {}


def test_repeats_are_a_share_of_the_workloads_own_dollars(book: PriceBook) -> None:
    # 1,200 repeats of 1 dollar in all, of 4 spent
    (one,) = found(book, position(), repeats=(1_200, USD))
    assert (one.kind, one.share, one.grade) == ("repeat", 0.25, "measured")
    assert "1,200 calls repeated an answered request" in one.note
    assert "application's owner" in one.decision


@pytest.mark.parametrize(("nano", "counts"), [(4_000_000, True), (3_999_999, False), (0, False)])
def test_fewer_repeats_than_a_thousandth_are_no_change_worth_making(book: PriceBook, nano: int, counts: bool) -> None:
    # a thousandth of 4 dollars is 4,000,000 nano-dollars
    assert bool(found(book, position(), repeats=(1, nano))) is counts


def test_repeats_are_never_more_than_everything(book: PriceBook) -> None:
    (one,) = found(book, position(), repeats=(9, 5 * USD))
    assert one.share == 1.0


def test_repeats_of_a_workload_without_dollars_are_no_fix(book: PriceBook) -> None:
    assert found(book, position(), repeats=(9, 5 * USD), spent=0) == ()


def test_fast_mode_can_go_back_to_standard_speed(book: PriceBook) -> None:
    (one,) = found(book, position(speed="fast"), position())
    assert (one.kind, one.share, one.grade) == ("speed", 1.0, "measured")
    assert "needs the speed" in one.decision


def test_inference_in_one_place_can_go_global(book: PriceBook) -> None:
    for one in (position(geo="us"), position(model=SONNET, platform="bedrock", geo="regional")):
        (fix,) = found(book, one)
        assert (fix.kind, fix.decision) == ("geo", "whoever answers for data residency")


def test_a_government_region_keeps_its_place(book: PriceBook) -> None:
    assert found(book, position(model=SONNET, platform="bedrock", geo="us_gov")) == ()


def test_what_is_not_sold_the_cheaper_way_keeps_its_surcharge(book: PriceBook) -> None:
    assert found(book, position(speed="fast", geo="us", platform="nowhere")) == ()


def test_a_sample_says_that_it_is_one(book: PriceBook) -> None:
    every = found(book, position(speed="fast", sampling_rate=10), position(geo="us"), repeats=(1, USD))
    # fast mode was sampled, so the repeats of the same workload are too; the calls with a place were all seen
    assert [(one.kind, one.grade) for one in every] == [
        ("repeat", "sampled"),
        ("speed", "sampled"),
        ("geo", "measured"),
    ]


def test_each_workload_has_its_own(book: PriceBook) -> None:
    every = fixes([position("a", speed="fast"), position("b", geo="us"), position("c")], {}, {}, book, TODAY)
    assert {name: [one.kind for one in own] for name, own in every.items()} == {"a": ["speed"], "b": ["geo"]}
