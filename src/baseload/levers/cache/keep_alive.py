"""How many keep-alive reads a silence is worth: each is paid, also in the session that never comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

CAUTION: Final = 0.8
"""Chances were learnt on other sessions; a read must be worth its price at this share of them."""


def touches_worth(chances: Sequence[float], read: float, saved: float) -> int:
    """Keep-alive reads to plan at most, stopped by the next request; 0 = let the entry die.

    `chances[j]`: that the prefix is wanted again between read j + 1 and the time its entry would die after it, if not
    before. `read` is the price of one keep-alive read, `saved` what a living entry saves when it is wanted, both per
    token of the prefix. Read j is worth having when what it and those after it save, each as likely as it is to come
    to that, is more than their price; a chance beyond the last is none.
    """
    worth, most = 0.0, 0
    for step in range(len(chances) - 1, -1, -1):
        chance = CAUTION * chances[step]
        ahead = max(worth, 0.0)
        most = most if worth > 0 else 0
        worth = chance * saved - read + (1 - chance) * ahead
        most += 1
    return most if worth > 0 else 0
