"""Figures in sentences: dollars and spans as people read them. Exact figures stand in the JSON beside them."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from baseload.plan.span import Span
from baseload.values import decimal_usd


def dollars(nano: int, *, cents: bool = False) -> str:
    """Nano-dollars as "$1,234"; whole dollars unless cents are asked for.

    >>> dollars(1_234_500_000_000), dollars(-1_234_560_000_000, cents=True)
    ('$1,234', '-$1,234.56')
    """
    amount = decimal_usd(abs(nano)).quantize(Decimal("0.01") if cents else Decimal(1), rounding=ROUND_HALF_EVEN)
    return f"{'-' if nano < 0 and amount else ''}${amount:,}"


def span_dollars(span: Span) -> str:
    """A span as "$1,000 to $2,000, likely $1,500"; one figure where nothing is open.

    >>> span_dollars(Span(low=10**12, likely=10**12, high=10**12))
    '$1,000'
    """
    low, likely, high = dollars(span.low), dollars(span.likely), dollars(span.high)
    return likely if low == high else f"{low} to {high}, likely {likely}"


def days_text(days: Decimal) -> str:
    """Person-days without a trailing zero: "2.5", "3".

    >>> days_text(Decimal("2.50")), days_text(Decimal("10"))
    ('2.5', '10')
    """
    return f"{days.normalize():f}"
