"""What the ledger is asked for batching: arrivals, what the requests are like, and how long recorded batches took.

The small table `batch_signatures` (signature, workload) must be registered with the engine first: it names the calls
that matter, so that a large ledger answers with minutes of a few workloads, not with every call.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from baseload.ledger.sql_parts import canonical_calls, total
from baseload.levers.batch.eligible import Sent
from baseload.levers.batch.flow import Flow, Ints, Limits, flow_of
from baseload.values import Table

MINUTE_US = 60_000_000
_MOST_DURATIONS = 1_000
_OUTSIDE_BATCHES = "stored_calls.tier <> 'batch'"


def signatures_table(workload_of: Mapping[str, str]) -> Table:
    """The table `batch_signatures`: signature -> workload id, in the order given."""
    return {
        "signature": np.array(list(workload_of), dtype=object),
        "workload": np.array(list(workload_of.values()), dtype=object),
    }


def arrivals_sql() -> str:
    """Per workload and minute of arrival: calls outside batches and their prompt tokens, scaled by the sampling rate.

    `minute_us` is the start of the minute. A minute is exact enough beside deadlines of an hour and more, and bounds
    the answer: at most one row per workload, minute and sampling rate.
    """
    return f"""
WITH calls AS ({_calls("cell", "start_us", "prompt_tokens", where=_OUTSIDE_BATCHES)}),
placed AS (
  SELECT batch_signatures.workload, calls.start_us - calls.start_us % {MINUTE_US} AS minute_us, cells.sampling_rate,
    calls.prompt_tokens
  FROM calls INNER JOIN cells ON cells.cell = calls.cell
  INNER JOIN batch_signatures ON batch_signatures.signature = cells.signature
)
SELECT placed.workload, placed.minute_us, {total("placed.sampling_rate")} AS calls,
  {total("placed.prompt_tokens * placed.sampling_rate")} AS prompt_tokens
FROM placed
GROUP BY placed.workload, placed.minute_us"""


def requests_sql() -> str:
    """Per workload and what its requests ask for: calls outside batches, those streamed, with max_tokens 0, and that
    ended to call a tool. Scaled by the sampling rate."""
    sums = ", ".join(
        f"{total(f'CASE WHEN {condition} THEN cells.sampling_rate ELSE 0 END')} AS {name}"
        for name, condition in (
            ("streamed", "calls.stream = 1"),
            ("prewarms", "calls.max_tokens = 0"),
            ("tool_stops", "calls.stop_reason = 'tool_use'"),
        )
    )
    return f"""
WITH calls AS ({_calls("cell", "stream", "max_tokens", "stop_reason", where=_OUTSIDE_BATCHES)})
SELECT batch_signatures.workload, batch_signatures.signature,
  {total("cells.sampling_rate")} AS calls, {sums}
FROM calls INNER JOIN cells ON cells.cell = calls.cell
INNER JOIN batch_signatures ON batch_signatures.signature = cells.signature
GROUP BY batch_signatures.workload, batch_signatures.signature"""


def durations_sql() -> str:
    """Seconds synchronous calls took, rounded up to 1, 2, 4, … 512: per workload and bin, how many did."""
    bins = " ".join(f"WHEN calls.took_us <= {2**power * 1_000_000} THEN {2**power}" for power in range(9))
    known = f"{_OUTSIDE_BATCHES} AND stored_calls.end_us > stored_calls.start_us"
    return f"""
WITH times AS ({_calls("cell", "start_us", "end_us", where=known)}),
calls AS (SELECT times.cell, times.end_us - times.start_us AS took_us FROM times),
binned AS (
  SELECT batch_signatures.workload, CASE {bins} ELSE 512 END AS seconds
  FROM calls INNER JOIN cells ON cells.cell = calls.cell
  INNER JOIN batch_signatures ON batch_signatures.signature = cells.signature
)
SELECT binned.workload, binned.seconds, COUNT(*) AS calls
FROM binned
GROUP BY binned.workload, binned.seconds"""


def batch_times_sql() -> str:
    """Creation and end of every recorded batch: calls of one batch share both. All workloads; no small table needed."""
    ended = "stored_calls.tier = 'batch' AND stored_calls.end_us > stored_calls.start_us"
    return f"""
WITH calls AS ({_calls("start_us", "end_us", where=ended)})
SELECT calls.start_us, calls.end_us, COUNT(*) AS calls
FROM calls
GROUP BY calls.start_us, calls.end_us"""


def flows(arrivals: Table, limits: Limits) -> dict[str, Flow]:
    """Workload -> its arrivals, from rows of `arrivals_sql`."""
    workloads, starts = arrivals["workload"], arrivals["minute_us"]
    calls, tokens = arrivals["calls"], arrivals["prompt_tokens"]
    found = {}
    for workload in sorted(set(workloads.tolist())):
        mine = workloads == workload
        found[workload] = flow_of(starts[mine], calls[mine], tokens[mine], limits=limits)
    return found


def sent_by_workload(requests: Table, signatures: Table) -> dict[str, list[Sent]]:
    """Workload -> its calls by what they ask for, from rows of `requests_sql` and the ledger's signature dimension."""
    labels = {
        signature: (features or "", cues or "")
        for signature, features, cues in zip(
            *(signatures[name].tolist() for name in ("signature", "request_features", "task_cues")), strict=True
        )
    }
    columns = ("workload", "signature", "calls", "streamed", "prewarms", "tool_stops")
    found: defaultdict[str, list[Sent]] = defaultdict(list)
    for workload, signature, calls, streamed, prewarms, stops in zip(
        *(requests[name].tolist() for name in columns), strict=True
    ):
        features, cues = labels.get(signature, ("", ""))
        found[workload].append(
            Sent(
                calls=calls,
                request_features=features,
                task_cues=cues,
                streamed=streamed,
                prewarms=prewarms,
                tool_stops=stops,
            )
        )
    return dict(found)


def durations(binned: Table) -> dict[str, Ints]:
    """Workload -> durations of its synchronous calls in microseconds, from rows of `durations_sql`.

    Each is the upper edge of its bin, and a bin is listed in proportion, at most a thousand times in all.
    """
    counts: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for workload, seconds, calls in zip(
        *(binned[name].tolist() for name in ("workload", "seconds", "calls")), strict=True
    ):
        counts[workload].append((seconds, calls))
    found = {}
    for workload, bins in counts.items():
        step = max(1.0, sum(calls for _, calls in bins) / _MOST_DURATIONS)
        listed = [seconds for seconds, calls in sorted(bins) for _ in range(max(1, round(calls / step)))]
        found[workload] = np.array(listed, dtype=np.int64) * 1_000_000
    return found


def _calls(*columns: str, where: str) -> str:
    """SELECT of the stored calls that were not refused, under a condition."""
    answered = "(stored_calls.http_status IS NULL OR stored_calls.http_status < 400)"
    return canonical_calls(*columns, where=f"{answered} AND {where}")
