"""What one route promises, and by which rules it is watched: fixed when the route begins."""

from __future__ import annotations

import itertools
from typing import Final

import msgspec

from baseload.errors import UsageError
from baseload.quality.watch.burn import HOUR_US, LEAST_BAD, Budget
from baseload.quality.watch.drift import Reference
from baseload.quality.watch.events import Signal


class Rung(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stage of the ramp: the share of sessions that the candidate serves, and the least it takes to leave it.

    `least_calls`: answers of the candidate in this stage; `least_pairs`: graded pairs in it. All three must be met.
    """

    share: float
    least_us: int
    least_calls: int
    least_pairs: int


LADDER: Final = (
    Rung(share=0.0, least_us=24 * HOUR_US, least_calls=100, least_pairs=100),
    Rung(share=0.05, least_us=24 * HOUR_US, least_calls=200, least_pairs=50),
    Rung(share=0.25, least_us=24 * HOUR_US, least_calls=500, least_pairs=100),
    Rung(share=0.50, least_us=24 * HOUR_US, least_calls=1000, least_pairs=200),
    Rung(share=1.0, least_us=0, least_calls=0, least_pairs=0),
)
"""Shadow, then 5, 25, 50 and 100 % of the sessions. What leaving a stage takes is a choice, not a theorem."""


class Tested(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the verdict was earned with, in the names the API and the grader give themselves.

    `systems` and `tools`: hashes of the system prompts and tool schemas of the trial's calls; none = not compared.
    `incumbent` and `grader` "" = not compared.
    """

    candidate: str
    incumbent: str = ""
    systems: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    grader: str = ""


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The promise of one route under one policy. Raises UsageError on values out of range.

    `decided_us`: when the trial was decided. `margin`: the loss of mean score that is still no worse, as the graders
    see it (a judge that misses losses: the margin the trial tested at). `alarm`: A; a route within its margin raises
    a false alarm after A pairs on average or later. `shadow_share`: of calls, paired and graded while all is calm;
    `shadow_factor` times that while it is not. `holdback`: share of sessions that stays on the incumbent for ever.
    """

    workload: str
    policy_id: str
    verdict_id: str
    decided_us: int
    tested: Tested
    margin: float
    alarm: float = 1000.0
    expires_days: int = 90
    holdback: float = 0.02
    shadow_share: float = 0.02
    shadow_factor: float = 3.0
    ladder: tuple[Rung, ...] = LADDER
    budgets: dict[Signal, Budget] = msgspec.field(default_factory=dict)
    least_bad: int = LEAST_BAD
    references: dict[str, Reference] = msgspec.field(default_factory=dict)
    drift_calls: int = 1000

    def __post_init__(self) -> None:
        shares = [rung.share for rung in self.ladder]
        rises = all(a < b for a, b in itertools.pairwise(shares))
        climbs = len(shares) > 1 and shares[0] == 0 and rises and shares[-1] <= 1
        least = [(rung.least_us, rung.least_calls, rung.least_pairs) for rung in self.ladder]
        rules = (
            ("margin", self.margin, 0 < self.margin < 1, "a number above 0 and below 1, such as 0.02"),
            ("alarm", self.alarm, 2 <= self.alarm <= 1e9, "2 to 1e9 pairs, such as 1000"),
            ("expires_days", self.expires_days, 1 <= self.expires_days <= 3660, "1 to 3660 days"),
            ("holdback", self.holdback, 0 <= self.holdback < 1, "a share from 0 to below 1, such as 0.02"),
            ("shadow_share", self.shadow_share, 0 <= self.shadow_share <= 1, "a share from 0 to 1"),
            ("shadow_factor", self.shadow_factor, 1 <= self.shadow_factor <= 1000, "a number from 1 to 1000"),
            ("ladder", shares, climbs, "shares that rise from 0 to at most 1"),
            ("ladder", least, all(min(one) >= 0 for one in least), "least time, calls and pairs of 0 or more"),
            ("least_bad", self.least_bad, self.least_bad >= 1, "at least 1"),
            ("drift_calls", self.drift_calls, self.drift_calls >= 1, "at least 1"),
        )
        for field, value, holds, expected in rules:
            if not holds:
                raise UsageError(f"watch of {self.workload[:40]!r}: {field} {value}; expected {expected}")

    def same_promise(self, other: Terms) -> bool:
        """Evidence gathered under one counts under the other."""
        mine, theirs = ((t.workload, t.verdict_id, t.tested, t.margin) for t in (self, other))
        return mine == theirs
