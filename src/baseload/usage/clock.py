"""Which times a call may have: nothing before the first Claude, nothing in the future."""

from __future__ import annotations

import datetime as dt
from typing import Final

from baseload.usage.fields import BadRecord

EARLIEST_US: Final = int(dt.datetime(2023, 1, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000
"""No Claude call is older: an earlier time is a wrong clock."""


def clock_skew(start_us: int) -> BadRecord:
    """The fault of a record whose time cannot be true."""
    try:
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=start_us)
        shown = moment.isoformat(timespec="seconds")
    except OverflowError:
        shown = f"{start_us} microseconds since 1970"
    return BadRecord(
        "clock-skew",
        "The call's time is before any Claude call or in the future",
        value=shown,
        expected="a time from 2023 to now",
        next_step="Mend the clock of the machine that wrote it, or the time zone of the export.",
    )
