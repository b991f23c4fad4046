"""The batch queue on a month of arrivals: CPU-seconds of one run, and of everything one workload is asked.

    python benchmarks/bench_batch.py [--arrivals 1000000] [--rounds 3]

CPU-seconds of the process, the smallest of the rounds. "Run" is one pass of the queue; "outcome" learns the window and
judges it in three readings of the completion table, as the plan does for each workload.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from baseload.levers.batch.completion import MINUTE_US, completion_table
from baseload.levers.batch.deadline import Deadline
from baseload.levers.batch.eligible import Eligibility
from baseload.levers.batch.flow import TIERS, Flow, flow_of
from baseload.levers.batch.outcome import BatchRequest, batch_outcome, setting_of
from baseload.levers.batch.window import run_once
from baseload.values import DAY_US, HOUR_US

DAYS = 30


def month(arrivals: int) -> Flow:
    """Evenly random arrivals of 2,000 prompt tokens, to the microsecond."""
    starts = np.sort(np.random.default_rng(1).integers(20_000 * DAY_US, (20_000 + DAYS) * DAY_US, arrivals))
    return flow_of(starts, prompt_tokens=np.full(arrivals, 2_000))


def by_minute(flow: Flow) -> Flow:
    """The same arrivals as the ledger gives them: counted by minute."""
    minutes, place = np.unique(flow.start_us - flow.start_us % MINUTE_US, return_inverse=True)
    calls = np.bincount(place, weights=flow.requests).astype(np.int64)
    return flow_of(minutes, calls, calls * 2_000)


def least(rounds: int, work: Callable[[], object]) -> float:
    found = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arrivals", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    flow, table = month(given.arrivals), completion_table()
    request = BatchRequest(
        workload="bench",
        deadline=Deadline(us=4 * HOUR_US, source="declared", reason="bench"),
        eligibility=Eligibility(share=1.0, refused={}, refused_places={}),
        flow=flow,
        table=table,
        limits=TIERS["scale"],
    )
    setting = setting_of(request)
    print(f"{given.arrivals:,} arrivals in {DAYS} days")
    for minutes in (1, 15, 60):
        seconds = least(
            given.rounds,
            lambda minutes=minutes: run_once(flow, minutes * MINUTE_US, setting, table.likely, salt=0),
        )
        print(f"run, a batch every {minutes:>2} min: {seconds:.2f} s")
    print(f"outcome, every arrival:    {least(1, lambda: batch_outcome(request)):.2f} s")
    counted = BatchRequest(
        **{name: getattr(request, name) for name in request.__struct_fields__} | {"flow": by_minute(flow)}
    )
    print(f"outcome, by minute:        {least(given.rounds, lambda: batch_outcome(counted)):.2f} s")


if __name__ == "__main__":
    main()
