"""Where the balance is heading: the day it runs out, or what is left of it when it is tested, with an interval."""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.track.calendar import Span, first_day, month_of, spread_paths
from baseload.commit.track.standing import Standing, units
from baseload.commit.track.usage import Daily
from baseload.demand.history import ALL, History
from baseload.demand.months import days_in_month
from baseload.demand.paths import sample_paths
from baseload.demand.ranges import refuse_quantiles

PATHS: Final = 1000
QUANTILES: Final = (0.1, 0.5, 0.9)


class Dates(msgspec.Struct, frozen=True, kw_only=True):
    """Days by which one path in ten, in two, nine in ten have come; null = not before the period ends."""

    p10: str | None
    p50: str | None
    p90: str | None


class Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars: one path in ten has less, the middle, nine in ten have less."""

    p10_usd: str
    p50_usd: str
    p90_usd: str


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """`paths`: quantiles. `scenarios`: least, middle and most of three stated growths, which have no probability.

    Shortfall and excess are in the contract's basis at the end of the test period; each is 0 on paths that have the
    other. Probabilities are null for scenarios.
    """

    method: Literal["paths", "scenarios"]
    says: str
    p_overage: float | None
    p_shortfall: float | None
    overage_on: Dates
    excess: Amounts
    shortfall: Amounts


class Future(NamedTuple):
    """What may still come: (paths, days) list dollars from `span.start` on."""

    span: Span
    usd: Array
    method: Literal["paths", "scenarios"]
    says: str


def history_of_days(parts: tuple[Daily, ...], until: dt.date) -> History | None:
    """Whole calendar months of all parts together, the later part where two overlap; None without a whole month.

    A month that is not known whole, or without usage, is unknown (NaN).
    """
    days: dict[int, list[float]] = {}
    for part in parts:
        cut = part.until(until)
        for place, usd in enumerate(cut.usd.tolist()):
            day = cut.first + dt.timedelta(days=place)
            days.setdefault(month_of(day), [float("nan")] * days_in_month(month_of(day)))[day.day - 1] = usd
    if not days:
        return None
    sums = [float(np.sum(days.get(month, [np.nan]))) for month in range(min(days), max(days) + 1)]
    known = [place for place, usd in enumerate(sums) if usd > 0]
    if not known:
        return None
    whole = sums[known[0] : known[-1] + 1]
    usd = np.array([value if value > 0 else np.nan for value in whole])
    return History(min(days) + known[0], (ALL,), usd[None, :])


def future_of(history: History, span: Span, *, seed: int = 0, paths: int = PATHS) -> Future:
    """Demand drawn from the history for the days of a span; three stated growths where it is too short for paths."""
    months = max(1, month_of(span.end - dt.timedelta(days=1)) - history.next_month + 1)
    refusal = refuse_quantiles(history, months)
    if refusal is not None:
        drawn = np.array([scenario.usd for scenario in refusal.scenarios])
        return Future(span, spread_paths(drawn, history.next_month, span), "scenarios", refusal.reason)
    drawn = sample_paths(history, paths=paths, months=months, seed=seed).list_usd
    says = f"{paths:,} paths from {history.months} months of history, until {first_day(history.next_month)}"
    return Future(span, spread_paths(drawn, history.next_month, span), "paths", says)


def outlook_of(standing: Standing, future: Future) -> Outlook:
    """The period under way to its end, on every path."""
    current = standing.current
    drawn = units(current.terms, current.start, future.span, future.usd).cumsum(axis=1)
    total = drawn[:, -1] if drawn.shape[1] else np.zeros(len(drawn))
    passes = drawn > standing.remaining_usd
    never = future.span.days
    place = np.where(passes.any(axis=1), passes.argmax(axis=1), never) if drawn.shape[1] else np.zeros(len(total))
    paths = future.method == "paths"
    excess = standing.excess_usd + np.maximum(0.0, total - standing.remaining_usd)
    return Outlook(
        method=future.method,
        says=future.says,
        p_overage=round(float((excess > 0).mean()), 4) if paths else None,
        p_shortfall=round(float((total < standing.remaining_usd).mean()), 4) if paths else None,
        overage_on=_dates(place, future.span.start, never, passed=standing.excess_usd > 0),
        excess=amounts_of(excess),
        shortfall=amounts_of(np.maximum(0.0, standing.remaining_usd - total)),
    )


def _dates(place: Array, start: dt.date, never: int, *, passed: bool) -> Dates:
    found = [int(value) for value in np.quantile(place, QUANTILES, method="inverted_cdf")]
    texts = [None if value >= never or passed else (start + dt.timedelta(days=value)).isoformat() for value in found]
    return Dates(p10=texts[0], p50=texts[1], p90=texts[2])


def amounts_of(values: Array) -> Amounts:
    low, middle, high = (f"{float(value):.2f}" for value in np.quantile(values, QUANTILES))
    return Amounts(p10_usd=low, p50_usd=middle, p90_usd=high)
