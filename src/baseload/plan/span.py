"""A range of money: low, likely, high, in integers of nano-dollars."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of what is known, not of what will happen. `low` <= `likely` <= `high`."""

    low: int = 0
    likely: int = 0
    high: int = 0

    def __add__(self, other: Span) -> Span:
        return Span(low=self.low + other.low, likely=self.likely + other.likely, high=self.high + other.high)

    def each(self, change: Callable[[int], int]) -> Span:
        """The span with a rising function applied to every bound."""
        return Span(low=change(self.low), likely=change(self.likely), high=change(self.high))


def point(nano: int) -> Span:
    """A span with nothing open."""
    return Span(low=nano, likely=nano, high=nano)


def total(spans: Iterable[Span]) -> Span:
    """Bounds added end to end: the widest sum, as if every unknown fell the same way."""
    found = Span()
    for span in spans:
        found += span
    return found


def around(likely: int, bounds: Iterable[int]) -> Span:
    """The smallest span that holds a likely value and some others."""
    values = [likely, *bounds]
    return Span(low=min(values), likely=likely, high=max(values))
