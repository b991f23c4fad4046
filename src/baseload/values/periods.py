"""Time as integers: UTC microseconds and days since 1970-01-01. End dates are exclusive everywhere."""

from __future__ import annotations

import datetime as dt

import msgspec

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
_EPOCH = dt.date(1970, 1, 1)
_EPOCH_UTC = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def day_of(time_us: int) -> int:
    """The UTC day a microsecond falls in, as days since the epoch."""
    return time_us // DAY_US


def day_of_date(date: dt.date) -> int:
    return (date - _EPOCH).days


def date_of_day(day: int) -> dt.date:
    return _EPOCH + dt.timedelta(days=int(day))


def iso_day(day: int) -> str:
    """`YYYY-MM-DD` of a day number."""
    return date_of_day(day).isoformat()


def parse_timestamp(text: str) -> tuple[int, bool]:
    """UTC microseconds of an ISO 8601 date or datetime, and whether it was naive (then read as UTC).

    A date alone is its midnight; a space may stand for the `T`. Raises ValueError on anything else.
    """
    moment = dt.datetime.fromisoformat(text.strip())
    naive = moment.tzinfo is None
    if naive:
        moment = moment.replace(tzinfo=dt.UTC)
    return (moment - _EPOCH_UTC) // _MICROSECOND, naive


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A run of whole UTC days: `start_day` inclusive, `end_day_exclusive` exclusive."""

    start_day: int
    end_day_exclusive: int

    @property
    def days(self) -> int:
        return self.end_day_exclusive - self.start_day

    def __contains__(self, day: int) -> bool:
        return self.start_day <= day < self.end_day_exclusive
