"""The close in a terminal: the bridge, the workloads behind it, the plan's realisation, the year, and the seal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from baseload.cli.output import stdout
from baseload.plan.close.document import CloseDocument, Figures, MovePart, SavingsPart
from baseload.plan.rounding import largest_remainder
from baseload.report import numbers
from baseload.report.names import PROSE, clean, shorten

WARNING = "bold yellow"
BY_LEDGER = "so both are compared by the ledger"
"""The note of accounts that an invoice of only one of two months is left out for: a bill's figure depends on it."""
TOP = 8
TOP_EFFECTS = 3
WIDE = 90
_ALWAYS = ("volume", "price")
"""Lines that are shown even where nothing moved: that nothing did is an answer."""


def print_close(document: CloseDocument, console: Console | None = None) -> None:
    """Print a close. The bridge is in cents, rounded together: its printed lines add up as printed."""
    console = console or stdout()
    figures = document.figures
    places = numbers.places_for(figures.to_usd)
    _head(document, console)
    if figures.from_usd is not None:
        _bridge(figures, console)
        _workloads(figures, console, places)
    else:
        console.print(_said("Bill      ", numbers.usd(figures.to_usd, places)))
    if figures.savings:
        _savings(figures.savings, console, places)
    _forecast(figures, console, places)
    _restatements(document, console, places)
    for note in figures.notes:
        if figures.from_usd is None or BY_LEDGER not in note:
            console.print(Text(clean(note, PROSE), style="dim"))
    console.print(Text(f"Prices checked {document.inputs.prices_checked}.", style="dim"))


def _head(document: CloseDocument, console: Console) -> None:
    figures, seal, check = document.figures, document.seal, document.check
    against = f" against {figures.against}" if figures.against else ""
    console.print(Text(f"{clean(document.title)}: {figures.month}{against}", style="bold"))
    cover = figures.cover
    data = f"{cover.days_with_data} of {cover.days} days have data, {cover.first_day} to {cover.last_day} (UTC)"
    style = "dim" if cover.days_with_data == cover.days else WARNING
    console.print(Text(data, style=style))
    if check and seal:
        style = "bold green" if check.status == "verified" else WARNING
        text = f"{check.why} (revision {check.revision}, frozen {seal.frozen_on}, sha256 {check.sha256[:16]})"
        console.print(_said(f"{check.status}: ", text, style))
    else:
        console.print(Text("not frozen" if document.state == "open" else "not over, not frozen", style="dim"))
    console.print()


def _bridge(figures: Figures, console: Console) -> None:
    table = _table("Why the bill moved, USD", ("", "USD", "of the bill", "grade", ""), right=(1, 2))
    places, start = 2, Decimal(figures.from_usd or 0)
    wide = console.width >= WIDE
    shown = [line for line in figures.lines if Decimal(line.usd) or line.line in _ALWAYS]
    ends = (figures.from_usd or "0", figures.to_usd)
    first, last = (_rounded(Fraction(Decimal(end)) * 10**places) for end in ends)
    amounts = largest_remainder([Fraction(Decimal(line.usd)) * 10**places for line in shown], last - first)
    partly = " *" if any(BY_LEDGER in note for note in figures.notes) else ""
    table.add_row(Text(f"Bill of {figures.against}{partly}", style="bold"), _usd(first, places))
    for line, amount in zip(shown, amounts, strict=True):
        note = line.note if wide else ""
        if line.low_usd != line.high_usd:
            note = f"{numbers.usd_range(line.low_usd, line.high_usd, places)}. {note}" if wide else ""
        share = numbers.share(float(Decimal(line.usd) / start) if start else None)
        table.add_row(f"  {line.label}", _usd(amount, places), share, line.grade, Text(clean(note, 100), style="dim"))
    table.add_row(Text(f"Bill of {figures.month}{partly}", style="bold"), _usd(last, places))
    console.print(table)
    for note in figures.notes:
        if BY_LEDGER in note:
            console.print(Text(f"* {clean(note, PROSE)}", style=WARNING))
            console.print()


