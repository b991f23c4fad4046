"""Usage since signing, day by day: a CSV of days, weeks or months, refused where it cannot be right.

`date,list_usd` with a row a day, or a row every seven days (the week that begins then), or `month,list_usd`. Weeks and
months are spread evenly over their days. `workload` rows of one date are added; `currency` must be USD.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.paths import MOST_USD_PER_MONTH
from baseload.commit.refusal import CommitError
from baseload.commit.track.calendar import Span, first_day, month_of
from baseload.demand.months import days_in_month, parse_month
from baseload.values import Problem

Grain = Literal["day", "week", "month"]
MOST_BYTES: Final = 16 * 1024 * 1024
MOST_DAYS: Final = 366 * 12
_COLUMNS: Final = ("date", "month", "list_usd", "workload", "currency")


class Daily(NamedTuple):
    """List dollars a day from `first` on; `grain` is what a row of the file was."""

    first: dt.date
    usd: Array
    grain: Grain

    @property
    def end(self) -> dt.date:
        """The day after the last."""
        return self.first + dt.timedelta(days=len(self.usd))

    def between(self, start: dt.date, end: dt.date) -> Array:
        """The days of [start, end) that are there; an empty array where none is."""
        low, high = ((day - self.first).days for day in (start, end))
        return self.usd[max(low, 0) : max(high, 0)]

    def until(self, end: dt.date) -> Daily:
        return self._replace(usd=self.between(self.first, end))


def read_daily(data: bytes, name: str = "usage.csv") -> tuple[Daily, list[Problem]]:
    """The days a file holds, and what its reader must know. Raises CommitError naming row, value and rule."""
    rows = dict(sorted(_added(data, name).items()))
    by_month = isinstance(next(iter(rows)), int)
    if by_month:
        return _of_months({int(str(key)): usd for key, usd in rows.items()}, name), []
    dates = {key: usd for key, usd in rows.items() if isinstance(key, dt.date)}
    days = list(dates)
    if len(days) > 1 and all(day.day == 1 for day in days):
        said = _problem(name, "dates-read-as-months", "Every date is the first of a month: read as months", "date")
        return _of_months({month_of(day): usd for day, usd in dates.items()}, name), [said]
    steps = {(later - day).days for day, later in pairwise(days)}
    if steps == {7}:
        return Daily(days[0], np.repeat(np.array(list(dates.values())) / 7, 7), "week"), []
    if len(steps) == 1 and steps != {1}:
        raise CommitError("date", f"a row every {steps.pop()} days", "a row every day, every 7 days, or a month column",
                          where=name)  # fmt: skip
    return _of_days(dates, name)


def _of_months(months: dict[int, float], name: str) -> Daily:
    first, last = min(months), max(months)
    for month in range(first, last + 1):
        if month not in months:
            rule = "every month from the first to the last"
            raise CommitError("month", f"{first_day(month):%Y-%m} is missing", rule, where=name)
    days = [np.full(days_in_month(month), months[month] / days_in_month(month)) for month in range(first, last + 1)]
    return Daily(first_day(first), np.concatenate(days), "month")


def _of_days(dates: dict[dt.date, float], name: str) -> tuple[Daily, list[Problem]]:
    days = list(dates)
    span = Span(days[0], days[-1] + dt.timedelta(days=1))
    if span.days > MOST_DAYS:
        raise CommitError("date", f"{span.days} days", f"at most {MOST_DAYS} from the first to the last", where=name)
    lost = span.days - len(days)
    if lost * 2 > span.days:
        rule = "a row for every day: most of the days from the first to the last have none"
        raise CommitError("date", f"{len(days)} of {span.days} days", rule, where=name)
    usd = np.zeros(span.days)
    usd[[(day - span.start).days for day in days]] = list(dates.values())
    said = f"{lost} days between the first and the last have no row and count as 0"
    return Daily(span.start, usd, "day"), [_problem(name, "days-without-usage", said, str(lost))] if lost else []


def _added(data: bytes, name: str) -> dict[dt.date | int, float]:
    """Date, or month number, -> list dollars of all its rows."""
    found: dict[dt.date | int, float] = {}
    seen: set[tuple[dt.date | int, str]] = set()
    for line, row, by in _rows(data, name):
        when = _when(row[by], by, line, name)
        if (when, row.get("workload", "")) in seen:
            raise CommitError(f"row {line}, {by}", row[by], "each once (for each workload)", where=name)
        seen.add((when, row.get("workload", "")))
        found[when] = found.get(when, 0.0) + _usd(row["list_usd"], line, name)
        if row.get("currency", "USD").upper() not in ("", "USD"):
            rule = "USD in every row: currencies are not mixed"
            raise CommitError(f"row {line}, currency", row["currency"], rule, where=name)
    if not found:
        raise CommitError("", "no row", "a row for every day, week or month since the contract began", where=name)
    return found


def _rows(data: bytes, name: str) -> Iterator[tuple[int, dict[str, str], str]]:
    """Line number, columns, and whether rows are by date or by month."""
    if len(data) > MOST_BYTES:
        raise CommitError("", f"{len(data):,} bytes", f"at most {MOST_BYTES:,}", where=name)
    try:
        reader = csv.reader(data.decode("utf-8-sig").splitlines(), strict=True)
        header = [cell.strip().lower() for cell in next(reader, [])]
        by = [column for column in ("date", "month") if column in header]
        unknown = sorted(set(header) - set(_COLUMNS))
        if len(by) != 1 or "list_usd" not in header or unknown or len(set(header)) != len(header):
            rule = "date,list_usd or month,list_usd (beside them workload, currency), each once"
            raise CommitError("header", ",".join(header), rule, where=name)
        for line, cells in enumerate(reader, start=2):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise CommitError(f"row {line}", f"{len(cells)} values", f"{len(header)}, one a column", where=name)
            yield line, dict(zip(header, (cell.strip() for cell in cells), strict=True)), by[0]
    except UnicodeDecodeError as error:
        raise CommitError("", f"byte {error.start}", "text in UTF-8", where=name) from error
    except csv.Error as error:
        raise CommitError("", str(error), "comma-separated values with a header", where=name) from error


def _when(text: str, by: str, line: int, name: str) -> dt.date | int:
    try:
        if by == "month":
            return parse_month(text)
        day = dt.date.fromisoformat(text)
        parse_month(text[:7])
    except ValueError as error:
        rule = "YYYY-MM" if by == "month" else "YYYY-MM-DD"
        raise CommitError(f"row {line}, {by}", text, f"{rule}, 2000 to 2099", where=name) from error
    return day


def _usd(text: str, line: int, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= MOST_USD_PER_MONTH:
        rule = f"plain US dollars, 0 to {MOST_USD_PER_MONTH:,.0f}"
        raise CommitError(f"row {line}, list_usd", text or "empty", rule, where=name)
    return value


def _problem(name: str, code: str, message: str, value: str) -> Problem:
    return Problem(source="track", file=name, row=0, code=code, message=message, value=value)
