"""What a route really saved: sessions it served against sessions drawn, at the same time, to stay where they were.

Sessions are assigned at random (quality/watch/assign), so the difference of mean cost between the two sides of one
period is caused by the route, whatever the calls became: longer answers, retries and extra turns are in it. A period
is a time of constant share; periods are compared within themselves and summed:

    saved = sum over periods of n_candidate x (mean cost of a reference session - mean cost of a candidate session)

The unit is the session: calls of one are not independent. The interval is a bootstrap-t over sessions (Efron and
Tibshirani, An Introduction to the Bootstrap, 12.5), because costs have long tails; from `NORMAL_FROM` sessions a side
on the normal distribution does. Without reference sessions nothing is identified, and no figure is made up.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Side = Literal["candidate", "reference"]

LEAST_SESSIONS: Final = 10
"""A side with fewer is no side: its variance is not known."""
NORMAL_FROM: Final = 2_000
DRAWS: Final = 2_000
_Z: Final = 1.959963984540054
_CHUNK: Final = 200


class SessionCost(NamedTuple):
    """One session: the period it began in (any label), its side, dollars, and tasks completed (0 = not counted)."""

    period: str
    side: Side
    usd: float
    completed: int = 0


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """Realised savings of one route in dollars, negative where it cost more; 95 % interval `low_usd` to `high_usd`.

    All None where nothing is identified, and `reason` then says why. `sessions` served by the candidate and `reference`
    beside them count in the figure; `left_out` are candidate sessions of periods without enough reference sessions.
    `*_per_session_usd` are means over the sessions that count; `*_per_completed_usd` None where no task was counted.
    """

    saved_usd: float | None = None
    low_usd: float | None = None
    high_usd: float | None = None
    share: float | None = None  # of what the candidate's sessions would have cost
    sessions: int = 0
    reference: int = 0
    left_out: int = 0
    candidate_per_session_usd: float | None = None
    reference_per_session_usd: float | None = None
    candidate_per_completed_usd: float | None = None
    reference_per_completed_usd: float | None = None
    reason: str = ""

    @property
    def identified(self) -> bool:
        return self.saved_usd is not None


class _Period(NamedTuple):
    candidate: Floats
    reference: Floats


def realised(sessions: Iterable[SessionCost], *, seed: int = 0) -> Saved:
    """From sessions to savings; the same sessions and seed give the same interval."""
    rows = list(sessions)
    sides: defaultdict[str, dict[Side, list[float]]] = defaultdict(lambda: {"candidate": [], "reference": []})
    for row in rows:
        sides[row.period][row.side].append(row.usd)
    counted = {name: side for name, side in sides.items() if min(map(len, side.values())) >= LEAST_SESSIONS}
    served = sum(row.side == "candidate" for row in rows)
    if not counted:
        return Saved(left_out=served, reason=_why_not(rows))
    periods = [_Period(np.array(side["candidate"]), np.array(side["reference"])) for side in counted.values()]
    saved, error = _total(periods)
    low, high = _interval(periods, saved, error, seed)
    sessions_in = sum(len(period.candidate) for period in periods)
    would = sum(len(period.candidate) * float(period.reference.mean()) for period in periods)
    inside = [row for row in rows if row.period in counted]
    return Saved(
        saved_usd=saved,
        low_usd=low,
        high_usd=high,
        share=saved / would if would else None,
        sessions=sessions_in,
        reference=sum(len(period.reference) for period in periods),
        left_out=served - sessions_in,
        candidate_per_session_usd=(would - saved) / sessions_in,
        reference_per_session_usd=would / sessions_in,
        candidate_per_completed_usd=_per_completed(inside, "candidate"),
        reference_per_completed_usd=_per_completed(inside, "reference"),
    )


def _why_not(rows: Sequence[SessionCost]) -> str:
    by_side = {side: sum(row.side == side for row in rows) for side in ("candidate", "reference")}
    if not by_side["candidate"]:
        return "not identified: no session was served by the candidate"
    if not by_side["reference"]:
        return "not identified: no session was held back, so nothing shows what these would have cost"
    return (
        f"not identified: {by_side['candidate']} sessions served and {by_side['reference']} held back, in no period "
        f"{LEAST_SESSIONS} of both"
    )


def _per_completed(rows: Sequence[SessionCost], side: Side) -> float | None:
    ours = [row for row in rows if row.side == side]
    completed = sum(row.completed for row in ours)
    return math.fsum(row.usd for row in ours) / completed if completed else None


def _total(periods: Sequence[_Period]) -> tuple[float, float]:
    """Dollars saved and their standard error."""
    saved = math.fsum(len(p.candidate) * float(p.reference.mean() - p.candidate.mean()) for p in periods)
    variance = math.fsum(
        len(p.candidate) ** 2 * float(_square(p.candidate) + _square(p.reference)) for p in periods
    )  # fmt: skip
    return saved, math.sqrt(variance)


def _square(costs: Floats) -> float:
    """Squared standard error of a mean."""
    return float(costs.var(ddof=1)) / len(costs)


def _interval(periods: Sequence[_Period], saved: float, error: float, seed: int) -> tuple[float, float]:
    if error == 0:
        return saved, saved
    smallest = min(min(len(period.candidate), len(period.reference)) for period in periods)
    if smallest >= NORMAL_FROM:
        return saved - _Z * error, saved + _Z * error
    totals, errors = np.zeros(DRAWS), np.zeros(DRAWS)
    chance = np.random.default_rng(seed)
    for period in periods:
        ours, theirs = _drawn(period.candidate, chance), _drawn(period.reference, chance)
        size = len(period.candidate)
        totals += size * (theirs[0] - ours[0])
        errors += size**2 * (theirs[1] + ours[1])
    kept = errors > 0
    t = (totals[kept] - saved) / np.sqrt(errors[kept])
    low_t, high_t = np.quantile(t, (0.025, 0.975))
    return saved - float(high_t) * error, saved - float(low_t) * error


def _drawn(costs: Floats, chance: np.random.Generator) -> tuple[Floats, Floats]:
    """(mean, squared error of it) of `DRAWS` samples with replacement, a few at a time."""
    if len(costs) >= NORMAL_FROM:
        error = _square(costs)
        return costs.mean() + math.sqrt(error) * chance.standard_normal(DRAWS), np.full(DRAWS, error)
    means, errors = np.empty(DRAWS), np.empty(DRAWS)
    for start in range(0, DRAWS, _CHUNK):
        picked = costs[chance.integers(0, len(costs), size=(_CHUNK, len(costs)))]
        means[start : start + _CHUNK] = picked.mean(axis=1)
        errors[start : start + _CHUNK] = picked.var(axis=1, ddof=1) / len(costs)
    return means, errors
