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

from baseload.report import names
from baseload.report.document import MapDocument

LONGEST_TEXT = 1_000  # characters of a cell; map.json holds every text whole
FORMULA_STARTS = "=+-@\t\r\n|%＝＋－＠"
_FIGURE = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_BOM = "\ufeff"
_IGNORED = " \u00a0\u200b\ufeff"  # what a spreadsheet may skip before it decides

_WINDOW = ("start", "end_exclusive")
_TOKENS = (
    "uncached_input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
)
WORKLOADS = (
    *("rank", "id", "name", "owner", "cost_center", "list_usd", "list_high_usd", "share", "cumulative_share"),
    *("requests", "usd_per_request", *_TOKENS, "models", "task", "task_confidence", "latency", "grade", "sources"),
    *("stage", "why", *_WINDOW),
)
OPPORTUNITIES = (
    *("workload", "workload_name", "lever", "candidate", "low_usd", "high_usd", "low_annual_usd", "high_annual_usd"),
    *("grade", "assumption", "excluded_by", *_WINDOW, "status", "verdict_id"),
)
DAYS = ("day", "model", "list_usd", "complete")
RECONCILIATION = (
    *("account", "day", "model", "scope", "calls_usd", "control_usd", "difference_usd", "difference_share"),
    *("verdict", "note"),
)
PROBLEMS = ("source", "file", "row", "code", "message", "value", "expected", "next_step")
FIGURES = {  # columns of figures whose names do not end in what they count
    "rank",
    "requests",
    "row",
    "share",
    "cumulative_share",
    "difference_share",
    "task_confidence",
    "usd_per_request",
    "saving_share",
    "person_days",
    "ships_in_week",
    "finding_out_calls",
    "payback_months",
    "usd",
    "calls_from",
    "calls_to",
    "usd_per_call_from",
    "usd_per_call_to",
}


def tables(document: MapDocument) -> dict[str, bytes]:
    """File name -> content of every CSV of the report."""
    window = document.window
    return {
        "workloads.csv": csv_bytes(
            WORKLOADS, (row_of(WORKLOADS, part, part.tokens, window) for part in document.workloads)
        ),
        "opportunities.csv": csv_bytes(
            OPPORTUNITIES, (row_of(OPPORTUNITIES, part, window) for part in document.opportunities)
        ),
        "days.csv": csv_bytes(DAYS, _day_rows(document)),
        "reconciliation.csv": csv_bytes(
            RECONCILIATION, (row_of(RECONCILIATION, part) for part in document.reconciliation)
        ),
        "problems.csv": csv_bytes(PROBLEMS, (row_of(PROBLEMS, part) for part in document.problems)),
    }


def text_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula.

    >>> text_cell("=1+1"), text_cell("-2+3"), text_cell("plain")
    ("'=1+1", "'-2+3", 'plain')
    """
    start = text.lstrip(_IGNORED)[:1]
    return f"'{text}" if start and start in FORMULA_STARTS else text


def figure_cell(figure: object) -> str:
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


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV for spreadsheets. Columns whose name says what they count hold figures; the others hold text."""
    cells = [figure_cell if _holds_figures(column) else _text for column in columns]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(value) for cell, value in zip(cells, row, strict=True)])
    return (_BOM + out.getvalue()).encode("utf-8", "replace")


def _holds_figures(column: str) -> bool:
    return column in FIGURES or column.endswith(("_usd", "_tokens"))


def row_of(columns: Sequence[str], *places: object) -> list[object]:
    """Each column's value from the first of `places` that has a field of its name."""
    return [next(getattr(place, column) for place in places if hasattr(place, column)) for column in columns]


def _day_rows(document: MapDocument) -> Iterable[Sequence[object]]:
    """One row per day and model, so that a pivot table can take it as it is."""
    for part in document.by_day:
        for model, amount in part.models.items():
            yield part.day, model, amount, "yes" if part.complete else "no"


def _text(value: object) -> str:
    """Text as one safe cell, cleaned as on the page; a list is joined, its models by their ids; a truth is a word."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        value = ", ".join(str(getattr(item, "model", item)) for item in value)
    return text_cell("" if value is None else names.clean(str(value), LONGEST_TEXT))
