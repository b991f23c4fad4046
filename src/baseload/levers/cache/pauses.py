"""How often a conversation that fell silent is taken up again: what a keep-alive read is worth depends on it.

Silence is cut into steps of the time between two keep-alive reads. Of every step two things are counted in tokens: how
much was still silent when it began, and how much of that was read again before it ended.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from baseload.levers.cache.price import TTL_1H_US, TTL_5M_US
from baseload.levers.cache.trace import Stop
from baseload.levers.options import Ttl

MARGIN_US: Final = 10_000_000
"""A keep-alive read is sent so long before the entry would die."""
STEP_US: Final[dict[Ttl, int]] = {"5m": TTL_5M_US - MARGIN_US, "1h": TTL_1H_US - MARGIN_US}
STEPS: Final[dict[Ttl, int]] = {"5m": 11, "1h": 3}
"""Steps looked at: up to an hour of five minutes, up to four of hours."""
WAITS: Final = 2
TTLS: Final[tuple[Ttl, Ttl]] = ("5m", "1h")


def wait_of(stop: int) -> int:
    """0 where the answer asked for a tool's result, 1 where a person is to speak, or it is not known."""
    return int(stop != Stop.TOOL_USE)


class _Prior(NamedTuple):
    tool: tuple[float, ...]
    turn: tuple[float, ...]


PRIOR: Final[dict[Ttl, _Prior]] = {
    "5m": _Prior(
        tool=(0.25, 0.18, 0.05, 0.04, 0.03, 0.03, 0.02, 0.02, 0.02, 0.02, 0.02),
        turn=(0.14, 0.08, 0.06, 0.04, 0.04, 0.04, 0.03, 0.03, 0.03, 0.03, 0.03),
    ),
    "1h": _Prior(tool=(0.02, 0.02, 0.02), turn=(0.04, 0.03, 0.02)),
}
"""Chance of coming back in each step, before anything is counted (docs/decisions/cache-planner.md)."""
PRIOR_AGAIN: Final = 0.6
"""Chance that what was read again after a pause will be so once more."""
PRIOR_SILENCES: Final = 12.0
"""The weight of the prior, in silences."""

Rows = tuple[tuple[int, ...], ...]


class Pauses(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted: a row for each of `wait_of`, an entry a step.

    `paused` are tokens read again after a silence of five minutes to an hour, `paused_again` those of them that were
    so another time later.
    """

    silences_5m: Rows
    silent_5m: Rows
    back_5m: Rows
    silences_1h: Rows
    silent_1h: Rows
    back_1h: Rows
    pauses: int
    paused: int
    paused_again: int


class PauseCounts:
    """The counts while they grow."""

    def __init__(self, start: Pauses | None = None) -> None:
        def begun(name: str) -> dict[Ttl, list[list[int]]]:
            return {
                ttl: [list(row) for row in getattr(start, f"{name}_{ttl}")]
                if start
                else [[0] * STEPS[ttl] for _ in range(WAITS)]
                for ttl in TTLS
            }

        self._silences, self._silent, self._back = begun("silences"), begun("silent"), begun("back")
        self._pauses = start.pauses if start else 0
        self._paused = start.paused if start else 0
        self._paused_again = start.paused_again if start else 0

    def heard(self, wait: int, prompt_tokens: int, reread_tokens: int, silent_us: int) -> None:
        """The lane went on after this silence and read so many of the last prompt's tokens again."""
        for ttl in TTLS:
            ended = silent_us // STEP_US[ttl]
            if ended:
                self._count(ttl, wait, prompt_tokens, ended)
                if ended <= STEPS[ttl]:
                    self._back[ttl][wait][ended - 1] += min(prompt_tokens, reread_tokens)

    def paused(self, tokens: int, before: int) -> None:
        """So many tokens were read again after a pause; after the lane's pause before, `before` were."""
        self._pauses += 1
        self._paused += tokens
        self._paused_again += min(tokens, before)

    def again(self) -> float:
        """The chance that tokens read again after a pause will be so once more."""
        weight = PRIOR_SILENCES * self._paused / self._pauses if self._paused else 1.0
        return (self._paused_again + weight * PRIOR_AGAIN) / (self._paused + weight)

    def lost(self, wait: int, prompt_tokens: int) -> None:
        """The lane was never heard of again."""
        for ttl in TTLS:
            self._count(ttl, wait, prompt_tokens, STEPS[ttl])

    def _count(self, ttl: Ttl, wait: int, tokens: int, steps: int) -> None:
        silences, silent = self._silences[ttl][wait], self._silent[ttl][wait]
        for step in range(min(steps, STEPS[ttl])):
            silences[step] += 1
            silent[step] += tokens

    @property
    def outlived(self) -> bool:
        """Whether anything was ever read again that an entry of five minutes would have lost."""
        return any(any(row) for row in self._back["5m"])

    def chances(self, ttl: Ttl, wait: int) -> tuple[float, ...]:
        """The chance of each step that what is still silent when it begins is read before it ends."""
        prior = PRIOR[ttl].turn if wait else PRIOR[ttl].tool
        rows = zip(prior, self._silences[ttl][wait], self._silent[ttl][wait], self._back[ttl][wait], strict=True)
        return tuple(_leaning(believed, count, silent, back) for believed, count, silent, back in rows)

    def frozen(self) -> Pauses:
        """The counts as a record that can be kept."""

        def kept(rows: list[list[int]]) -> Rows:
            return tuple(tuple(row) for row in rows)

        return Pauses(
            silences_5m=kept(self._silences["5m"]),
            silent_5m=kept(self._silent["5m"]),
            back_5m=kept(self._back["5m"]),
            silences_1h=kept(self._silences["1h"]),
            silent_1h=kept(self._silent["1h"]),
            back_1h=kept(self._back["1h"]),
            pauses=self._pauses,
            paused=self._paused,
            paused_again=self._paused_again,
        )


def _leaning(believed: float, silences: int, silent: int, back: int) -> float:
    weight = PRIOR_SILENCES * silent / silences if silent else 1.0
    return (back + weight * believed) / (silent + weight)
