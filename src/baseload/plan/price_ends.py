"""Prices in use that stop being sold inside the year a plan speaks of: what is counted for them is said to be too long.

A run rate is the last weeks times a year. Where a speed or a tier is withdrawn before that year is over, neither its
cost nor what leaving it saves lasts as long. What the calls will cost then is in no price list, and is not made up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from baseload.ledger.run_rate import YEAR_DAYS
from baseload.levers.position import Position
from baseload.plan.words import dollars
from baseload.prices.book import PriceBook, PriceKey, RateRange
from baseload.values import Problem, iso_day


class _Ending(NamedTuple):
    model: str
    speed: str
    tier: str
    end_day: int  # the first without a price


def price_ends(positions: Iterable[Position], book: PriceBook, day: int) -> list[Problem]:
    """One problem for each (model, speed, tier) in use that is sold on `day` and no longer sold a year after it."""
    found: dict[_Ending, int] = {}
    for position in positions:
        end_day = sold_until(position.key, book, day)
        if end_day is not None and end_day < day + YEAR_DAYS:
            ending = _Ending(position.key.model, position.key.speed, position.key.tier, end_day)
            found[ending] = found.get(ending, 0) + position.list_nano
    return [_problem(ending, nano, day) for ending, nano in sorted(found.items())]


def sold_until(key: PriceKey, book: PriceBook, day: int) -> int | None:
    """The first day after `day` on which a key has no price any more; None where it has none today, or no end."""
    if book.rates(key, day) is None:
        return None
    ends = (span.from_day for span in book.spans(key) if span.from_day > day and not isinstance(span.answer, RateRange))
    return min(ends, default=None)


def _problem(ending: _Ending, nano: int, day: int) -> Problem:
    kind = "fast mode" if ending.speed == "fast" else f"tier {ending.tier}, speed {ending.speed}"
    left = ending.end_day - day
    return Problem(
        source="plan",
        file="",
        row=0,
        code="price-ends",
        message=f"{kind[0].upper()}{kind[1:]} of {ending.model} ({dollars(nano)} of list price in the window) is sold "
        f"for {left} more days, and the plan counts it, and what leaving it saves, for a year.",
        value=iso_day(ending.end_day - 1),
        expected=f"a price that is sold until {iso_day(day + YEAR_DAYS - 1)} or longer",
        next_step=f"Leave it before that day; of a yearly saving that is left, only {left} of {YEAR_DAYS} days count.",
    )
