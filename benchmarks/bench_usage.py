"""Side by side on one tree of Claude Code transcripts: `baseload usage`, its reading alone, and ccusage 20 from npm.

    python benchmarks/bench_usage.py [--megabytes 215] [--rounds 5] [--tree DIR] [--peer DIR]

Rounds are interleaved, so all run under the same load; CPU-seconds (user + system, all processes) are compared by
their minimum, wall time is shown. The peer is installed with npm into a temporary folder (`--peer` keeps one), never
redistributed. Exactness against the tree's truth is checked first; a wrong total ends the run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
from make_claude_tree import CLASSES, make_tree

PEER = "ccusage@20.0.24"
NATIVE = "@ccusage/ccusage-linux-x64@20.0.24"
"""The newest pair published together: 20.0.26's own package was there without its native part."""
READING = """
import gc, resource, sys, time
from pathlib import Path
from baseload.usage.quick import quick_totals
gc.disable()
begun = time.process_time()
totals = quick_totals([Path(sys.argv[1])], None, as_of_us=int(time.time() * 1e6))
print(time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


class Run(NamedTuple):
    cpu_s: float
    wall_s: float
    rss_mb: float
    output: str


def measured(command: Sequence[str], **environment: str) -> Run:
    """One run of a command with the CPU time of all its processes."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL, env=os.environ | environment)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        output.seek(0)
        text = output.read().decode()
    return Run(used.ru_utime + used.ru_stime, time.perf_counter() - begun, used.ru_maxrss / 1024, text)


def install_peer(folder: Path) -> dict[str, list[str]]:
    """The npm command and its native program alone; {} where npm or the registry is out of reach."""
    folder.mkdir(parents=True, exist_ok=True)
    command = folder / "node_modules" / ".bin" / "ccusage"
    npm = shutil.which("npm")
    if not command.exists() and npm:
        install = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), PEER, NATIVE]
        subprocess.run(install, check=False, capture_output=True, timeout=180)
    native = next(folder.glob("node_modules/@ccusage/*/bin/ccusage"), None)
    arguments = ["claude", "daily", "--json", "--offline"]
    return {
        name: [str(path), *arguments]
        for name, path in (("ccusage 20 (npm)", command), ("ccusage 20, its native program alone", native))
        if path is not None and path.exists()
    }


def check_exact(output: str, truth: dict[str, dict[str, int]]) -> None:
    """Ends the run when a total differs from the truth."""
    found = json.loads(output)["totals"]
    wrong = {
        name: (found[name], truth["totals"][name])
        for name in ("requests", *CLASSES)
        if found[name] != truth["totals"][name]
    }
    if wrong:
        sys.exit(f"NOT EXACT: {wrong}")


def bench(tree: Path, peer: Path, rounds: int) -> dict[str, list[Run]]:
    own = str(Path(sys.executable).parent / "baseload")
    projects = str(tree / "projects")
    commands = {"baseload usage": [own, "usage", projects, "--json"], **install_peer(peer)}
    runs: dict[str, list[Run]] = {name: [] for name in (*commands, "baseload, reading alone")}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(measured(command, CLAUDE_CONFIG_DIR=str(tree)))
        reading = measured([sys.executable, "-c", READING, projects])
        cpu_s, rss_mb = map(float, reading.output.split())
        runs["baseload, reading alone"].append(Run(cpu_s, reading.wall_s, rss_mb, ""))
    return runs


def report(runs: dict[str, list[Run]], megabytes: float) -> None:
    print(f"{'':40} {'CPU-s min':>9} {'median':>7} {'MB/CPU-s':>9} {'wall min':>9} {'RSS MB':>7}")
    for name, found in runs.items():
        cpu = [run.cpu_s for run in found]
        wall, rss = min(run.wall_s for run in found), max(run.rss_mb for run in found)
        figures = f"{min(cpu):9.2f} {statistics.median(cpu):7.2f} {megabytes / min(cpu):9.0f} {wall:9.2f} {rss:7.0f}"
        print(f"{name:40} {figures}")
    ours = min(run.cpu_s for run in runs["baseload usage"])
    for name, found in runs.items():
        if name.startswith("ccusage"):
            print(f"baseload usage is {min(run.cpu_s for run in found) / ours:.2f}x {name} per CPU-second")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=215)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tree", type=Path)
    parser.add_argument("--peer", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        tree = chosen.tree or Path(temporary) / "tree"
        if not (tree / "truth.json").exists():
            make_tree(tree, megabytes=chosen.megabytes)
        truth = json.loads((tree / "truth.json").read_text(encoding="utf-8"))
        runs = bench(tree, chosen.peer or Path(temporary) / "peer", chosen.rounds)
        check_exact(runs["baseload usage"][0].output, truth)
        print(
            f"{truth['made']['files']} files, {truth['made']['bytes'] / 1e6:.0f} MB, {truth['made']['lines']} lines, "
            f"{truth['totals']['requests']} calls; exact; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )
        report(runs, truth["made"]["bytes"] / 1e6)


if __name__ == "__main__":
    main()
