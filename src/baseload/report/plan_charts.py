"""The plan's charts as plain ECharts options: the waterfall with its ranges, and the weeks it takes to land."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from baseload.plan.document import AdoptionPart, PlanDocument, SpanPart, WaterfallPart, WeekPart
from baseload.report import chart_kit as kit
from baseload.report import names, numbers, palette
from baseload.report.chart_kit import Chart, Option

LABELS = 138  # pixels
BAR = 22  # pixels of height
ROOM = 1.22  # of the axis, for the figures beside the bars


def plan_charts(document: PlanDocument) -> dict[str, Chart]:
    """Every chart the document has figures for, by the name the page asks for; one without figures is absent."""
    found = {"waterfall": _waterfall(document), "weeks": _weeks(document)}
    return {name: chart for name, chart in found.items() if chart is not None}


def _waterfall(document: PlanDocument) -> Chart | None:
    """As billed at the top, a floating bar a lever, optimized at the bottom; whiskers where a figure is a range."""
    parts, unit = document.totals.waterfall, document.basis.unit
    places = numbers.places_for(document.totals.as_billed_usd)
    ends = [_ends(part, document) for part in parts]
    most = max([float(part.after_usd) for part in parts] + [high for _, high in ends])
    if most <= 0:
        return None
    least = min([0.0, *(low for low, _ in ends)])
    option = {
        **kit.base(),
        "grid": {"left": LABELS + 12, "right": 12, "top": 4, "bottom": 44},
        "tooltip": kit.tooltip("item"),
        "xAxis": kit.axis(
            "value",
            min=least,
            max=most * ROOM,
            splitLine={"show": True, "showMaxLine": False, "lineStyle": {"color": kit.RULE}},
            label={"formatter": "fn:usd", "hideOverlap": True, "showMaxLabel": False},
            name=f"USD {unit} at list price",
            nameLocation="middle",
            nameGap=26,
        ),
        "yAxis": kit.axis(
            "category",
            inverse=True,
            axisLine={"show": False},
            data=[f"{names.clean(part.title, 24)}\n{part.grade or 'not taken'}" for part in parts],
            label={"color": kit.INK, "lineHeight": 14, "interval": 0, "width": LABELS, "overflow": "truncate"},
        ),
        "series": [
            _drawn("fn:link", [[at, float(part.after_usd)] for at, part in enumerate(parts[:-1])]),
            {
                **_drawn("fn:range", [_bar(at, part, document, places) for at, part in enumerate(parts)]),
                "encode": {"x": [1, 2], "y": 0},
                "silent": False,
            },
            _drawn("fn:whisker", [[at, low, high] for at, (low, high) in enumerate(ends) if high > low]),
            _figures(parts, ends, places),
        ],
    }
    narrow = {
        "grid": {"left": 104},
        "yAxis": {"axisLabel": {"width": 98}},
        "xAxis": {"max": most * 1.5, "splitNumber": 3},
    }
    return Chart(option=kit.with_narrow(option, narrow), description=_said(document, places))


def _drawn(how: str, data: Sequence[object]) -> Option:
    return {"type": "custom", "renderItem": how, "silent": True, "data": list(data), "z": 3}


def _before(part: WaterfallPart) -> float:
    return float(Decimal(part.after_usd) + Decimal(part.saving.likely_usd)) if part.saving else 0.0


def _ends(part: WaterfallPart, document: PlanDocument) -> tuple[float, float]:
    """Low and high after a line: a step's own range, the run rate's for the first, the plan's for the last."""
    after = Decimal(part.after_usd)
    if part.saving:
        before = after + Decimal(part.saving.likely_usd)
        return float(before - Decimal(part.saving.high_usd)), float(before - Decimal(part.saving.low_usd))
    base = document.baseline
    figure = (base.as_billed if part.name == "as_billed" else base.optimized) if base else None
    if figure and figure.low_usd is not None and figure.high_usd is not None:
        return float(figure.low_usd), float(figure.high_usd)
    if part.name == "optimized":
        return float(document.totals.optimized.low_usd), float(document.totals.optimized.high_usd)
    return float(after), float(after)


def _bar(at: int, part: WaterfallPart, document: PlanDocument, places: int) -> Option:
    start, end = sorted((_before(part), float(part.after_usd)))
    colour = f"var(--t-{palette.tone(part.name)})" if part.saving else "var(--t-level)"
    colour = colour if end > start else "transparent"  # a step not taken is a name without a bar
    low, high = _ends(part, document)
    lines = [f"{part.title}: {_amount(part, places)}"]
    if part.saving:
        lines.append(f"saves {numbers.usd_range(part.saving.low_usd, part.saving.high_usd, places)}")
        lines.append(f"left {numbers.usd(part.after_usd, places)}")
    elif high > low:
        lines.append(numbers.usd_range(f"{low:.2f}", f"{high:.2f}", places))
    lines += [f"{one.grade}: {numbers.usd(one.usd, places)}" for one in part.by_grade]
    return {"value": [at, start, end, BAR], "tip": lines, "itemStyle": {"color": colour}}


def _amount(part: WaterfallPart, places: int) -> str:
    if part.saving is None:
        return numbers.usd(part.after_usd, places)
    return numbers.usd(f"{-Decimal(part.saving.likely_usd):f}", places)


