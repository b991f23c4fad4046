"""A tree of Claude Code transcripts into a ledger, and again unchanged: what the ledger adds to reading, what it saves.

    python benchmarks/bench_import.py --folder build/bench [--megabytes 215] [--rounds 3]

CPU-seconds of the process (all threads), the smallest of the rounds. "Reading" is the readers alone; "import" reads,
removes copies and writes the ledger; "again" finds nothing changed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

from baseload.ledger.importing import ImportSummary, import_records
from baseload.ledger.store import Ledger
from baseload.prices.load import load_book
from baseload.usage.read import read_paths
from baseload.usage.reader import ReadContext
from baseload.values import OrgKey


def reading(tree: Path, context: ReadContext, now_us: int) -> float:
    """CPU-seconds of reading every file and keeping nothing."""
    began = time.process_time()
    for result in read_paths([tree], context, as_of_us=now_us):
        deque(result.records, maxlen=0)
    return time.process_time() - began


def importing(tree: Path, root: Path, context: ReadContext, now_us: int) -> tuple[float, ImportSummary]:
    """CPU-seconds of one import, opening and committing included."""
    began = time.process_time()
    with Ledger.open(root, create=True) as ledger:
        summary = import_records(ledger, read_paths([tree], context, as_of_us=now_us, marks=ledger.file_marks))
    return time.process_time() - began, summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--megabytes", type=int, default=215)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    tree = given.folder / f"tree-{given.megabytes}"
    if not tree.exists():
        make = [sys.executable, str(Path(__file__).with_name("make_claude_tree.py")), str(tree)]
        subprocess.run([*make, "--megabytes", str(given.megabytes)], check=True, capture_output=True)
    context = ReadContext(org_key=OrgKey(b"b" * 32), resolve_model=load_book().resolve)
    now_us = time.time_ns() // 1000
    rows: list[tuple[float, float, float]] = []
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "ledger"
            alone = reading(tree, context, now_us)
            first, summary = importing(tree, root, context, now_us)
            again, unchanged = importing(tree, root, context, now_us)
            rows.append((alone, first, again))
            if unchanged.records or unchanged.new_rows:
                raise SystemExit("the second import read records of unchanged files")
    alone, first, again = (min(column) for column in zip(*rows, strict=True))
    per_record = (first - alone) / summary.records * 1e6
    print(f"load {os.getloadavg()[0]:.1f}; {summary.files:,} files, {summary.records:,} records")
    print(f"reading {alone:.2f} CPU-s, import {first:.2f} ({first / alone:.2f}x reading), again {again:.3f}")
    print(f"again is {first / again:.0f}x faster than the first; the ledger costs {per_record:.1f} µs a record")


if __name__ == "__main__":
    main()
