"""The charts as plain ECharts options, built from the document; the page draws them, or does without.

Colours are `var(--…)` names of the style sheet, so that one drawing serves light, dark and paper. A string that
starts with `fn:` under `formatter` or `renderItem` names one of the few functions of static/report.js; names that
come from outside only ever stand in `name`, `text` and `tip`, which are drawn as text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from baseload.report import names, numbers, palette
from baseload.report.document import MapDocument, OpportunityPart, WorkloadPart
from baseload.report.numbers import usd
from baseload.report.opportunities import A_YEAR, IN_THE_PERIOD, range_of

Option: TypeAlias = dict[str, Any]

MOST_TREE_NODES = 60
MOST_PARETO_BARS = 40
MOST_RANGES = 15
PHONE = 560
NAMED_BARS = 14  # more bars than this are labelled by rank
_INK, _SOFT, _RULE = "var(--ink)", "var(--ink-2)", "var(--rule)"
_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: `option` draws it, `description` says in words what it shows (its accessible name)."""

    option: Option
    description: str


def _model_names(document: MapDocument) -> dict[str, str]:
    """Model id -> name short enough for a box: the maker is the same for all."""
    return {part.model: names.shorten(part.name or part.model).removeprefix("Claude ") for part in document.by_model}


def charts(document: MapDocument) -> dict[str, Chart]:
    """Every chart the document has figures for; one without figures is absent and the page says so."""
    slots = palette.model_slots([part.model for part in document.by_model])
    found = {
        "treemap": treemap(document, slots),
        "daily": daily(document, slots),
        "concentration": concentration(document),
        "ranges": ranges(document),
    }
    return {name: chart for name, chart in found.items() if chart is not None}


def embedded(drawn: dict[str, Chart]) -> str:
    """The options as JSON that cannot end its script element, whatever the names in it are."""
    text = msgspec.json.encode({name: _with_aria(chart) for name, chart in drawn.items()}).decode()
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        text = text.replace(character, escape)
    return text


def treemap(document: MapDocument, slots: dict[str, str]) -> Chart | None:
    """Area = list dollars of the window, workload outside, model inside; the smallest workloads share one box."""
    places = numbers.places_for(document.totals.list_usd)
    paid = [part for part in document.workloads if Decimal(part.list_usd) > 0]
    if not paid:
        return None
    models = _model_names(document)
    nodes = [_tree_node(part, slots, models, places) for part in paid[:MOST_TREE_NODES]]
    rest = paid[MOST_TREE_NODES:]
    if rest:
        amount = f"{sum((Decimal(part.list_usd) for part in rest), Decimal(0)):f}"
        label = f"{len(rest):,} smaller workloads"
        nodes.append(
            {
                "name": label,
                "value": float(amount),
                "tip": [label, f"{usd(amount, places)} together"],
                "text": f"{label}\n{usd(amount, places)}",
                "itemStyle": {"color": "var(--m-other-0)"},
                "label": {"color": "var(--on-other-0)"},
            }
        )
    series = {
        "type": "treemap",
        "left": 0,
        "right": 0,
        "top": 0,
        "bottom": 0,
        "roam": False,
        "nodeClick": False,
        "breadcrumb": {"show": False},
        "squareRatio": 1.3,
        "label": {"formatter": "fn:text", "fontSize": 12, "lineHeight": 16, "overflow": "truncate", "ellipsis": "…", "position": "insideTopLeft", "padding": [5, 7]},
        "labelLayout": "fn:roomy",
        "upperLabel": {"show": True, "height": 24, "formatter": "fn:name", "color": _INK, "fontWeight": 600, "fontSize": 12, "padding": [0, 6], "overflow": "truncate", "ellipsis": "…"},
        "itemStyle": {"borderColor": "var(--paper)", "borderWidth": 0, "gapWidth": 1},
        "emphasis": {"disabled": True},
        "levels": [
            {"itemStyle": {"borderWidth": 0, "gapWidth": 3, "borderColor": "var(--paper)"}, "upperLabel": {"show": False}},
            {"itemStyle": {"borderWidth": 1, "gapWidth": 1, "borderColor": "var(--tree-head)"}},
            {"itemStyle": {"borderWidth": 0, "gapWidth": 1, "borderColor": "var(--tree-head)"}},
        ],
        "data": nodes,
    }
    largest = ", ".join(f"{names.shorten(part.name)} {usd(part.list_usd, places)}" for part in paid[:3])
    description = f"Treemap of list dollars by workload and model in the period. Largest: {largest}."
    return Chart(option={**_base(), "tooltip": _tooltip("item"), "series": [series]}, description=description)


