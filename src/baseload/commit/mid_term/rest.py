"""From the month under way to the contract's end: which months of usage still meet it."""

from __future__ import annotations

import datetime as dt

import numpy as np
from msgspec.structs import replace

from baseload.commit.arrays import Array
from baseload.commit.current import CurrentContract
from baseload.commit.paths import Paths


def months_left(current: CurrentContract) -> int:
    """Contract months from the one under way to the end."""
    return current.terms.term_months - current.months_gone


def rest_of_month(current: CurrentContract) -> float:
    """How much of the contract month under way is still to come on `as_of`, above 0 and at most 1."""
    gone = current.months_gone
    start, end = month_start(current.start, gone), month_start(current.start, gone + 1)
    return (end - current.as_of).days / (end - start).days


def from_now(current: CurrentContract, paths: Paths) -> Paths:
    """Usage that is still to come: month 0 is the contract month under way, of which only the rest is left."""
    left = _first_month(paths.list_usd, rest_of_month(current))
    outside = None if paths.outside_usd is None else _first_month(paths.outside_usd, rest_of_month(current))
    return replace(paths, list_usd=left, outside_usd=outside)


def month_start(start: dt.date, months: int) -> dt.date:
    """The first day of contract month `months` (0 = the first); a day its month lacks is that month's last."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    following = dt.date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return dt.date(year, month + 1, min(start.day, (following - dt.timedelta(days=1)).day))


def _first_month(usage: Array, share: float) -> Array:
    part = np.ones(usage.shape[1])
    part[0] = share
    found: Array = usage * part
    return found
