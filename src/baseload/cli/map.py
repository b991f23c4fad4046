"""`baseload map`: the main job."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from baseload.report.document import MapDocument

REPORT_FOLDER = Path("baseload-report")


def map_paths(
    *paths: Path,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Folder for the report.")] = REPORT_FOLDER,
    json: Annotated[bool, Parameter(negative=(), help="Print the map as JSON; write no report.")] = False,
    source: Annotated[str | None, Parameter(help="Read every PATH as this source instead of detecting it.")] = None,
    project: Annotated[Path | None, Parameter(help="Project folder (with baseload.toml).")] = None,
    as_of: Annotated[dt.date | None, Parameter(help="Pretend today is this day; days from it on do not count.")] = None,
) -> int:
    """Read usage, rank workloads by total cost, grade the first opportunities, write the report.

    A PATH is a file, a folder or a ledger; its source is named from its content. Without a PATH the project's own
    ledger is mapped. The report is one page that needs no network, the same figures as JSON, and a CSV per table.

    Examples
    --------
    baseload map ~/.claude/projects
    baseload map exports/ logs/ -o report
    baseload map exports/ --json | jq .headline
    """
    from baseload.cli.output import print_json
    from baseload.cli.run import build_map

    document = build_map(paths, project, source=source, as_of=as_of)
    if json:
        print_json(document)
    else:
        show(document, output)
    return outcome(document)


def show(document: MapDocument, output: Path) -> None:
    """Write the report and print its summary."""
    from baseload.cli.output import stdout
    from baseload.report.text import render_text
    from baseload.report.write import write_report

    files = write_report(document, output)
    render_text(document, stdout(), written=files)


def outcome(document: MapDocument) -> int:
    """0 when every record was used, 1 when some had problems."""
    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS

    return EXIT_PROBLEMS if document.problem_counts else EXIT_DONE
