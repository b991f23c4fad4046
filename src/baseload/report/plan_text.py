"""The plan in a terminal: what it comes to, step by step, what to do first, and what is proven."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.text import Text

from baseload.plan.document import FigurePart, PlanDocument, SpanPart
from baseload.report import numbers
from baseload.report.names import clean, shorten
from baseload.report.plan_words import SCENARIOS, lever, next_steps
from baseload.report.text import WARNING, WIDE, print_problems, summary_line, summary_table
from baseload.report.trial_words import moves, payback

TOP = 10
COLUMNS: Sequence[str] = ("#", "Workload", "Change", "USD per week of work", "Saves USD", "Week", "Trial", "Grade")


def render_plan_text(document: PlanDocument, console: Console, *, written: Sequence[Path] = ()) -> None:
    """Print the summary. Names are plain text: none of their markup or control characters reach the terminal."""
    places = numbers.places_for(document.totals.as_billed_usd)
    _headline(document, console, places)
    _waterfall(document, console, places)
    _changes(document, console, places)
    _proven(document, console, places)
    _moves(document, console)
    for title, step in next_steps(document):
        console.print(summary_line((f"{title}: ", "bold"), step))
    print_problems(document.problem_counts, document.problems, console)
    for page in written[:1]:
        console.print(summary_line(("Report: ", "bold"), str(page)), soft_wrap=True)


def _headline(document: PlanDocument, console: Console, places: int) -> None:
    window, totals = document.basis.window, document.totals
    console.print(Text(clean(document.title), style="bold"))
    period = f"{window.start} to {numbers.last_day(window.end_exclusive)} ({numbers.days(window.days)}, UTC)"
    book = f"USD at the list prices of {document.basis.prices_of}; prices checked {document.price_book.checked}"
    console.print(Text(f"{period}, {book}", style="dim"))
    if document.price_book.warning:
        console.print(summary_line(("Prices: ", WARNING), document.price_book.warning))
    console.print()
    console.print(summary_line(("", ""), document.headline))
    console.print()
    if document.baseline is None:
        console.print(summary_line(("Not a year   ", WARNING), document.basis.why_not_a_year))
        console.print(summary_line(("Today        ", "bold"), numbers.usd(totals.as_billed_usd, places)))
        console.print(summary_line(("Optimized    ", "bold"), _span(totals.optimized, places)))
    else:
        found = document.baseline
        for label, figure in (
            ("Today      ", found.as_billed),
            ("Optimized  ", found.optimized),
            ("Proven only", found.conservative),
        ):
            console.print(summary_line((f"{label}  ", "bold"), _figure(figure, places)))
    if document.cash:
        console.print(summary_line(("Cash         ", "bold"), document.cash.sentence))
    console.print(summary_line(("Routing      ", "bold"), totals.routing_alone.sentence))
    console.print()


def _figure(figure: FigurePart, places: int) -> str:
    ends = ""
    if figure.low_usd is not None and figure.high_usd is not None:
        ends = f" ({numbers.usd_range(figure.low_usd, figure.high_usd, places)})"
    return f"{numbers.usd(figure.usd, places)} a year{ends}, {figure.mix_sentence or figure.grade}"


def _span(span: SpanPart, places: int) -> str:
    likely, ends = numbers.usd(span.likely_usd, places), numbers.usd_range(span.low_usd, span.high_usd, places)
    return likely if likely == ends else f"{likely} ({ends})"


def _waterfall(document: PlanDocument, console: Console, places: int) -> None:
    columns = ("", "Saves", "Range", "Left", "Grade")
    table = summary_table(f"From the bill to the plan, USD {document.basis.unit}", columns, right=(1, 2, 3))
    for part in document.totals.waterfall:
        saves = numbers.usd(part.saving.likely_usd, 2) if part.saving else ""  # cents: rounded parts need not add up
        ends = numbers.usd_range(part.saving.low_usd, part.saving.high_usd, places) if part.saving else ""
        style = "" if part.saving else "bold"
        left = Text(numbers.usd(part.after_usd, 2), style=style)
        table.add_row(Text(clean(part.title, 40), style=style), saves, ends, left, part.grade or "not taken")
    console.print(table)


def _changes(document: PlanDocument, console: Console, places: int) -> None:
    """What to do first; without a run rate there is no pace, and the workloads that save most stand in."""
    if document.adoption is None:
        _savers(document, console, places)
        return
    changes = document.adoption.changes
    if not changes:
        console.print("Nothing to change.\n")
        return
    columns = COLUMNS if console.width >= WIDE else COLUMNS[:5]
    table = summary_table("Changes, most dollars per week of work first", columns, right=(0, 3, 4, 5))
    for part in changes[:TOP]:
        each = numbers.usd(part.saving_per_week_of_work_usd, places)
        cells = (str(part.rank), Text(clean(part.workload_name, 40)), lever(part.lever), each)
        saves, trial = numbers.usd(part.saving.likely_usd, places), part.status
        table.add_row(*(*cells, saves, str(part.ships_in_week), trial, part.grade)[: len(columns)])
    rest = changes[TOP:]
    if rest:
        saves = numbers.usd(f"{sum((Decimal(part.saving.likely_usd) for part in rest), Decimal(0)):f}", places)
        table.add_row("", Text(f"{len(rest):,} more", style="dim"), "", "", saves)
    console.print(table)


def _savers(document: PlanDocument, console: Console, places: int) -> None:
    saving = sorted(
        (part for part in document.workloads if part.choice.levers), key=lambda part: -Decimal(part.saving.likely_usd)
    )
    if not saving:
        console.print("Nothing to change.\n")
        return
    table = summary_table(
        f"Workloads that change, USD {document.basis.unit}", ("Workload", "Changes", "Saves"), right=(2,)
    )
    for part in saving[:TOP]:
        levers = ", ".join(lever(name).lower() for name in part.choice.levers)
        table.add_row(Text(clean(part.name, 40)), levers, numbers.usd(part.saving.likely_usd, places))
    console.print(table)


def _moves(document: PlanDocument, console: Console) -> None:
    """What a trial says of each move, and what finding out costs where nobody knows."""
    found = moves(document)
    if not found:
        return
    columns = ("Workload", "Move", "Trial", "Finding out", "Paid back")
    table = summary_table("What is proven", columns if console.width >= WIDE else columns[:4], right=(3,))
    for move in found[:TOP]:
        trial = move.finding_out
        cost = numbers.usd(trial.likely_usd, 2) if trial else ""
        back = payback(trial.payback_months).removeprefix("paid back in ") if trial else ""
        name, candidate = Text(clean(move.workload.name, 34)), Text(clean(move.candidate, 34))
        cells = (name, candidate, move.status, cost, back)
        table.add_row(*cells[: len(table.columns)])
    if len(found) > TOP:
        table.add_row(Text(f"{len(found) - TOP:,} more", style="dim"))
    console.print(table)
    for one in document.together:
        console.print(summary_line(("Together: ", "bold"), one.sentence), soft_wrap=True)


def _proven(document: PlanDocument, console: Console, places: int) -> None:
    columns = ("Rules", "Saves", "Range", "Share", "Workloads", "")
    table = summary_table(f"What rests on what, USD {document.basis.unit}", columns, right=(1, 2, 3, 4))
    for part in document.totals.scenarios:
        ends = numbers.usd_range(part.saving.low_usd, part.saving.high_usd, places)
        saves, share = numbers.usd(part.saving.likely_usd, places), numbers.share(part.saving_share)
        said = f"held back by {', '.join(shorten(pool) for pool in part.pools)}" if part.pools else ""
        table.add_row(SCENARIOS.get(part.name, part.name), saves, ends, share, f"{part.workloads:,}", Text(said))
    console.print(table)
