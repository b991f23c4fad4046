"""What the chances of a kind of request say about its marks: whether to write its end, and when for an hour.

Two rules, both per token of plain input:

*Write or not.* A token costs 1 sent plainly and w written. Sent plainly, it is written the next time it is wanted;
written, it is read then for r while it lives. With chances s that it is wanted within five minutes and l that it is
only after that and within the hour, writing it for five minutes gains s (w5 - r) - (w5 - 1), and for an hour
(s + l) (w5 - r) - (w1 - 1). A request is marked up to where the sum of its tokens' gains is largest.

*An anchor now and then.* An entry is the whole prefix up to its mark, and where the prefix before it is read, only the
new part is billed as written (anthropic-facts section 3, mixed billing). So an hour's mark behind a short new part
keeps all before it for an hour. With `d` new tokens and `u` tokens behind the last anchor, marking for an hour costs
(w1 - w5) d more than for five minutes, and not marking risks (w5 - r)(u + d) whenever the conversation pauses for more
than five minutes, which has chance p at each request. How often to anchor is the question of the economic order
quantity: with requests that add d each, every n-th costs (w1 - w5) d / n + p (w5 - r) d n / 2 a request, least at
n = sqrt(2 (w1 - w5) / (p (w5 - r))). A request is the n-th when (u + d) / d reaches n, which is
(w1 - w5) d <= theta (u + d) with theta = sqrt(p (w1 - w5) (w5 - r) / 2).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from baseload.levers.cache.reuse import Again


class Rates(NamedTuple):
    """What a token costs in each input class, in any one unit."""

    plain: float
    read: float
    write_5m: float
    write_1h: float


class Choice(NamedTuple):
    """What to do with requests of a kind. Gains are per token, in plain tokens: of writing what is new, and what was
    seen before and has no entry, for five minutes and for an hour. `anchor` is theta above.
    """

    new_5m: float
    new_1h: float
    old_5m: float
    old_1h: float
    anchor: float

    @property
    def new(self) -> float:
        """What writing a new token gains at best."""
        return max(self.new_5m, self.new_1h)

    @property
    def old(self) -> float:
        """What writing a token that was seen before gains at best."""
        return max(self.old_5m, self.old_1h)


def choice_for(again: Again, rates: Rates) -> Choice:
    """The choice these chances and prices make."""
    read, short, long = (rate / rates.plain for rate in rates[1:])

    def gains(soon: float, later: float) -> tuple[float, float]:
        return soon * (short - read) - (short - 1), (soon + later) * (short - read) - (long - 1)

    risk = again.whole_later * (long - short) * (short - read) / 2
    return Choice(
        *gains(again.new_soon, again.new_later),
        *gains(again.whole_soon, again.whole_later),
        math.sqrt(max(0.0, risk)),
    )


def is_anchor(choice: Choice, rates: Rates, new_tokens: int, exposed_tokens: int) -> bool:
    """Whether a mark behind so many new tokens should live for an hour; `exposed_tokens` have no hour's entry yet."""
    more = (rates.write_1h - rates.write_5m) / rates.plain * new_tokens
    return more <= choice.anchor * (exposed_tokens + new_tokens)


def is_kept_for_hour(again: float, rates: Rates) -> bool:
    """Whether what a pause made expire is written for an hour now, where chance `again` is that of another such pause.

    For five minutes it would be written again after that pause, and for an hour at the latest then.
    """
    return again * (rates.write_1h - rates.read) > rates.write_1h - rates.write_5m
