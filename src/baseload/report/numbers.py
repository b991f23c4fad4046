"""How a figure is written for a reader: rounded to be read, never to be computed with.

Every function takes the exact figure of the document and returns text. Missing is an em dash, so that it can never
be mistaken for zero; a real amount too small to show is "<$1", never "$0". Signs are a true minus (U+2212).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

MISSING = "—"
MINUS = "−"
NO_BREAK = "\u00a0"
WHOLE_DOLLARS_FROM = Decimal(10_000)
_SCALES = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k"))
WRITTEN_OUT_BELOW = 10_000


def places_for(total_usd: str) -> int:
    """Decimals of every amount in one report: whole dollars from 10,000 USD in all, else cents."""
    return 0 if abs(Decimal(total_usd)) >= WHOLE_DOLLARS_FROM else 2


def usd(amount: str | None, places: int = 0) -> str:
    """Dollars with thousands separators.

    >>> usd("2014312.4912"), usd("-3200"), usd("0.004", 2), usd(None)
    ('$2,014,312', '−$3,200', '<$0.01', '—')
    """
    if amount is None:
        return MISSING
    exact = Decimal(amount)
    step = Decimal(1).scaleb(-places)
    shown = abs(exact).quantize(step, rounding=ROUND_HALF_EVEN)
    if exact and not shown:
        return f"{MINUS if exact < 0 else ''}<${step}"
    return f"{MINUS if exact < 0 else ''}${shown:,}"


def usd_range(low: str | None, high: str | None, places: int = 0) -> str:
    """A range of dollars; one figure where both ends read alike.

    >>> usd_range("-1200", "3400"), usd_range("5", "5"), usd_range(None, "5")
    ('−$1,200 to $3,400', '$5', '—')
    """
    if low is None or high is None:
        return MISSING
    first, last = usd(low, places), usd(high, places)
    return first if first == last else f"{first} to {last}"


def usd_each(amount: str | None) -> str:
    """Cost per inference: four significant digits, at least cents.

    >>> usd_each("0.0341279"), usd_each("12.5"), usd_each("0.00000231"), usd_each(None)
    ('$0.03413', '$12.50', '$0.00000231', '—')
    """
    if amount is None:
        return MISSING
    exact = Decimal(amount)
    if not exact:
        return "$0.00"
    places = max(2, 3 - exact.adjusted())
    shown = f"{abs(exact):,.{places}f}"
    whole, _, part = shown.partition(".")
    return f"{MINUS if exact < 0 else ''}${whole}.{part.rstrip('0').ljust(2, '0')}"


def count(number: int | None) -> str:
    """A whole number with thousands separators."""
    if number is None:
        return MISSING
    return f"{number:,}".replace("-", MINUS)


def compact(number: int | None) -> str:
    """A large count in four significant digits: 1.234 B, 45.60 M, 9,120.

    >>> compact(1234567890), compact(45_600_000), compact(9120), compact(None)
    ('1.235\xa0B', '45.60\xa0M', '9,120', '—')
    """
    if number is None or abs(number) < WRITTEN_OUT_BELOW:
        return count(number)
    rounded = Decimal(f"{Decimal(number):.3E}")
    scale, letter = next(pair for pair in _SCALES if abs(rounded) >= pair[0])
    value = rounded / scale
    places = max(0, 3 - value.adjusted())
    return f"{value:,.{places}f}{NO_BREAK}{letter}".replace("-", MINUS)


def share(ratio: float | None, places: int = 1) -> str:
    """A share of 0..1 in percent; a real share too small to show is "<0.1 %".

    >>> share(0.7134), share(0.00001), share(0.0), share(None)
    ('71.3\xa0%', '<0.1\xa0%', '0.0\xa0%', '—')
    """
    if ratio is None:
        return MISSING
    percent = ratio * 100
    floor = 10.0**-places
    if 0 < abs(percent) < floor / 2:
        return f"<{floor:.{places}f}{NO_BREAK}%"
    return f"{percent:.{places}f}{NO_BREAK}%".replace("-", MINUS)


def last_day(end_exclusive: str) -> str:
    """The last day inside a window whose end is exclusive.

    >>> last_day("2026-11-22")
    '2026-11-21'
    """
    return (dt.date.fromisoformat(end_exclusive) - dt.timedelta(days=1)).isoformat()


def day_runs(found: Sequence[str], most: int = 12) -> str:
    """Days in words, neighbours as one run; the runs after the first `most` are counted.

    >>> day_runs(["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-03"])
    '2026-10-30 to 2026-11-01, 2026-11-03'
    """
    runs: list[list[dt.date]] = []
    for day in sorted(map(dt.date.fromisoformat, found)):
        if runs and (day - runs[-1][-1]).days == 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    shown = [f"{run[0]}" if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs[:most]]
    rest = sum(map(len, runs[most:]))
    return ", ".join(shown) + (f" and {days(rest)} more" if rest else "")


def book_age(number: int) -> str:
    """How old a price book is in words; a report about earlier days than the book is younger than it.

    >>> book_age(2), book_age(0), book_age(-3)
    ('2\xa0days old', 'the same day', 'after the last day reported')
    """
    if number < 0:
        return "after the last day reported"
    return f"{days(number)} old" if number else "the same day"


def days(number: int) -> str:
    """A number of days.

    >>> days(1), days(28)
    ('1\xa0day', '28\xa0days')
    """
    return f"{number:,}{NO_BREAK}day{'' if number == 1 else 's'}"
