"""`baseload trial show`: what trials have shown, as a table, one by one, or as a page for an auditor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from baseload.cli.help import Json, ProjectFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baseload.cli.trial_attempts import SetAside
    from baseload.report.evidence_view import Checked

LIST_SCHEMA = "baseload.trials/1"
SHOWN_SCHEMA = "baseload.trial.shown/1"
MOST_TEXTS = 50


def show(
    which: Annotated[
        str, Parameter(name="WORKLOAD|RECORD", help="A workload's id or name, or a trial's folder or record.")
    ] = "",
    *,
    model: Annotated[str, Parameter(help="Of this candidate only.")] = "",
    html: Annotated[Path | None, Parameter(help="Write the evidence page there.")] = None,
    show_text: Annotated[
        bool, Parameter(negative=(), help="Show prompts and answers where the arms differ, redacted.")
    ] = False,
    json: Json = False,
    project: ProjectFolder = None,
) -> int:
    """What trials have shown: proven, broken, not shown or invalid, and the evidence.

    Without a workload a table of all trials of the project. Every trial is recomputed from its record first; where
    that gives another verdict it is shown as invalid, and the exit code is 1. Prompts and answers are shown only with
    --show-text: they are read again from where they are kept, redacted, and never stored.

    Examples
    --------
    baseload trial show
    baseload trial show "Email triage" --html evidence.html
    baseload trial show triage --model claude-haiku-5-5 --json | jq .status
    """
    from baseload.cli.output import exit_code, print_json, print_problems, stdout
    from baseload.cli.places import find_project
    from baseload.cli.trial_attempts import set_asides
    from baseload.cli.trial_folder import read_trials, stand_together
    from baseload.quality.trial.together import sentence_of
    from baseload.report.evidence_text import render_trial, render_trials

    folder = project or find_project(Path.cwd()) or Path()
    found, problems = _chosen(which, model, folder)
    aside = [one for one in set_asides(folder) if _is_beside(one.name, found, which or model)]
    if len(found) == 1 and (which or html or show_text):
        trial = found[0]
        if show_text:
            trial, gone = _with_texts(trial, folder)
            problems = [*problems, *gone]
        if html is not None:
            _write_page(trial, html)
        if json:
            print_json({**_one(trial), "set_aside": aside})
        else:
            render_trial(trial, stdout(), texts=show_text)
            _print_aside(aside)
    else:
        _refuse_several(found, html=html, show_text=show_text)
        # of all there are, whatever was asked for
        all_together, names = stand_together(folder, read_trials(folder)[0])
        if json:
            rows = [_row(trial) for trial in found]
            beside = {"together": all_together, "set_aside": aside}
            print_json({"schema": LIST_SCHEMA, "trials": rows, **beside, "problems": problems})
        elif found:
            render_trials(found, stdout())
            for one in all_together:
                stdout().print(f"{sentence_of(one, names)}.", markup=False, soft_wrap=True)
            _print_aside(aside)
        else:
            stdout().print("No trial yet. `baseload trial plan` says what finding out would take.", markup=False)
    print_problems([] if json else problems)
    return exit_code(problems)


def _is_beside(name: str, found: Sequence[Checked], asked: str) -> bool:
    """Whether a folder that was set aside is of what is shown; of everything where nothing was asked for."""
    base = name.rpartition("~")[0]
    return not asked or any(trial.name in (base, name) or trial.name.startswith(f"{base}~") for trial in found)


def _print_aside(aside: Sequence[SetAside]) -> None:
    from decimal import Decimal

    from baseload.cli.output import numbered, stdout
    from baseload.report.numbers import usd

    if not aside:
        return
    paid = sum((one.paid_usd for one in aside), Decimal(0))
    stopped = sum(not one.ended for one in aside)
    were = "was" if len(aside) == 1 else "were"
    stdout().print(
        f"{numbered(len(aside), 'earlier attempt')} {were} set aside, {stopped} of them before it ended, at a cost of "
        f"at most {usd(f'{paid:f}', 2)}. They count under the budget of their bar.",
        markup=False,
        soft_wrap=True,
    )


def _chosen(which: str, model: str, folder: Path) -> tuple[list[Checked], list[Any]]:
    """The trials asked for. Raises UsageError where none is."""
    from baseload.cli.trial_folder import DOCUMENT, SET_ASIDE, read_trial, read_trials
    from baseload.errors import UsageError

    place = Path(which) if which else None
    if place is not None and (place / DOCUMENT).is_file():
        return [read_trial(place)], []
    if place is not None and place.is_file():
        return [read_trial(place.parent)], []
    every, problems = read_trials(folder)
    found = [trial for trial in every if _is_meant(trial, which, model)]
    if not found and (which or model):
        listed = ", ".join(sorted({trial.document.workload_name[:40] for trial in every})[:8]) or "none"
        asked = " ".join(filter(None, (which[:60], model[:60])))
        raise UsageError(
            f"{asked!r}: no trial of that in {folder / '.baseload' / 'trials'}; expected a workload with a trial "
            f"({listed}), or a trial's folder. `baseload trial plan` says what finding out would take."
        )
    counting = [trial for trial in found if not SET_ASIDE.search(trial.name)]
    return (counting if which and model and len(counting) == 1 else found), problems


def _is_meant(trial: Checked, which: str, model: str) -> bool:
    document = trial.document
    names = (document.workload, document.workload_name, trial.name)
    return (not which or which in names) and (not model or model == document.candidate)


def _refuse_several(found: Sequence[Checked], *, html: Path | None, show_text: bool) -> None:
    """Raises UsageError where one trial must be named and several are meant, or none."""
    from baseload.errors import UsageError

    if html is None and not show_text:
        return
    option = "--html" if html is not None else "--show-text"
    listed = ", ".join(trial.name for trial in found[:8]) or "there is no trial"
    raise UsageError(f"{option} takes one trial; expected a workload with --model, or a name of these: {listed}")


def _with_texts(trial: Checked, folder: Path) -> tuple[Checked, list[Any]]:
    from baseload.cli.trial_texts import with_texts

    return with_texts(trial, folder, most=MOST_TEXTS)


def _write_page(trial: Checked, path: Path) -> None:
    from baseload.cli.output import stderr
    from baseload.errors import UsageError
    from baseload.report.evidence_html import render_evidence_html

    if path.exists() and b"Baseload</span> <span>Trial evidence" not in path.read_bytes()[: 1 << 20]:
        raise UsageError(f"{path} is no evidence page and is not overwritten. Give another file with --html.")
    try:
        path.write_bytes(render_evidence_html(trial))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; expected a file that can be written") from error
    stderr().print(f"Evidence: {path}", markup=False, soft_wrap=True)


def _one(trial: Checked) -> dict[str, Any]:
    from baseload.report import evidence_words as words
    from baseload.report.evidence_view import trusted

    return {
        "schema": SHOWN_SCHEMA,
        "name": trial.name,
        "status": words.status(trusted(trial)),
        "record_fault": trial.record_fault,
        "verify": words.verify_command(trial.name, trial.document),
        "trial": trial.document,
    }


def _row(trial: Checked) -> dict[str, Any]:
    from baseload.report import evidence_words as words
    from baseload.report.evidence_view import trusted

    document = trusted(trial)
    return {
        "name": trial.name,
        **{name: getattr(document, name) for name in ("workload", "workload_name", "incumbent", "candidate", "effort")},
        "status": words.status(document),
        "record_fault": trial.record_fault,
        **{name: getattr(document, name) for name in ("grade", "verdict_id", "decided_day", "expires_day")},
        "n_used": document.decision.n_used,
        "estimate": document.decision.estimate,
        "low": document.decision.low,
        "high": document.decision.high,
        "saving_a_month_usd": document.money.saving_a_month_usd,
        "break_even_usd_per_miss": document.misses.break_even_usd_per_miss,
    }
