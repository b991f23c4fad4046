"""`baseload map`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from baseload.cli.help import AsOf, Json, Paths, ProjectFolder, Source

if TYPE_CHECKING:
    from baseload.report.document import MapDocument

REPORT_FOLDER = Path("baseload-report")


def map_paths(
    *paths: Paths,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Folder for the report.")] = REPORT_FOLDER,
    json: Json = False,
    source: Source = None,
    project: ProjectFolder = None,
    as_of: AsOf = None,
) -> int:
    """Read usage, rank workloads by total cost, grade the first opportunities, write the report.

    A PATH is a file, a folder or a ledger; its source is named from its content. Without a PATH the project's own
    ledger is mapped. The report is one page that needs no network, the same figures as JSON, and a CSV per table;
    with --json the map is printed and nothing is written but a private cache.

    Examples
    --------
    baseload map ~/.claude/projects
    baseload map exports/ logs/ -o report
    baseload map exports/ --json | jq .headline
    baseload map odd-name.txt --source console_csv
    """
    from baseload.cli.output import print_json
    from baseload.cli.run import build_map
    from baseload.report.write import refuse_foreign

    if not json:
        refuse_foreign(output)
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
