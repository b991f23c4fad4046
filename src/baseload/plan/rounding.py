"""Parts that add up to their whole: largest-remainder rounding, so that a table sums to the cent as it is printed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def largest_remainder(parts: Sequence[Fraction], whole: int) -> list[int]:
    """Integers near `parts` that add to `whole`: each rounded down, then one more for the largest remainders.

    A part of exactly 0 stays 0 unless every part is. Where `whole` is further from the sum than one unit a part, the
    rest goes round again in the same order (downwards from the smallest remainder). Ties go to the earlier part.

    >>> largest_remainder([Fraction(1, 3), Fraction(1, 3), Fraction(1, 3)], 1)
    [1, 0, 0]
    >>> largest_remainder([Fraction(5, 2), Fraction(0), Fraction(-5, 2)], 0)
    [3, 0, -3]
    """
    found = [part.numerator // part.denominator for part in parts]
    missing = whole - sum(found)
    if not missing:
        return found
    order = sorted((index for index, part in enumerate(parts) if part), key=lambda i: (found[i] - parts[i], i))
    order = order or list(range(len(parts)))
    if missing < 0:
        order.reverse()
    rounds, rest = divmod(abs(missing), len(order))
    sign = 1 if missing > 0 else -1
    for place, index in enumerate(order):
        found[index] += sign * (rounds + (place < rest))
    return found


def half_even(amount: Fraction) -> int:
    """The nearest integer, halves to the even one."""
    return round(amount)
