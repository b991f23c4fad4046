"""Demand from a file: `month,list_usd` or `date,list_usd`, one row per month or day, optionally by `workload`.

A file somebody made by hand is read strictly: what cannot be right is an error with its row, value and rule, because a
commitment sized on half of a file is worse than none. What is right but must be known is a problem beside the result.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from baseload.demand.history import ALL, DemandError, Floats, History
from baseload.demand.months import EARLIEST_YEAR, LATEST_YEAR, days_in_month, month_text, parse_month
from baseload.values import Problem

MOST_FILE_USD: Final = 1e9
"""A billion a month: beyond any customer, so a unit mistake (cents, nano-dollars)."""
MOST_BYTES: Final = 16 * 1024 * 1024
MOST_WORKLOADS: Final = 200
_KNOWN: Final = ("month", "date", "list_usd", "workload", "currency")
_AMOUNT: Final = re.compile(r"-?\d{1,15}(\.\d{1,9})?", re.ASCII)
_SHOWN: Final = 40
_SEE: Final = "See docs/reference/demand.md."


class Row(NamedTuple):
    """One record: 1-based line, its month, its day of the month (0 in a monthly file), workload and dollars."""

    line: int
    month: int
    day: int
    workload: str
    usd: float


def read_demand(
    data: bytes, name: str, *, as_of: dt.date | None = None, bridge_missing: bool = False
) -> tuple[History, list[Problem]]:
    """The history a file holds, and what its reader must know.

    Months that are not whole (the first or last of a daily file, the month of `as_of`) are left out and said. A month
    missing in between is an error, or left unknown where `bridge_missing`. Raises DemandError, naming row, value, rule.
    """
    rows, problems = _rows(data, name)
    table = _table(rows, name)
    partial = _partial(rows, as_of)
    problems += [_problem(name, 0, "partial-month", why, month_text(month)) for month, why in sorted(partial.items())]
    months = sorted({month for month, _ in table} - set(partial))
    if not months:
        raise DemandError(f"{name}: no whole month; expected at least one. {_SEE}")
    names = tuple(dict.fromkeys(workload for _, workload in table))
    span = range(months[0], months[-1] + 1)
    missing = sorted(set(span) - set(months))
    if missing and not bridge_missing:
        raise DemandError(
            f"{name}: {month_text(missing[0])} is missing ({len(missing)} of {len(span)} months); "
            f"expected every month from the first to the last: add it. {_SEE}"
        )
    usd = np.array([[table.get((month, workload), np.nan) for month in span] for workload in names])
    problems += [_problem(name, 0, "missing-month", "left unknown, bridged in logs", month_text(m)) for m in missing]
    if rows[0].day:
        problems += _gaps(rows, name, set(months))
    return _known(usd, months[0], names, name, problems)


def _rows(data: bytes, name: str) -> tuple[list[Row], list[Problem]]:
    if len(data) > MOST_BYTES:
        raise DemandError(f"{name}: {len(data):,} bytes; a demand file has at most {MOST_BYTES:,}. {_SEE}")
    try:
        lines = data.decode("utf-8-sig").splitlines()
        reader = csv.reader(lines, strict=True)
        header = [cell.strip().lower() for cell in next(reader, [])]
        by = _header(header, name)
        rows = [
            _row(dict(zip(header, cells, strict=True)), line, by, name) for line, cells in _cells(reader, header, name)
        ]
    except UnicodeDecodeError as error:
        raise DemandError(f"{name}: not UTF-8; save it as UTF-8. {_SEE}") from error
    except csv.Error as error:
        raise DemandError(f"{name}: line {reader.line_num}: {error}. {_SEE}") from error
    if not rows:
        raise DemandError(f"{name}: no row below the header; expected one per month. {_SEE}")
    ignored = [column for column in header if column not in _KNOWN]
    problems = [_problem(name, 1, "column-ignored", "a column of no known meaning", column) for column in ignored]
    return _as_months(rows, name, problems)


def _header(header: list[str], name: str) -> str:
    """`month` or `date`."""
    by = [column for column in ("month", "date") if column in header]
    if len(by) != 1 or "list_usd" not in header or len(set(header)) != len(header):
        shown = ",".join(header)[:_SHOWN]
        raise DemandError(f"{name}: header {shown!r}; expected month,list_usd or date,list_usd, each once. {_SEE}")
    return by[0]


def _cells(reader: Iterator[list[str]], header: list[str], name: str) -> Iterator[tuple[int, list[str]]]:
    for line, cells in enumerate(reader, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise DemandError(f"{name}: row {line}: {len(cells)} values under {len(header)} columns. {_SEE}")
        yield line, [cell.strip() for cell in cells]


def _row(cells: Mapping[str, str], line: int, by: str, name: str) -> Row:
    currency = cells.get("currency", "USD").upper()
    if currency != "USD":
        raise DemandError(f"{name}: row {line}: currency {currency[:_SHOWN]!r}; every row must be USD. {_SEE}")
    text = cells["list_usd"]
    if not _AMOUNT.fullmatch(text):
        raise DemandError(
            f"{name}: row {line}: list_usd {text[:_SHOWN]!r}; expected plain US dollars such as 1234.56. {_SEE}"
        )
    usd = float(text)
    if not 0 <= usd <= MOST_FILE_USD:
        rule = "not negative (credits do not belong in demand)" if usd < 0 else f"at most {MOST_FILE_USD:,.0f}"
        raise DemandError(f"{name}: row {line}: list_usd {text[:_SHOWN]}; expected {rule}. {_SEE}")
    try:
        month, day = _when(cells[by], by)
    except ValueError as error:
        form = "YYYY-MM" if by == "month" else "YYYY-MM-DD"
        years = f"{EARLIEST_YEAR} to {LATEST_YEAR}"
        raise DemandError(
            f"{name}: row {line}: {by} {cells[by][:_SHOWN]!r}; expected {form}, {years}. {_SEE}"
        ) from error
    return Row(line, month, day, cells.get("workload", "") or ALL, usd)


def _when(text: str, by: str) -> tuple[int, int]:
    if by == "month":
        return parse_month(text), 0
    if len(text) != 10:
        raise ValueError(text)
    day = dt.date.fromisoformat(text)
    return parse_month(text[:7]), day.day


def _as_months(rows: list[Row], name: str, problems: list[Problem]) -> tuple[list[Row], list[Problem]]:
    """A date file whose dates are all the first of different months is a monthly file."""
    months = {row.month for row in rows}
    if rows[0].day and len(months) > 1 and all(row.day == 1 for row in rows):
        said = _problem(name, 0, "dates-read-as-months", "every date is the first of a month: read as months", "date")
        return [row._replace(day=0) for row in rows], [*problems, said]
    return rows, problems


def _table(rows: list[Row], name: str) -> dict[tuple[int, str], float]:
    """(month, workload) -> dollars. Raises DemandError on a month, or day, that is there twice."""
    seen: dict[tuple[int, int, str], int] = {}
    found: dict[tuple[int, str], float] = {}
    for row in rows:
        key = row.month, row.day, row.workload
        if key in seen:
            when = month_text(row.month) + (f"-{row.day:02d}" if row.day else "")
            raise DemandError(
                f"{name}: row {row.line}: {when} again (first in row {seen[key]}); expected each once"
                f"{' per workload' if row.workload != ALL else ''}. {_SEE}"
            )
        seen[key] = row.line
        found[row.month, row.workload] = found.get((row.month, row.workload), 0.0) + row.usd
    if len({workload for _, workload in found}) > MOST_WORKLOADS:
        raise DemandError(f"{name}: more than {MOST_WORKLOADS} workloads; sum the small ones into one. {_SEE}")
    return found


def _partial(rows: list[Row], as_of: dt.date | None) -> dict[int, str]:
    """Months that are not whole, and why."""
    found: dict[int, str] = {}
    if rows[0].day:
        first, last = min((row.month, row.day) for row in rows), max((row.month, row.day) for row in rows)
        if first[1] > 1:
            found[first[0]] = f"begins on day {first[1]}: left out"
        if last[1] < days_in_month(last[0]):
            found[last[0]] = f"ends on day {last[1]}: left out"
    if as_of is not None:
        now = as_of.year * 12 + as_of.month - 1
        found |= {row.month: "not over yet: left out" for row in rows if row.month >= now}
    return found


def _gaps(rows: list[Row], name: str, months: set[int]) -> Iterator[Problem]:
    """Days of whole months without a row; they count as 0. Raises DemandError where most are missing."""
    days: dict[int, set[int]] = {}
    for row in rows:
        if row.month in months:
            days.setdefault(row.month, set()).add(row.day)
    for month, seen in sorted(days.items()):
        lost = days_in_month(month) - len(seen)
        if lost * 2 > days_in_month(month):
            raise DemandError(
                f"{name}: {month_text(month)} has {len(seen)} days with a row; expected every day, or one row "
                f"per month under a month column. {_SEE}"
            )
        if lost:
            yield _problem(name, 0, "days-without-demand", f"{lost} days have no row and count as 0", month_text(month))


def _known(
    usd: Floats, first_month: int, names: tuple[str, ...], name: str, problems: list[Problem]
) -> tuple[History, list[Problem]]:
    """Zeros say so: before the first dollar there is no history, in between they are unknown, at the end it is over."""
    for place, workload in enumerate(names):
        for month in np.flatnonzero(usd[place] == 0).tolist():
            when = f"{workload} {month_text(first_month + month)}"[:60]
            problems.append(_problem(name, 0, "zero-month", "a month of 0 is left out: growth is not seen in it", when))
        if lost := _lost(usd, place):
            said = f"no row in {lost} months that others have: left unknown, bridged in logs"
            problems.append(_problem(name, 0, "workload-without-month", said, workload[:60]))
    usd = np.where(usd > 0, usd, np.nan)
    ended = [place for place in range(len(names)) if np.isnan(usd[place, -1])]
    problems += [
        _problem(name, 0, "workload-ended", "nothing in the last month: not carried on", names[place][:60])
        for place in ended
    ]
    kept = [place for place in range(len(names)) if place not in ended]
    if not kept:
        raise DemandError(f"{name}: list_usd of the last month is 0; expected demand to carry on. {_SEE}")
    usd = usd[kept]
    began = int(np.flatnonzero((~np.isnan(usd)).any(axis=0))[0])
    return History(first_month + began, tuple(names[place] for place in kept), usd[:, began:]), problems


def _lost(usd: Floats, place: int) -> int:
    """Months between a workload's first and last that others have and it has not."""
    known = np.flatnonzero(~np.isnan(usd[place]))
    if not len(known):
        return 0
    inside = usd[:, int(known[0]) : int(known[-1])]
    return int((np.isnan(inside[place]) & (~np.isnan(inside)).any(axis=0)).sum())


def _problem(name: str, row: int, code: str, message: str, value: str) -> Problem:
    return Problem(source="demand", file=name, row=row, code=code, message=message, value=value)
