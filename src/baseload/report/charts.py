"""The charts of one report, as plain ECharts options built from the document; the page draws them, or does without."""

from __future__ import annotations

from baseload.report import palette
from baseload.report.chart_days import daily
from baseload.report.chart_kit import Chart
from baseload.report.chart_ranges import ranges
from baseload.report.chart_spend import concentration, treemap
from baseload.report.document import MapDocument


def charts(document: MapDocument) -> dict[str, Chart]:
    """Every chart the document has figures for, by the name the page asks for; one without figures is absent."""
    slots = palette.model_slots([part.model for part in document.by_model])
    found = {
        "treemap": treemap(document, slots),
        "daily": daily(document, slots),
        "concentration": concentration(document),
        "ranges": ranges(document),
    }
    return {name: chart for name, chart in found.items() if chart is not None}
