"""All benchmarks, one after the other, into docs/benchmarks.md with the machine's conditions.

    python benchmarks/run.py [--quick] [--only WORD]

`--quick` takes small inputs, to see that everything runs; its figures are not written. `--only` runs the sections with
that word in their title and leaves what the page says of the others.
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
    (
        "Sizing a commitment",
        "bench_commit_search.py",
        [],
        ["--paths", "200", "--loop", "40", "--coarse", "3"],
        "Targets: a hundred thousand three-year contracts on 2,000 paths in 5 s and 2 GB.",
    ),
    (
        "Demand beside its peers",
        "bench_demand.py",
        [],
        ["--quick"],
        "Models of the same family in the same run; forecasts are scored in docs/proofs.md.",
    ),
    (
        "The commitment, back-tested",
        "bench_commit_backtest.py",
        [],
        ["--quick"],
        "Regret of sizes taken on what was known then, beside the rules of thumb.",
    ),
    (
        "The gateway beside its peers",
        "bench_gateway.py",
        ["--seconds", "2"],
        ["--rounds", "1", "--seconds", "1", "--only", "Envoy"],
        (
            "Targets: with everything on 1.1x Envoy + Lua at 2 KB, 0.5x at 110 KB, 0.6x our bare pipe; added p50 "
            "0.5 ms and p99 3 ms at 500 requests/s; 500,000 stream events/s; 60 MB at rest, 150 MB with 2,000 "
            "streams; started in 1 s."
        ),
    ),
    (
        "The router",
        "bench_router.py",
        [],
        ["--prompts", "1000", "--rounds", "1"],
        "Targets: a fit on 10,000 prompts in 30 s, a decision in 200 microseconds, a model file of 5 MB at most.",
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", metavar="WORD")
    given = parser.parse_args()
    written = _written()
    for title, script, arguments, quick, targets in SECTIONS:
        if given.only.casefold() not in title.casefold():
            continue
        command = [sys.executable, str(HERE / script), *(quick if given.quick else arguments)]
        load = os.getloadavg()[0]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent)
        print(f"== {title}\n{done.stdout}{done.stderr if done.returncode else ''}", flush=True)
        if done.returncode:
            sys.exit(done.returncode)
        when = f"Measured on {dt.datetime.now(dt.UTC).date()}, load {load:.1f} at the start."
        written[title] = f"{targets}\n\n{when}\n\n```text\n{done.stdout.rstrip()}\n```"
    if not given.quick:
        PAGE.write_text(_page(written), encoding="utf-8")
        print(f"written to {PAGE.relative_to(HERE.parent)}")


def _written() -> dict[str, str]:
    """What the page says by now, by title."""
    if not PAGE.exists():
        return {}
    _, *parts = PAGE.read_text(encoding="utf-8").split("\n## ")
    return {title: text.strip() for title, _, text in (part.partition("\n") for part in parts)}


def _page(written: dict[str, str]) -> str:
    head = (
        f"# Benchmarks\n\nMade by `make bench`: {os.cpu_count()} cores, {platform.machine()}, Python "
        f"{platform.python_version()}. Compare ratios, not absolutes."
    )
    known = [title for title, *_ in SECTIONS]
    titles = [title for title in known if title in written] + [title for title in written if title not in known]
    return "\n\n".join((head, *(f"## {title}\n\n{written[title]}" for title in titles))) + "\n"


if __name__ == "__main__":
    main()
