"""All benchmarks, one after the other, into docs/benchmarks.md with the machine's conditions.

    python benchmarks/run.py [--quick]

`--quick` takes small inputs, to see that everything runs; its figures are not written.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
SECTIONS: tuple[tuple[str, str, list[str], list[str], str], ...] = (
    (
        "The quick look against ccusage",
        "bench_usage.py",
        ["--megabytes", "200"],
        ["--megabytes", "5", "--rounds", "1"],
        "Targets: at least 350 MB per CPU-second in the reading, at most 130 MB RSS, the command 1.2x ccusage.",
    ),
    (
        "Whole commands",
        "bench_map.py",
        [],
        ["--megabytes", "5", "--rounds", "1", "--calls", "20000,100000"],
        (
            "Targets: `map` at most 4x the CPU of `usage` on the same tree; a second import at least 20x faster; 20 "
            "million calls ranked in 5 s and 0.5 GB, mapped in 60 s and 3 GB; `--help` at most 0.5 CPU-s."
        ),
    ),
    (
        "Queries of the ledger",
        "bench_ledger.py",
        ["--folder", "build/bench"],
        ["--folder", "build/bench", "--calls", "20000,100000"],
        "Growth is CPU per call against the smallest size: 1.00 is linear.",
    ),
    (
        "The cache, planned",
        "bench_cache.py",
        [],
        ["--requests", "5000"],
        (
            "Targets: the plan at most 0.5 % above the cheapest blanket rule and half of the way to the bound on "
            "coding sessions; 100,000 requests in 10 s."
        ),
    ),
    (
        "Batching",
        "bench_batch.py",
        [],
        ["--arrivals", "20000", "--rounds", "1"],
        "One pass of the queue over a month of arrivals, and everything one workload is asked.",
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    parts = [
        "# Benchmarks",
        "",
        (
            f"Made by `make bench` on {dt.datetime.now(dt.UTC).date()}: {os.cpu_count()} cores, {platform.machine()}, "
            f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the start. Compare ratios, "
            "not absolutes."
        ),
    ]
    for title, script, arguments, quick, targets in SECTIONS:
        command = [sys.executable, str(HERE / script), *(quick if given.quick else arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent)
        print(f"== {title}\n{done.stdout}{done.stderr if done.returncode else ''}", flush=True)
        if done.returncode:
            sys.exit(done.returncode)
        parts += ["", f"## {title}", "", targets, "", "```text", done.stdout.rstrip(), "```"]
    if not given.quick:
        PAGE.write_text("\n".join(parts) + "\n", encoding="utf-8")
        print(f"written to {PAGE.relative_to(HERE.parent)}")


if __name__ == "__main__":
    main()