def _tree_node(part: WorkloadPart, slots: dict[str, str], models: dict[str, str], places: int) -> Option:
    name = names.shorten(part.name)
    children = []
    for model in part.models:
        if Decimal(model.list_usd) <= 0:
            continue
        label, amount = models.get(model.model) or names.shorten(model.model), usd(model.list_usd, places)
        children.append(
            {
                "name": label,
                "value": float(model.list_usd),
                "tip": [name, label, f"{amount} · {numbers.share(model.share)} of the workload"],
                "text": f"{label}\n{amount}",
                "href": names.anchor("w", part.id),
                "itemStyle": {"color": palette.fill(slots, model.model)},
                "label": {"color": palette.ink_on(slots, model.model)},
            }
        )
    return {
        "name": f"{name}  {usd(part.list_usd, places)}",
        "value": float(part.list_usd),
        "tip": [name, f"{usd(part.list_usd, places)} · {numbers.share(part.share)} of all"],
        "href": names.anchor("w", part.id),
        "children": children,
    }


def daily(document: MapDocument, slots: dict[str, str]) -> Chart | None:
    """List dollars per UTC day, stacked by model; days without data and outliers marked, the run-rate window shaded."""
    axis = _window_days(document)
    by_day = {part.day: part for part in document.by_day}
    totals = [float(by_day[day].list_usd) if day in by_day else None for day in axis]
    if not any(totals):
        return None
    series: list[Option] = [
        {
            "type": "bar",
            "stack": "models",
            "name": names.shorten(part.name or part.model),
            "data": [_day_value(by_day.get(day), part.model) for day in axis],
            "itemStyle": {"color": palette.fill(slots, part.model)},
            "emphasis": {"disabled": True},
            "barCategoryGap": "12%",
            "barMaxWidth": 28,
        }
        for part in document.by_model
        if Decimal(part.list_usd) > 0
    ]
    series += _day_marks(document, axis, totals)
    option = {
        **_base(),
        "grid": {"left": 8, "right": 12, "top": 22, "bottom": 4, "containLabel": True},
        "tooltip": _tooltip("axis"),
        "xAxis": {**_axis("category"), "data": axis, "axisLabel": {"color": _SOFT, "fontSize": 11, "formatter": "fn:day", "hideOverlap": True}},
        "yAxis": {**_axis("value"), "name": "USD a day", "nameTextStyle": {"color": _SOFT, "align": "left", "fontSize": 11}, "nameGap": 10},
        "series": series,
    }
    return Chart(option=option, description=_daily_description(document))


def _day_value(part: Any, model: str) -> Any:
    if part is None or model not in part.models:
        return None
    value = float(part.models[model])
    return value if part.complete else {"value": value, "itemStyle": {"opacity": 0.45}}


def _day_marks(document: MapDocument, axis: Sequence[str], totals: Sequence[float | None]) -> list[Option]:
    """The window's level line, the outliers above their bars and the empty days on the axis."""
    rate = document.run_rate
    at = {day: index for index, day in enumerate(axis)}
    marks = []
    if rate.window and rate.annual_usd:
        inside = {day for day in axis if rate.window.start <= day < rate.window.end_exclusive}
        level = float(rate.annual_usd) / 365
        line = [level if day in inside else None for day in axis]
        marks.append({**_mark_line("Run rate (its window)"), "data": line})
    outliers = [[day, totals[at[day]] or 0] for day in rate.outlier_days if day in at]
    gaps = [[day, 0] for day in rate.gaps if day in at]
    if outliers:
        marks.append({**_mark_points("Outlier day", "triangle", "var(--warn)"), "symbolOffset": [0, -9], "data": outliers})
    if gaps:
        marks.append({**_mark_points("No data", "emptyCircle", "var(--bad)"), "data": gaps})
    return marks


def _mark_line(name: str) -> Option:
    return {
        "type": "line",
        "name": name,
        "symbol": "none",
        "lineStyle": {"color": _INK, "width": 2},
        "itemStyle": {"color": _INK},
        "emphasis": {"disabled": True},
        "z": 5,
    }


