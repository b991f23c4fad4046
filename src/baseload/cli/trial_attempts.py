"""Attempts at one candidate as they lie in a project: folders set aside, and the log beside the verdicts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import msgspec
from msgspec.structs import replace

from baseload.cli.book import read_file
from baseload.cli.run import VERDICTS
from baseload.cli.trial_folder import DOCUMENT, RECORD, SET_ASIDE, TRIALS
from baseload.quality.replay.journal import Seal
from baseload.quality.trial.attempts import Entry, counting, left_by, note, read_log
from baseload.quality.trial.begun import SAMPLE
from baseload.quality.trial.document import TrialDocument
from baseload.quality.trial.earlier import Attempt
from baseload.quality.trial.paid import goes_on, paid_in
from baseload.quality.trial.setup import TrialSetup
from baseload.values import day_of_date


class SetAside(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that another one followed. `paid_usd`: what it cost at most."""

    name: str
    ended: bool
    paid_usd: Decimal


def log_of(folder: Path) -> Path:
    """Where the attempts of the trial in `.baseload/trials/<name>` are kept, whatever becomes of its folder."""
    return folder.parents[1] / VERDICTS.name / f"{folder.name}.attempts.jsonl"


def set_aside(setup: TrialSetup, folder: Path, seal: Seal | None) -> bool:
    """Keep the trial there is under another name, where there is one; False where it has not ended and goes on.

    Who abandons a trial has paid for nothing: `--again` begins another only beside one that has ended, or that this
    setup cannot go on with. Raises JournalLocked where it is running.
    """
    if goes_on(setup, folder, seal):
        return False
    if (folder / RECORD).exists() or (folder / SAMPLE).exists():
        taken = [int(one.name.rpartition("~")[2]) for one in _aside(folder)]
        folder.rename(folder.with_name(f"{folder.name}~{max(taken, default=0) + 1}"))
    return True


def set_asides(project: Path) -> list[SetAside]:
    """Every attempt of the project that was set aside, by folder name."""
    found = sorted(one for one in (project / TRIALS).glob("*~*") if one.is_dir() and SET_ASIDE.search(one.name))
    return [SetAside(name=one.name, ended=(one / DOCUMENT).is_file(), paid_usd=paid_in(one)) for one in found]


def _aside(folder: Path) -> list[Path]:
    return [one for one in folder.parent.glob(f"{folder.name}~*") if SET_ASIDE.search(one.name)]


def counted(setup: TrialSetup, folder: Path, day: int) -> TrialSetup:
    """The setup with its attempt's number, what the earlier ones left it, and a sample of its own.

    A trial that has begun in `folder` keeps its number. Raises UsageError where nobody knows how an earlier one went,
    Tampered where the log or a record does not hold.
    """
    number, earlier = _attempts(folder, day)
    if number == 1:
        return setup
    return replace(setup, attempt=number, earlier=earlier, seed=f"{setup.seed}/{number - 1}")


def ahead(project: Path, name: str, day: int) -> tuple[int, tuple[Attempt, ...]]:
    """The attempt that a trial in `.baseload/trials/<name>` would be now, and those before it that count against it.

    Against the models themselves: those of a stand-in do not count. Raises as `counted` does.
    """
    folder = project / TRIALS / name
    number, earlier = _attempts(folder, day, after=(folder / DOCUMENT).is_file())
    return number, tuple(one for one in earlier if not one.simulated)


def _attempts(folder: Path, day: int, *, after: bool = False) -> tuple[int, tuple[Attempt, ...]]:
    """The number of the attempt in a folder, or of the one `after` it, and those before it that count."""
    log = read_log(log_of(folder))
    places = [*_aside(folder), *([folder] if after else [])]
    before = {one.number: one for path in places if (one := _left(path)) is not None}
    begun = None if after else _left(folder)
    numbers = [*before, *(one.attempt for one in log)]
    number = begun.number if begun is not None else max(numbers, default=0) + 1
    return number, counting(number, before, log, day)


def _left(folder: Path) -> Attempt | None:
    """What the attempt in a folder left; None where it never began."""
    record, sample = (_read(folder / name, what) for name, what in ((RECORD, "evidence record"), (SAMPLE, "sample")))
    if not (record or sample):
        return None
    return replace(left_by(record[: record.rfind(b"\n") + 1], sample), paid_usd=paid_in(folder))


def _read(path: Path, what: str) -> bytes:
    return read_file(path, what) if path.is_file() else b""


def _day(iso: str) -> int:
    return day_of_date(dt.date.fromisoformat(iso))


def note_begun(setup: TrialSetup, folder: Path, day: int) -> None:
    """The log knows of this attempt from here on."""
    entry = Entry(attempt=setup.attempt, on=day, counts_until=day + setup.bar.expires_days, simulated=setup.simulated)
    note(log_of(folder), entry)


def note_ended(folder: Path, document: TrialDocument) -> None:
    """What this attempt leaves to the next one, whatever becomes of its folder."""
    left = _left(folder)
    if left is not None:
        note(
            log_of(folder),
            Entry(
                attempt=left.number,
                on=_day(document.decided_day),
                counts_until=_day(document.expires_day),
                simulated=left.simulated,
                verdict_id=document.verdict_id,
                wealth=left.wealth,
                calls=left.calls,
                paid_usd=left.paid_usd,
            ),
        )
