"""The daily run rate: dollars a day stacked by model, with what a sceptic would ask about marked on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from baseload.report import chart_kit as kit
from baseload.report import names, numbers, palette
from baseload.report.chart_kit import Chart, Option
from baseload.report.document import DayPart, MapDocument

DAYS_A_YEAR = 365


def daily(document: MapDocument, slots: Mapping[str, str]) -> Chart | None:
    """List dollars per UTC day, stacked by model; incomplete days pale, empty days and outliers marked."""
    days = _days_of(document)
    by_day = {part.day: part for part in document.by_day}
    if not any(Decimal(part.list_usd) for part in document.by_day):
        return None
    stacks = [
        {
            "type": "bar",
            "stack": "models",
            "name": names.shorten(part.name or part.model),
            "data": [_amount(by_day.get(day), part.model) for day in days],
            "itemStyle": {"color": palette.fill(slots, part.model)},
            "emphasis": kit.STILL,
            "barCategoryGap": "12%",
            "barMaxWidth": 28,
        }
        for part in document.by_model
        if Decimal(part.list_usd) > 0
    ]
    option = {
        **kit.base(),
        "grid": kit.grid(),
        "tooltip": kit.tooltip("axis"),
        "xAxis": kit.axis("category", data=days, label={"formatter": "fn:day", "hideOverlap": True}),
        "yAxis": kit.axis("value", name="USD a day", label={"formatter": "fn:usd"}),
        "series": [*stacks, *_level(document, days), *_marks(document, days, by_day)],
    }
    return Chart(option=option, description=_description(document))


def _days_of(document: MapDocument) -> list[str]:
    """Every day of the window, with or without data."""
    start = dt.date.fromisoformat(document.window.start)
    return [(start + dt.timedelta(days=at)).isoformat() for at in range(document.window.days)]


def _amount(part: DayPart | None, model: str) -> Any:
    if part is None or model not in part.models:
        return None
    value = float(part.models[model])
    return value if part.complete else {"value": value, "itemStyle": {"opacity": 0.45}}


def _level(document: MapDocument, days: Sequence[str]) -> list[Option]:
    """The mean of the run-rate window, drawn over its days only."""
    window, annual = document.run_rate.window, document.run_rate.annual_usd
    if window is None or annual is None:
        return []
    mean = float(annual) / DAYS_A_YEAR
    return [
        {
            "type": "line",
            "name": "Run rate",
            "data": [mean if window.start <= day < window.end_exclusive else None for day in days],
            "symbol": "none",
            "lineStyle": {"color": kit.INK, "width": 2},
            "itemStyle": {"color": kit.INK},
            "emphasis": kit.STILL,
            "z": 5,
        }
    ]


def _marks(document: MapDocument, days: Sequence[str], by_day: Mapping[str, DayPart]) -> list[Option]:
    shown = set(days)
    outliers = [[day, float(by_day[day].list_usd)] for day in document.run_rate.outlier_days if day in by_day]
    gaps = [[day, 0] for day in document.run_rate.gaps if day in shown]
    marks = (
        ("Outlier day", "triangle", "var(--warn)", [0, -9], outliers),
        ("No data", "emptyCircle", "var(--bad)", [0, 0], gaps),
    )
    return [
        {
            "type": "scatter",
            "name": name,
            "data": points,
            "symbol": symbol,
            "symbolSize": 9,
            "symbolOffset": offset,
            "itemStyle": {"color": colour},
            "emphasis": kit.STILL,
            "z": 6,
        }
        for name, symbol, colour, offset, points in marks
        if points
    ]


def _description(document: MapDocument) -> str:
    rate = document.run_rate
    return (
        f"Bar chart of list dollars per day, stacked by model, {document.window.start} to "
        f"{numbers.last_day(document.window.end_exclusive)}. In the run-rate window {len(rate.gaps)} days without data "
        f"and {len(rate.outlier_days)} outlier days are marked. The table of days holds the figures."
    )
