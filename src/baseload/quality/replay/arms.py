"""The arms of a trial as data: which calls are sent to whom, and which pairs are seeded bad (quality.md 2.2, 2.3).

Nothing is sent or graded here. The incumbent-again arm measures the incumbent's own noise and is the placebo of a
judge (A' against A); seeded-bad pairs measure whether the judge can see a loss, on either side of a pair.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

Arm = Literal["candidate", "incumbent_again", "judge"]
Defect = Literal["dropped_field", "swapped_label", "negated_claim", "wrong_number", "truncation"]
DEFECTS: Final[tuple[Defect, ...]] = (
    "dropped_field", "swapped_label", "negated_claim", "wrong_number", "truncation",
)  # fmt: skip
PLACEBO_PAIRS: Final = 100
SEEDED_PAIRS: Final = 60


class SeededBad(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded answer to be spoilt and put before the judge unmarked; `side` is whose answer it poses as."""

    call: str
    defect: Defect
    side: Literal["candidate", "incumbent"]


class Arms(msgspec.Struct, frozen=True, kw_only=True):
    """Calls by arm, each in sample order; `placebo` are calls of `incumbent_again` that a judge sees too."""

    candidate: tuple[str, ...]
    incumbent_again: tuple[str, ...]
    placebo: tuple[str, ...]
    seeded_bad: tuple[SeededBad, ...]


def planned_arms(
    calls: Sequence[str],
    seed: int,
    *,
    judged: bool,
    noise_floor: bool = False,
    placebo_pairs: int = PLACEBO_PAIRS,
    seeded_pairs: int = SEEDED_PAIRS,
) -> Arms:
    """What a trial on `calls` (in sample order) sends and seeds.

    `noise_floor` replays the incumbent on every call; else a judged trial replays it on `placebo_pairs` calls and one
    that is not judged on none. The controls are drawn by `seed`; defects take turns, and so do sides.
    """
    drawn = sorted(calls, key=lambda call: hashlib.sha256(f"{seed}/control/{call}".encode()).digest())
    placebo = set(drawn[:placebo_pairs]) if judged else set()
    seeded = drawn[::-1][:seeded_pairs] if judged else []  # from the other end: apart from the placebo where it can be
    return Arms(
        candidate=tuple(calls),
        incumbent_again=tuple(call for call in calls if noise_floor or call in placebo),
        placebo=tuple(call for call in calls if call in placebo),
        seeded_bad=tuple(
            SeededBad(
                call=call,
                defect=DEFECTS[place % len(DEFECTS)],
                side="incumbent" if place // len(DEFECTS) % 2 else "candidate",
            )
            for place, call in enumerate(seeded)
        ),
    )
