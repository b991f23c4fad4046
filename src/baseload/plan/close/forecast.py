"""The bill of the fiscal year: what was charged so far, and the run rate at the month's end for the days left."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from baseload.ledger.run_rate import YEAR_DAYS, complete_window, run_rate
from baseload.ledger.totals import daily_nano, daily_tokens
from baseload.plan.close.bills import accounts
from baseload.plan.close.bridge import Months
from baseload.plan.close.months import inside, month_window
from baseload.values import Window, date_of_day, day_of_date


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """Nano-dollars of the bill. `remaining_*` are None where `why_null` says why there is no run rate."""

    year: Window
    bills: Mapping[str, tuple[int, str]]  # month -> (bill, invoice | ledger | estimated)
    missing: tuple[str, ...]
    remaining: Window
    per_list_dollar: Decimal
    remaining_nano: int | None
    low_nano: int | None
    high_nano: int | None
    why_null: str

    @property
    def so_far_nano(self) -> int:
        return sum(bill for bill, _ in self.bills.values())


def fiscal_year(month: str, first_month: int) -> Window:
    """The fiscal year that holds a month; `first_month` 1-12 is where it begins.

    >>> from baseload.values import iso_day
    >>> year = fiscal_year("2026-01", 2)
    >>> iso_day(year.start_day), iso_day(year.end_day_exclusive)
    ('2025-02-01', '2026-02-01')
    """
    year, number = (int(part) for part in month.split("-"))
    begins = year if number >= first_month else year - 1
    start, end = (day_of_date(dt.date(place, first_month, 1)) for place in (begins, begins + 1))
    return Window(start_day=start, end_day_exclusive=end)


def forecast(
    months: Months, month: str, as_of_day: int, whole: tuple[Sequence[int], Sequence[int]], first_month: int
) -> Forecast:
    """The forecast as it stood at the end of `month`, or on `as_of_day` inside it: later days are not looked at.

    `whole` are days with calls and days with buckets (`ledger.totals.whole_days`). The rest of the year is charged at
    the run rate times what this customer's bill is per list dollar, one-off credits left out.
    """
    year = fiscal_year(month, first_month)
    end = min(month_window(month).end_day_exclusive, as_of_day)
    names = [name for name in _months_of(year) if name <= month]
    have = [name for name in names if any(key[0] == name for key in months.usage)]
    ratio, bills = _bills(months, have)
    rows = inside(months.rows, Window(start_day=0, end_day_exclusive=end))
    calls, buckets = ([day for day in days if day < end] for days in whole)
    rate = run_rate(
        daily_nano(rows),
        complete_window(calls, buckets, end),
        tokens=daily_tokens(rows),
        unpriced=daily_tokens(rows, unpriced=True),
    )
    last = int(inside(months.rows, month_window(month))["day"].max(initial=end - 1))
    rest = Window(start_day=min(max(end, last + 1), year.end_day_exclusive), end_day_exclusive=year.end_day_exclusive)

    def left(annual: int | None) -> int | None:
        return None if annual is None else round(Decimal(annual) * ratio * rest.days / YEAR_DAYS)

    return Forecast(
        year=year,
        bills=bills,
        missing=tuple(name for name in names if name not in have),
        remaining=rest,
        per_list_dollar=ratio,
        remaining_nano=left(rate.annual_nano),
        low_nano=left(rate.low_nano),
        high_nano=left(rate.high_nano),
        why_null=rate.why_null,
    )


def _bills(months: Months, names: Sequence[str]) -> tuple[Decimal, dict[str, tuple[int, str]]]:
    """The bill per list dollar, and every month's bill: by invoice, else estimated by the last invoiced month."""
    found = {}
    ratio, invoiced = Decimal(1), False
    for name in names:
        own = accounts(months.usage, name, months.invoices, (name,)).values()
        listed = sum(account.list_nano for account in own)
        bill = sum(account.bill_nano for account in own)
        whole = all(account.basis == "invoice" for account in own if account.list_nano)
        found[name] = (bill, "invoice" if whole else "ledger", listed)
        if listed > 0 and (whole or not invoiced):
            ratio = Decimal(bill - sum(account.parts["credits"] for account in own)) / listed
            invoiced = invoiced or whole
    if not invoiced:
        return ratio, {name: (bill, basis) for name, (bill, basis, _) in found.items()}
    return ratio, {
        name: (bill, basis) if basis == "invoice" else (round(ratio * listed), "estimated")
        for name, (bill, basis, listed) in found.items()
    }


def _months_of(year: Window) -> list[str]:
    days = range(year.start_day, year.end_day_exclusive)
    return list(dict.fromkeys(f"{date_of_day(day):%Y-%m}" for day in days))
