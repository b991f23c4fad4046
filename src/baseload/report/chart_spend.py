"""Where the money goes: a treemap of workloads and models, and how concentrated it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from baseload.report import chart_kit as kit
from baseload.report import names, numbers, palette
from baseload.report.chart_kit import Chart, Option
from baseload.report.document import MapDocument, WorkloadPart
from baseload.report.numbers import usd

MOST_BOXES = 60
MOST_BARS = 40
NAMED_BARS = 14  # more bars than this are labelled by rank
NAMES_FIT_FROM = 900  # pixels


def treemap(document: MapDocument, slots: Mapping[str, str]) -> Chart | None:
    """Area = list dollars of the window, workload outside, model inside; the smallest workloads share one box."""
    places = numbers.places_for(document.totals.list_usd)
    paid = _paid(document)
    if sum(len(part.models) for part in paid) < 2:
        return None  # one box says nothing
    short = {part.model: names.shorten(part.name or part.model).removeprefix("Claude ") for part in document.by_model}
    nodes = [_workload_box(part, slots, short, places) for part in paid[:MOST_BOXES]]
    if len(paid) > MOST_BOXES:
        nodes.append(_rest_box(paid[MOST_BOXES:], places))
    largest = ", ".join(f"{names.shorten(part.name)} {usd(part.list_usd, places)}" for part in paid[:3])
    description = f"Treemap of list dollars by workload and model in the period. Largest: {largest}."
    option = {**kit.base(), "tooltip": kit.tooltip("item"), "series": [{**_treemap_look(), "data": nodes}]}
    return Chart(option=option, description=description)


def _paid(document: MapDocument) -> list[WorkloadPart]:
    return [part for part in document.workloads if Decimal(part.list_usd) > 0]


def _workload_box(part: WorkloadPart, slots: Mapping[str, str], short: Mapping[str, str], places: int) -> Option:
    name = names.shorten(part.name)
    href = names.anchor("w", part.id)
    models = []
    for model in part.models:
        if Decimal(model.list_usd) <= 0:
            continue
        label, amount = short.get(model.model) or names.shorten(model.model), usd(model.list_usd, places)
        models.append(
            {
                "name": label,
                "value": float(model.list_usd),
                "tip": [name, label, f"{amount} · {numbers.share(model.share)} of the workload"],
                "text": f"{label}\n{amount}",
                "href": href,
                "itemStyle": {"color": palette.fill(slots, model.model)},
                "label": {"color": palette.ink_on(slots, model.model)},
            }
        )
    return {
        "name": f"{name}  {usd(part.list_usd, places)}",
        "value": float(part.list_usd),
        "tip": [name, f"{usd(part.list_usd, places)} · {numbers.share(part.share)} of all"],
        "href": href,
        "children": models,
    }


def _rest_box(parts: Sequence[WorkloadPart], places: int) -> Option:
    amount = usd(f"{sum((Decimal(part.list_usd) for part in parts), Decimal(0)):f}", places)
    label = f"{len(parts):,} smaller workloads"
    return {
        "name": label,
        "value": sum(float(part.list_usd) for part in parts),
        "tip": [label, f"{amount} together"],
        "text": f"{label}\n{amount}",
        "itemStyle": {"color": palette.fill({}, "")},
        "label": {"color": palette.ink_on({}, "")},
    }


def _treemap_look() -> Option:
    clipped = {"overflow": "truncate", "ellipsis": "…", "fontSize": 12}
    inside = {"borderWidth": 0, "gapWidth": 1, "borderColor": "var(--tree-head)"}
    return {
        "type": "treemap",
        "left": 0,
        "right": 0,
        "top": 0,
        "bottom": 0,
        "roam": False,
        "nodeClick": False,
        "breadcrumb": {"show": False},
        "squareRatio": 1.3,
        "label": {**clipped, "formatter": "fn:text", "lineHeight": 16, "position": "insideTopLeft", "padding": [5, 7]},
        "labelLayout": "fn:roomy",
        "upperLabel": {
            **clipped,
            "show": True,
            "height": 24,
            "formatter": "fn:name",
            "color": kit.INK,
            "fontWeight": 600,
            "padding": [0, 6],
        },
        "emphasis": kit.STILL,
        "levels": [
            {
                "itemStyle": {"borderWidth": 0, "gapWidth": 3, "borderColor": "var(--paper)"},
                "upperLabel": {"show": False},
            },
            {"itemStyle": {**inside, "borderWidth": 1}},
            {"itemStyle": inside},
        ],
    }


def concentration(document: MapDocument) -> Chart | None:
    """Bars: each workload's share of list dollars, in rank order; line: the running total; a rule at 80 %."""
    shown = _paid(document)[:MOST_BARS]
    if len(shown) < 2:
        return None
    ranks = [str(part.rank) for part in shown]
    named = len(shown) <= NAMED_BARS
    labels = {
        "interval": 0,
        "width": 78,
        "height": 26,
        "overflow": "break",
        "lineOverflow": "truncate",
        "lineHeight": 13,
    }
    option: Option = {
        **kit.base(),
        "grid": kit.grid(),
        "tooltip": kit.tooltip("item"),
        "xAxis": kit.axis(
            "category",
            data=[names.clean(part.name, 24) for part in shown] if named else ranks,
            label={**labels, "ellipsis": "…"} if named else {"hideOverlap": True},
        ),
        "yAxis": kit.axis("value", max=100, name="% of spend"),
        "series": _pareto(shown),
    }
    if named:
        option = kit.with_narrow(option, {"xAxis": {"data": ranks}}, below=NAMES_FIT_FROM)
    headline = document.headline
    description = (
        "Bar and line chart of each workload's share of list dollars in rank order: "
        f"{numbers.count(headline.workloads_for_80_percent)} of {headline.workloads} workloads hold 80 %. "
        "The ranked table holds the figures."
    )
    return Chart(option=option, description=description)


def _pareto(parts: Sequence[WorkloadPart]) -> list[Option]:
    def points(field: str) -> list[Option]:
        return [{"value": round(getattr(part, field) * 100, 4), "tip": _share_tip(part)} for part in parts]

    return [
        {
            "type": "bar",
            "data": points("share"),
            "itemStyle": {"color": "var(--t-share)"},
            "barMaxWidth": 44,
            "emphasis": kit.STILL,
        },
        {
            "type": "line",
            "data": points("cumulative_share"),
            "symbol": "circle",
            "symbolSize": 6,
            "lineStyle": {"color": kit.INK, "width": 1.5},
            "itemStyle": {"color": kit.INK},
            "emphasis": kit.STILL,
            "markLine": kit.rule_at("yAxis", 80, {"formatter": "80 %", "position": "insideEndTop"}),
        },
    ]


def _share_tip(part: WorkloadPart) -> list[str]:
    return [
        names.shorten(part.name),
        f"{numbers.share(part.share)} of all",
        f"{numbers.share(part.cumulative_share)} with all above it",
    ]
