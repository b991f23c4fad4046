"""Calendar months and how much of one the data covers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from baseload.errors import UsageError
from baseload.ledger.frame import ints, key_parts, texts
from baseload.ledger.month_usage import CHANNELS, month_text
from baseload.ledger.statements import LONG_GRAINS, month_end
from baseload.values import Table, Window, day_of_date

Owner = tuple[str, str]
"""(channel that sends the invoice, account)"""

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """The days of a month that have data: a row of any source, or a bucket of many days that reaches over them."""

    month: str
    window: Window
    days: tuple[int, ...]
    owners: Mapping[Owner, tuple[int, ...]]  # the same for each account alone

    @property
    def missing(self) -> tuple[int, ...]:
        """Days of the month without a row, whether they are over or not."""
        have = set(self.days)
        return tuple(day for day in range(self.window.start_day, self.window.end_day_exclusive) if day not in have)


def month_window(month: str) -> Window:
    """The UTC days of a month written `YYYY-MM`. Raises UsageError on anything else."""
    found = _MONTH.fullmatch(month)
    if not found or not 2000 <= int(found[1]) < 9000:
        raise UsageError(f"{month[:20]!r} is no month; expected YYYY-MM, such as 2026-11")
    start = day_of_date(dt.date(int(found[1]), int(found[2]), 1))
    return Window(start_day=start, end_day_exclusive=month_end(start))


def check_order(month: str, against: str) -> None:
    """Raises UsageError where a month is compared with itself or a later one; "" is any month before it."""
    if against and against >= month:
        raise UsageError(f"--against {against}: expected a month before {month}, such as {_before(month)}")


def _before(month: str) -> str:
    return month_text(month_window(month).start_day - 1)


def months_with_data(rows: Table) -> list[str]:
    """Every month that a row begins in, in order: a bucket of many days counts where it begins."""
    return sorted({month_text(day) for day in np.unique(rows["day"]).tolist()})


def previous_month(month: str, having: Sequence[str]) -> str:
    """The last month before this one that has data; "" where there is none."""
    return max((other for other in having if other < month), default="")


def covered(rows: Table, month: str) -> Covered:
    """The days of a month with data, in all and for each account."""
    window = month_window(month)
    owners: dict[Owner, set[int]] = {}
    for (start, end), owner in zip(_spans(rows), _owners(rows), strict=True):
        days = range(max(start, window.start_day), min(end, window.end_day_exclusive))
        if days:
            owners.setdefault(owner, set()).update(days)
    return Covered(
        month=month,
        window=window,
        days=tuple(sorted(set().union(*owners.values()))),
        owners={owner: tuple(sorted(days)) for owner, days in sorted(owners.items())},
    )


def straddling(rows: Table, month: str) -> int:
    """Buckets of a month or range that reach over an edge of this month: they count in the month they begin in."""
    window = month_window(month)
    reach = [(start, end) for start, end in _spans(rows) if end - start > 1]
    return sum(
        start < window.end_day_exclusive < end or start < window.start_day < end
        for start, end in reach
        if start < window.end_day_exclusive and end > window.start_day
    )


def inside(rows: Table, window: Window) -> Table:
    """The rows whose day lies in a window."""
    chosen = (rows["day"] >= window.start_day) & (rows["day"] < window.end_day_exclusive)
    return {name: column[chosen] for name, column in rows.items()}


def _spans(rows: Table) -> list[tuple[int, int]]:
    """First and exclusive last day of every row; only buckets of a month or range reach over more than one."""
    day = ints(rows, "day")
    long = texts(rows, "grain").where(LONG_GRAINS)
    ends = np.where(long, np.maximum(ints(rows, "end_day_exclusive"), day + 1), day + 1)
    months = texts(rows, "grain").where({"month"})
    for start in np.unique(day[months]).tolist():
        ends[months & (day == start)] = month_end(start)
    return list(zip(day.tolist(), ends.tolist(), strict=True))


def _owners(rows: Table) -> list[Owner]:
    keys, accounts = texts(rows, "price_key"), texts(rows, "account")
    platforms = [key_parts(key)[1] for key in keys.values]
    channels = [CHANNELS.get(platform, platform) for platform in platforms]
    return [
        (channels[key], accounts.values[account])
        for key, account in zip(keys.codes.tolist(), accounts.codes.tolist(), strict=True)
    ]