def _mark_points(name: str, symbol: str, colour: str) -> Option:
    return {
        "type": "scatter",
        "name": name,
        "symbol": symbol,
        "symbolSize": 9,
        "itemStyle": {"color": colour},
        "emphasis": {"disabled": True},
        "z": 6,
    }


def _daily_description(document: MapDocument) -> str:
    rate = document.run_rate
    start, end = document.window.start, numbers.last_day(document.window.end_exclusive)
    return (
        f"Bar chart of list dollars per day, stacked by model, {start} to {end}. "
        f"{len(rate.gaps)} days without data and {len(rate.outlier_days)} outlier days in the run-rate window are marked. "
        "The table below holds every day's figures."
    )


def concentration(document: MapDocument) -> Chart | None:
    """Bars: each workload's share of list dollars, in rank order; line: the running total; a rule at 80 %."""
    parts = [part for part in document.workloads if Decimal(part.list_usd) > 0]
    if len(parts) < 2:
        return None
    shown = parts[:MOST_PARETO_BARS]
    labels = [names.clean(part.name, 24) for part in shown] if len(shown) <= NAMED_BARS else [str(part.rank) for part in shown]
    tips = [[names.shorten(part.name), f"{numbers.share(part.share)} of all", f"{numbers.share(part.cumulative_share)} with all above it"] for part in shown]
    bars = [{"value": round(part.share * 100, 4), "tip": tip} for part, tip in zip(shown, tips, strict=True)]
    line = [{"value": round(part.cumulative_share * 100, 4), "tip": tip} for part, tip in zip(shown, tips, strict=True)]
    option = {
        **_base(),
        "grid": {"left": 8, "right": 12, "top": 22, "bottom": 4, "containLabel": True},
        "tooltip": _tooltip("item"),
        "xAxis": {
            **_axis("category"),
            "data": labels,
            "axisLabel": {"color": _SOFT, "fontSize": 11, "interval": 0 if len(shown) <= NAMED_BARS else "auto", "width": 78, "height": 26, "overflow": "break", "lineOverflow": "truncate", "ellipsis": "…", "lineHeight": 13},
        },
        "yAxis": {**_axis("value"), "max": 100, "axisLabel": {"color": _SOFT, "fontSize": 11}, "name": "% of spend", "nameTextStyle": {"color": _SOFT, "align": "left", "fontSize": 11}, "nameGap": 10},
        "series": [
            {"type": "bar", "name": "Share", "data": bars, "itemStyle": {"color": "var(--t-share)"}, "barMaxWidth": 44, "emphasis": {"disabled": True}},
            {
                "type": "line",
                "name": "Running total",
                "data": line,
                "symbol": "circle",
                "symbolSize": 6,
                "lineStyle": {"color": _INK, "width": 1.5},
                "itemStyle": {"color": _INK},
                "emphasis": {"disabled": True},
                "markLine": {
                    "silent": True,
                    "symbol": "none",
                    "data": [{"yAxis": 80}],
                    "lineStyle": {"color": _SOFT, "type": "dashed", "width": 1},
                    "label": {"formatter": "80 %", "color": _SOFT, "position": "insideEndTop", "fontSize": 11},
                },
            },
        ],
    }
    if len(shown) <= NAMED_BARS:
        option = _with_narrow(option, {"xAxis": {"data": [str(part.rank) for part in shown]}}, below=900)
    headline = document.headline
    description = (
        f"Bar and line chart of each workload's share of list dollars in rank order: "
        f"{headline.workloads_for_80_percent} of {headline.workloads} workloads hold 80 %. The ranked table holds the figures."
    )
    return Chart(option=option, description=description)


