"""Money: integers of one nano-dollar inside tables, Decimal at the edges, never float for a bill.

One nano-dollar is 1e-9 USD. Amounts of a table row are rounded half-even to it once, when the row is priced;
every total is then a sum of integers, so parts always add up to the whole exactly.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

NANO_PER_USD = 1_000_000_000
NANO_PER_CENT = 10_000_000
_ONE = Decimal(1)


def nano_from_usd(amount: Decimal | str | int) -> int:
    """Nano-dollars of a dollar amount, rounded half-even. Raises `decimal.InvalidOperation` on a non-number.

    Floats are refused by type: read JSON numbers as text or Decimal.
    """
    value = Decimal(amount)
    return int((value * NANO_PER_USD).quantize(_ONE, rounding=ROUND_HALF_EVEN))


def nano_from_cents(amount: Decimal | str | int) -> int:
    """Nano-dollars of an amount in cents (the unit of the cost reports, anthropic-facts section 6)."""
    value = Decimal(amount)
    return int((value * NANO_PER_CENT).quantize(_ONE, rounding=ROUND_HALF_EVEN))


def decimal_usd(nano: int) -> Decimal:
    """The exact Decimal dollars of an integer of nano-dollars."""
    return Decimal(int(nano)) / NANO_PER_USD


def usd_text(nano: int) -> str:
    """A decimal string with at least two places and no exponent: the form of every `_usd` JSON field.

    >>> usd_text(1_500_000_000), usd_text(5), usd_text(-10_000_000)
    ('1.50', '0.000000005', '-0.01')
    """
    sign = "-" if nano < 0 else ""
    whole, part = divmod(abs(int(nano)), NANO_PER_USD)
    fraction = f"{part:09d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{fraction}"