def _figures(parts: Sequence[WaterfallPart], ends: Sequence[tuple[float, float]], places: int) -> Option:
    """The amount of each line, to the right of all that is drawn on it."""
    data = []
    for at, (part, (_, high)) in enumerate(zip(parts, ends, strict=True)):
        right = max(_before(part), float(part.after_usd), high)
        data.append({"value": [right, at], "text": _amount(part, places)})
    label = {"show": True, "position": "right", "distance": 8, "formatter": "fn:text", "color": kit.INK, "fontSize": 12}
    return {"type": "scatter", "symbolSize": 0.01, "silent": True, "data": data, "label": label, "z": 6}


def _said(document: PlanDocument, places: int) -> str:
    parts, unit = document.totals.waterfall, document.basis.unit
    steps = ", ".join(f"{part.title.lower()} {_amount(part, places)}" for part in parts if part.saving)
    first, last = (numbers.usd(part.after_usd, places) for part in (parts[0], parts[-1]))
    return (
        f"Waterfall in dollars {unit}: from {first} as billed by {steps}, to {last}. The table below holds the figures."
    )


def _weeks(document: PlanDocument) -> Chart | None:
    """Above, the run rate stepping down with its band; below, what has been saved since today."""
    found = document.adoption
    if found is None or len(found.weeks) < 2 or not found.changes:
        return None
    places = numbers.places_for(document.totals.as_billed_usd)
    names_ = [str(week.week) for week in found.weeks]
    top, low = {"left": 64, "right": 16}, {"left": 64, "right": 16}
    option = {
        **kit.base(),
        "grid": [{**top, "top": 26, "height": "46%"}, {**low, "top": "66%", "bottom": 42}],
        "tooltip": kit.tooltip("axis"),
        "xAxis": [
            kit.axis("category", gridIndex=0, data=names_, boundaryGap=False, label={"show": False}),
            kit.axis(
                "category",
                gridIndex=1,
                data=names_,
                boundaryGap=False,
                name="weeks from today",
                nameLocation="middle",
                nameGap=26,
                nameTextStyle={"color": kit.SOFT, "align": "center", "fontSize": 11},
            ),
        ],
        "yAxis": [
            kit.axis("value", gridIndex=0, name="USD a year, run rate", label={"formatter": "fn:usd"}),
            kit.axis("value", gridIndex=1, name="USD saved since today", label={"formatter": "fn:usd"}, splitNumber=3),
        ],
        "series": [
            *_band([week.run_rate for week in found.weeks], 0, "end"),
            _line(found, places, 0),
            *_band([week.saved for week in found.weeks], 1, False),
            _line(found, places, 1),
        ],
    }
    return Chart(option=option, description=_weeks_said(found, places))


def _band(spans: Sequence[SpanPart], place: int, step: str | bool) -> list[Option]:
    """The range as an area between two unseen lines."""
    shared = {
        "type": "line",
        "stack": f"band{place}",
        "stackStrategy": "all",
        "xAxisIndex": place,
        "yAxisIndex": place,
        "symbol": "none",
        "lineStyle": {"width": 0},
        "silent": True,
        "step": step,
        "emphasis": kit.STILL,
    }
    widths = [float(Decimal(span.high_usd) - Decimal(span.low_usd)) for span in spans]
    return [
        {**shared, "data": [float(span.low_usd) for span in spans], "itemStyle": {"color": "var(--paper)"}},
        {
            **shared,
            "data": widths,
            "areaStyle": {"color": "var(--t-share)", "opacity": 0.22},
            "itemStyle": {"color": "var(--t-share)"},
        },
    ]


def _line(found: AdoptionPart, places: int, place: int) -> Option:
    shipped_before = [0, *(week.shipped for week in found.weeks)]
    data = []
    for week, before in zip(found.weeks, shipped_before, strict=False):
        span = week.saved if place else week.run_rate
        ships = week.shipped > before and not place
        data.append(
            {"value": float(span.likely_usd), "tip": _tip(week, before, places), "symbolSize": 7 if ships else 0.01}
        )
    return {
        "type": "line",
        "xAxisIndex": place,
        "yAxisIndex": place,
        "data": data,
        "step": False if place else "end",
        "symbol": "circle",
        "showAllSymbol": True,
        "lineStyle": {"color": kit.INK, "width": 2},
        "itemStyle": {"color": kit.INK},
        "emphasis": kit.STILL,
        "z": 5,
    }


def _tip(week: WeekPart, shipped_before: int, places: int) -> list[str]:
    more = week.shipped - shipped_before
    ships = [f"{more} change{'' if more == 1 else 's'} ship{'s' if more == 1 else ''}"] if more else []
    return [
        f"Week {week.week}" if week.week else "Today",
        f"run rate {_span(week.run_rate, places)}",
        f"saved so far {_span(week.saved, places)}",
        *ships,
    ]


def _span(span: SpanPart, places: int) -> str:
    likely, ends = numbers.usd(span.likely_usd, places), numbers.usd_range(span.low_usd, span.high_usd, places)
    return likely if likely == ends else f"{likely} ({ends})"


def _weeks_said(found: AdoptionPart, places: int) -> str:
    first, last = found.weeks[0], found.weeks[-1]
    return (
        f"Line chart of the annual run rate by week: {numbers.usd(first.run_rate.likely_usd, places)} today, "
        f"{numbers.usd(last.run_rate.likely_usd, places)} in week {last.week}; saved by then "
        f"{numbers.usd(last.saved.likely_usd, places)}. The table of weeks holds the figures."
    )