def _workloads(figures: Figures, console: Console, places: int) -> None:
    moved = [part for part in figures.workloads if Decimal(part.difference_usd)]
    if not moved:
        return
    table = _table("Workloads that moved most", ("workload", "USD", "mostly"), right=(1,))
    for part in moved[:TOP]:
        table.add_row(Text(clean(part.name, 40)), numbers.usd(part.difference_usd, places), _mostly(part, places))
    if moved[TOP:]:
        rest = sum((Decimal(part.difference_usd) for part in moved[TOP:]), Decimal(0))
        table.add_row(Text(f"{len(moved) - TOP:,} more", style="dim"), numbers.usd(f"{rest:f}", places), "")
    console.print(table)


def _mostly(part: MovePart, places: int) -> str:
    ranked = sorted(part.effects.items(), key=lambda pair: -abs(Decimal(pair[1])))
    cent = Decimal(1).scaleb(-places)
    return ", ".join(
        f"{name} {numbers.usd(usd, places)}" for name, usd in ranked[:TOP_EFFECTS] if abs(Decimal(usd)) >= cent
    )


def _savings(savings: SavingsPart, console: Console, places: int) -> None:
    title = f"Realised against planned, list USD of the month [{savings.grade}]"
    table = _table(title, ("workload", "planned", "realised", "share"), right=(1, 2, 3))
    for part in savings.workloads[:TOP]:
        planned, realised = numbers.usd(part.planned_usd, places), numbers.usd(part.realised_usd, places)
        table.add_row(Text(clean(part.name, 40)), planned, realised, numbers.share(part.realization, 0))
    total = numbers.share(savings.realization, 0)
    table.add_row(
        Text("the plan", style="bold"),
        numbers.usd(savings.planned_usd, places),
        numbers.usd(savings.realised_usd, places),
        total,
    )
    table.add_row("outside the plan", "", numbers.usd(savings.outside_usd, places), "")
    console.print(table)
    if savings.note:
        console.print(Text(clean(savings.note, PROSE), style="dim"))


def _forecast(figures: Figures, console: Console, places: int) -> None:
    made = figures.forecast
    if made is None:
        return
    year = f"{made.fiscal_year_start} to {numbers.last_day(made.fiscal_year_end_exclusive)}"
    if made.year_usd is None:
        console.print(_said("Year      ", f"{year}: not stated: {made.why_null}"))
        return
    text = f"{year}: {numbers.usd(made.year_usd, places)}"
    if made.low_usd and made.high_usd:
        text += f" ({numbers.usd_range(made.low_usd, made.high_usd, places)})"
    text += f", of it {numbers.usd(made.so_far_usd, places)} so far"
    if made.if_plan_lands_usd:
        text += f"; {numbers.usd(made.if_plan_lands_usd, places)} if the rest of the plan landed now"
    console.print(_said("Year      ", text))
    if made.note:
        console.print(Text(f"  {clean(made.note, PROSE)}", style="dim"))


def _restatements(document: CloseDocument, console: Console, places: int) -> None:
    for part in document.restatements:
        title = f"Restatement of {part.month}: {', '.join(part.changed)} changed"
        table = _table(title, ("", "frozen", "now", "difference"), right=(1, 2, 3))
        for row in part.workloads[:TOP]:
            cells = (numbers.usd(usd, places) for usd in (row.frozen_usd, row.now_usd, row.difference_usd))
            table.add_row(Text(shorten(row.name)), *cells)
        if part.workloads[TOP:]:
            table.add_row(Text(f"{len(part.workloads) - TOP:,} more", style="dim"))
        table.add_row("outside the workloads", "", "", numbers.usd(part.other_usd, places))
        cells = (numbers.usd(usd, places) for usd in (part.frozen_usd, part.now_usd, part.difference_usd))
        table.add_row(Text("bill", style="bold"), *cells)
        console.print(table)


def _rounded(amount: Fraction) -> int:
    return round(amount)


def _usd(amount: int, places: int) -> str:
    return numbers.usd(f"{Decimal(amount).scaleb(-places):f}", places)


def _said(label: str, text: str, style: str = "bold") -> Text:
    return Text.assemble((label, style), clean(text, PROSE))


def _table(title: str, columns: Sequence[str], *, right: Sequence[int]) -> Table:
    table = Table(title=Text(title, style="bold"), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for at, column in enumerate(columns):
        table.add_column(column, justify="right" if at in right else "left", no_wrap=at in right)
    return table
