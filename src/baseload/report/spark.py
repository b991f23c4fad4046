"""A small line of daily dollars as an SVG path: readable without a script, on paper and in any theme."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

WEEK = 7
MOST_POINTS = 184


class Spark(msgspec.Struct, frozen=True, kw_only=True):
    """Path data inside a `width` x `height` box; "" where there is nothing to draw (under two points)."""

    line: str
    area: str
    width: int
    height: int


def daily(amounts: Sequence[str], *, width: int = 360, height: int = 56) -> Spark:
    """One point a day; over 184 days neighbouring days are averaged so that the line stays readable."""
    size = -(-len(amounts) // MOST_POINTS) or 1
    return _spark(_bucket_means([Decimal(amount) for amount in amounts], size), width, height)


def weekly(amounts: Sequence[str], *, width: int = 96, height: int = 20) -> Spark:
    """One point per whole week, counted back from the last day; the days before the first whole week are left out."""
    values = [Decimal(amount) for amount in amounts]
    return _spark(_bucket_means(values[len(values) % WEEK :], WEEK), width, height)


def _bucket_means(values: Sequence[Decimal], size: int) -> list[float]:
    starts = range(0, len(values), size)
    return [float(sum(values[at : at + size])) / len(values[at : at + size]) for at in starts]


def _spark(values: Sequence[float], width: int, height: int) -> Spark:
    if len(values) < 2:
        return Spark(line="", area="", width=width, height=height)
    top = max(*values, 0.0) or 1.0
    room = height - 2  # a pixel above and below for the stroke
    step = width / (len(values) - 1)
    points = [
        f"{round(at * step, 1):g} {round(1 + room - max(value, 0) / top * room, 1):g}"
        for at, value in enumerate(values)
    ]
    line = "M" + "L".join(points)
    return Spark(line=line, area=f"{line}L{width} {height}L0 {height}Z", width=width, height=height)
