"""What one combination of model, platform and modifiers costs: the key, the five rates, and their range."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

import msgspec

from baseload.values import TOKEN_CLASSES

RATE_FIELDS = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
"""The fields of `Rates`, in the order of `values.TOKEN_CLASSES`."""

FIELD_OF_CLASS = dict(zip(TOKEN_CLASSES, RATE_FIELDS, strict=True))

RATE_STEP = Decimal("1e-9")
"""Smallest step of a rate in USD per million tokens: what one token costs is then a whole number of 1e-15 USD."""

DEAREST_ROW_USD = Decimal(8_000_000_000)
"""A row that would cost more is not a bill but a broken record; it also keeps nano-dollars inside 64 bits."""


class PriceKey(NamedTuple):
    """What decides a price, besides the day. The text form is the ledger's `price_key` column."""

    model: str  # resolved id, or "?" + the raw name
    platform: str
    geo: str
    tier: str
    speed: str
    band: str  # one of values.BANDS

    @property
    def text(self) -> str:
        """`model|platform|geo|tier|speed|band`; a "|" inside a raw name is written "/"."""
        return "|".join((self.model.replace("|", "/"), *self[1:]))

    @classmethod
    def parse(cls, text: str) -> PriceKey:
        """The key a text stands for. Raises ValueError unless it has exactly six parts.

        >>> PriceKey.parse("claude-opus-5-5|anthropic|global|batch|standard|any").tier
        'batch'
        """
        parts = text.split("|")
        if len(parts) != len(cls._fields):
            raise ValueError(f"price key {text[:60]!r}; expected {'|'.join(cls._fields)}")
        return cls(*parts)


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """USD per million tokens of each class, every modifier applied. At most nine decimals (`RATE_STEP`)."""

    uncached_input: Decimal
    cache_read: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    output: Decimal

    def times(self, factor: Decimal) -> Rates:
        """All five rates multiplied, then held to `RATE_STEP` (half-even)."""
        return Rates(**{name: step(getattr(self, name) * factor) for name in RATE_FIELDS})


class RateRange(msgspec.Struct, frozen=True, kw_only=True):
    """The rates of one key on one day: `low` and `high` differ only where the prompt band is ambiguous.

    `notes` are codes of `reasons.NOTES`: what a reader of the figure must know. `unsold` names token classes (or
    "web_search_requests") this combination never charged for because it does not offer them; their rate is 0 and
    tokens there make the row unpriced, never free. `web_search` is USD per request.
    """

    low: Rates
    high: Rates
    web_search: Decimal = Decimal(0)
    notes: tuple[str, ...] = ()
    unsold: tuple[str, ...] = ()


def step(amount: Decimal) -> Decimal:
    """An amount held to `RATE_STEP`, trailing zeros dropped, never in exponent form.

    >>> step(Decimal("0.125") * Decimal("0.5") * Decimal("1.10"))
    Decimal('0.06875')
    """
    short = amount.quantize(RATE_STEP, rounding=ROUND_HALF_EVEN).normalize()
    return short if short.as_tuple().exponent <= 0 else short.quantize(Decimal(1))  # type: ignore[operator]  # finite
