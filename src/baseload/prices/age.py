"""How old the price book is: said with every output, and a warning once it may have missed a change."""

from __future__ import annotations

import datetime as dt

from baseload.prices.book import PriceBook

WARN_AFTER_DAYS = 14


def age_line(book: PriceBook, as_of: dt.date) -> str:
    """One line for the foot of every output: when the prices were last checked, and how long ago that is."""
    days = book.age_days(as_of)
    ago = {0: "today", 1: "1 day ago"}.get(days, f"{days} days ago" if days > 0 else "later than this report's day")
    return f"Prices checked {book.checked.isoformat()} ({ago})."


def age_warning(book: PriceBook, as_of: dt.date) -> str:
    """A sentence when the book is more than 14 days old, else ""."""
    days = book.age_days(as_of)
    if days <= WARN_AFTER_DAYS:
        return ""
    return (
        f"The price book is {days} days old (checked {book.checked.isoformat()}): newer models and changes may be "
        "missing. Update Baseload, or add what changed with `baseload prices add FILE`."
    )
