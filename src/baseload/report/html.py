"""The map as one self-contained page: no network, a strict content policy, every figure readable without a script."""

from __future__ import annotations

from decimal import Decimal

from baseload.report import numbers, palette, trial_words
from baseload.report.charts import charts
from baseload.report.document import MapDocument
from baseload.report.page_kit import rendered
from baseload.report.view import View, view

FIGURE_NAMES = {
    "run_rate": "Annual run rate",
    "observed": "Spend in the period",
    "billed_usd": "Billed in the period",
    "top_model_share": "Share at the top price",
    "concentration": "Concentration",
    "status": "Reconciliation status",
}


def render_html(document: MapDocument) -> bytes:
    """The page, UTF-8. The same document always gives the same bytes."""
    seen = view(document)
    values = {
        "document": document,
        "view": seen,
        "period": _period(document),
        "contents": _contents(seen),
        "slots": palette.model_slots([part.model for part in document.by_model]),
        "priced": Decimal(document.totals.list_usd) > 0,
        "figure_name": figure_name,
        "trials": trial_words,
    }
    places = numbers.places_for(document.totals.list_usd)
    return rendered("page.html.j2", values, charts(document), places=places, styles="report.css")


def figure_name(figure: str) -> str:
    """A headline figure's name for a reader."""
    if figure.startswith("opportunity."):
        return f"Opportunity: {figure.removeprefix('opportunity.')}"
    return FIGURE_NAMES.get(figure, figure.replace("_", " "))


def _period(document: MapDocument) -> str:
    window = document.window
    return f"{window.start} to {numbers.last_day(window.end_exclusive)} ({numbers.days(window.days)}, UTC)"


def _contents(seen: View) -> list[tuple[str, str]]:
    sections = [
        ("headline", "Headline"),
        ("opportunities", "What it could be"),
        ("spend", "Where the money goes"),
        ("workloads", "Workloads"),
        ("run-rate", "Run rate"),
        ("reconciliation", "Reconciliation"),
        ("readiness", "Sources"),
        ("evidence", "How each number is known"),
        ("problems", "Problems"),
    ]
    if seen.planted:
        sections.insert(7, ("planted", "Planted and found"))
    return sections
