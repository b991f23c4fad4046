"""Where one position's calls run under some fixes and one route: the price key, the token factors, the rates.

A route moves a position when its model is another one, of the same or a dearer line, and the candidate is sold on the
position's platform, geography, tier and speed (`levers.route.cost`); every other position stays as it is. An option on
the workload's main model changes the effort of the positions on that model and moves nothing. Fast mode stays fast
unless its fix is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from baseload.levers.options import Fix, RouteOption
from baseload.levers.position import Position
from baseload.levers.route.bands import dear_band
from baseload.levers.route.cost import loses_cache, may_move, model_of, sold
from baseload.levers.route.factors import growth
from baseload.prices.book import PriceBook, PriceKey, RateRange, Rates
from baseload.values import Tokens

Factors = tuple[Decimal, Decimal, Decimal]
"""At the low, the likely and the high end of a cost."""
RateEnds = tuple[Rates, Rates, Rates]
LOW, LIKELY, HIGH = 0, 1, 2
_ONE: Factors = (Decimal(1), Decimal(1), Decimal(1))
_SURCHARGED_GEOS = ("us", "regional")


class Sold(NamedTuple):
    """Rates at one tier, and the token classes that tier does not sell."""

    rates: RateEnds
    unsold: tuple[str, ...]


class Placed(NamedTuple):
    """A position under fixes and a route.

    `kept` is the share of its calls left after repeats. `standard` is None where the day has no price for the key:
    such a position keeps its list price. `batch` is None where batching is not sold there (never at fast speed) or it
    runs in batches or on bought capacity today.
    """

    position: Position
    key: PriceKey
    model: str  # the book's id of the model it runs on
    kept: Decimal
    growth: Factors
    output: Factors
    standard: Sold | None
    batch: Sold | None
    fixed: bool  # a fix changed its key or its calls
    rerouted: bool  # a route took it
    moved: bool  # onto another model
    loses_cache: bool

    @property
    def changed(self) -> bool:
        return self.fixed or self.rerouted


def place(
    position: Position, fixes: Sequence[Fix], option: RouteOption, today: RouteOption, book: PriceBook, day: int
) -> Placed:
    """One position after the fixes, on the option's model where it may move there."""
    key, kept = _fixed(position.key, fixes, book, day)
    moved = _goes(msgspec.structs.replace(position, key=key), option, today, book, day)
    eased = not option.today and option.model == today.model and _model_id(key, book) == today.model
    rerouted = moved or eased
    here = key._replace(model=option.model) if rerouted else key
    mixed = option if rerouted else None
    return Placed(
        position=position,
        key=here,
        model=_model_id(here, book),
        kept=kept,
        growth=_growth(key, option, today, book) if moved else _ONE,
        output=(option.output_low, option.output_likely, option.output_high) if rerouted else _ONE,
        standard=_sold(here, mixed, book, day),
        batch=_sold(here._replace(tier="batch"), mixed, book, day) if here.tier == "standard" else None,
        fixed=key != position.key or kept != 1,
        rerouted=rerouted,
        moved=moved,
        loses_cache=moved and loses_cache(position, book.models[option.model].min_cacheable_tokens),
    )


def _goes(position: Position, option: RouteOption, today: RouteOption, book: PriceBook, day: int) -> bool:
    candidate = book.models.get(option.model)
    if candidate is None or option.today or option.model == today.model:
        return False
    return may_move(position, candidate, book) and sold(position, candidate, book, day)


def _growth(key: PriceKey, option: RouteOption, today: RouteOption, book: PriceBook) -> Factors:
    """The option's factors speak of the workload's main model; a position on another one has its own tokenizer."""
    model = _model_id(key, book)
    if model == today.model:
        return option.growth_low, option.growth_likely, option.growth_high
    own = growth(model, option.model, book)
    return own.low, own.likely, own.high


def _model_id(key: PriceKey, book: PriceBook) -> str:
    model = model_of(key, book)
    return key.model if model is None else model.id


def _fixed(key: PriceKey, fixes: Sequence[Fix], book: PriceBook, day: int) -> tuple[PriceKey, Decimal]:
    """The key without its surcharges, where that is sold, and the share of calls that is left."""
    kept = Decimal(1)
    for fix in fixes:
        without = key
        if fix.kind == "repeat":
            kept *= 1 - Decimal(str(fix.share))
        elif fix.kind == "speed":
            without = key._replace(speed="standard")
        elif key.geo in _SURCHARGED_GEOS:
            without = key._replace(geo="global")
        if without != key and book.rates(without, day) is not None:
            key = without
    return key, kept


def _sold(key: PriceKey, option: RouteOption | None, book: PriceBook, day: int) -> Sold | None:
    """Rates of a key at each end; where a route's option says so, its model's prompt bands mixed."""
    found = book.rates(key, day)
    if found is None:
        return None
    if option is None or option.band_share_low is None:
        return Sold(_ends(found), found.unsold)
    bands = dear_band(book, key, day)
    if bands is None:
        return Sold(_ends(found), found.unsold)
    shares = (option.band_share_low, option.band_share_likely, option.band_share_high)
    low, likely, high = (_mixed(bands.cheap, bands.dear, Decimal(str(share))) for share in shares)
    return Sold((low, likely, high), found.unsold)


def _ends(found: RateRange) -> RateEnds:
    return found.low, found.low, found.high


def _mixed(cheap: Rates, dear: Rates, share: Decimal) -> Rates:
    fields = cheap.__struct_fields__
    return Rates(**{name: getattr(cheap, name) * (1 - share) + getattr(dear, name) * share for name in fields})


def without(tokens: Tokens, unsold: Sequence[str]) -> Tokens:
    """All plain input where a cache class in use is not sold; tokens of a class without a price are never free."""
    if not any(getattr(tokens, name) for name in unsold if name in tokens.__struct_fields__):
        return tokens
    return Tokens(uncached_input_tokens=tokens.prompt_tokens, output_tokens=tokens.output_tokens)


def as_one_hour(tokens: Tokens) -> Tokens:
    """Every write at the longer TTL."""
    return msgspec.structs.replace(
        tokens,
        cache_write_5m_tokens=0,
        cache_write_1h_tokens=tokens.cache_write_1h_tokens + tokens.cache_write_5m_tokens,
    )