def ranges(document: MapDocument) -> Chart | None:
    """The largest opportunities as low-to-high bars: a year where the document gives it, else the period."""
    possible = [item for item in document.opportunities if not item.excluded_by and Decimal(item.high_usd) > 0]
    shown = _best_first(possible)[:MOST_RANGES]
    if not shown:
        return None
    unit = A_YEAR if all(item.high_annual_usd is not None for item in shown) else IN_THE_PERIOD
    lowest = min(float(range_of(item, unit)[0]) for item in shown)
    option = {
        **_base(),
        "grid": {"left": 236, "right": 24, "top": 4, "bottom": 44},
        "tooltip": _tooltip("item"),
        "xAxis": {**_axis("value"), "min": min(0.0, lowest * 1.1), "axisLabel": {"color": _SOFT, "fontSize": 11, "formatter": "fn:usd", "hideOverlap": True, "showMinLabel": lowest >= 0}, "name": f"USD {unit}", "nameLocation": "middle", "nameGap": 26, "nameTextStyle": {"color": _SOFT, "fontSize": 11}},
        "yAxis": {
            **_axis("category"),
            "axisLine": {"show": False},
            "inverse": True,
            "data": [f"{names.clean(item.workload_name, 34)}\n{_move(item)}" for item in shown],
            "axisLabel": {"color": _INK, "fontSize": 11, "lineHeight": 14, "interval": 0, "width": 226, "overflow": "truncate", "ellipsis": "…"},
        },
        "series": [
            {
                "type": "custom",
                "renderItem": "fn:range",
                "encode": {"x": [1, 2], "y": 0},
                "markLine": {
                    "silent": True,
                    "symbol": "none",
                    "label": {"show": False},
                    "data": [{"xAxis": 0}],
                    "lineStyle": {"color": _SOFT, "type": "solid", "width": 1},
                },
                "data": [_range_datum(at, item, unit) for at, item in enumerate(shown)],
            }
        ],
    }
    option = _with_narrow(option, {"grid": {"left": 132}, "yAxis": {"axisLabel": {"width": 124}}})
    largest = shown[0]
    low, high = range_of(largest, unit)
    description = (
        f"Range chart of the {len(shown)} largest opportunities, {unit}. Largest: {names.shorten(largest.workload_name)}, "
        f"{_move(largest)}, {numbers.usd_range(low, high)}. The tables below hold the figures."
    )
    return Chart(option=option, description=description)


def _move(item: OpportunityPart) -> str:
    """The lever and its candidate, said once where they are the same word."""
    candidate = names.clean(item.candidate, 34)
    return candidate if item.lever in candidate else f"{item.lever}: {candidate}"


def _range_datum(at: int, item: OpportunityPart, unit: str) -> Option:
    low, high = range_of(item, unit)
    tip = [names.shorten(item.workload_name), _move(item), f"{numbers.usd_range(low, high)} {unit} · {item.grade}"]
    return {"value": [at, float(low), float(high)], "tip": tip, "itemStyle": {"color": f"var(--t-{palette.tone(item.lever)})"}}


def _best_first(opportunities: Sequence[OpportunityPart]) -> list[OpportunityPart]:
    """Dearest first, at most one candidate per workload and lever: two would be the same dollars twice."""
    best: dict[tuple[str, str], OpportunityPart] = {}
    for item in sorted(opportunities, key=lambda item: (-Decimal(item.high_usd), item.workload, item.lever, item.candidate)):
        best.setdefault((item.workload, item.lever), item)
    return list(best.values())


def _window_days(document: MapDocument) -> list[str]:
    start, end = (dt.date.fromisoformat(day) for day in (document.window.start, document.window.end_exclusive))
    return [(start + dt.timedelta(days=at)).isoformat() for at in range((end - start).days)]


def _base() -> Option:
    return {"animation": False, "textStyle": {"fontFamily": _FONT, "color": _INK}, "backgroundColor": "transparent"}


def _with_narrow(option: Option, narrow: Option, below: int = PHONE) -> Option:
    """The option, with changes for a chart that is drawn narrower than `below` pixels."""
    return {"baseOption": option, "media": [{"option": {}}, {"query": {"maxWidth": below}, "option": narrow}]}


def _tooltip(trigger: str) -> Option:
    return {
        "trigger": trigger,
        "formatter": "fn:tip",
        "confine": True,
        "transitionDuration": 0,
        "axisPointer": {"type": "shadow", "shadowStyle": {"color": "var(--shade)"}},
        "className": "tip",
    }


def _axis(kind: str) -> Option:
    return {
        "type": kind,
        "axisLine": {"show": kind == "category", "lineStyle": {"color": "var(--rule-strong)"}},
        "axisTick": {"show": False},
        "axisLabel": {"color": _SOFT, "fontSize": 11} if kind == "category" else {"color": _SOFT, "fontSize": 11, "formatter": "fn:usd"},
        "splitLine": {"show": kind == "value", "lineStyle": {"color": _RULE}},
    }


def _with_aria(chart: Chart) -> Option:
    aria = {"enabled": True, "label": {"enabled": True, "description": chart.description}}
    if "baseOption" in chart.option:
        return {**chart.option, "baseOption": {**chart.option["baseOption"], "aria": aria}}
    return {**chart.option, "aria": aria}
