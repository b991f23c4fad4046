"""`baseload rank`: the ranked table alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from baseload.cli.help import AsOf, Json, Paths, ProjectFolder, Source

if TYPE_CHECKING:
    from baseload.report.document import MapDocument


_COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("#", "right"),
    ("workload", "left"),
    ("USD", "right"),
    ("share", "right"),
    ("calls", "right"),
    ("USD per call", "right"),
    ("task", "left"),
    ("latency", "left"),
)


def rank(
    *paths: Paths,
    top: Annotated[int, Parameter(help="How many workloads to show; 0 = all.")] = 20,
    json: Json = False,
    source: Source = None,
    project: ProjectFolder = None,
    as_of: AsOf = None,
) -> int:
    """Workloads by total cost = cost per inference x volume, dearest first.

    Both factors are shown. Where a source does not count requests, cost per inference is unknown and nothing is made
    up.

    Examples
    --------
    baseload rank exports/ --top 5
    baseload rank --json | jq '.workloads[0]'
    """
    from baseload.cli.map import outcome
    from baseload.cli.output import print_json
    from baseload.cli.run import build_map

    document = build_map(paths, project, source=source, as_of=as_of)
    chosen = document.workloads[:top] if top else document.workloads
    if json:
        print_json(
            {
                "schema": "baseload.rank/1",
                "as_of": document.as_of,
                "window": document.window,
                "totals": document.totals,
                "headline": document.headline,
                "workloads": chosen,
                "problem_counts": document.problem_counts,
            }
        )
    else:
        _print_table(document, len(chosen))
    return outcome(document)


def _print_table(document: MapDocument, shown: int) -> None:
    from rich.table import Table

    from baseload.cli.output import stdout
    from baseload.report import numbers

    window = document.window
    table = Table(
        title=f"{document.title}: list price in USD, {window.start} to before {window.end_exclusive} (UTC)",
        title_justify="left",
    )
    for name, justify in _COLUMNS:
        table.add_column(name, justify=justify)
    places = numbers.places_for(document.totals.list_usd)
    for part in document.workloads[:shown]:
        table.add_row(
            str(part.rank),
            part.name,
            numbers.usd(part.list_usd, places),
            numbers.share(part.share),
            numbers.count(part.requests),
            numbers.usd_each(part.usd_per_request),
            part.task,
            part.latency,
        )
    console = stdout()
    console.print(table)
    console.print(document.headline.sentence, markup=False)
    if shown < len(document.workloads):
        console.print(f"{len(document.workloads) - shown} more; --top 0 shows all.", markup=False)
