"""Time the ledger's queries from 1M to 20M calls, each in its own process, and print how they grow.

    python benchmarks/bench_ledger.py --folder build/bench [--calls 1000000,5000000,20000000]

Prints one table: wall seconds, CPU seconds, peak RSS, and for each size its time over the smallest's per call (1.0 is
linear growth; below 1.0 the fixed part shows). Compare ratios, not absolutes: the machine's load is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from baseload.engine.duckdb import DuckDBEngine
from baseload.ledger import queries
from baseload.ledger.store import Ledger
from baseload.values import Table

QUERIES = ("spend_sql", "shape_sql", "hours_sql", "repeats_sql", "cache_misses_sql")
MEMORY_LIMIT = "1GB"


def price_interval(ledger: Ledger) -> Table:
    """Two intervals a price key, the second from the middle of the window."""
    keys = ledger.price_keys()
    middle = 20_770 - 90
    return {
        "price_key": np.array(keys * 2, dtype=object),
        "from_day": np.array([0] * len(keys) + [middle] * len(keys)),
        "to_day_exclusive": np.array([middle] * len(keys) + [1 << 40] * len(keys)),
        "price_id": np.arange(2 * len(keys)),
    }


def measure(root: Path, name: str) -> dict[str, Any]:
    """One query in this process, everything included: opening the ledger, prices, the answer in numpy."""
    began, cpu = time.perf_counter(), time.process_time()
    with Ledger.open(root) as ledger, DuckDBEngine(memory_limit=MEMORY_LIMIT) as engine:
        ledger.attach(engine)
        engine.register("price_interval", price_interval(ledger))
        table = engine.query(getattr(queries, name)())
    return {
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "rows": len(next(iter(table.values()))),
    }


def in_process(root: Path, name: str) -> dict[str, Any]:
    """`measure` in a fresh interpreter, so that the peak is that query's alone."""
    command = [sys.executable, __file__, "--one", name, "--folder", str(root)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--calls", default="1000000,5000000,20000000")
    parser.add_argument("--queries", default=",".join(QUERIES))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.folder, given.one)))
        return
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, DuckDB memory limit {MEMORY_LIMIT}")
    print(f"{'query':18}{'calls':>12}{'wall s':>8}{'CPU s':>8}{'RSS MB':>8}{'rows':>9}{'growth':>8}")
    smallest: dict[str, float] = {}
    for calls in map(int, given.calls.split(",")):
        root = given.folder / f"ledger-{calls}"
        make = [sys.executable, str(Path(__file__).with_name("make_ledger.py")), str(root), "--calls", str(calls)]
        subprocess.run(make, check=True, capture_output=True)  # apart: a child starts with its parent's peak RSS
        for name in given.queries.split(","):
            found = in_process(root, name)
            growth = found["cpu"] / calls / smallest.setdefault(name, found["cpu"] / calls)
            print(
                f"{name:18}{calls:>12,}{found['wall']:>8.2f}{found['cpu']:>8.2f}{found['rss_mb']:>8}"
                f"{found['rows']:>9,}{growth:>8.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
