"""The trials of a project, as they lie in `.baseload/trials`: each with what its record says of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from baseload.cli.book import read_file
from baseload.errors import UsageError
from baseload.values import Problem, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baseload.levers.route.verdicts import VerdictKey
    from baseload.report.evidence_view import Checked

TRIALS = Path(".baseload") / "trials"
DOCUMENT = "trial.json"
RECORD = "record.jsonl"
JOURNAL = "journal.jsonl"


def read_trials(folder: Path | None) -> tuple[list[Checked], list[Problem]]:
    """Every finished trial of a project, by folder name; one Problem for each document that cannot be read.

    A trial that is still running has no document and is not here. One whose record does not bear it out is here, with
    a fault, and is a Problem too.
    """
    found, problems = [], []
    for path in sorted(((folder or Path()) / TRIALS).glob(f"*/{DOCUMENT}")):
        try:
            trial = read_trial(path.parent)
        except UsageError as error:
            problems.append(_problem(path.parent.name, DOCUMENT, "trial-unreadable", str(error)))
            continue
        found.append(trial)
        if trial.record_fault:
            problems.append(_problem(trial.name, RECORD, "trial-record", trial.record_fault))
    return found, problems


def held_to_records(
    folder: Path | None, verdicts: Mapping[VerdictKey, Verdict]
) -> tuple[dict[VerdictKey, Verdict], list[Problem]]:
    """The verdicts, invalid where their trial's record gives another one: an edited file proves nothing.

    A verdict whose trial is not in this project is taken as it stands: its record is somewhere else.
    """
    from msgspec.structs import replace

    from baseload.report.evidence_view import trusted

    trials, problems = read_trials(folder)
    states = {trial.document.verdict_id: trusted(trial).state for trial in trials}
    found = dict(verdicts)
    for key, verdict in verdicts.items():
        state = states.get(verdict.verdict_id, verdict.state)
        if state != verdict.state:
            found[key] = replace(verdict, state="invalid")
            why = f"{verdict.state} in its verdict, {state} by its trial"
            problems.append(_problem(verdict.verdict_id[:16], "verdict", "verdict-record", why))
    return found, problems


def read_trial(folder: Path) -> Checked:
    """The trial of one folder. Raises UsageError where its document cannot be read."""
    from baseload.quality.trial.document import load_trial
    from baseload.report.evidence_check import checked

    document = load_trial(read_file(folder / DOCUMENT, "trial document"))
    record = folder / RECORD
    return checked(folder.name, document, read_file(record, "evidence record") if record.is_file() else b"")


def _problem(trial: str, file: str, code: str, why: str) -> Problem:
    return Problem(
        source="trials",
        file=f"{trial}/{file}"[:120],
        row=0,
        code=code,
        message="A trial cannot be relied on; it counts as invalid",
        value=why.split("\n", 1)[0][:60],
        expected="an untouched record that gives the verdict its document states",
        next_step="Get the folder back from where the trial ran, or run the trial again.",
    )
