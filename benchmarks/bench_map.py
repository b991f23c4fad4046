"""`map`, `rank` and `--help` as whole commands: against `usage` on the same tree, and from 1M to 20M calls.

    python benchmarks/bench_map.py [--megabytes 200] [--calls 1000000,20000000] [--rounds 3]

Every figure is of a process of its own (user + system CPU, wall, peak RSS); rounds are interleaved and the least CPU is
taken. `usage` on the same tree is the unit, so that the ratios hold on any machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from bench_usage import Run, measured
from make_claude_tree import make_tree

BASELOAD = str(Path(sys.executable).with_name("baseload"))
IMPORTS = """
import datetime as dt, sys, time
from pathlib import Path
from baseload.cli.book import open_book
from baseload.cli.run import import_into
from baseload.ledger.store import Ledger
from baseload.project import Project
book, ledger = open_book(Project(), None), Ledger.open(Path(sys.argv[2]), create=True)
for _ in range(2):
    begun = time.process_time()
    import_into(ledger, [Path(sys.argv[1])], Project(), book, None, dt.date.today())
    print(time.process_time() - begun)
"""


def least(runs: Sequence[Run]) -> Run:
    return min(runs, key=lambda run: run.cpu_s)


def row(name: str, run: Run, unit: float) -> None:
    ratio = f"{run.cpu_s / unit:8.2f}" if unit else " " * 8
    print(f"{name:44}{run.cpu_s:8.2f}{run.wall_s:8.2f}{run.rss_mb:9.0f}{ratio}", flush=True)


def tree_rows(tree: Path, scratch: Path, rounds: int) -> None:
    usage, first, second, helped = [], [], [], []
    for number in range(rounds):
        home = {"XDG_CACHE_HOME": str(scratch / f"cache{number}"), "XDG_CONFIG_HOME": str(scratch / "config")}
        usage.append(measured([BASELOAD, "usage", str(tree)], **home))
        command = [BASELOAD, "map", str(tree), "-o", str(scratch / "report")]
        first.append(measured(command, **home))
        second.append(measured(command, **home))
        helped.append(measured([BASELOAD, "--help"], **home))
    unit = least(usage).cpu_s
    row("baseload usage TREE", least(usage), unit)
    row("baseload map TREE, first time", least(first), unit)
    row("baseload map TREE, nothing changed", least(second), unit)
    row("baseload --help", least(helped), unit)
    os.environ |= {"XDG_CONFIG_HOME": str(scratch / "config")}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, str(tree), str(scratch / "ledger")], capture_output=True, text=True, check=True
    )
    fresh, again = map(float, done.stdout.split())
    print(f"import alone: {fresh:.2f} CPU-s, again with nothing changed {again:.3f}: {fresh / again:.0f}x faster")


def ledger_rows(sizes: Sequence[int], folder: Path, scratch: Path) -> None:
    home = {"XDG_CACHE_HOME": str(scratch / "cache"), "XDG_CONFIG_HOME": str(scratch / "config")}
    costs: dict[str, list[tuple[int, float]]] = {"rank": [], "map": []}
    for calls in sizes:
        root = folder / f"ledger-{calls}"
        make = [sys.executable, str(Path(__file__).with_name("make_ledger.py")), str(root), "--calls", str(calls)]
        subprocess.run(make, check=True, capture_output=True)
        for name, command in (("rank", ["rank", str(root)]), ("map", ["map", str(root), "-o", str(scratch / "out")])):
            run = least([measured([BASELOAD, *command], **home) for _ in range(2)])
            costs[name].append((calls, run.cpu_s))
            row(f"baseload {name}, {calls:,} calls", run, 0)
    for name, points in costs.items():
        (few, low), (many, high) = points[0], points[-1]
        if many > few:
            slope = (high - low) / (many - few) * 1e6
            print(f"{name}: {slope:.2f} CPU-s a million calls between {few:,} and {many:,}, beside a fixed part")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--calls", default="1000000,5000000,20000000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep the ledgers here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="baseload-bench-") as name:
        scratch = Path(name)
        print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
        print(f"{'command':44}{'CPU s':>8}{'wall s':>8}{'RSS MB':>9}{'/usage':>8}")
        make_tree(scratch / "tree", megabytes=given.megabytes, seed=7)
        tree_rows(scratch / "tree", scratch, given.rounds)
        ledger_rows([int(size) for size in given.calls.split(",")], given.folder or scratch, scratch)


if __name__ == "__main__":
    main()
