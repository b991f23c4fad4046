"""The report's tables as CSV for a spreadsheet: exact decimal strings, and no cell that a spreadsheet would execute.

UTF-8 with a byte-order mark (else Excel misreads names), CRLF, RFC 4180 quoting. A *text* cell that begins with a
character which starts a formula gets an apostrophe in front. A *figure* cell is a plain decimal that this product
computed: it is checked to be one and written as it is, so that a negative amount stays a number.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from baseload.report.document import MapDocument

FORMULA_STARTS = "=+-@\t\r\n|%＝＋－＠"
_FIGURE = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_BOM = "\ufeff"

Cell = str | int | float | None


def tables(document: MapDocument) -> dict[str, bytes]:
    """File name -> content of every CSV of the report."""
    return {
        "workloads.csv": _csv(*_workloads(document)),
        "opportunities.csv": _csv(*_opportunities(document)),
        "days.csv": _csv(*_days(document)),
        "reconciliation.csv": _csv(*_reconciliation(document)),
        "problems.csv": _csv(*_problems(document)),
    }


def text_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula.

    >>> text_cell("=1+1"), text_cell("-2+3"), text_cell("plain")
    ("'=1+1", "'-2+3", 'plain')
    """
    start = text.lstrip(" \u00a0\ufeff\u200b")[:1]
    return f"'{text}" if start and start in FORMULA_STARTS else text


def figure_cell(figure: str | float | None) -> str:
    """A number as it is, "" when missing. Raises ValueError on anything that is not a plain decimal.

    >>> figure_cell("-12.50"), figure_cell(None), figure_cell(3)
    ('-12.50', '', '3')
    """
    if figure is None:
        return ""
    text = str(figure)
    if not _FIGURE.fullmatch(text):
        raise ValueError(f"{text[:40]!r} stands in a column of figures; expected a plain decimal")
    return text


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Columns whose name says what they count hold figures; the others hold text."""
    cell = [figure_cell if _is_figure(column) else _text for column in columns]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([make(value) for make, value in zip(cell, row, strict=True)])
    return (_BOM + out.getvalue()).encode("utf-8", "replace")


def _is_figure(column: str) -> bool:
    return column.endswith(("_usd", "_tokens", "share", "confidence")) or column in FIGURE_COLUMNS


FIGURE_COLUMNS = {"rank", "requests", "usd_per_request", "row", "capture_days"}


def _text(value: Cell) -> str:
    return text_cell("" if value is None else str(value))


def _workloads(document: MapDocument) -> tuple[Sequence[str], Iterable[Sequence[Cell]]]:
    columns = (
        "rank", "id", "name", "owner", "cost_center", "list_usd", "list_high_usd", "share", "cumulative_share", "requests",
        "usd_per_request", "uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
        "output_tokens", "models", "task", "task_confidence", "latency", "grade", "sources", "why", "start", "end_exclusive",
    )  # fmt: skip
    window = document.window
    rows = (
        (
            part.rank, part.id, part.name, part.owner, part.cost_center, part.list_usd, part.list_high_usd, part.share,
            part.cumulative_share, part.requests, part.usd_per_request, part.tokens.uncached_input_tokens,
            part.tokens.cache_read_tokens, part.tokens.cache_write_5m_tokens, part.tokens.cache_write_1h_tokens,
            part.tokens.output_tokens, " ".join(model.model for model in part.models), part.task, part.task_confidence,
            part.latency, part.grade, " ".join(part.sources), part.why, window.start, window.end_exclusive,
        )
        for part in document.workloads
    )  # fmt: skip
    return columns, rows


def _opportunities(document: MapDocument) -> tuple[Sequence[str], Iterable[Sequence[Cell]]]:
    columns = (
        "workload", "workload_name", "lever", "candidate", "low_usd", "high_usd", "low_annual_usd", "high_annual_usd",
        "grade", "assumption", "excluded_by", "start", "end_exclusive",
    )  # fmt: skip
    window = document.window
    rows = (
        (
            item.workload, item.workload_name, item.lever, item.candidate, item.low_usd, item.high_usd, item.low_annual_usd,
            item.high_annual_usd, item.grade, item.assumption, ", ".join(item.excluded_by), window.start, window.end_exclusive,
        )
        for item in document.opportunities
    )  # fmt: skip
    return columns, rows


def _days(document: MapDocument) -> tuple[Sequence[str], Iterable[Sequence[Cell]]]:
    """Long form: one row per day and model, so that a pivot table can take it as it is."""
    columns = ("day", "model", "list_usd", "complete")
    rows = (
        (part.day, model, amount, "yes" if part.complete else "no")
        for part in document.by_day
        for model, amount in part.models.items()
    )
    return columns, rows


def _reconciliation(document: MapDocument) -> tuple[Sequence[str], Iterable[Sequence[Cell]]]:
    columns = (
        "account", "day", "model", "scope", "calls_usd", "control_usd", "difference_usd", "difference_share", "verdict", "note",
    )  # fmt: skip
    rows = ([getattr(item, column) for column in columns] for item in document.reconciliation)
    return columns, rows


def _problems(document: MapDocument) -> tuple[Sequence[str], Iterable[Sequence[Cell]]]:
    columns = ("source", "file", "row", "code", "message", "value", "expected", "next_step")
    rows = ([getattr(item, column) for column in columns] for item in document.problems)
    return columns, rows
