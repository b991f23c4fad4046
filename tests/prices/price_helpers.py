"""Hands for the price tests: days, keys and dollars written the way a price list writes them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from baseload.prices.book import PriceBook
from baseload.prices.rates import PriceKey, Rates
from baseload.values import Call, day_of_date

MIDDAY_US = 12 * 3_600_000_000


def day(text: str) -> int:
    return day_of_date(dt.date.fromisoformat(text))


def key(
    model: str,
    platform: str = "anthropic",
    geo: str = "global",
    tier: str = "standard",
    speed: str = "standard",
    band: str = "0-100k",
) -> PriceKey:
    return PriceKey(model, platform, geo, tier, speed, band)


def usd(*amounts: str) -> tuple[Decimal, ...]:
    """`usd("5", "0.50")` -> exact dollars, as a price list prints them."""
    return tuple(Decimal(amount) for amount in amounts)


def five(rates: Rates) -> tuple[Decimal, ...]:
    """Input, cache read, 5m write, 1h write, output: the order of a bill."""
    return (rates.uncached_input, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h, rates.output)


def rates_of(book: PriceBook, price_key: PriceKey, on: str) -> tuple[Decimal, ...] | None:
    """The five rates of a key on a day, None where there is no price; fails where the price is a range."""
    found = book.rates(price_key, day(on))
    if found is None:
        return None
    assert found.low == found.high, f"{price_key.text} is a range"
    return five(found.low)


def mtok(tokens: int, rate: str) -> Decimal:
    """Dollars of tokens at a rate per million tokens."""
    return Decimal(tokens) * Decimal(rate) / Decimal(1_000_000)


def call(model: str, on: str = "2026-11-20", **fields: Any) -> Call:
    """A call of a model at noon UTC of a day."""
    return Call(call_id="0" * 32, source="test", start_us=day(on) * 86_400_000_000 + MIDDAY_US, model=model, **fields)
