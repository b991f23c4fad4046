"""The busiest minute of each workload: what a rate-limit pool must take when the workload moves to it.

Limits count requests, output tokens, and input tokens but those read from a cache (anthropic-facts sections 3 and 7).
They hold for synchronous calls on the Claude API: batches have queue limits of their own, clouds their own quotas, so
neither is counted here.

A 1-in-N sample shows no minute: one call would stand for N at once. Of sampled calls the busiest hour of the day is
taken instead, as its mean minute over all days: a lower bound of the busiest one, and it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np

from baseload.ledger.sql_parts import canonical_calls, total
from baseload.values import Table

MINUTE_US: Final = 60_000_000
_LIMITED: Final = ("requests", "input_tokens", "output_tokens")
_MINUTES: Final = ("minutes", *_LIMITED, *(f"p99_{name}" for name in _LIMITED))
_INPUTS: Final = ("uncached_input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """Requests, input and output tokens of a workload's busiest minute, of each by itself.

    `p99_*` is what 99 % of its `minutes` with calls stay at or below. Where `is_sampled` some of it is the mean minute
    of the busiest hour of the day: the busiest minute is higher.
    """

    minutes: int = 0
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    p99_requests: int = 0
    p99_input_tokens: int = 0
    p99_output_tokens: int = 0
    is_sampled: bool = False

    def __add__(self, other: Peak) -> Peak:
        """Both at once: an upper bound of their common peak."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _MINUTES}
        return Peak(**sums, is_sampled=self.is_sampled or other.is_sampled)


def signature_workload(workload_of: Mapping[str, str]) -> Table:
    """The table `signature_workload` the queries of this module and of `ledger.session_models` join: signature ->
    workload id. Register it with the engine first."""
    names = sorted(workload_of)
    return {
        "signature": np.array(names, dtype=object),
        "workload": np.array([workload_of[name] for name in names], dtype=object),
    }


def peak_minutes_sql() -> str:
    """One row per workload with unsampled calls on the Claude API: `minutes` with a call, their maxima and p99."""
    places = ", ".join(
        f"ROW_NUMBER() OVER (PARTITION BY minutes.workload ORDER BY minutes.{name}, minutes.minute_us) AS {name}_place"
        for name in _LIMITED
    )
    peaks = ", ".join(f"MAX(ranked.{name}) AS {name}" for name in _LIMITED)
    p99s = ", ".join(
        f"MIN(CASE WHEN ranked.{name}_place * 100 >= totals.minutes * 99 THEN ranked.{name} END) AS p99_{name}"
        for name in _LIMITED
    )
    return f"""
WITH calls AS ({_synchronous("start_us")}),
timed AS (
  SELECT signature_workload.workload, calls.start_us - calls.start_us % {MINUTE_US} AS minute_us,
    {_input("calls")} AS input_tokens, calls.output_tokens
  FROM calls INNER JOIN cells ON cells.cell = calls.cell
  INNER JOIN signature_workload ON signature_workload.signature = cells.signature
  WHERE cells.sampling_rate = 1
),
minutes AS (
  SELECT timed.workload, timed.minute_us, COUNT(*) AS requests, {total("timed.input_tokens")} AS input_tokens,
    {total("timed.output_tokens")} AS output_tokens
  FROM timed
  GROUP BY timed.workload, timed.minute_us
),
ranked AS (
  SELECT minutes.workload, {", ".join(f"minutes.{name}" for name in _LIMITED)}, {places}
  FROM minutes
),
totals AS (
  SELECT minutes.workload, COUNT(*) AS minutes
  FROM minutes
  GROUP BY minutes.workload
)
SELECT ranked.workload, MAX(totals.minutes) AS minutes, {peaks}, {p99s}
FROM ranked INNER JOIN totals ON totals.workload = ranked.workload
GROUP BY ranked.workload"""


def peak_hours_sql() -> str:
    """Sampled calls on the Claude API by workload and UTC hour of day, scaled: `_LIMITED`, first_day, last_day."""
    sums = ", ".join(f"{total(f'scaled.{name}')} AS {name}" for name in _LIMITED)
    return f"""
WITH calls AS ({_synchronous("day", "hour")}),
scaled AS (
  SELECT signature_workload.workload, calls.hour, calls.day, cells.sampling_rate AS requests,
    ({_input("calls")}) * cells.sampling_rate AS input_tokens,
    calls.output_tokens * cells.sampling_rate AS output_tokens
  FROM calls INNER JOIN cells ON cells.cell = calls.cell
  INNER JOIN signature_workload ON signature_workload.signature = cells.signature
  WHERE cells.sampling_rate > 1
)
SELECT scaled.workload, scaled.hour, {sums}, MIN(scaled.day) AS first_day, MAX(scaled.day) AS last_day
FROM scaled
GROUP BY scaled.workload, scaled.hour"""


def peaks_by_workload(minutes: Table, hours: Table) -> dict[str, Peak]:
    """Workload -> its peak, from the rows of `peak_minutes_sql` and `peak_hours_sql`."""
    rows: list[list[Any]] = [minutes[name].tolist() for name in _MINUTES]
    found = {
        str(workload): msgspec.convert(dict(zip(_MINUTES, map(int, values), strict=True)), Peak)
        for workload, *values in zip(minutes["workload"].tolist(), *rows, strict=True)
    }
    for workload, peak in _sampled(hours).items():
        found[workload] = found[workload] + peak if workload in found else peak
    return found


def _sampled(hours: Table) -> dict[str, Peak]:
    """The mean minute of each workload's busiest hour of the day, over the days between its first and last call."""
    names = ("workload", *_LIMITED, "first_day", "last_day")
    by_workload: dict[str, list[tuple[int, ...]]] = {}
    for workload, *values in zip(*(hours[name].tolist() for name in names), strict=True):
        by_workload.setdefault(str(workload), []).append(tuple(map(int, values)))
    found = {}
    for workload, rows in by_workload.items():
        first, last = min(row[-2] for row in rows), max(row[-1] for row in rows)
        minutes = 60 * (last - first + 1)
        requests, given, taken = (-(-max(row[place] for row in rows) // minutes) for place in range(3))
        found[workload] = Peak(
            minutes=minutes,
            requests=requests,
            input_tokens=given,
            output_tokens=taken,
            p99_requests=requests,
            p99_input_tokens=given,
            p99_output_tokens=taken,
            is_sampled=True,
        )
    return found


def _synchronous(*columns: str) -> str:
    where = "stored_calls.tier <> 'batch' AND stored_calls.platform = 'anthropic'"
    return canonical_calls("cell", *columns, *_INPUTS, "output_tokens", where=where)


def _input(table: str) -> str:
    return " + ".join(f"{table}.{name}" for name in _INPUTS)
