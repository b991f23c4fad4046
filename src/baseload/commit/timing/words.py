"""Amounts as people read them."""

from __future__ import annotations

from math import floor, log10
from typing import Final

_DIGITS: Final = 3


def about(usd: float) -> str:
    """Dollars to three digits: a sample of paths knows no more.

    >>> about(1_234_567.8), about(0.0), about(-45_678.0)
    ('$1,230,000', '$0', '-$45,700')
    """
    size = abs(usd)
    if size < 0.5:
        return "$0"
    step = 10.0 ** max(0, floor(log10(size)) - _DIGITS + 1)
    return f"{'-' if usd < 0 else ''}${round(size / step) * step:,.0f}"
