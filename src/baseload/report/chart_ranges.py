"""Where to act first: the largest single opportunities as low-to-high bars."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from baseload.report import chart_kit as kit
from baseload.report import names, numbers, palette
from baseload.report.chart_kit import Chart, Option
from baseload.report.document import MapDocument, OpportunityPart
from baseload.report.opportunities import dearest_first, lever_unit, range_of

MOST_BARS = 15
LABELS = 226  # pixels


def ranges(document: MapDocument) -> Chart | None:
    """In the unit of the table of levers: a year where there is a run rate, else the period."""
    unit = lever_unit(document.levers)
    possible = [item for item in document.opportunities if not item.excluded_by]
    shown = [item for item in _best(possible, unit)[:MOST_BARS] if Decimal(range_of(item, unit)[1]) > 0]
    if not shown:
        return None
    lowest = min(float(range_of(item, unit)[0]) for item in shown)
    option = {
        **kit.base(),
        "grid": {"left": LABELS + 10, "right": 24, "top": 4, "bottom": 44},
        "tooltip": kit.tooltip("item"),
        "xAxis": kit.axis(
            "value",
            min=min(0.0, lowest * 1.1),
            label={"formatter": "fn:usd", "hideOverlap": True, "showMinLabel": lowest >= 0},
            name=f"USD {unit}",
            nameLocation="middle",
            nameGap=26,
        ),
        "yAxis": _labels(shown),
        "series": [
            {
                "type": "custom",
                "renderItem": "fn:range",
                "encode": {"x": [1, 2], "y": 0},
                "markLine": kit.rule_at("xAxis", 0),
                "data": [_bar(at, item, unit) for at, item in enumerate(shown)],
            }
        ],
    }
    narrow = {"grid": {"left": 132}, "yAxis": {"axisLabel": {"width": 124}}}
    return Chart(option=kit.with_narrow(option, narrow), description=_description(shown, unit))


def _labels(shown: Sequence[OpportunityPart]) -> Option:
    label = {
        "color": kit.INK,
        "lineHeight": 14,
        "interval": 0,
        "width": LABELS,
        "overflow": "truncate",
        "ellipsis": "…",
    }
    data = [f"{names.clean(item.workload_name, 34)}\n{_move(item)}" for item in shown]
    return kit.axis("category", inverse=True, axisLine={"show": False}, data=data, label=label)


def _bar(at: int, item: OpportunityPart, unit: str) -> Option:
    low, high = range_of(item, unit)
    amount = f"{numbers.usd_range(low, high)} {unit} · {item.grade}"
    return {
        "value": [at, float(low), float(high)],
        "tip": [names.shorten(item.workload_name), _move(item), amount],
        "itemStyle": {"color": f"var(--t-{palette.tone(item.lever)})"},
    }


def _move(item: OpportunityPart) -> str:
    """The lever and its candidate, said once where they are the same word."""
    candidate = names.clean(item.candidate, 34)
    return candidate if item.lever in candidate else f"{item.lever}: {candidate}"


def _best(opportunities: Sequence[OpportunityPart], unit: str) -> list[OpportunityPart]:
    """Dearest first, at most one candidate per workload and lever: two would be the same dollars twice."""
    best: dict[tuple[str, str], OpportunityPart] = {}
    for item in dearest_first(opportunities, unit):
        best.setdefault((item.workload, item.lever), item)
    return list(best.values())


def _description(shown: Sequence[OpportunityPart], unit: str) -> str:
    largest = shown[0]
    low, high = range_of(largest, unit)
    return (
        f"Range chart of the {len(shown)} largest opportunities, {unit}. Largest: "
        f"{names.shorten(largest.workload_name)}, {_move(largest)}, {numbers.usd_range(low, high)}. "
        "The tables below hold the figures."
    )
