"""The annual run rate: the last 28 complete UTC days x 365/28, with everything a sceptic would ask of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.values import Window

RUN_RATE_DAYS = 28
LEAST_DAYS = 14
"""Under this many complete days there is no run rate, only the observed total (issue rule)."""

LEAST_DAYS_WITH_DATA = 14
"""The same for days of the window that have a row at all: a year read off a handful of days is no figure."""

MOST_UNPRICED = 0.005
"""More of the window's tokens without a price than this, and a dollar figure would be too low without saying so."""

YEAR_DAYS = 365
_DRAWS = 2_000
_SEED = 20_261_122
_OUTLIER_SCORE = 5.0


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """Another way to annualise the same days; `annual_nano` None where there are too few of them."""

    name: str
    annual_nano: int | None
    note: str


class RunRate(msgspec.Struct, frozen=True, kw_only=True):
    """Annual nano-dollars, the window they come from, and its oddities. Money is None where `why_null` says why."""

    annual_nano: int | None
    low_nano: int | None
    high_nano: int | None
    window: Window | None
    complete_days: int
    observed_nano: int
    gaps: tuple[int, ...]
    outlier_days: tuple[int, ...]
    alternatives: tuple[Alternative, ...]
    why_null: str


def complete_window(call_days: Sequence[int], bucket_days: Sequence[int], as_of_day: int) -> Window | None:
    """The span of days that can be trusted to be whole, or None.

    `bucket_days` carry whole-day aggregates and are whole once they are over (day < `as_of_day`). An export of calls
    is cut somewhere inside its first and last day, so those two are left out, unless a bucket covers them.
    """
    whole = {day for day in bucket_days if day < as_of_day}
    if call_days:
        whole |= set(range(min(call_days) + 1, min(max(call_days), as_of_day)))
    if not whole:
        return None
    return Window(start_day=min(whole), end_day_exclusive=max(whole) + 1)


def run_rate(
    daily_nano: Mapping[int, int],
    complete: Window | None,
    *,
    tokens: Mapping[int, int] | None = None,
    unpriced: Mapping[int, int] | None = None,
) -> RunRate:
    """The run rate of day -> nano-dollars over the last 28 days of the complete window (or all, from 14 on).

    A day without a row counts as zero and is listed as a gap. The interval is a bootstrap of whole weeks of the
    window (95 %, seeded), given for whole windows only: it says how much the weeks differ, not how the future will.
    `tokens` and `unpriced` are tokens by day, all and those without a price: with more than half a per cent of the
    window's tokens unpriced there is no run rate, because it would be too low.
    """
    observed = sum(daily_nano.values())
    window = last_days(complete, RUN_RATE_DAYS) if complete else None
    why = _why_null(daily_nano, complete, window, tokens or {}, unpriced or {})
    if complete is None or window is None or why:
        return RunRate(
            annual_nano=None,
            low_nano=None,
            high_nano=None,
            window=None,
            complete_days=complete.days if complete else 0,
            observed_nano=observed,
            gaps=(),
            outlier_days=(),
            alternatives=(),
            why_null=why,
        )
    values = _series(daily_nano, window)
    low, high = _interval(values) if window.days == RUN_RATE_DAYS else (None, None)
    return RunRate(
        annual_nano=annualised(sum(daily_nano.get(day, 0) for day in _days(window)), window.days),
        low_nano=low,
        high_nano=high,
        window=window,
        complete_days=complete.days,
        observed_nano=observed,
        gaps=tuple(day for day in _days(window) if not daily_nano.get(day)),
        outlier_days=_outliers(values, window),
        alternatives=_alternatives(daily_nano, complete),
        why_null="",
    )


def _why_null(
    daily_nano: Mapping[int, int],
    complete: Window | None,
    window: Window | None,
    tokens: Mapping[int, int],
    unpriced: Mapping[int, int],
) -> str:
    """Why there is no run rate; "" where there is one."""
    if complete is None or window is None or complete.days < LEAST_DAYS:
        days = complete.days if complete else 0
        return f"{days} complete {'day' if days == 1 else 'days'}; a run rate needs at least {LEAST_DAYS}"
    counted = sum(tokens.get(day, 0) for day in _days(window))
    without = sum(unpriced.get(day, 0) for day in _days(window))
    if without > MOST_UNPRICED * counted:
        share = without / counted
        return (
            f"{share * 100:.1f} % of the tokens of the last {window.days} complete days have no price: see the problems"
        )
    used = sum(1 for day in _days(window) if daily_nano.get(day) or tokens.get(day))
    if used < LEAST_DAYS_WITH_DATA:
        have = "has" if used == 1 else "have"
        return f"only {used} of the last {window.days} complete days {have} data; it needs {LEAST_DAYS_WITH_DATA}"
    return ""


def last_days(complete: Window, most: int) -> Window:
    """The last `most` days of a window, or all of it when it is shorter."""
    start = max(complete.start_day, complete.end_day_exclusive - most)
    return Window(start_day=start, end_day_exclusive=complete.end_day_exclusive)


def annualised(nano: int, days: int) -> int:
    """Nano-dollars of `days` days as a year of 365, rounded half up; integers throughout."""
    return (2 * nano * YEAR_DAYS + days) // (2 * days)


def _alternatives(daily_nano: Mapping[int, int], complete: Window) -> tuple[Alternative, ...]:
    quarter = last_days(complete, 90)
    half = last_days(complete, 182)
    ninety = None
    if quarter.days == 90:
        ninety = annualised(sum(daily_nano.get(day, 0) for day in _days(quarter)), 90)
    trend = _trend_end(_series(daily_nano, half)) if half.days == 182 else None
    return (
        Alternative(name="last 90 days", annual_nano=ninety, note="x 365/90; needs 90 complete days"),
        Alternative(
            name="6-month trend",
            annual_nano=trend,
            note="straight line through 26 weekly totals, read at its end; needs 182 complete days",
        ),
    )


def _trend_end(values: NDArray[np.float64]) -> int:
    weekly = values.reshape(26, 7).sum(axis=1)
    slope, level = np.polyfit(np.arange(26.0), weekly, 1)
    return round(float(level + slope * 25.5) * YEAR_DAYS / 7)


def _interval(values: NDArray[np.float64]) -> tuple[int, int]:
    weeks = len(values) // 7
    totals = values[len(values) - 7 * weeks :].reshape(weeks, 7).sum(axis=1)
    draws = np.random.default_rng(_SEED).integers(0, weeks, size=(_DRAWS, weeks))
    annual = totals[draws].mean(axis=1) * YEAR_DAYS / 7
    low, high = np.quantile(annual, [0.025, 0.975])
    return round(float(low)), round(float(high))


def _outliers(values: NDArray[np.float64], window: Window) -> tuple[int, ...]:
    """Days far from the median of their own kind (weekday or weekend), by 5 median absolute deviations."""
    found = []
    days = np.array(list(_days(window)))
    weekend = (days + 3) % 7 >= 5  # 1970-01-01 was a Thursday
    for kind in (True, False):
        chosen = weekend == kind
        if chosen.sum() < 4:
            continue
        median = np.median(values[chosen])
        deviation = np.median(np.abs(values[chosen] - median)) * 1.4826
        far = np.abs(values[chosen] - median) > max(_OUTLIER_SCORE * deviation, 0.2 * median)
        found += days[chosen][far].tolist()
    return tuple(sorted(found))


def _series(daily_nano: Mapping[int, int], window: Window) -> NDArray[np.float64]:
    return np.array([float(daily_nano.get(day, 0)) for day in _days(window)])


def _days(window: Window) -> range:
    return range(window.start_day, window.end_day_exclusive)
