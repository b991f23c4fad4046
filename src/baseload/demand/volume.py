"""Demand from the ledger: what each workload did, month by month, at what doing it costs today.

Dollars of the past mix two things: how much was asked for, and what it cost then. Price cuts, a cheaper model and a
better cache change the second and are no demand. So the volume (requests, or tokens where requests are not known) is
carried on, times today's cost of one: that of the last complete months, at today's prices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.demand.history import DemandError, Floats, History
from baseload.demand.months import days_in_month, month_text
from baseload.prices.book import PriceBook
from baseload.prices.tables import Intervals, price_table
from baseload.values import NANO_PER_USD, TOKEN_CLASSES, Problem, Table, Window, date_of_day

Unit = Literal["requests", "tokens"]
Ints: TypeAlias = NDArray[np.int64]
RECENT_MONTHS: Final = 3
"""Complete months whose cost per unit is today's: one is too noisy, more would keep models already left."""
MOST_WORKLOADS: Final = 50
REST: Final = "all smaller workloads"


class WorkloadVolume(msgspec.Struct, frozen=True, kw_only=True):
    """One workload's months, first to last of the history; null where the ledger holds nothing of it."""

    workload: str
    unit: Unit
    requests: tuple[int | None, ...]
    tokens: tuple[int | None, ...]
    unit_usd: float  # today's list dollars of one request or token
    tokens_per_request_change: float | None  # last three months over the first three, less 1; null without requests


class Volume(NamedTuple):
    """The history to carry on, and the physical series it was made from."""

    history: History
    workloads: tuple[WorkloadVolume, ...]
    problems: tuple[Problem, ...]


class _Months(NamedTuple):
    """Sums by (workload, month); `known` where every row of the cell counts its requests."""

    first: int
    names: tuple[str, ...]
    requests: Ints
    known: NDArray[np.bool_]
    tokens: Ints
    today_nano: Ints
    rows: Ints


def today_nano(rows: Table, book: PriceBook, day: int) -> tuple[Ints, list[Problem]]:
    """Every row's list dollars at the prices of `day`, in nano-dollars.

    A key without a price then (retired, or never priced) keeps the dollars it had, and is a problem when it has tokens.
    """
    intervals = book.intervals(set(rows["price_key"].tolist()))
    ids = _ids_on(rows["price_key"], intervals, day)
    priced = price_table({**rows, "price_id": ids}, intervals)
    old = np.ma.filled(np.ma.asarray(rows["list_nano"]), 0).astype(np.int64)
    beside = np.ma.filled(np.ma.asarray(rows["other_nano"]), 0).astype(np.int64) if "other_nano" in rows else 0 * old
    kept = np.asarray(priced["priced"] == 0)
    lost = sorted({str(key) for key in rows["price_key"][kept & (_tokens(rows) > 0)].tolist()})
    problems = [
        _problem("no-price-today", "A model has no price today: its demand is counted at the price it had", key)
        for key in lost
    ]
    return np.where(kept, old, priced["list_nano"] + beside), problems


def _ids_on(keys: NDArray[Any], intervals: Intervals, day: int) -> Ints:
    table = intervals.table
    on = (table["from_day"] <= day) & (day < table["to_day_exclusive"])
    place = dict(zip(table["price_key"][on].tolist(), table["price_id"][on].tolist(), strict=True))
    return np.fromiter((place.get(key, -1) for key in keys.tolist()), dtype=np.int64, count=len(keys))


def ledger_volume(
    rows: Table, workloads: Sequence[str], cost_nano: Ints, complete: Window, *, unit: Unit | None = None
) -> Volume:
    """The demand of settled spend rows, inside whole months of `complete`.

    `workloads` names each row's; `cost_nano` is `today_nano`. Requests are the unit where every row of a workload
    counts them, tokens else, or what `unit` says. Workloads beyond fifty, smallest first, and those without a month
    among the last three are summed or left out, and said. Raises DemandError when no whole month is left.
    """
    first, last = _whole_months(complete)
    if last <= first:
        raise DemandError("demand: the ledger holds no whole month; expected at least one from its first to last day")
    sums = _sums(rows, workloads, cost_nano, first, last)
    problems = _partial(rows, first, last)
    found = [_workload(sums, place, unit, problems) for place in range(len(sums.names))]
    pairs = [pair for pair in found if pair is not None]
    if not pairs:
        raise DemandError("demand: no workload has spent anything in the last three months; nothing to carry on")
    pairs.sort(key=lambda pair: (-float(np.nansum(pair[1][-RECENT_MONTHS:])), pair[0].workload))
    names = [pair[0].workload for pair in pairs[:MOST_WORKLOADS]]
    usd = [pair[1] for pair in pairs[:MOST_WORKLOADS]]
    if small := [pair[1] for pair in pairs[MOST_WORKLOADS:]]:
        known = ~np.isnan(small)
        usd.append(np.where(known.any(axis=0), np.nansum(small, axis=0), np.nan))
        names.append(REST)
        problems.append(_problem("workloads-summed", f"{len(small)} small workloads are carried on as one", REST))
    history = History(first, tuple(names), np.array(usd))
    return Volume(history, tuple(pair[0] for pair in pairs), tuple(problems))


