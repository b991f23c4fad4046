"""Kills an importing process again and again, or at every step of its commits; run by test_ledger_crash.py.

    python kill_driver.py random FOLDER TRIALS SEED | steps FOLDER

One interpreter, many forks: each fork imports what is left and dies by SIGKILL (or `_exit`) somewhere; the last one
of a trial lives. Prints how many died and what each trial's ledger then holds. The parent never opens DuckDB, because a
fork does not take its threads along.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ledger_calls import bucket, call, digest

from baseload.engine.duckdb import DuckDBEngine
from baseload.ledger import writer as writer_module
from baseload.ledger.compact import compact
from baseload.ledger.importing import import_records
from baseload.ledger.store import Ledger, is_ledger
from baseload.usage.marks import FileMark
from baseload.values import Call, Problem

FILES = 6
CALLS_A_FILE = 40


class Source:
    """One file as `usage.read` gives it: calls that repeat and correct those of other files, and a problem."""

    def __init__(self, number: int) -> None:
        self.path = f"/logs/{number}.jsonl"
        self.reader = "messages_jsonl"
        self.unchanged = False
        self.mark = FileMark(
            path=self.path, reader=self.reader, size=number, mtime_ns=1, offset=number, rows=CALLS_A_FILE
        )
        calls: list[Call | Problem] = [
            call(str(row + 30 * number), rank=number % 3, source_file=self.path, source_row=row, output_tokens=row)
            for row in range(CALLS_A_FILE)
        ]
        total = bucket("total", rank=number, billed_nano_usd=number, source_file=self.path)
        bad = Problem(source=self.reader, file=self.path, row=99, code="bad-json", message="Not JSON.")
        self.records = iter([*calls, total, bad])


def import_all(root: Path) -> None:
    """What the user would run again: files that are marked are skipped, the rest is read."""
    writer_module.BATCH_CALLS, writer_module.COMMIT_CALLS = 25, 50
    with Ledger.open(root, create=True) as ledger:
        sources = [source for source in map(Source, range(FILES)) if source.path not in ledger.file_marks]
        import_records(ledger, sources)
        compact(ledger, target_rows=100)


def forked(work: Callable[[], None]) -> int:
    """Process id of a fork that does `work` and then exits with 0."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - a fork must never return into the parent's code
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        os._exit(1)
    os._exit(0)


def ended(child: int) -> int:
    """0 for a clean end, else the signal or exit code it died of."""
    return abs(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def kill_randomly(folder: Path, trials: int, seed: int) -> int:
    """A clean import, then trials of one killed up to three times at moments within the time the clean one took."""
    rng, died, began = random.Random(seed), 0, time.monotonic()
    finish(folder / "clean")
    length = time.monotonic() - began
    for trial in range(trials):
        root = folder / f"trial-{trial}"
        for _ in range(3):
            child = forked(partial(import_all, root))
            time.sleep(rng.uniform(0.0, length))
            os.kill(child, signal.SIGKILL)
            died += ended(child) == signal.SIGKILL
        finish(root)
    return died


def finish(root: Path) -> None:
    """Import to the end, then write down what the ledger holds."""
    for work in (import_all, report):
        if ended(forked(partial(work, root))):
            raise SystemExit(f"{work.__name__} failed")


def kill_at_every_step(folder: Path) -> int:
    """Die before and after every file written, synced, renamed or removed, one step further each time."""
    step, root = 0, folder / "steps"
    while ended(forked(partial(die_at, step, root))):
        step += 1
        if is_ledger(root) and ended(forked(partial(check_readable, root))):
            raise SystemExit(f"not readable after step {step}")
    finish(root)
    return step


def die_at(step: int, root: Path) -> None:
    left = [step]

    def guarded(function: Callable[..., object]) -> Callable[..., object]:
        def run(*given: object, **named: object) -> object:
            for is_done in (False, True):
                if is_done:
                    result = function(*given, **named)
                if not left[0]:
                    os._exit(9)
                left[0] -= 1
            return result

        return run

    os.fsync = guarded(os.fsync)  # type: ignore[assignment]
    Path.replace = guarded(Path.replace)  # type: ignore[assignment,method-assign]
    Path.unlink = guarded(Path.unlink)  # type: ignore[method-assign]
    DuckDBEngine.copy_parquet = guarded(DuckDBEngine.copy_parquet)  # type: ignore[method-assign]
    import_all(root)


def check_readable(root: Path) -> None:
    with Ledger.open(root) as ledger:
        digest(ledger)


def report(root: Path) -> None:
    """What the ledger holds, beside it as ROOT.json."""
    with Ledger.open(root) as ledger:
        with ledger.writer():
            pass
        files = {path.name for path in root.iterdir()}
        found = {
            "digest": digest(ledger),
            "rows": ledger.rows,
            "marks": sorted(ledger.file_marks),
            "problems": len(ledger.problems),
            "orphans": sorted(files - ledger.manifest.names - {"manifest.json", "writer.lock", "readers.lock"}),
        }
    root.with_suffix(".json").write_text(json.dumps(found))


def main() -> None:
    mode, folder = sys.argv[1], Path(sys.argv[2])
    died = kill_randomly(folder, int(sys.argv[3]), int(sys.argv[4])) if mode == "random" else kill_at_every_step(folder)
    print(
        json.dumps({"died": died, "ledgers": [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]})
    )


if __name__ == "__main__":
    main()
