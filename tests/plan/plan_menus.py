"""Positions and menus small enough to price by hand, at the prices of 2026-11-22 (USD per million tokens).

Opus 5.5: 4 in, 0.20 read, 5 write for five minutes, 8 for an hour, 20 out. Sonnet 5.5: half of that. Haiku 5.5: 0.10,
0.01, 0.125, 0.20, 0.50, and five times that above 100,000 tokens. Batches: half of everything. Fast: twice.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from baseload.levers.options import BatchOutcome, CacheOutcome, Menu, RouteOption
from baseload.levers.position import Position, cost_nano
from baseload.prices.book import PriceBook, PriceKey
from baseload.values import Tokens, day_of_date

TODAY_DAY = day_of_date(dt.date(2026, 11, 22))
USD = 1_000_000_000
MTOK = 1_000_000
OPUS, SONNET, HAIKU = "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"
OLD_SONNET, OLD_HAIKU = "claude-sonnet-4-6", "claude-haiku-4-5-20251001"
AS_TODAY = RouteOption(model=OPUS, today=True)
CACHED = Tokens(
    uncached_input_tokens=MTOK,
    cache_read_tokens=10 * MTOK,
    cache_write_5m_tokens=MTOK,
    output_tokens=MTOK // 10,
)
"""13 USD on Opus 5.5: 4 + 2 + 5 + 2."""


def usd(amount: str) -> int:
    return int(Decimal(amount) * USD)


def at(model: str, **changes: str) -> PriceKey:
    return PriceKey(model, "anthropic", "global", "standard", "standard", "0-100k")._replace(**changes)


def spent(
    book: PriceBook,
    key: PriceKey,
    tokens: Tokens = CACHED,
    *,
    requests: int | None = 1_000,
    workload: str = "w",
    ttl_unknown: bool = False,
    sampling_rate: int = 1,
    beside: int = 0,
) -> Position:
    rates = book.rates(key, TODAY_DAY)
    nano = beside + (cost_nano(tokens, rates.low) if rates else 7 * USD)
    return Position(
        workload=workload,
        key=key,
        requests=requests,
        tokens=tokens,
        list_nano=nano,
        list_high_nano=nano,
        ttl_unknown=ttl_unknown,
        sampling_rate=sampling_rate,
        beside_tokens_nano=beside,
    )


def menu_of(*options: RouteOption, **parts: object) -> Menu:
    return Menu(workload="w", routes=(AS_TODAY, *options), **parts)  # type: ignore[arg-type]


def wordy(model: str, **changes: object) -> RouteOption:
    """A candidate whose answers are as long, a tenth longer or a quarter longer."""
    longer = {"output_likely": Decimal("1.1"), "output_high": Decimal("1.25")}
    return RouteOption(model=model, **{**longer, **changes})  # type: ignore[arg-type]


def outcome(model: str, policy: str = "plan", **changes: object) -> CacheOutcome:
    """A tenth plain input, eight tenths read, a tenth written for five minutes."""
    shares = {"uncached_share": 0.1, "read_share": 0.8, "write_5m_share": 0.1, "write_1h_share": 0.0}
    return CacheOutcome(model=model, policy=policy, **{**shares, **changes})  # type: ignore[arg-type]


def batch(**changes: object) -> BatchOutcome:
    """Everything fits and every read is found."""
    whole: dict[str, object] = {
        "deadline_us": 86_400_000_000,
        "deadline_source": "declared",
        "share_low": 1.0,
        "share_likely": 1.0,
        "share_high": 1.0,
        "hits_low": 1.0,
        "hits_high": 1.0,
    }
    return BatchOutcome(**{**whole, **changes})  # type: ignore[arg-type]
