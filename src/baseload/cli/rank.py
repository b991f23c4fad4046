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
    ("grade", "left"),
    ("task", "left"),
    ("owner", "left"),
)
WIDE = 110  # columns of a terminal
_NARROW = (0, 1, 2, 4, 5, 6)  # of the columns, where a terminal is narrower: without share, task and owner
_LEAST_NAME = 18
_ROOM_FOR_NAMES = 80  # columns; where there are fewer, figures come first


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
    from baseload.errors import UsageError

    if top < 0:
        raise UsageError(f"--top {top}: expected a number of workloads; 0 = all")
    document = build_rank(paths, project, source=source, as_of=as_of, most=top)
    if json:
        print_json(document)
    else:
        _print_table(document)
    return EXIT_PROBLEMS if document.problem_counts else EXIT_DONE


def _print_table(document: RankDocument) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from baseload.cli.output import numbered, stdout
    from baseload.report import numbers
    from baseload.report.names import clean

    window = document.window
    title = f"{clean(document.title)}: list price in USD, {window.start} to before {window.end_exclusive} (UTC)"
    table = Table(title=Text(title, style="bold"), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    console = stdout()
    shown = range(len(_COLUMNS)) if console.width >= WIDE else _NARROW
    for name, justify in (_COLUMNS[place] for place in shown):
        least = _LEAST_NAME if name == "workload" and console.width >= _ROOM_FOR_NAMES else None
        table.add_column(
            name, justify=justify, no_wrap=justify == "right" or name == "grade", overflow="fold", min_width=least
        )
    places = numbers.places_for(document.list_usd)
    for part in document.workloads:
        cells = (
            str(part.rank),
            Text(clean(part.name)),
            numbers.usd(part.list_usd, places),
            numbers.share(part.share),
            numbers.count(part.requests),
            numbers.usd_each(part.usd_per_request),
            Text(part.grade),
            Text(part.task),
            Text(clean(part.owner)),
        )
        table.add_row(*(cells[place] for place in shown))
    console.print(table)
    if len(shown) < len(_COLUMNS):
        console.print(f"Share, task and owner: from {WIDE} columns on, and with --json.")
    few = document.workloads_for_80_percent
    if few is not None:
        console.print(f"{few} of {document.workloads_in_all} workloads hold 80 % of the spend.")
    if len(document.workloads) < document.workloads_in_all:
        console.print(f"{document.workloads_in_all - len(document.workloads)} more; --top 0 shows all.")
    problems = sum(item.count for item in document.problem_counts)
    if problems:
        console.print(f"{numbered(problems, 'problem')}; `baseload map` lists them.")
    console.print(document.price_book.warning or f"Prices checked {document.price_book.checked}.", markup=False)
