"""`baseload pull`: fetch usage and cost reports with an admin key into a folder of pages."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from baseload.cli.help import Json, epilogue

if TYPE_CHECKING:
    from baseload.usage.pull.state import PullPlan, PullState

app = App(
    name="pull",
    help="Fetch usage and cost reports with an admin key.",
    help_epilogue=epilogue(["baseload pull anthropic --since 2026-05-01"]),
)

FOLDER = Path(".baseload") / "pull" / "anthropic"
PACE_SECONDS = 1.0
"""Between two requests: the reports allow 60 a minute (anthropic-facts section 6.4)."""


@app.command
def anthropic(
    *,
    since: Annotated[dt.date, Parameter(help="First UTC day, YYYY-MM-DD.")],
    until: Annotated[dt.date | None, Parameter(help="Day after the last; today when left out.")] = None,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help=f"Folder of pages; {FOLDER} if unsaid.")
    ] = None,
    key_file: Annotated[Path | None, Parameter(help="File with the key, mode 0600; else ANTHROPIC_ADMIN_KEY.")] = None,
    owners: Annotated[bool, Parameter(help="Also fetch usage by workspace, key and product.")] = True,
    claude_code: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Also fetch Claude Code by person, one request a day."),
    ] = False,
    base_url: Annotated[
        str, Parameter(show_default=False, help="Another address of the API, such as a proxy of yours.")
    ] = "",
    as_json: Json = False,
) -> int:
    """Fetch usage and cost of the whole organisation by day, from the Usage and Cost Analytics API.

    An organisation that this API refuses, and days before 2026, come from the legacy reports. Days whose data are not
    complete yet are left for the next pull. A pull that stopped goes on where it was; a later one asks again only for
    what can have changed. The key is never written or shown. Then: baseload import FOLDER.

    Examples
    --------
    ANTHROPIC_ADMIN_KEY=$(pass claude/admin) baseload pull anthropic --since 2026-05-01
    baseload pull anthropic --since 2026-11-01 --key-file ~/.config/baseload/admin.key --json
    """
    import asyncio
    import os

    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_json, progress
    from baseload.usage.pull import client
    from baseload.usage.pull.admin_key import admin_key
    from baseload.usage.pull.folder import locked_folder
    from baseload.usage.pull.machine import pull
    from baseload.usage.pull.state import begin

    plan = _plan(since, until, owners=owners, claude_code=claude_code)
    key = admin_key(os.environ, key_file)
    folder = output or FOLDER
    with locked_folder(folder) as pages, progress("Pulling") as bar:
        flow = pull(begin(plan, pages.load()), pace=PACE_SECONDS)
        state = asyncio.run(client.run(flow, pages, key, base_url=base_url or client.BASE_URL, progress=bar.advance))
    if as_json:
        print_json(_document(state, folder))
    else:
        _show(state, folder)
    return EXIT_PROBLEMS if any(note.endswith("left out") for note in state.notes) else EXIT_DONE


def _plan(since: dt.date, until: dt.date | None, *, owners: bool, claude_code: bool) -> PullPlan:
    from baseload.errors import UsageError
    from baseload.usage.pull.state import PullPlan

    today = dt.datetime.now(dt.UTC).date()
    end = until or today
    if end > today:
        raise UsageError(f"--until {end} lies in the future; expected at most {today}, whose data end with yesterday")
    if since >= end:
        raise UsageError(f"--since {since} is not before {end}; expected at least one whole day")
    return PullPlan(since=since, until=end, today=today, owners=owners, claude_code=claude_code)


def _document(state: PullState, folder: Path) -> dict[str, object]:
    """`baseload.pull/1`; see docs/how-to/pull.md."""
    names = list(dict.fromkeys(task.series for task in state.tasks))
    reports = []
    for name in names:
        tasks = [task for task in state.tasks if task.series == name]
        reports.append(
            {
                "report": name,
                "since": min(task.window.start for task in tasks).isoformat(),
                "until": max(task.window.end for task in tasks).isoformat(),
                "pages": sum(len(task.files) for task in tasks),
                "rows": sum(task.rows for task in tasks),
                "complete_through": max(task.refreshed_at for task in tasks),
            }
        )
    return {
        "schema": "baseload.pull/1",
        "folder": str(folder),
        "organization_id": state.organization_id,
        "since": state.since.isoformat(),
        "until": (state.complete_through or state.until).isoformat(),
        "reports": reports,
        "notes": list(state.notes),
    }


def _show(state: PullState, folder: Path) -> None:
    from rich.table import Table

    from baseload.cli.output import stdout

    document = _document(state, folder)
    table = Table("report", "since", "until", "pages", "rows", "complete through", box=None)
    reports = document["reports"]
    for report in reports if isinstance(reports, list) else []:
        table.add_row(*(str(value) for value in report.values()))
    console = stdout()
    console.print(table)
    for note in state.notes:
        console.print(f"Note: {note}.", markup=False)
    console.print(f"Next: baseload import {folder}", markup=False)
