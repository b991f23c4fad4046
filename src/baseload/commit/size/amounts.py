"""Dollars as text, and rounded for people: figures of one sum or comparison at one common unit, so that they add up.

docs/decisions/rounding.md says why.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

_CENT: Final = Decimal("0.01")
_DIGITS: Final = 4
"""Of the largest figure of a comparison: one part in a thousand of it or finer."""
_OWN: Final = 10
"""A figure of fewer units than this is shown by its own two digits: nothing of it would be left at the unit."""

_NEAR: Final = 1e-9
_HALF_CENT: Final = 0.005


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


def unit_of(*figures: float) -> float:
    """The common unit of figures that stand in one sum or comparison: four digits of the largest, a dollar at least.

    >>> unit_of(1_154_216, 1_315_330), unit_of(960.0), unit_of()
    (1000.0, 1.0, 1.0)
    """
    largest = max(map(abs, figures), default=0.0)
    return max(1.0, 10.0 ** (len(str(round(largest))) - _DIGITS))


def at_unit(value: float, unit: float) -> float:
    """Rounded to the unit. Differences are taken of such figures, so that a reader who takes them gets the same.

    >>> at_unit(1_315_330, 1_000.0) - at_unit(1_154_216, 1_000.0)
    161000.0
    """
    return round(value / unit) * unit + 0.0


def alone(value: float, unit: float) -> str:
    """A figure that is part of no sum: to the unit, or in two digits where that would leave next to nothing of it.

    >>> alone(71_136.0, 1_000.0), alone(3_217.0, 1_000.0), alone(-26.4, 1_000.0)
    ('71,000', '3,200', '-26')
    """
    if abs(value) >= _OWN * unit:
        return rounded(value, unit)
    return rounded(value, max(1.0, 10.0 ** (len(str(int(abs(value)))) - 2)))


def lowest(value: float, unit: float, *, hard: float = -math.inf) -> float:
    """A lower bound, rounded outward, but never past `hard`, below which nothing can be: that is shown in full.

    >>> lowest(845_210, 1_000.0), lowest(833_940, 1_000.0, hard=833_940)
    (845000.0, 833940.0)
    """
    down = math.floor(value / unit + _NEAR) * unit + 0.0
    return max(down, hard) if hard <= value + _HALF_CENT else down


def highest(value: float, unit: float) -> float:
    """An upper bound, rounded outward.

    >>> highest(1_557_001, 1_000.0), highest(1_557_000, 1_000.0)
    (1558000.0, 1557000.0)
    """
    return math.ceil(value / unit - _NEAR) * unit + 0.0


def between(low: float, high: float, unit: float, *, hard: float = -math.inf) -> str:
    """An interval in words, outward.

    >>> between(833_940, 1_557_001, 1_000.0, hard=833_940)
    '833,940 to 1,558,000'
    """
    return f"{lowest(low, unit, hard=hard):,.0f} to {highest(high, unit):,.0f}"


def summing(parts: Sequence[float], unit: float) -> list[float]:
    """Parts rounded to the unit so that they add up to their rounded sum: the largest remainders are rounded up.

    >>> summing([1_400.0, 1_400.0, 1_400.0], 1_000.0), summing([], 1.0)
    ([2000.0, 1000.0, 1000.0], [])
    """
    downs = [math.floor(one / unit) for one in parts]
    missing = round(sum(parts) / unit) - sum(downs)
    first = sorted(range(len(parts)), key=lambda place: downs[place] - parts[place] / unit)[:missing]
    return [(down + (place in first)) * unit + 0.0 for place, down in enumerate(downs)]


def percent(value: float, places: int = 0) -> str:
    """A share as a percentage.

    >>> percent(0.1234), percent(0.1234, 1)
    ('12 %', '12.3 %')
    """
    return f"{100 * value:.{places}f} %"
