"""What one workload spends at one price: the unit every lever reprices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from baseload.prices.book import PriceBook, PriceKey, RateRange, Rates
from baseload.values import Tokens

_NANO_PER_TOKEN = Decimal(1000)  # one USD per million tokens is 1,000 nano-dollars a token
_ONE = Decimal(1)


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens and list dollars of one workload at one price key inside the window.

    `requests` is None where a source does not count calls. `list_nano` is the list price on the days of the calls,
    `list_high_nano` its upper bound where a TTL or a band is unknown. `beside_tokens_nano` is the part of `list_nano`
    that no token class explains (server tools, dollars a report says without tokens): no lever touches it.
    """

    workload: str
    key: PriceKey
    requests: int | None
    tokens: Tokens
    list_nano: int
    list_high_nano: int
    ttl_unknown: bool = False
    sampling_rate: int = 1
    beside_tokens_nano: int = 0


def cost_nano(tokens: Tokens, rates: Rates) -> int:
    """List nano-dollars of tokens at rates in USD per million tokens, rounded half-even once."""
    usd_per_mtok_tokens = (
        tokens.uncached_input_tokens * rates.uncached_input
        + tokens.cache_read_tokens * rates.cache_read
        + tokens.cache_write_5m_tokens * rates.cache_write_5m
        + tokens.cache_write_1h_tokens * rates.cache_write_1h
        + tokens.output_tokens * rates.output
    )
    return int((usd_per_mtok_tokens * _NANO_PER_TOKEN).quantize(_ONE, rounding=ROUND_HALF_EVEN))


def cost_today(position: Position, book: PriceBook, day: int) -> tuple[int, int]:
    """(low, high) nano-dollars of a position's tokens at the rates of `day`; its list price where there are none.

    Forward-looking figures compare both sides at one day's prices, so that a past price move is not a saving.
    """
    rates = book.rates(position.key, day)
    if rates is None:
        return position.list_nano, position.list_high_nano
    low = cost_nano(position.tokens, rates.low)
    high = cost_nano(_as_one_hour_writes(position), rates.high)
    return low, max(low, high)


def rates_at(book: PriceBook, position: Position, day: int, **changes: str) -> RateRange | None:
    """The rates of a position's key with some parts replaced, on `day`; None where that combination is not sold."""
    return book.rates(position.key._replace(**changes), day)


def by_workload(positions: Iterable[Position]) -> Mapping[str, tuple[Position, ...]]:
    """Positions of each workload, in first-seen order."""
    groups: dict[str, list[Position]] = {}
    for position in positions:
        groups.setdefault(position.workload, []).append(position)
    return {workload: tuple(members) for workload, members in groups.items()}


def _as_one_hour_writes(position: Position) -> Tokens:
    tokens = position.tokens
    if not position.ttl_unknown:
        return tokens
    return msgspec.structs.replace(
        tokens,
        cache_write_5m_tokens=0,
        cache_write_1h_tokens=tokens.cache_write_1h_tokens + tokens.cache_write_5m_tokens,
    )
