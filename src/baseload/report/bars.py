"""Where a drawn range begins and ends, so that bars of one table share one scale and one zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

WIDTH = 200
LEAST = 1.5  # a range too narrow to see is still drawn, unless it is nothing at all


class RangeBar(msgspec.Struct, frozen=True, kw_only=True):
    """In drawing units, 0 to 200: where the bar starts, how wide it is, where zero lies."""

    start: float
    width: float
    zero: float


def scale(amounts: Sequence[Decimal]) -> Callable[[Decimal, Decimal], RangeBar]:
    """Draws ranges on the scale that spans zero and every amount."""
    floor = min([*amounts, Decimal(0)])
    ceiling = max([*amounts, Decimal(0)])
    span = (ceiling - floor) or Decimal(1)

    def at(amount: Decimal) -> float:
        return round(float((amount - floor) / span * WIDTH), 2)

    def draw(one_end: Decimal, other_end: Decimal) -> RangeBar:
        if not one_end and not other_end:
            return RangeBar(start=at(Decimal(0)), width=0.0, zero=min(at(Decimal(0)), WIDTH - 1.0))
        first, last = sorted((at(one_end), at(other_end)))
        width = max(last - first, LEAST)
        return RangeBar(
            start=round(min(first, WIDTH - width), 2), width=round(width, 2), zero=min(at(Decimal(0)), WIDTH - 1.0)
        )

    return draw
