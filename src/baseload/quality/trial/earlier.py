"""Earlier attempts at the same candidate, and what they leave of a bar's alpha.

Who tries until one holds has shown nothing, so all attempts are one walk. While the candidate is worse than the bar,
the wealth of an attempt is at most 1 in the mean, so that the next one, on other calls, may be tested at what alpha was
before x that wealth, never at more: P(it passes now) + E[alpha x wealth where it does not] <= alpha x E[wealth at the
stop] <= alpha. So the chance that any of them passes stays at alpha, however many there are and whoever looks between.
A judge's controls take their 0.01 in every attempt anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

LEAST_ALPHA: Final = 1e-12
"""With less no trial can hold: it is nothing."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One that counts, until the UTC day `counts_until` (None = its record does not say). `wealth` is that at its stop,
    `calls` are the marks of those it compared, `paid_usd` what it cost at most."""

    number: int
    wealth: float
    verdict_id: str = ""  # "" = it was set aside before it had one
    simulated: bool = False
    calls: tuple[str, ...] = ()
    counts_until: int | None = None
    paid_usd: Decimal = Decimal(0)


def alpha_left(level: float, wealths: Iterable[float], spent_each: float = 0.0) -> float:
    """What attempts that ended with these wealths leave of `level`, as a share of it; 1 = there were none.

    `spent_each` is what each of them took of it for the controls of a judge.

    >>> alpha_left(0.05, []), alpha_left(0.05, [0.2, 3.0]), round(alpha_left(0.05, [0.5], 0.01), 12)
    (1.0, 0.2, 0.4)
    """
    left = 1.0
    for wealth in wealths:
        left = max(0.0, left - spent_each / level) * min(1.0, wealth)
    return left


def listed(attempts: Sequence[Attempt]) -> list[list[object]]:
    """As a record names them: number, id of the verdict, wealth."""
    return [[one.number, one.verdict_id, one.wealth] for one in attempts]


def mark(call_id: str) -> str:
    """What stands for a call where earlier attempts are kept.

    >>> len(mark("msg_1"))
    16
    """
    return hashlib.sha256(call_id.encode()).hexdigest()[:16]
