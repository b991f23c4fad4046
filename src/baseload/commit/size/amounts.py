"""Dollars as text, and rounded for people: to the interval they are known to, never finer."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

_CENT: Final = Decimal("0.01")


def usd(value: float | Decimal) -> str:
    """A `_usd` field: dollars and cents, no exponent, no negative zero.

    >>> usd(1234.5), usd(-0.001), usd(Decimal(2000000))
    ('1234.50', '0.00', '2000000.00')
    """
    cents = Decimal(value).quantize(_CENT, rounding=ROUND_HALF_EVEN)
    return f"{cents + 0 if cents else Decimal('0.00'):.2f}"


def share(value: float | None) -> float | None:
    """A number between people and machines: six places, nothing where there is no finite number."""
    return None if value is None or not math.isfinite(value) else round(value, 6) + 0.0


def step_of(low: float, high: float) -> float:
    """The unit a figure is rounded to that is known to lie between two others: a tenth of their distance or so.

    >>> step_of(831_000, 869_000), step_of(5, 5)
    (10000.0, 1.0)
    """
    width = abs(high - low)
    return max(1.0, 10.0 ** math.floor(math.log10(width / 2))) if width > 0 else 1.0


def rounded(value: float, step: float) -> str:
    """Whole dollars with thousands separators, to the step.

    >>> rounded(1234567.8, 10_000.0), rounded(-4.0, 10.0)
    ('1,230,000', '0')
    """
    return f"{round(value / step) * step + 0.0:,.0f}"


def percent(value: float, places: int = 0) -> str:
    """A share as a percentage.

    >>> percent(0.1234), percent(0.1234, 1)
    ('12 %', '12.3 %')
    """
    return f"{100 * value:.{places}f} %"
