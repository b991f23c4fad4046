"""The reforecast alert of a contract: whole weeks since signing against the planned path."""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.track.calendar import Span, spread
from baseload.commit.track.monitor import FALSE_ALARM_RATE, WEEKS, Noise, noise_of, watch
from baseload.commit.track.usage import Daily
from baseload.demand.history import History
from baseload.demand.paths import sample_paths
from baseload.demand.ranges import refuse_quantiles

PlanSource = Literal["given", "forecast", "none"]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """`false_alarm_rate`: the share of contract years that alarm while usage keeps to its plan, at most.

    `height` is the departure so far over the bar it alarms at. `ratio`: usage over plan since `departs_since`.
    """

    state: Literal["quiet", "alarm", "off"]
    says: str
    plan: PlanSource
    false_alarm_rate: float
    weeks: int
    noise: float | None
    noise_weeks: int
    height: float | None
    alarmed_on: str | None
    departs_since: str | None
    ratio: float | None


class Plan(msgspec.Struct, frozen=True):
    """The planned path: list dollars by calendar month, and where it comes from."""

    source: PlanSource
    by_month: dict[int, float]

    def daily(self, span: Span) -> Array:
        """Dollars a day; NaN where no month is planned."""
        return spread(self.by_month, span)


NO_PLAN: Final = Plan("none", {})


def given_plan(daily: Daily) -> Plan:
    """A plan that somebody wrote down: its months as they are."""
    months: dict[int, float] = {}
    for place, usd in enumerate(daily.usd.tolist()):
        day = daily.first + dt.timedelta(days=place)
        month = day.year * 12 + day.month - 1
        months[month] = months.get(month, 0.0) + usd
    return Plan("given", months)


def forecast_plan(history: History | None, end: dt.date, *, seed: int = 0) -> Plan:
    """What demand before signing made one expect: the middle path; none where the history is too short for paths."""
    if history is None or refuse_quantiles(history, 1) is not None:
        return NO_PLAN
    months = end.year * 12 + end.month - history.next_month
    if months < 1:
        return NO_PLAN
    middle = np.median(sample_paths(history, months=months, seed=seed).list_usd, axis=0)
    return Plan("forecast", {history.next_month + place: float(usd) for place, usd in enumerate(middle)})


def weekly(daily: Daily, span: Span) -> tuple[dt.date, Array]:
    """Whole weeks of a span: the first day, and dollars a week. Weeks of a weekly file keep their own first day."""
    start = max(span.start, daily.first)
    if daily.grain == "week":
        start += dt.timedelta(days=(daily.first - start).days % 7)
    days = daily.between(start, span.end)
    count = len(days) // 7
    return start, days[: count * 7].reshape(count, 7).sum(axis=1)


def alert_of(daily: Daily, before: Daily | None, plan: Plan, year: Span) -> Alert:
    """Does usage of a contract year still follow its plan? `before` is usage before signing, for its noise."""
    if daily.grain == "month":
        return _off("the alert needs usage by day or week", plan)
    if plan.source == "none":
        return _off("no planned path: give --planned, or --demand with six months before the start", plan)
    start, used = weekly(daily, Span(year.start, min(year.end, daily.end)))
    span = Span(start, start + dt.timedelta(days=7 * len(used)))
    planned = plan.daily(span).reshape(len(used), 7).sum(axis=1)
    if not len(used):
        return _off("no whole week of the contract year yet", plan)
    if not bool((planned > 0).all()):
        week = start + dt.timedelta(days=7 * int(np.flatnonzero(~(planned > 0))[0]))
        return _off(f"the planned path has no usage in the week of {week}", plan)
    noise = _noise(before)
    found = watch(used, planned, noise)
    alarmed = None if found.first_alarm is None else start + dt.timedelta(days=7 * (found.first_alarm + 1))
    since = None if found.since is None else start + dt.timedelta(days=7 * found.since)
    return Alert(
        state=found.state,
        says=_says(found.state, found.ratio, since),
        plan=plan.source,
        false_alarm_rate=FALSE_ALARM_RATE,
        weeks=len(used),
        noise=round(noise.sd, 4),
        noise_weeks=noise.weeks,
        height=round(found.height, 4),
        alarmed_on=None if alarmed is None else alarmed.isoformat(),
        departs_since=None if since is None else since.isoformat(),
        ratio=None if found.ratio is None else round(found.ratio, 4),
    )


def _noise(before: Daily | None) -> Noise:
    """Of at most two years before signing; assumed where they are not known by week."""
    if before is None or before.grain == "month":
        return noise_of(np.zeros(0))
    first = max(before.first, before.end - dt.timedelta(days=7 * 2 * WEEKS))
    return noise_of(weekly(before, Span(first, before.end))[1])


def _says(state: str, ratio: float | None, since: dt.date | None) -> str:
    if state == "quiet" or ratio is None or since is None:
        passed = "" if state == "quiet" else " now; it has left it before"
        return f"usage follows its plan{passed}"
    side = "above" if ratio > 1 else "below"
    return f"usage runs {abs(ratio - 1):.0%} {side} its plan since the week of {since}: ask for a reforecast"


def _off(reason: str, plan: Plan) -> Alert:
    return Alert(
        state="off", says=reason, plan=plan.source, false_alarm_rate=FALSE_ALARM_RATE, weeks=0, noise=None,
        noise_weeks=0, height=None, alarmed_on=None, departs_since=None, ratio=None,
    )  # fmt: skip
