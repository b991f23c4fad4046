"""`baseload plan`: the levers composed into the optimized baseline, with the policy and the change sheets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from baseload.cli.help import AsOf, Json, Paths, ProjectFolder, Source

if TYPE_CHECKING:
    from baseload.plan.policy import Policy
    from baseload.planning import Plan
    from baseload.report.write import Kind

app = App(name="plan")

PLAN_FOLDER = Path("baseload-plan")
CHANGES_FOLDER = Path("baseload-changes")
POLICY = "policy.yaml"
SHEETS_PAGE = "README.md"
INDEX = "changes.json"
CHANGES_SCHEMA = "baseload.changes/1"


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
    unattended is in it.

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
        render_plan_text(found.document, stdout(), written=write_to(found, output))
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
    roll-back, the dollars and the person-days; never a prompt. Claude Code gets a managed-settings fragment.

    Examples
    --------
    baseload plan changes exports/ -o changes
    baseload plan changes --json | jq '.changes[0]'
    """
    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_json
    from baseload.cli.run import build_plan
    from baseload.report.write import refuse_foreign

    if not json:
        refuse_foreign(output, (SHEETS_PAGE, INDEX), _sheets_kind())
    found = build_plan(paths, project, source=source, as_of=as_of)
    if json:
        print_json(_as_json(found))
    else:
        _write_sheets(found, output)
    return EXIT_PROBLEMS if found.document.problem_counts else EXIT_DONE


def write_to(found: Plan, folder: Path) -> list[Path]:
    """Write the plan and its policy; the page comes first."""
    from baseload.plan.policy_write import write_policy
    from baseload.report.plan_write import write_plan

    kept = _with_opt_outs(found.policy, folder / POLICY)
    return write_plan(found.document, folder, {POLICY: write_policy(kept, found.comments).encode()})


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
    from baseload.plan.sheets import COLUMNS, change_rows, change_sheets
    from baseload.report.csv_tables import csv_bytes
    from baseload.report.write import write_files

    sheets = change_sheets(found.expected, found.adoption)
    files = {name: text.encode() for name, text in sheets.items()}
    files["changes.csv"] = csv_bytes(COLUMNS, change_rows(found.adoption))
    files[INDEX] = msgspec.json.format(msgspec.json.encode(_as_json(found)), indent=1) + b"\n"
    written = write_files(files, folder, _sheets_kind())
    stdout().print(f"{numbered(len(written), 'file')} in {folder}. Begin with {written[0]}", markup=False)


def _sheets_kind() -> Kind:
    from baseload.report.write import Kind

    return Kind(page=SHEETS_PAGE, index=INDEX, family="baseload.changes/")


def _as_json(found: Plan) -> dict[str, object]:
    from baseload.plan.sheets import COLUMNS, change_rows

    rows = [dict(zip(COLUMNS, row, strict=True)) for row in change_rows(found.adoption)]
    return {"schema": CHANGES_SCHEMA, "as_of": found.document.as_of, "changes": rows}
