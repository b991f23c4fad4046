"""Input prices per model and band, and bills that are exact to the femto-dollar."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest
from cache_traces import Asked, trace_of, unit_prices

from baseload.levers.cache.price import (
    NEVER_CACHED,
    InputPrices,
    PolicyResult,
    TokenRates,
    is_priced,
    policy_result,
    prices_of,
)
from baseload.prices.book import PriceBook
from baseload.prices.load import load_book
from baseload.values import day_of_date

TODAY = day_of_date(dt.date(2026, 11, 22))


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def usd_per_mtok(*amounts: str) -> TokenRates:
    """USD per million tokens as a price list prints them; 1 USD per million is 1e-6 USD, 1e9 femto-dollars, a token."""
    return TokenRates(
        **dict(zip(TokenRates.__struct_fields__, (int(Decimal(a) * 10**9) for a in amounts), strict=True))
    )


@pytest.mark.parametrize(
    ("model", "rates", "minimum"),
    [
        ("claude-opus-5-5", ("4", "0.20", "5", "8"), 512),
        ("claude-fable-5-2", ("8", "0.20", "10", "16"), 512),
        ("claude-sonnet-4-6", ("3", "0.30", "3.75", "6"), 1024),
        ("claude-haiku-4-5-20251001", ("1", "0.10", "1.25", "2"), 4096),
    ],
)
def test_each_model_has_its_own_multipliers_and_minimum(
    book: PriceBook, model: str, rates: tuple[str, ...], minimum: int
) -> None:
    """anthropic-facts 1.1: reads are 0.05x on Opus 5.5 and 0.025x on Fable 5.2; never hardcode 0.1."""
    found = prices_of(book, [model], TODAY).models[0]
    assert found.bands == (usd_per_mtok(*rates),)
    assert found.minimum_tokens == minimum


def test_prices_are_those_of_the_day(book: PriceBook) -> None:
    """anthropic-facts 1.3: 2026-10-07 Sonnet 5.5 cache read 0.20 -> 0.10."""
    before, since = (
        prices_of(book, ["claude-sonnet-5-5"], day_of_date(dt.date(2026, 10, day))).models[0].bands[0].read
        for day in (6, 7)
    )
    assert (before, since) == (200_000_000, 100_000_000)


def test_haiku_5_5_is_five_times_as_dear_beyond_100k(book: PriceBook) -> None:
    """anthropic-facts 0.2: the cliff is at 100,000 tokens of prompt, inclusive on the cheap side."""
    found = prices_of(book, ["claude-haiku-5-5"], TODAY).models[0]
    assert found.edges == (100_000,)
    assert found.rates(100_000) == usd_per_mtok("0.10", "0.01", "0.125", "0.20")
    assert found.rates(100_001) == usd_per_mtok("0.50", "0.05", "0.625", "1.00")


def test_a_retired_model_keeps_its_last_price(book: PriceBook) -> None:
    """Opus 4.1 retired on 2026-08-05 at 15 / 1.50 / 18.75 / 30."""
    assert prices_of(book, ["claude-opus-4-1-20250805"], TODAY).models[0].bands == (
        usd_per_mtok("15", "1.5", "18.75", "30"),
    )


def test_a_model_not_yet_sold_has_its_first_price(book: PriceBook) -> None:
    assert (
        prices_of(book, ["claude-opus-5-5"], day_of_date(dt.date(2025, 1, 1))).models[0].bands[0].uncached == 4 * 10**9
    )


def test_options_change_reads_and_minimums_only(book: PriceBook) -> None:
    found = prices_of(book, ["claude-opus-5-5"], TODAY, read_multiplier=Decimal("0.1"), minimum=False).models[0]
    assert found.bands == (usd_per_mtok("4", "0.40", "5", "8"),)
    assert found.minimum_tokens == 0


def test_a_model_without_caching_caches_nothing(book: PriceBook) -> None:
    assert prices_of(book, ["claude-2.1"], TODAY, minimum=False).models[0].minimum_tokens == NEVER_CACHED


def test_models_nobody_has_a_price_for_are_refused(book: PriceBook) -> None:
    assert not is_priced(book, "")
    assert not is_priced(book, "claude-mythos-preview")
    assert is_priced(book, "claude-opus-5-5")
    with pytest.raises(KeyError):
        prices_of(book, ["claude-mythos-preview"], TODAY)


def test_a_bill_by_hand() -> None:
    """200 tokens: 120 read, 30 + 10 written, 40 plain, and 50 more read to keep something alive."""
    trace = trace_of(Asked(0, "abc", more=8))
    columns = {name: np.array([count]) for name, count in (("read", 120), ("write_5m", 30), ("write_1h", 10))}
    result = policy_result("plan", trace, unit_prices(trace), keep_alive=np.array([50]), **columns)
    assert result.femto_usd == 40 * 100 + 120 * 10 + 30 * 125 + 10 * 200 + 50 * 10
    assert (result.prompt_tokens, result.uncached_tokens, result.write_tokens) == (200, 40, 40)
    assert result.hit_rate == 0.6


def test_a_bill_of_two_models_in_two_bands(book: PriceBook) -> None:
    """Haiku 5.5 at 90,112 and 102,400 tokens, Opus 5.5 at 64: 0.10, 0.50 and 4 USD per million."""
    long = [Asked(0, "a" * 1408), Asked(1, "a" * 1600), Asked(2, "a", model=1)]
    trace = trace_of(*long)
    prices: InputPrices = prices_of(book, ["claude-haiku-5-5", "claude-opus-5-5"], TODAY)
    result = policy_result("none", trace, prices)
    assert result.usd == Decimal("0.0090112") + Decimal("0.0512") + Decimal("0.000256")


def test_sums_are_exact_beyond_64_bits() -> None:
    """10^5 requests of 2 x 10^5 tokens at 15 USD per million are 300,000 USD: 3 x 10^20 femto-dollars."""
    rows = trace_of(Asked(0, "a"))
    import msgspec

    many = 100_000
    trace = msgspec.structs.replace(
        rows,
        lane=np.zeros(many, np.int32),
        start_us=np.zeros(many, np.int64),
        model=np.zeros(many, np.int16),
        prompt_tokens=np.full(many, 200_000, np.int64),
    )
    prices = prices_of(load_book(), ["claude-opus-4-1-20250805"], TODAY)
    assert policy_result("none", trace, prices).usd == 300_000


@pytest.mark.parametrize(
    ("femto", "nano"), [(0, 0), (499_999, 0), (500_000, 0), (500_001, 1), (1_500_000, 2), (2_500_000, 2)]
)
def test_nano_dollars_are_rounded_once_half_to_even(femto: int, nano: int) -> None:
    result = PolicyResult(
        name="", requests=1, femto_usd=femto, uncached_tokens=1, read_tokens=0, write_5m_tokens=0, write_1h_tokens=0
    )
    assert result.nano_usd == nano
