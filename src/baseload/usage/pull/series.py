"""What is pulled: the reports, how each is asked for, and the windows of time (anthropic-facts sections 6 and 9).

Preferred is the Usage and Cost Analytics API: `usage-rates` and `cost-rates` are grouped by exactly what a price
depends on (section 9.1) and are the control totals; `usage-owners` is the same usage by workspace, key and product,
because without it nobody could be shown what is theirs. An organisation that the Analytics API refuses, and days before
its first, are pulled from the legacy reports.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

ANALYTICS_BETA: Final = "analytics-usage-cost-2026-08-24"
SPEED_BETA: Final = "fast-mode-2026-02-01"
ANALYTICS_FIRST_DAY: Final = dt.date(2026, 1, 1)
ANALYTICS_DAYS: Final = 365
"""How far back the Analytics API answers."""
REVISED_DAYS: Final = 35
"""A month is asked for again until its data are this much later than its end: closed months can be revised."""

_RATES = ("model", "service_tier", "context_window", "speed", "inference_geo")


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One report as it is asked for."""

    name: str
    path: str
    group_by: tuple[str, ...] = ()
    width: tuple[tuple[str, str], ...] = ()  # bucket width and page size, as this endpoint names them
    beta: str = ""
    by_day: bool = False  # one request for each day, and no end
    instead: str = ""  # the legacy report that is pulled where this one is refused

    @property
    def analytics(self) -> bool:
        return self.beta == ANALYTICS_BETA


_DAILY_ROWS = (("time_bucket_width", "1d"), ("order_by", "time"), ("order", "asc"), ("limit", "1000"))
_DAILY_BUCKETS = (("bucket_width", "1d"), ("limit", "31"))

SERIES: Final = {
    series.name: series
    for series in (
        Series(
            name="usage-rates",
            path="/v1/organizations/analytics/usage",
            group_by=_RATES,
            width=_DAILY_ROWS,
            beta=ANALYTICS_BETA,
            instead="legacy-usage",
        ),
        Series(
            name="usage-owners",
            path="/v1/organizations/analytics/usage",
            group_by=("model", "service_tier", "workspace_id", "api_key_id", "product"),
            width=_DAILY_ROWS,
            beta=ANALYTICS_BETA,
            instead="legacy-usage",
        ),
        Series(
            name="cost-rates",
            path="/v1/organizations/analytics/cost",
            group_by=(*_RATES, "cost_type", "token_type"),
            width=_DAILY_ROWS,
            beta=ANALYTICS_BETA,
            instead="legacy-cost",
        ),
        Series(
            name="legacy-usage",
            path="/v1/organizations/usage_report/messages",
            group_by=(*_RATES, "workspace_id", "api_key_id"),
            width=_DAILY_BUCKETS,
            beta=SPEED_BETA,
        ),
        Series(
            name="legacy-cost",
            path="/v1/organizations/cost_report",
            group_by=("description", "workspace_id"),
            width=_DAILY_BUCKETS,
        ),
        Series(
            name="claude-code",
            path="/v1/organizations/usage_report/claude_code",
            width=(("limit", "1000"),),
            by_day=True,
        ),
    )
}

PREFERRED: Final = ("usage-rates", "usage-owners", "cost-rates")


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Whole UTC days inside one calendar month, so at most 31: `start` inclusive, `end` exclusive."""

    start: dt.date
    end: dt.date


def months_between(since: dt.date, until: dt.date) -> list[Window]:
    """Calendar months cut to [since, until).

    >>> [str(window.start) for window in months_between(dt.date(2026, 1, 20), dt.date(2026, 3, 2))]
    ['2026-01-20', '2026-02-01', '2026-03-01']
    """
    windows = []
    start = since
    while start < until:
        after = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1, day=1)
        windows.append(Window(start=start, end=min(after, until)))
        start = after
    return windows


def days_between(since: dt.date, until: dt.date) -> list[Window]:
    day = dt.timedelta(days=1)
    return [Window(start=since + n * day, end=since + (n + 1) * day) for n in range((until - since).days)]


def params_of(series: Series, window: Window, cursor: str) -> tuple[tuple[str, str], ...]:
    """The query of one page, in a fixed order."""
    if series.by_day:
        pairs = [("starting_at", window.start.isoformat())]
    else:
        pairs = [("starting_at", _midnight(window.start)), ("ending_at", _midnight(window.end))]
    pairs += [("group_by[]", dimension) for dimension in series.group_by]
    pairs += series.width
    if cursor:
        pairs.append(("page", cursor))
    return tuple(pairs)


def _midnight(day: dt.date) -> str:
    return f"{day.isoformat()}T00:00:00Z"
