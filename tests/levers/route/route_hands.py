"""Hands for the routing tests: positions at list price, workloads and bins in one line each.

Prices of 2026-11-22 in USD per million tokens (anthropic-facts section 1.1): Opus 4.8 5 in, 25 out; Opus 5.5 4, 20;
Sonnet 4.6 3, 15; Sonnet 5 and 5.5 2, 10; Haiku 4.5 1, 5; Haiku 5.5 0.10, 0.50, five times that above 100,000 tokens.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from baseload.ledger.prompt_sizes import SizeBin
from baseload.levers.options import RouteOption
from baseload.levers.position import Position, cost_nano
from baseload.levers.route.candidates import route_options
from baseload.levers.route.shape import RouteShape
from baseload.prices.book import PriceBook, PriceKey
from baseload.values import Tokens, Workload, day_of_date

TODAY = day_of_date(dt.date(2026, 11, 22))
USD = 1_000_000_000
MTOK = 1_000_000
OPUS, SONNET, HAIKU = "claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5-20251001"


def at(model: str, **changes: str) -> PriceKey:
    return PriceKey(model, "anthropic", "global", "standard", "standard", "0-100k")._replace(**changes)


def spent(book: PriceBook, key: PriceKey, requests: int | None = 1_000, **tokens: int) -> Position:
    """A position of workload "w" at its list price."""
    counted = Tokens(**tokens)
    rates = book.rates(key, TODAY)
    assert rates is not None
    nano = cost_nano(counted, rates.low)
    return Position(workload="w", key=key, requests=requests, tokens=counted, list_nano=nano, list_high_nano=nano)


def plain(book: PriceBook, model: str, **key: str) -> Position:
    """1,000 calls of 1,000 tokens in and 100 out."""
    return spent(book, at(model, **key), uncached_input_tokens=MTOK, output_tokens=MTOK // 10)


def workload(**changes: Any) -> Workload:
    return Workload(**({"id": "w", "name": "w", "stage": "tag", "why": ""} | changes))


def sized(key: PriceKey, up_to: int, mtok: int, calls: int = 1_000) -> SizeBin:
    """A bin of `mtok` million uncached tokens."""
    return SizeBin(price_key=key.text, up_to=up_to, calls=calls, tokens=Tokens(uncached_input_tokens=mtok * MTOK))


def options(
    book: PriceBook, *positions: Position, shape: RouteShape | None = None, verdicts: Any = None, **changes: Any
) -> dict[tuple[str, str], RouteOption]:
    """(model, effort) -> option of workload "w"; today's is under ("today", "")."""
    limits, zdr = changes.pop("limits", None), changes.pop("zdr", False)
    found, problems = route_options(
        workload(**changes), positions, shape or RouteShape(), book, TODAY, verdicts or {}, limits, zdr=zdr
    )
    assert problems == []
    return {("today", "") if one.today else (one.model, one.effort): one for one in found}
