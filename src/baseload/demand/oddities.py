"""What a person should look at before demand is carried on: spikes, backfills, breaks, loads that are going away.

Everything is listed and nothing is removed: only `without` removes, what it is told, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.demand.history import Floats, History
from baseload.demand.months import month_text
from baseload.values import Problem

Kind = Literal["spike", "dip", "backfill", "break", "retiring"]
_NEAR: Final = 3
"""Months on either side that say what is usual."""
_FAR: Final = 4.0
_LEAST: Final = float(np.log(1.4))
"""Four median deviations of the series' own monthly moves, and 40 %, whichever is more."""
_RETIRED: Final = 0.4
"""Last three months against the best three in a row."""

_ADVICE: Final[dict[Kind, str]] = {
    "spike": "A load test or a one-off? Leave the month out if it will not come again.",
    "dip": "A lost log or an outage? Leave the month out if it was used and not recorded.",
    "backfill": "Recorded late? Move the dollars to the month before, or leave both out.",
    "break": "A launch, a lost customer, or another way of counting? Say it as an event, or begin after it.",
    "retiring": "Being switched off? Say so as a retirement with its date.",
}


class Oddity(msgspec.Struct, frozen=True, kw_only=True):
    """One month of one workload; `usual_usd` is the middle of the months around it (the best, of a retiring one)."""

    kind: Kind
    workload: str
    month: int
    usd: float
    usual_usd: float
    advice: str


def oddities(history: History) -> tuple[Oddity, ...]:
    """All of them, by workload and month; those of a workload with fewer than eight months are not judged."""
    found: list[Oddity] = []
    for name, usd in zip(history.names, history.usd, strict=True):
        known = np.flatnonzero(~np.isnan(usd))
        if len(known) < 2 * _NEAR + 2:
            continue
        found += sorted(_of_series(name, history.first_month, known, usd[known]), key=lambda one: one.month)
    return tuple(found)


def _of_series(name: str, first_month: int, known: NDArray[np.intp], usd: Floats) -> Iterator[Oddity]:
    logs = np.log(usd)
    steps = np.abs(np.diff(logs) - np.median(np.diff(logs)))
    limit = max(_LEAST, _FAR * float(np.median(steps)) * 1.4826)
    usual = np.array([_around(logs, place) for place in range(len(logs))])
    away = logs - usual

    def odd(kind: Kind, place: int, level: float) -> Oddity:
        month = first_month + int(known[place])
        return Oddity(
            kind=kind, workload=name, month=month, usd=float(usd[place]), usual_usd=level, advice=_ADVICE[kind]
        )

    breaks = {place for place in range(_NEAR, len(logs) - _NEAR + 1) if _breaks(logs, place, limit)}
    for place in range(len(logs)):
        near_break = any(abs(place - other) <= _NEAR for other in breaks)
        if place in breaks:
            yield odd("break", place, float(np.exp(np.median(logs[place - _NEAR : place]))))
        elif not near_break and away[place] > limit:
            late = place > 0 and away[place - 1] < -_LEAST
            yield odd("backfill" if late else "spike", place, float(np.exp(usual[place])))
        elif not near_break and away[place] < -limit:
            yield odd("dip", place, float(np.exp(usual[place])))
    means = np.convolve(usd, np.ones(_NEAR) / _NEAR, mode="valid")
    if means[-1] < _RETIRED * means.max() and (np.diff(usd[-_NEAR - 1 :]) < 0).all():
        yield odd("retiring", len(usd) - 1, float(means.max()))


def _around(logs: Floats, place: int) -> float:
    """The middle of the months near by, the month itself left out."""
    near = np.concatenate((logs[max(0, place - _NEAR) : place], logs[place + 1 : place + 1 + _NEAR]))
    return float(np.median(near))


def _breaks(logs: Floats, place: int, limit: float) -> bool:
    """The step into this month is larger than any usual, and every month after stays above (or below) all before."""
    before, after = logs[place - _NEAR : place], logs[place : place + _NEAR]
    step = float(logs[place] - logs[place - 1])
    if abs(step) <= limit * 0.75:
        return False
    apart = float(after.min() - before.max()) if step > 0 else float(before.min() - after.max())
    return apart > limit / 2


def without(history: History, removed: Sequence[Oddity]) -> tuple[History, list[Problem]]:
    """The history with these months unknown, one problem for each: nothing leaves the figures silently."""
    usd = history.usd.copy()
    for one in removed:
        usd[history.names.index(one.workload), one.month - history.first_month] = np.nan
    return history._replace(usd=usd), [_removed(one) for one in removed]


def _removed(one: Oddity) -> Problem:
    return Problem(
        source="demand",
        file="",
        row=0,
        code="month-left-out",
        message=f"{one.usd:,.0f} dollars of a {one.kind} are left out of the demand; usual there: {one.usual_usd:,.0f}",
        value=f"{one.workload[:40]} {month_text(one.month)}",
        next_step=one.advice,
    )
