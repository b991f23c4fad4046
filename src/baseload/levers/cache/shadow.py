"""What the simple rules would have cost so far, so that a planner never does much worse than the best of them.

A shadow marks nothing, or the end of every request for five minutes or for an hour, and keeps its own picture of the
cache. A planner whose bill falls behind the best shadow's does as that shadow does. Meanwhile a shadow of the planner
goes on, so that it is followed again when its own way would have caught up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from baseload.levers.cache.choices import Rates
from baseload.levers.cache.price import TTL_1H_US, TTL_5M_US
from baseload.levers.cache.rules import LOOK_BACK

Rule = Literal["none", "all_5m", "all_1h"]

LAG: Final = 0.003
"""Share of the best rule's bill by which a planner may be behind it."""
START_TOKENS: Final = 100_000
"""…and so many plain tokens besides: no rule can be judged by its first requests."""
PATIENCE: Final = 500
"""Requests for which a rule is followed before the planner's own way gets another chance; twice as many each time. Its
shadow marks for five minutes only, so that what it would have cost is never known well.
"""
MOST_EXPECTED_TOKENS: Final = 1_200_000
"""What is still expected counts for at most so many plain tokens: five minutes of a busy
lane, which no rule gets back before they are over, but no more: a belief is not money."""
MOST_ENTRIES: Final = 20_000
"""Entries a shadow keeps of one lane; beyond it the dead are dropped."""


_TTL_US: Final = (TTL_5M_US, TTL_1H_US, TTL_5M_US)
_SHORT, _LONG, _OWN = range(3)


class LaneShadow:
    """The entries three ways of marking would have left in one lane: the time each dies.

    Every end for five minutes, every end for an hour, and what the planner would mark, for five minutes.
    """

    __slots__ = ("_expires",)

    def __init__(self) -> None:
        self._expires: tuple[dict[int, int], ...] = ({}, {}, {})

    def read(self, way: int, ids: Sequence[int], target: int, now_us: int) -> int:
        """The position this way reads to, -1 for none, when it marks the target."""
        expires, until_us = self._expires[way], now_us + _TTL_US[way]
        for position in range(target, max(target - LOOK_BACK, -1), -1):
            if expires.get(ids[position], -1) >= now_us:
                expires[ids[position]] = expires[ids[target]] = until_us
                return position
        expires[ids[target]] = until_us
        if len(expires) > MOST_ENTRIES:
            for key in [key for key, dies_us in expires.items() if dies_us < now_us]:
                del expires[key]
        return -1


class Asked(NamedTuple):
    """A request as the shadows see it; `ids` is empty where nothing of it can be cached."""

    ids: Sequence[int]
    ends: Sequence[int]
    prompt_tokens: int
    now_us: int
    rates: Rates


class Bills:
    """The bills so far, in one unit: of the simple rules, and of the planner's own way."""

    def __init__(self) -> None:
        self._none, self._short, self._long, self._own = 0.0, 0.0, 0.0, 0.0
        self.following: Rule | None = None
        self._patience, self._followed = PATIENCE, 0

    def add(self, shadow: LaneShadow, asked: Asked, target: int, paid: float) -> None:
        """A request that cost `paid` as it was sent; the planner's own way would mark `target`, -1 for nothing."""
        plain = asked.prompt_tokens * asked.rates.plain
        self._none += plain
        if not asked.ids:
            self._short, self._long, self._own = self._short + plain, self._long + plain, self._own + plain
            return
        tail = len(asked.ids) - 1
        self._short += _price(shadow, _SHORT, asked, tail, asked.rates.write_5m)
        self._long += _price(shadow, _LONG, asked, tail, asked.rates.write_1h)
        own = plain if target < 0 else _price(shadow, _OWN, asked, target, asked.rates.write_5m)
        self._own += paid if self.following is None else own

    def corrected(self, missed_tokens: int, rates: Rates) -> None:
        """The last request read so many tokens less than was believed (more, where negative), and wrote them."""
        if self.following is None:
            self._own += missed_tokens * (rates.write_5m - rates.read)

    def kept_alive(self, paid: float) -> None:
        """Keep-alive reads were sent."""
        self._own += paid

    def follows(self, expected: float, rates: Rates) -> Rule | None:
        """The rule to follow now; None while the planner's own way keeps up with the best of them.

        `expected` is what the planner still expects to save by what it wrote in the last minutes.
        """
        own = self._own - min(expected, MOST_EXPECTED_TOKENS * rates.plain)
        best = min(self._none, self._short, self._long)
        self._followed += self.following is not None
        if self._followed > self._patience:
            self._own, self._patience, self._followed = best, 2 * self._patience, 0
            self.following = None
        elif own > best * (1 + LAG) + START_TOKENS * rates.plain:
            self.following = "none" if best == self._none else "all_5m" if best == self._short else "all_1h"
        elif own <= best * (1 + LAG / 2):
            self.following = None
        return self.following


def _price(shadow: LaneShadow, way: int, asked: Asked, target: int, write: float) -> float:
    read = shadow.read(way, asked.ids, target, asked.now_us)
    held = asked.ends[read] if read >= 0 else 0
    marked = asked.ends[target]
    return held * asked.rates.read + (marked - held) * write + (asked.prompt_tokens - marked) * asked.rates.plain
