"""The bar a cheaper model has to clear on one workload, fixed and hashed before anything is sampled."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Final, Literal

import msgspec

from baseload.errors import UsageError
from baseload.quality.betting import Rule

Tier = Literal["truth", "adjudicated", "same_as_incumbent"]
"""How a score is known, best first: against gold answers or tests, by a blind judge or person, by agreement."""
TIERS: Final[tuple[Tier, ...]] = ("truth", "adjudicated", "same_as_incumbent")

ALPHA: Final = 0.05
CRITICAL_ALPHA: Final = 0.025
MARGIN: Final = 0.02
CRITICAL_MARGIN: Final = 0.01
JUDGED_ALPHA: Final = 0.04
"""Of a judged bar's 0.05, so much is spent on the test and 0.01 on what the judge sees (quality.md 3.3)."""


class Bar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What "no worse" means, and what may be spent on showing it. Raises UsageError on values out of range.

    Scores lie in 0 to 1 and `margin` is in points of them (0.02 = two points): None = 0.02, 0.01 where `critical`.
    `alpha`, one-sided: None = 0.05, 0.025 where `critical`. `guards` name strata that may veto by breaking on their
    own. A verdict may rest on scores of `tier_required` or a better tier, and on a sample of which at most
    `not_replayable_most` could not be sent to the candidate. `cost_per_error_usd` None = nobody said what a miss costs.
    """

    workload: str
    grader: str
    margin: float | None = None
    alpha: float | None = None
    power: float = 0.9
    critical: bool = False
    guards: tuple[str, ...] = ()
    budget_usd: Decimal
    most_calls: int | None = None
    tier_required: Tier = "same_as_incumbent"
    not_replayable_most: float = 0.05
    expires_days: int = 90
    cost_per_error_usd: Decimal | None = None

    def __post_init__(self) -> None:
        rules = (
            ("margin", self.points, 0 < self.points < 1, "a number above 0 and below 1, such as 0.02"),
            ("alpha", self.level, 0 < self.level < 1, "a number above 0 and below 1, such as 0.05"),
            ("power", self.power, 0.5 <= self.power < 1, "a number from 0.5 to below 1, such as 0.9"),
            ("budget_usd", self.budget_usd, _amount(self.budget_usd) and self.budget_usd > 0, "dollars above 0"),
            ("most_calls", self.most_calls, self.most_calls is None or self.most_calls > 0, "at least 1 call"),
            ("not_replayable_most", self.not_replayable_most, 0 <= self.not_replayable_most < 1, "0 to below 1"),
            ("expires_days", self.expires_days, 1 <= self.expires_days <= 3660, "1 to 3660 days"),
            (
                "cost_per_error_usd",
                self.cost_per_error_usd,
                self.cost_per_error_usd is None or (_amount(self.cost_per_error_usd) and self.cost_per_error_usd >= 0),
                "dollars, 0 or more",
            ),
        )
        for field, value, holds, expected in rules:
            if not holds:
                raise UsageError(f"bar of {self.workload[:40]!r}: {field} {value}; expected {expected}")

    @property
    def points(self) -> float:
        """The margin that counts."""
        return (CRITICAL_MARGIN if self.critical else MARGIN) if self.margin is None else self.margin

    @property
    def level(self) -> float:
        """The alpha that counts."""
        return (CRITICAL_ALPHA if self.critical else ALPHA) if self.alpha is None else self.alpha

    @property
    def rule(self) -> Rule:
        """The test of it."""
        return Rule(margin=self.points, alpha=self.level, most_calls=self.most_calls)

    @property
    def sha256(self) -> str:
        """Of its canonical JSON: any change of it is another bar."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


def _amount(value: Decimal) -> bool:
    return value.is_finite()
