"""What a buyer may choose with each right: a short list per window, so that every choice can be priced in full."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from msgspec.structs import replace

from baseload.commit.arrays import Array
from baseload.commit.bands import ladder
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.exercise import Exercise
from baseload.commit.options.known import run_rate
from baseload.commit.paths import Paths

Right = Literal["step_down", "step_up", "termination"]
RIGHTS: Final[tuple[Right, ...]] = ("step_down", "termination", "step_up")
SHARES: Final = (0.25, 0.5, 0.75, 1.0)
"""Of the most a step-down allows."""
LEVELS: Final = (0.6, 0.8, 1.0)
"""A step up commits to this share of the run rate, where that is more than is committed."""


class Window(NamedTuple):
    """One moment of decision: the right, which of its windows, and the first month that is not known yet."""

    right: Right
    place: int
    decided: int
    choices: tuple[Array, ...]  # (paths,) each: the share stepped down, dollars a year added, or 1 = leave


def windows_of(contract: Contract, paths: Paths, right: Right) -> list[Window]:
    """The windows of one right in their order; none where the contract does not give it."""
    if right == "step_down" and contract.step_down:
        clause = contract.step_down
        shares = tuple(np.full(paths.count, float(clause.share) * part) for part in SHARES)
        known = [month - clause.notice_months for month in clause.windows]
        return [Window(right, place, month, shares) for place, month in enumerate(known)]
    if right == "step_up" and contract.step_up:
        return [
            Window(right, place, month, _added(contract, paths, month))
            for place, month in enumerate(contract.step_up.windows)
        ]
    if right == "termination" and contract.termination:
        return [Window(right, 0, contract.termination.month, (np.ones(paths.count),))]
    return []


def _added(contract: Contract, paths: Paths, month: int) -> tuple[Array, ...]:
    """Dollars a year: up to a share of the run rate, or to the floor of a band within reach of it."""
    committed = float(contract.commit_usd_by_year[month // MONTHS_PER_YEAR])
    yearly = MONTHS_PER_YEAR * run_rate(paths, month)
    floors = [float(band.from_usd) for band in ladder(contract) if float(band.from_usd) > committed]
    wanted = [yearly * level for level in LEVELS] + [np.full(paths.count, floor) for floor in floors[:2]]
    return tuple(np.maximum(want - committed, 0.0) for want in wanted)


def empty(contract: Contract, paths: Paths, right: Right) -> Array:
    """The right not used: (paths, windows)."""
    return np.zeros((paths.count, max(1, len(windows_of(contract, paths, right)))))


def with_used(exercise: Exercise, right: Right, used: Array) -> Exercise:
    """The same exercise with this right used so, (paths, windows)."""
    if right == "termination":
        return replace(exercise, leave=used[:, 0] > 0)
    return replace(exercise, **{right: used})
