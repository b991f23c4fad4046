"""What each lever is worth on average over every order in which the levers could be taken.

A waterfall gives the first lever what a later one would have saved too. The Shapley value of a lever is its saving
averaged over all orders; with five levers that is exact from the cost of 2^5 sets of them. The values add up to the
whole saving, a lever that is not taken is worth nothing, and two that save the same everywhere are worth the same.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import factorial

from baseload.plan.choice import LEVERS, TODAY, Choice, Lever, levers_of, part
from baseload.plan.cost import Pricer
from baseload.plan.rounding import largest_remainder


def shapley(pricer: Pricer, choice: Choice) -> dict[Lever, int]:
    """Nano-dollars each lever of a choice saves, all five in order; they add to today's likely cost less the choice's.

    The exact values are fractions; they are rounded to whole nano-dollars by largest remainder.
    """
    players = levers_of(choice, pricer.menu)
    exact = {lever: _value(pricer, choice, players, lever) for lever in players}
    whole = pricer.at(TODAY) - pricer.at(choice)
    rounded = largest_remainder([exact.get(lever, Fraction(0)) for lever in LEVERS], whole)
    return dict(zip(LEVERS, rounded, strict=True))


def _value(pricer: Pricer, choice: Choice, players: tuple[Lever, ...], lever: Lever) -> Fraction:
    others = [other for other in players if other != lever]
    total = Fraction(0)
    for size in range(len(players)):
        weight = Fraction(factorial(size) * factorial(len(players) - size - 1), factorial(len(players)))
        for before in combinations(others, size):
            saved = pricer.at(part(choice, pricer.menu, before)) - pricer.at(
                part(choice, pricer.menu, (*before, lever))
            )
            total += weight * saved
    return total
