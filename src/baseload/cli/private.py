"""The private ledger behind `map`: one process at a time brings it up to date, and a cache that cannot be used costs
time, never the answer.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from baseload.errors import LedgerError, LedgerLocked
from baseload.ledger.lock import WriterLock
from baseload.ledger.store import Ledger

WAIT_SECONDS = 60.0
POLL_SECONDS = 0.2


@contextmanager
def private_ledger(folder: Path, fill: Callable[[Path], Ledger]) -> Iterator[Ledger]:
    """The ledger in a cache folder, brought up to date by `fill`; nobody else changes it inside the block.

    While another process holds it this one waits up to WAIT_SECONDS. A folder that stays held, or cannot be used, is
    replaced by a temporary one for this run, with a line on standard error.
    """
    with ExitStack() as stack:
        yield _cached(folder, fill, stack) or _temporary(fill, stack)


def _cached(folder: Path, fill: Callable[[Path], Ledger], stack: ExitStack) -> Ledger | None:
    until = time.monotonic() + WAIT_SECONDS
    told = False
    while True:
        try:
            return _held(folder, fill, stack)
        except LedgerLocked:
            if time.monotonic() >= until:
                _note("another run still uses the cache of these PATHs; they are read anew for this run")
                return None
            if not told:
                _note(f"another run uses the cache of these PATHs; waiting up to {WAIT_SECONDS:.0f} s")
            told = True
            time.sleep(POLL_SECONDS)
        except (LedgerError, OSError) as error:
            _note(f"the cache cannot be used ({error}); the PATHs are read anew for this run")
            return None


def _held(folder: Path, fill: Callable[[Path], Ledger], stack: ExitStack) -> Ledger:
    folder.mkdir(parents=True, exist_ok=True)
    lock = WriterLock(folder)
    try:
        ledger = fill(folder / "ledger")
    except BaseException:
        lock.release()
        raise
    stack.callback(lock.release)
    return stack.enter_context(ledger)


def _temporary(fill: Callable[[Path], Ledger], stack: ExitStack) -> Ledger:
    folder = stack.enter_context(TemporaryDirectory(prefix="baseload-"))
    return stack.enter_context(fill(Path(folder) / "ledger"))


def emptied(ledger: Ledger) -> Ledger:
    """A private ledger made anew in its folder. Only while the folder is held."""
    ledger.close()
    shutil.rmtree(ledger.root)
    return Ledger.open(ledger.root, create=True)


def _note(text: str) -> None:
    print(f"baseload: {text}", file=sys.stderr)  # noqa: T201 - one plain line, without rich
