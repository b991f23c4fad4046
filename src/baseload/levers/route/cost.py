"""What a workload's own calls would cost on one option, at the prices of one day: low, likely, high.

An option takes every call that may move to it. A call stays where it is when it is on a cheaper line than the
candidate's already (moving up is no saving), on the candidate itself, or where the candidate is not sold to it: another
platform, tier, speed or a prompt beyond its context window.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from baseload.levers.options import RouteOption
from baseload.levers.position import Position, cost_nano, cost_today
from baseload.levers.route.bands import DearBand, dear_band
from baseload.levers.route.factors import SAME, Factor, growth
from baseload.levers.routing import tier_of
from baseload.prices.book import Model, PriceBook, PriceKey, RateRange
from baseload.values import Tokens


class Cost(NamedTuple):
    """Nano-dollars: bounds of what is known, low <= likely <= high."""

    low: int
    likely: int
    high: int


def model_of(key: PriceKey, book: PriceBook) -> Model | None:
    """The model of a key; a raw name is resolved again. None where the book does not know it."""
    return book.models.get(book.resolve(key.model[1:]) if key.model.startswith("?") else key.model)


def may_move(position: Position, candidate: Model, book: PriceBook) -> bool:
    """Whether a position is on a known model, another one, and of no cheaper line than the candidate's."""
    current = model_of(position.key, book)
    return current is not None and current.id != candidate.id and tier_of(candidate) <= tier_of(current)


def sold(position: Position, candidate: Model, book: PriceBook, day: int) -> bool:
    """Whether the candidate has a price where the position runs: platform, geography, tier, speed, prompt length."""
    return book.rates(position.key._replace(model=candidate.id), day) is not None


def option_cost(positions: Iterable[Position], option: RouteOption, today: str, book: PriceBook, day: int) -> Cost:
    """The cost of all positions under an option, what stays included; `today` is the model of today's option.

    The high end pays for a cache that is lost because the mean cached prefix is under the candidate's minimum. An
    effort on today's model changes the output of the positions on it and nothing else.
    """
    total = Cost(0, 0, 0)
    for position in positions:
        part = _part(position, option, today, book, day)
        total = Cost(*(mine + other for mine, other in zip(total, part, strict=True)))
    return total


def _part(position: Position, option: RouteOption, today: str, book: PriceBook, day: int) -> Cost:
    tokens = _growth(position, option, today, book)
    rates = book.rates(position.key._replace(model=option.model), day)
    if tokens is None or rates is None:
        low, high = cost_today(position, book, day)
        return Cost(low, low, high)
    return _moved(position, option, tokens, rates, book, day)


def _growth(position: Position, option: RouteOption, today: str, book: PriceBook) -> Factor | None:
    """Growth of a position's tokens under an option; None where the option leaves it alone."""
    current, candidate = model_of(position.key, book), book.models.get(option.model)
    if current is None or candidate is None or option.today:
        return None
    if candidate.id == today:
        return SAME if current.id == today else None
    if not may_move(position, candidate, book):
        return None
    if current.id == today:
        return Factor(option.growth_low, option.growth_likely, option.growth_high)
    return growth(current.id, candidate.id, book)


def loses_cache(position: Position, minimum: int) -> bool:
    """True when the mean cached prefix is below a model's minimum (anthropic-facts section 3)."""
    cached = position.tokens.prompt_tokens - position.tokens.uncached_input_tokens
    return bool(position.requests) and 0 < cached < minimum * (position.requests or 0)


def grown(tokens: Tokens, growth: Decimal, output: Decimal) -> Tokens:
    """The tokens of the same text: `growth` on every class, `output` on the answer besides."""
    return Tokens(
        uncached_input_tokens=round(tokens.uncached_input_tokens * growth),
        cache_read_tokens=round(tokens.cache_read_tokens * growth),
        cache_write_5m_tokens=round(tokens.cache_write_5m_tokens * growth),
        cache_write_1h_tokens=round(tokens.cache_write_1h_tokens * growth),
        output_tokens=round(tokens.output_tokens * growth * output),
    )


def _moved(
    position: Position, option: RouteOption, tokens: Factor, rates: RateRange, book: PriceBook, day: int
) -> Cost:
    bands = dear_band(book, position.key._replace(model=option.model), day)
    outputs = (option.output_low, option.output_likely, option.output_high)
    shares = (option.band_share_low, option.band_share_likely, option.band_share_high)
    changed = [grown(position.tokens, growth, output) for growth, output in zip(tokens, outputs, strict=True)]
    changed[2] = _worst(changed[2], position, option, book)
    low, likely, high = (
        _priced(counts, rates, bands, share, at_most=bound == 2)
        for bound, (counts, share) in enumerate(zip(changed, shares, strict=True))
    )
    return Cost(min(low, likely), likely, max(high, likely))


def _worst(tokens: Tokens, position: Position, option: RouteOption, book: PriceBook) -> Tokens:
    """Writes of unknown lifetime at one hour; everything uncached where the candidate's minimum is not reached."""
    same = position.key.model == option.model
    if not same and loses_cache(position, book.models[option.model].min_cacheable_tokens):
        return Tokens(uncached_input_tokens=tokens.prompt_tokens, output_tokens=tokens.output_tokens)
    if not position.ttl_unknown:
        return tokens
    hour = tokens.cache_write_1h_tokens + tokens.cache_write_5m_tokens
    return msgspec.structs.replace(tokens, cache_write_5m_tokens=0, cache_write_1h_tokens=hour)


def _priced(tokens: Tokens, rates: RateRange, bands: DearBand | None, share: float | None, *, at_most: bool) -> int:
    if bands is None or share is None:
        return cost_nano(tokens, rates.high if at_most else rates.low)
    low, top = cost_nano(tokens, bands.cheap), cost_nano(tokens, bands.dear)
    return low + round((top - low) * Decimal(str(share)))
