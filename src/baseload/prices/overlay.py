"""The customer's own prices: negotiated discounts per model and period, laid over the list.

A discount changes neither which combinations exist nor server-tool fees. `load_book()` without an overlay stays the
list; with one every rate it touches is the contract's, marked with the note "overlay".
"""

from __future__ import annotations

import fnmatch
from decimal import Decimal
from typing import NamedTuple

import msgspec

from baseload.prices.rates import Rates

SCHEMA = "baseload.prices.overlay/1"


class OverlayRates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contract rates in USD per million tokens; a class left out stays at list."""

    uncached_input: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None
    output: Decimal | None = None


class Discount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One negotiated price: either `percent` off every token class, or `rates` that replace the base row.

    `models` are ids or patterns (`claude-opus-*`), `platforms` empty = all. `rates` replace the row of the same `speed`
    and lower band edge `over`, before tier and geography factors; `percent` comes off after them. Of several rows that
    hold on a day the first wins.
    """

    models: tuple[str, ...]
    valid_from: str
    valid_to: str = ""
    platforms: tuple[str, ...] = ()
    percent: Decimal | None = None
    rates: OverlayRates | None = None
    speed: str = "standard"
    over: int = 0
    source: str

    def matches(self, model: str, platform: str) -> bool:
        return (not self.platforms or platform in self.platforms) and any(
            fnmatch.fnmatchcase(model, pattern) for pattern in self.models
        )


class Overlay(NamedTuple):
    """All negotiated prices, in file order."""

    discounts: tuple[Discount, ...] = ()

    def matching(self, model: str, platform: str) -> tuple[Discount, ...]:
        return tuple(discount for discount in self.discounts if discount.matches(model, platform))


def replaced(base: Rates, rates: OverlayRates) -> Rates:
    """The base rates with the contract's own in their place."""
    changes = {name: value for name, value in msgspec.structs.asdict(rates).items() if value is not None}
    return msgspec.structs.replace(base, **changes)
