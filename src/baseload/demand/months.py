"""Calendar months as integers: year x 12 + month - 1, the same count as `ledger.price_checks.month_of`."""

from __future__ import annotations

import re
from typing import Final

_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
EARLIEST_YEAR: Final = 2000
LATEST_YEAR: Final = 2099


def parse_month(text: str) -> int:
    """The month `YYYY-MM` names. Raises ValueError on anything else, and on a year outside 2000 to 2099."""
    found = _MONTH.fullmatch(text)
    if not found or not EARLIEST_YEAR <= int(found[1]) <= LATEST_YEAR:
        raise ValueError(f"not a month YYYY-MM of {EARLIEST_YEAR} to {LATEST_YEAR}")
    return int(found[1]) * 12 + int(found[2]) - 1


def month_text(month: int) -> str:
    """`YYYY-MM`."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def days_in_month(month: int) -> int:
    year, place = divmod(month, 12)
    if place == 1:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if place in (3, 5, 8, 10) else 31