def _whole_months(complete: Window) -> tuple[int, int]:
    """First whole month, and the month after the last."""
    start, end = date_of_day(complete.start_day), date_of_day(complete.end_day_exclusive)
    first = start.year * 12 + start.month - 1 + (start.day > 1)
    return first, end.year * 12 + end.month - 1


def _months(rows: Table) -> Ints:
    days = np.asarray(rows["day"], dtype=np.int64)
    distinct, inverse = np.unique(days, return_inverse=True)
    dates = [date_of_day(day) for day in distinct.tolist()]
    found: Ints = np.array([date.year * 12 + date.month - 1 for date in dates], dtype=np.int64)[inverse]
    return found


def _tokens(rows: Table) -> Ints:
    return sum((_filled(rows[name]) for name in TOKEN_CLASSES), np.zeros(len(rows["day"]), dtype=np.int64))


def _filled(column: NDArray[Any]) -> Ints:
    return np.ma.filled(np.ma.asarray(column), 0).astype(np.int64)


def _sums(rows: Table, workloads: Sequence[str], cost_nano: Ints, first: int, last: int) -> _Months:
    names = tuple(sorted(set(workloads)))
    place = {name: index for index, name in enumerate(names)}
    month = _months(rows) - first
    inside = (month >= 0) & (month < last - first)
    cell = np.array([place[name] for name in workloads], dtype=np.int64) * (last - first) + month
    cell, shape = cell[inside], (len(names), last - first)

    def total(column: Ints) -> Ints:
        found = np.zeros(len(names) * (last - first), dtype=np.int64)
        np.add.at(found, cell, column[inside])
        return found.reshape(shape)

    used = (_tokens(rows) > 0).astype(np.int64)
    uncounted = used * (_filled(rows["requests_known"]) < _filled(rows["rows"]))
    return _Months(
        first=first,
        names=names,
        requests=total(_filled(rows["requests"])),
        known=total(uncounted) == 0,
        tokens=total(_tokens(rows)),
        today_nano=total(cost_nano),
        rows=total(np.ones(len(month), dtype=np.int64)),
    )


def _workload(
    sums: _Months, place: int, unit: Unit | None, problems: list[Problem]
) -> tuple[WorkloadVolume, Floats] | None:
    """One workload's volume and its dollars at today's cost of one; None where nothing is left of it."""
    there = sums.tokens[place] > 0
    if not there.any():
        return None
    name = sums.names[place]
    if not there[-RECENT_MONTHS:].any():
        last = month_text(sums.first + int(np.flatnonzero(there)[-1]))
        problems.append(_problem("workload-ended", f"Nothing since {last}: not carried on", name))
        return None
    counted = bool(sums.known[place][there].all()) and bool((sums.requests[place][there] > 0).all())
    chosen: Unit = unit or ("requests" if counted else "tokens")
    if chosen == "requests" and not counted:
        raise DemandError(f"demand: workload {name[:40]!r} does not count its requests in every month; use tokens")
    volume = (sums.requests if chosen == "requests" else sums.tokens)[place]
    recent = np.flatnonzero(there)[-RECENT_MONTHS:]
    unit_usd = float(sums.today_nano[place][recent].sum()) / NANO_PER_USD / float(volume[recent].sum())
    if unit_usd <= 0:
        problems.append(_problem("workload-without-price", "No price is known for it: not carried on", name))
        return None
    if len(gap := np.flatnonzero(~there[int(np.flatnonzero(there)[0]) :])):
        problems.append(_problem("workload-without-month", f"{len(gap)} months without a call: growth unseen", name))
    usd = np.where(there, volume * unit_usd, np.nan)
    return _described(sums, place, chosen, counted, unit_usd), usd


def _described(sums: _Months, place: int, unit: Unit, counted: bool, unit_usd: float) -> WorkloadVolume:
    there = np.flatnonzero(sums.tokens[place] > 0)
    requests, tokens = sums.requests[place], sums.tokens[place]
    change = None
    if counted and len(there) >= 2 * RECENT_MONTHS:
        early, late = there[:RECENT_MONTHS], there[-RECENT_MONTHS:]
        ratio = (tokens[late].sum() / requests[late].sum()) / (tokens[early].sum() / requests[early].sum())
        change = float(ratio) - 1
    present = set(there.tolist())
    return WorkloadVolume(
        workload=sums.names[place],
        unit=unit,
        requests=tuple(int(v) if counted and m in present else None for m, v in enumerate(requests.tolist())),
        tokens=tuple(int(v) if m in present else None for m, v in enumerate(tokens.tolist())),
        unit_usd=unit_usd,
        tokens_per_request_change=change,
    )


def _partial(rows: Table, first: int, last: int) -> list[Problem]:
    """Months with rows that are not whole: left out and said."""
    months = np.unique(_months(rows)).tolist()
    return [
        _problem("partial-month", f"not all of its {days_in_month(month)} days are there: left out", month_text(month))
        for month in months
        if not first <= month < last
    ]


def _problem(code: str, message: str, value: str) -> Problem:
    return Problem(source="demand", file="", row=0, code=code, message=message, value=value[:60])
