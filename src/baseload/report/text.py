"""The map in a terminal: what it costs, what it could be, what is not known, and where the report is."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from baseload.report import numbers
from baseload.report.document import HeadlinePart, MapDocument
from baseload.report.names import PROSE, clean, path, shorten
from baseload.report.opportunities import lever_groups, lever_unit, nothing_priced

WARNING = "bold yellow"
TOP = 10
COLUMNS: Sequence[str] = ("#", "Workload", "USD", "Share", "Requests", "USD each", "Task", "Grade")
WIDE = 96  # columns of a terminal
NARROW: Sequence[int] = (0, 1, 2, 3, 5, 7)  # of the columns, where a terminal is narrower: without requests and task
MOST_PROBLEMS = 3
UNKNOWN = "unknown"
RULE_OF_PLANTED = "found: the range of one candidate holds it, give or take 20 % of the planted figure"
"""As `demo.planted.TOLERANCE` has it, which stands above this package; a test holds the two together."""


def render_text(document: MapDocument, console: Console, *, written: Sequence[Path] = ()) -> None:
    """Print the summary. Names are plain text: none of their markup or control characters reach the terminal."""
    places = numbers.places_for(document.totals.list_usd)
    _headline(document, console, places)
    _workloads(document, console, places)
    _opportunities(document, console, places)
    _readiness(document, console)
    _planted(document, console, places)
    print_problems(document.problem_counts, document.problems, console)
    for page in written[:1]:
        console.print(summary_line(("Report: ", "bold"), str(page)), soft_wrap=True)


def _headline(document: MapDocument, console: Console, places: int) -> None:
    window, head = document.window, document.headline
    console.print(Text(clean(document.title), style="bold"))
    period = f"{window.start} to {numbers.last_day(window.end_exclusive)} ({numbers.days(window.days)}, UTC)"
    overlay = document.price_book.overlay
    basis = f"at your prices ({path(overlay)}), not at list" if overlay else "at list price"
    prices = f"USD {basis}; prices checked {document.price_book.checked}"
    console.print(Text(f"{period}, {prices}", style="dim"))
    if document.price_book.warning:
        console.print(summary_line(("Prices: ", WARNING), document.price_book.warning))
    style = "bold green" if head.status == "reconciled" else WARNING
    console.print(summary_line((f"{head.status}: ", style), head.status_why))
    console.print()
    console.print(summary_line(("Run rate  ", "bold"), _run_rate(document, places)))
    gaps = document.run_rate.gaps
    if gaps:
        said = f"{numbers.days(len(gaps))} without data in its window: {numbers.day_runs(gaps, 3)}"
        console.print(summary_line(("Gaps      ", WARNING), said))
    billed = f", billed {numbers.usd(document.totals.billed_usd, places)}" if document.totals.billed_usd else ""
    totals = document.totals
    spent = numbers.usd_range(totals.list_usd, totals.list_high_usd, places)
    known = f"{spent} in the period{billed} [{_grade_of(document, 'observed')}]"
    observed = f"{UNKNOWN} in the period{billed}" if nothing_priced(document) else known
    console.print(summary_line(("Observed  ", "bold"), observed))
    if head.top_model_share is not None:
        name = shorten(head.top_model_name or head.top_model)
        console.print(
            summary_line(
                ("Top price ", "bold"), f"{numbers.share(head.top_model_share)} on {name} and models at least as dear"
            )
        )
    unpriced = document.totals.unpriced_rows
    if unpriced:
        rows = f"{unpriced:,} row{'' if unpriced == 1 else 's'}"
        console.print(summary_line(("Unpriced  ", WARNING), f"{rows}, in no total here"))
    console.print()


def _run_rate(document: MapDocument, places: int) -> str:
    rate = document.run_rate
    if rate.annual_usd is None:
        return f"not stated: {rate.why_null}"
    ends = numbers.usd_range(rate.low_usd, rate.high_usd, places)
    interval = f" ({ends}, {rate.interval})" if rate.low_usd is not None and rate.high_usd is not None else ""
    return f"{numbers.usd(rate.annual_usd, places)} a year{interval} [{rate.grade}{_mix(document)}]"


def _mix(document: MapDocument) -> str:
    """A total may be counted where its division among workloads is scaled from a sample."""
    sampled = any(part.grade == "sampled" for part in document.workloads)
    return " in all, sampled by workload" if sampled and document.run_rate.grade != "sampled" else ""


def _grade_of(document: MapDocument, figure: str) -> str:
    return next((part.grade for part in document.figures if part.figure == figure), document.run_rate.grade)


def _concentration(head: HeadlinePart) -> str:
    if head.workloads_for_80_percent is None:
        return f"{head.workloads}; the named ones together hold less than 80 %"
    return f"{head.workloads_for_80_percent} of {head.workloads} hold 80 %"


def _workloads(document: MapDocument, console: Console, places: int) -> None:
    if not document.workloads:
        return
    unpriced = nothing_priced(document)
    title = "Workloads" if unpriced else f"Workloads: {_concentration(document.headline)}"
    shown = range(len(COLUMNS)) if console.width >= WIDE else NARROW
    columns = [COLUMNS[place] for place in shown]
    figures = [at for at, place in enumerate(shown) if place in (0, 2, 3, 4, 5)]
    table = summary_table(title, columns, right=figures)
    for part in document.workloads[:TOP]:
        each = numbers.usd_each(part.usd_per_request) if part.usd_per_request else UNKNOWN
        known = (numbers.usd(part.list_usd, places), numbers.share(part.share), part.grade)
        amount, share, grade = (UNKNOWN,) * 3 if unpriced else known
        cells = (str(part.rank), Text(clean(part.name, 40)), amount, share, numbers.count(part.requests), each)
        row = (*cells, part.task, grade)
        table.add_row(*(row[place] for place in shown))
    rest = document.workloads[TOP:]
    if rest:
        amount = f"{sum((Decimal(part.list_usd) for part in rest), Decimal(0)):f}"
        amount = UNKNOWN if unpriced else numbers.usd(amount, places)
        table.add_row("", Text(f"{len(rest):,} more", style="dim"), amount)
    console.print(table)
    if len(columns) < len(COLUMNS):
        console.print(Text(f"Requests and task: from {WIDE} columns on, and in the report.\n", style="dim"))


def _opportunities(document: MapDocument, console: Console, places: int) -> None:
    groups = lever_groups(document)
    if not groups:
        console.print("No opportunity found in these sources.\n")
        return
    unit = lever_unit(document.levers)
    table = summary_table(
        f"What it could be, USD {unit} (ranges overlap; not added up)", ("", "USD", "Grade"), right=(1,)
    )
    for group in groups:
        table.add_row(Text(group.title, style="bold"))
        for section in group.levers:
            known = section.high_usd is not None
            amount = numbers.usd_range(section.low_usd, section.high_usd, places) if known else UNKNOWN
            table.add_row(Text(f"  {clean(section.part.title, 48)}"), amount, section.part.grade)
    console.print(table)


def _readiness(document: MapDocument, console: Console) -> None:
    """What share of the spend each lever can be judged on, and the next source for the dearest that needs one."""
    if not document.readiness:
        return
    shares = [
        f"{word} {numbers.share(sum(part.share for part in document.readiness if getattr(part, word)), 0)}"
        for word in ("rank", "cache", "batch", "trial")
    ]
    console.print(summary_line(("Sources allow, by share of spend: ", "bold"), ", ".join(shares)))
    needing = next((part for part in document.readiness if part.next_source and part.steps), None)
    if needing:
        days = f" ({numbers.days(needing.capture_days)} of capture)" if needing.capture_days else ""
        console.print(
            summary_line(
                ("Next source: ", "bold"), f"{needing.next_source}{days}, for {shorten(needing.workload_name)}"
            )
        )
    console.print()


def _planted(document: MapDocument, console: Console, places: int) -> None:
    if not document.planted:
        return
    found = sum(part.found for part in document.planted)
    table = summary_table(
        f"Planted and found: {found} of {len(document.planted)}, USD a year ({RULE_OF_PLANTED})",
        ("Planted", "Planted USD", "Found USD", ""),
        right=(1, 2),
    )
    for part in document.planted:
        amount = numbers.usd_range(part.found_low_annual_usd, part.found_high_annual_usd, places)
        planted = numbers.usd(part.planted_annual_usd, places)
        table.add_row(Text(clean(part.name, 48)), planted, amount, "found" if part.found else "missed")
    console.print(table)


class Counted(Protocol):
    """So many problems of one kind."""

    @property
    def code(self) -> str: ...
    @property
    def count(self) -> int: ...


class Listed(Protocol):
    """One problem, as far as a terminal shows it."""

    @property
    def file(self) -> str: ...
    @property
    def row(self) -> int: ...
    @property
    def message(self) -> str: ...


def print_problems(counts: Sequence[Counted], problems: Sequence[Listed], console: Console) -> None:
    """Counts by kind, and the first few in full."""
    if not counts:
        console.print("No problems: every record was used.")
        return
    listed = ", ".join(f"{part.code} × {part.count:,}" for part in counts)
    console.print(summary_line(("Problems: ", WARNING), listed))
    for part in problems[:MOST_PROBLEMS]:
        where = f"{path(part.file)}:{part.row}" if part.row else path(part.file)
        before = f"{where}: " if where else ""  # some are of no file
        console.print(Text(f"  {before}{clean(part.message, PROSE)}", style="dim"))


def summary_line(label: tuple[str, str], text: str) -> Text:
    """A line with a styled label, its text made safe to print."""
    return Text.assemble(label, clean(text, PROSE))


def summary_table(title: str, columns: Sequence[str], *, right: Sequence[int]) -> Table:
    """A table of the summary, with the columns of figures to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for at, column in enumerate(columns):
        table.add_column(column, justify="right" if at in right else "left", no_wrap=at in right)
    return table
