"""`baseload rank`: the ranked table alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from baseload.cli.help import AsOf, Json, Paths, ProjectFolder, Source

if TYPE_CHECKING:
    from baseload.report.document import RankDocument


_COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("#", "right"),
    ("workload", "left"),
    ("USD", "right"),
    ("share", "right"),
    ("calls", "right"),
    ("USD per call", "right"),
    ("task", "left"),
    ("owner", "left"),
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
    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_json
    from baseload.cli.run import build_rank

    document = build_rank(paths, project, source=source, as_of=as_of, most=top)
    if json:
        print_json(document)
    else:
        _print_table(document)
    return EXIT_PROBLEMS if document.problem_counts else EXIT_DONE


def _print_table(document: RankDocument) -> None:
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
    places = numbers.places_for(document.list_usd)
    for part in document.workloads:
        table.add_row(
            str(part.rank),
            part.name,
            numbers.usd(part.list_usd, places),
            numbers.share(part.share),
            numbers.count(part.requests),
            numbers.usd_each(part.usd_per_request),
            part.task,
            part.owner,
        )
    console = stdout()
    console.print(table)
    few = document.workloads_for_80_percent
    if few is not None:
        console.print(f"{few} of {document.workloads_in_all} workloads hold 80 % of the spend.")
    if len(document.workloads) < document.workloads_in_all:
        console.print(f"{document.workloads_in_all - len(document.workloads)} more; --top 0 shows all.")
    problems = sum(item.count for item in document.problem_counts)
    if problems:
        console.print(f"{problems} problems; `baseload map` lists them.")
    console.print(document.price_book.warning or f"Prices checked {document.price_book.checked}.", markup=False)
