"""The trials of a project, as they lie in `.baseload/trials`: each with what its record says of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from baseload.cli.book import read_file
from baseload.errors import UsageError
from baseload.values import Problem, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baseload.levers.route.verdicts import VerdictKey
    from baseload.quality.trial.document import TrialDocument
    from baseload.quality.trial.together import Together
    from baseload.report.evidence_view import Checked

TRIALS = Path(".baseload") / "trials"
DOCUMENT = "trial.json"
RECORD = "record.jsonl"
JOURNAL = "journal.jsonl"
SET_ASIDE = re.compile(r"~\d+$")


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


def is_demo(folder: Path | None) -> bool:
    """Whether the project is the demo's company: its trials are all of a stand-in, and its plan shows them at work."""
    from baseload.demo.write import PLANTED_FILE

    return ((folder or Path()) / PLANTED_FILE).is_file()


def stand_together(folder: Path | None, trials: Sequence[Checked]) -> tuple[tuple[Together, ...], dict[str, str]]:
    """Which of these trials stand together, each by what its record bears out; and what a reader calls each."""
    from baseload.quality.trial.together import together
    from baseload.report.evidence_view import trusted

    place = (folder or Path()) / TRIALS
    unfinished = [path for path in place.glob("*~*") if path.is_dir() and not (path / DOCUMENT).is_file()]
    documents = {trial.name: trusted(trial) for trial in trials}
    names = {name: f"{one.workload_name or one.workload} on {one.candidate}" for name, one in documents.items()}
    return together(documents, len(unfinished)), names


def held_to_records(
    folder: Path | None, verdicts: Mapping[VerdictKey, Verdict], day: int
) -> tuple[dict[VerdictKey, Verdict], list[Problem]]:
    """The verdicts, invalid where their trial says anything else than they: an edited file proves nothing.

    A trial is a verdict's by its id, and by what it is of: where the same candidate was tried here under another id,
    the verdict is no longer, or never was, that trial's. What lies clearly below its
    bar is taken from the trial. One decided after `day` does not count yet. A verdict whose trial is not in this
    project cannot be worked out again: what it would allow counts as not tested, and a Problem says so.
    """
    from msgspec.structs import replace

    from baseload.levers.route.verdicts import without_record
    from baseload.report.evidence_view import trusted

    trials, problems = read_trials(folder)
    documents = [trusted(trial) for trial in trials]
    by_id = {one.verdict_id: one for one in documents}
    current = [one for trial, one in zip(trials, documents, strict=True) if not SET_ASIDE.search(trial.name)]
    by_key = {(one.workload, one.candidate, one.effort): one for one in current}
    found = dict(verdicts)
    for key, verdict in verdicts.items():
        trial = by_id.get(verdict.verdict_id) or by_key.get(key)
        if trial is None:
            found[key] = without_record(verdict)
            problems.append(_not_here(verdict))
            continue
        why = _says_otherwise(verdict, trial, day)
        if not why:
            found[key] = replace(verdict, clearly_below=trial.clearly_below)  # an older document does not say it
        if why:
            found[key] = replace(verdict, state="invalid", clearly_below=False)
            problems.append(_problem(verdict.verdict_id[:16], "verdict", "verdict-record", why))
    return found, problems


def _not_here(verdict: Verdict) -> Problem:
    name = f"{verdict.workload}--{verdict.model}"[:80]
    return Problem(
        source="trials",
        file=f"{name}.json",
        row=0,
        code="verdict-unverified",
        message="A verdict's record is not in this project; what it would allow counts as not tested",
        value=verdict.verdict_id[:16],
        expected=f"{TRIALS}/{name}/{RECORD} and {DOCUMENT}, from which it is worked out again",
        next_step=f"Check the record where it is kept, `baseload trial verify RECORD --head {verdict.verdict_id}`, "
        f"then copy its folder into {TRIALS}.",
    )


def _says_otherwise(verdict: Verdict, trial: TrialDocument, day: int) -> str:
    """The first thing a verdict says otherwise than its trial, or why it cannot count yet; "" = it is its verdict."""
    from baseload.values import iso_day

    expires = None if verdict.expires_day is None else iso_day(verdict.expires_day)
    for what, said, is_ in (
        ("state", verdict.state, trial.state),
        ("grade", verdict.grade, trial.grade),
        ("id", verdict.verdict_id[:12], trial.verdict_id[:12]),
        ("workload", verdict.workload, trial.workload),
        ("model", verdict.model, trial.candidate),
        ("effort", verdict.effort, trial.effort),
        ("expiry", expires, trial.expires_day),
        ("clearly below", verdict.clearly_below, verdict.clearly_below and trial.clearly_below),
        ("output ratio", verdict.output_ratio_low, trial.output_ratio_low),
        ("output ratio", verdict.output_ratio_high, trial.output_ratio_high),
    ):
        if said != is_:
            return f"{what} {said} in its verdict, {is_} by its trial"
    return f"decided on {trial.decided_day}, later than this plan" if trial.decided_day > iso_day(day) else ""


def read_trial(folder: Path) -> Checked:
    """The trial of one folder. Raises UsageError where its document cannot be read."""
    from baseload.quality.trial.document import load_trial
    from baseload.report.evidence_check import checked

    data = read_file(folder / DOCUMENT, "trial document")
    record = folder / RECORD
    return checked(
        folder.name, load_trial(data), read_file(record, "evidence record") if record.is_file() else b"", data
    )


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
