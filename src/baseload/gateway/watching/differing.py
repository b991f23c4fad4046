"""Answers that differ where nobody knows the truth: how often they may, before it can be nothing but a loss.

Where exactly one answer is right, a candidate that differs from a right incumbent is wrong. With w, the share of calls
on which the incumbent is wrong,

    E[D] <= -P(differ and incumbent right) + P(differ and incumbent wrong) <= 2 w - P(differ)

so that 2 w - 1[differ] is never worse news of a candidate, in the mean, than its own D. w is measured by the trial
that allows the route: the upper end of its 95 % interval (Wilson, one-sided). Which of the two a pair is counted by,
its form or this, is settled by the pairs before it, never by itself: the alarm's run length holds for the mixture.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from baseload.gateway.watching.messages import Difference
from baseload.gateway.watching.terms import TRIALS

WINDOW: Final = 50
LEAST: Final = 20
_Z: Final = 1.6448536269514722
_MOST_BYTES: Final = 16 << 20
_ONE_RIGHT: Final = ("label", "parsed", "tool_call")


class Differing:
    """One route's pairs without a truth, as they come. `wrong_most` None: nothing bounds how often they may differ."""

    def __init__(self, wrong_most: float | None) -> None:
        self._slack = None if wrong_most is None or wrong_most >= 0.5 else 2 * wrong_most
        self._recent: deque[bool] = deque(maxlen=WINDOW)

    def __repr__(self) -> str:
        return f"Differing({sum(self._recent)} of {len(self._recent)})"

    @property
    def is_loss(self) -> bool:
        """The last pairs differ more often than the incumbent can be wrong."""
        share = sum(self._recent) / max(len(self._recent), 1)
        return self._slack is not None and len(self._recent) >= LEAST and share > self._slack

    def d(self, found: Difference) -> float | None:
        """What a pair counts."""
        if found.how != "form" or found.d is None:
            return found.d
        differs, by_form = bool(found.reason) or found.d != 0, not self.is_loss
        self._recent.append(differs)
        return found.d if by_form or self._slack is None else self._slack - float(differs)


class _Arm(msgspec.Struct):
    arm: str
    calls: int
    completed_by: str = ""
    cost_per_call_usd: float | None = None
    cost_per_completed_usd: float | None = None


class _Trial(msgspec.Struct):
    """What is read of a `trial.json` (schema `baseload.trial/1`)."""

    verdict_id: str
    tier: str | None = None
    arms: tuple[_Arm, ...] = ()


def has_one_right(grader: Mapping[str, Any]) -> bool:
    """Whether exactly one answer is right for each call, and scores 1, all others 0."""
    kind = grader.get("kind")
    if kind == "extraction":
        return grader.get("score") == "all" and not grader.get("fields")
    return kind in _ONE_RIGHT and not grader.get("macro_recall")


def wrong_in(folder: Path) -> dict[str, float]:
    """Verdict id -> the most the incumbent is wrong, of the trials of a project that were graded by truths."""
    found = {}
    for path in sorted((folder / TRIALS).glob("*/trial.json")):
        try:
            if path.stat().st_size > _MOST_BYTES:
                continue
            trial = msgspec.json.decode(path.read_bytes(), type=_Trial, strict=False)
        except (OSError, ValueError, RecursionError):
            continue
        arm = next((one for one in trial.arms if one.arm == "incumbent"), None)
        right = _right_share(arm) if arm is not None and trial.tier == "truth" else None
        if arm is not None and right is not None:
            found[trial.verdict_id] = _upper(1 - right, arm.calls)
    return found


def _right_share(arm: _Arm) -> float | None:
    """Completed tasks are the sum of scores (`quality.trial.document.ArmSummary`): what one costs says how many."""
    if arm.completed_by != "scores" or not arm.cost_per_call_usd or not arm.cost_per_completed_usd or arm.calls < 1:
        return None
    return min(1.0, arm.cost_per_call_usd / arm.cost_per_completed_usd)


def _upper(share: float, n: int) -> float:
    """The upper end of a Wilson interval."""
    z2 = _Z * _Z
    middle = share + z2 / (2 * n)
    return min(1.0, (middle + _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n))


__all__ = ["Differing", "has_one_right", "wrong_in"]
