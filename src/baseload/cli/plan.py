"""`baseload plan`: the levers composed into the optimized baseline, with the policy and the change sheets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from baseload.cli.help import AsOf, Json, Paths, ProjectFolder, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from baseload.plan.policy import Policy
    from baseload.planning import Plan
    from baseload.report.evidence_view import Checked

app = App(name="plan")

PLAN_FOLDER = Path("baseload-plan")
CHANGES_FOLDER = Path("baseload-changes")
POLICY = "policy.yaml"
CHANGES_SCHEMA = "baseload.changes/1"
CHECK_SCHEMA = "baseload.policy-check/1"


@app.default
def plan(
    *paths: Paths,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Folder for the plan.")] = PLAN_FOLDER,
    json: Json = False,
    source: Source = None,
    project: ProjectFolder = None,
    as_of: AsOf = None,
) -> int:
    """Compose the levers per workload into the cheapest plan, and say what the bill would be: the optimized baseline.

    Fixes, effort, model, cache and batch are priced together, never as discounts on discounts. Every figure says how
    it is known; what nobody tested is in the plan and not in the conservative number. Without a PATH the project's own
    ledger is planned for. Writes the plan as a page, JSON and CSVs, and policy.yaml for the gateway: only what may run
    unattended is in it. Each trial of the project gets a page in evidence/.

    Examples
    --------
    baseload plan exports/ -o plan
    baseload plan --json | jq .baseline
    baseload plan changes -o changes
    """
    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_json, stdout
    from baseload.cli.run import build_plan
    from baseload.report.plan_text import render_plan_text
    from baseload.report.plan_write import refuse_plan

    if not json:
        refuse_plan(output)
    found = build_plan(paths, project, source=source, as_of=as_of)
    if json:
        print_json(found.document)
    else:
        trials = project_trials(project)
        render_plan_text(found.document, stdout(), written=write_to(found, output, trials))
    return EXIT_PROBLEMS if found.document.problem_counts else EXIT_DONE


@app.command
def changes(
    *paths: Paths,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Folder for the sheets.")] = CHANGES_FOLDER,
    json: Json = False,
    source: Source = None,
    project: ProjectFolder = None,
    as_of: AsOf = None,
) -> int:
    """One change sheet per workload, for the people who edit code rather than route.

    Each has the owner, the evidence, the request before and after, the SDK diff, cache marks, a batch snippet, the
    roll-back, the dollars and the person-days; never a prompt. Claude Code gets a managed-settings fragment. The folder
    holds the sheets of this run: those of an earlier one that no longer hold are removed, other files are left alone.

    Examples
    --------
    baseload plan changes exports/ -o changes
    baseload plan changes --json | jq '.changes[0]'
    """
    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_json
    from baseload.cli.run import build_plan
    from baseload.report.plan_write import refuse_sheets

    if not json:
        refuse_sheets(output)
    found = build_plan(paths, project, source=source, as_of=as_of)
    if json:
        print_json(_as_json(found, _sheets(found)))
    else:
        _write_sheets(found, output)
    return EXIT_PROBLEMS if found.document.problem_counts else EXIT_DONE


@app.command
def check(
    policy: Annotated[Path, Parameter(help="A policy.yaml.")],
    *,
    json: Json = False,
    project: ProjectFolder = None,
) -> int:
    """Whether a policy.yaml is one a gateway would take: its shape, its id, its models and efforts, its days.

    Ends with 0 where it is, with 1 and the entry, field, value and rule of each fault where it is not.

    Examples
    --------
    baseload plan check plan/policy.yaml
    baseload plan check plan/policy.yaml --json | jq .valid
    """
    from baseload.cli.book import open_book, read_file
    from baseload.cli.output import exit_code, numbered, print_json, print_problems, stdout
    from baseload.cli.places import find_project, load_project
    from baseload.plan.policy_check import check_policy

    folder = project if project is not None else find_project(Path.cwd())
    found, problems = check_policy(read_file(policy, "policy"), str(policy), open_book(load_project(folder), folder))
    if json:
        print_json(
            {
                "schema": CHECK_SCHEMA,
                "policy": str(policy),
                "valid": not problems,
                "policy_id": found.policy_id if found else None,
                "entries": len(found.entries) if found else None,
                "problems": problems,
            }
        )
    elif found and not problems:
        listed = numbered(len(found.entries), "entry", "entries")
        stdout().print(f"{policy}: valid, {listed}, {found.policy_id}", markup=False)
    print_problems([] if json else problems)
    return exit_code(problems)


def project_trials(project: Path | None) -> list[Checked]:
    """The trials of the project a command is about, each held to its record; what is wrong the plan has said."""
    from baseload.cli.places import find_project
    from baseload.cli.trial_folder import read_trials

    return read_trials(project or find_project(Path.cwd()))[0]


def write_to(found: Plan, folder: Path, trials: Sequence[Checked] = ()) -> list[Path]:
    """Write the plan, its policy and the evidence of trials; the page comes first."""
    from baseload.plan.policy_write import write_policy
    from baseload.report.plan_write import write_plan

    kept = _with_opt_outs(found.policy, folder / POLICY)
    return write_plan(found.document, folder, {POLICY: write_policy(kept, found.comments).encode()}, trials)


def _with_opt_outs(fresh: Policy, path: Path) -> Policy:
    """The policy with the owners' `pin_original` of the file it replaces. Raises UsageError on one edited by hand."""
    from msgspec.structs import replace

    from baseload.errors import UsageError
    from baseload.plan.policy import PolicyError
    from baseload.plan.policy_read import read_policy
    from baseload.report.plan_write import PLAN
    from baseload.report.write import refuse_foreign

    refuse_foreign(path.parent, (path.name,), PLAN)
    if not path.is_file():
        return fresh
    try:
        old = read_policy(path.read_bytes(), str(path))
    except PolicyError as error:
        raise UsageError(f"{error} It is not overwritten: move it away, or give another folder with -o.") from error
    pinned = {entry.workload.id for entry in old.entries if entry.pin_original}
    return replace(
        fresh,
        entries=tuple(replace(one, pin_original=one.workload.id in pinned) for one in fresh.entries),
    )


def _write_sheets(found: Plan, folder: Path) -> None:
    import msgspec

    from baseload.cli.output import numbered, stdout
    from baseload.report.plan_write import SHEETS, write_sheets

    files = _sheets(found)
    files[SHEETS.index] = msgspec.json.format(msgspec.json.encode(_as_json(found, files)), indent=1) + b"\n"
    written = write_sheets(files, folder)
    stdout().print(f"{numbered(len(written), 'file')} in {folder}. Begin with {written[0]}", markup=False)


def _sheets(found: Plan) -> dict[str, bytes]:
    """File name -> content, all but the index."""
    from baseload.plan.sheets import COLUMNS, change_rows, change_sheets
    from baseload.report.csv_tables import csv_bytes

    sheets = {name: text.encode() for name, text in change_sheets(found.expected, found.adoption).items()}
    return {**sheets, "changes.csv": csv_bytes(COLUMNS, change_rows(found.adoption))}


def _as_json(found: Plan, files: Iterable[str]) -> dict[str, object]:
    """The index: the ranked changes, and every file beside it, so that a later run knows which are stale."""
    from baseload.plan.sheets import COLUMNS, change_rows

    rows = [dict(zip(COLUMNS, row, strict=True)) for row in change_rows(found.adoption)]
    listed = sorted({*files, "changes.json"})
    return {"schema": CHANGES_SCHEMA, "as_of": found.document.as_of, "changes": rows, "files": listed}
