"""The two pictures of a trial: the wealth that decides, on a log scale, and the confidence sequence against the bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from baseload.quality.trial.document import TrialDocument, WealthPoint
from baseload.report import chart_kit as kit
from baseload.report import evidence_words as words
from baseload.report.chart_kit import Chart, Option

LEAST_DRAWN: Final = 1e-3
"""A wealth below this is drawn here: what is lost is lost, and a longer axis would flatten what decides."""
HOLDS, BREAKS = "var(--t-same)", "var(--t-test)"


def trial_charts(document: TrialDocument) -> dict[str, Chart]:
    """Both, or none where nothing was tested."""
    points = document.wealth
    if len(points) < 2 or document.decision.estimate is None:
        return {}
    return {"wealth": _wealth(document, points), "sequence": _sequence(document, points)}


def _wealth(document: TrialDocument, points: Sequence[WealthPoint]) -> Chart:
    line = 1 / document.decision.alpha
    top = max([line * 4, *(max(point.wealth, point.mirror) for point in points)])
    option = {
        **kit.base(),
        "grid": {**kit.grid(), "right": 20, "bottom": 34},
        "tooltip": kit.tooltip("axis"),
        "xAxis": _calls_axis(points),
        "yAxis": kit.axis("log", min=LEAST_DRAWN, max=_power_of_ten(top), name="wealth, log scale", minorTick=None),
        "series": [
            {
                **_path([(point.n, max(point.wealth, LEAST_DRAWN)) for point in points], points, HOLDS, "solid"),
                "markLine": kit.rule_at(
                    "yAxis", line, {"formatter": f"1/α = {words.wealth(line)}", "position": "insideStartTop"}
                ),
            },
            _path([(point.n, max(point.mirror, LEAST_DRAWN)) for point in points], points, BREAKS, "dashed"),
        ],
    }
    last = points[-1]
    said = (
        f"Line chart on a log scale over {last.n} calls: the wealth against the candidate being worse ends at "
        f"{words.wealth(last.wealth)}, the mirrored wealth against its being no worse at {words.wealth(last.mirror)}; "
        f"either decides at {words.wealth(line)}. The table below holds the figures."
    )
    return Chart(option=option, description=said)


def _sequence(document: TrialDocument, points: Sequence[WealthPoint]) -> Chart:
    bar = -document.tested_margin * 100
    ends = [value * 100 for point in points[len(points) // 10 :] for value in (point.low, point.high)]
    reach = min(100.0, max([*map(abs, ends), abs(bar) * 1.5]) * 1.05)
    option = {
        **kit.base(),
        "grid": {**kit.grid(), "right": 20, "bottom": 34},
        "tooltip": kit.tooltip("axis"),
        "xAxis": _calls_axis(points),
        "yAxis": kit.axis("value", min=-_ceiling(reach), max=_ceiling(reach), name="points of score"),
        "series": [
            *_band([(point.n, point.low * 100, point.high * 100) for point in points]),
            {
                **_path([(point.n, point.mean * 100) for point in points], points, kit.INK, "solid"),
                "markLine": {
                    **kit.rule_at("yAxis", bar, {"formatter": "the bar", "position": "insideStartBottom"}),
                    "data": [{"yAxis": bar}, {"yAxis": 0, "label": {"show": False}, "lineStyle": {"type": "solid"}}],
                },
            },
        ],
    }
    last = points[-1]
    said = (
        f"Mean difference with its 95 % confidence sequence over {last.n} calls: {words.points(last.mean)} points at "
        f"the end, between {words.points_range(last.low, last.high)}; the bar lies at "
        f"{words.points(-document.tested_margin)}. The table below holds the figures."
    )
    return Chart(option=option, description=said)


def _calls_axis(points: Sequence[WealthPoint]) -> Option:
    return kit.axis(
        "value",
        min=0,
        max=points[-1].n,
        name="calls tested",
        nameLocation="middle",
        nameGap=24,
        splitLine={"show": False},
        axisLine={"show": True, "lineStyle": {"color": "var(--rule-strong)"}},
        label={"hideOverlap": True},
        nameTextStyle={"color": kit.SOFT, "align": "center", "fontSize": 11},
    )


def _path(data: Sequence[tuple[int, float]], points: Sequence[WealthPoint], colour: str, dash: str) -> Option:
    marks = [{"value": [n, value], "tip": _tip(point)} for (n, value), point in zip(data, points, strict=True)]
    return {
        "type": "line",
        "data": marks,
        "symbol": "circle",
        "symbolSize": 0.01,
        "showAllSymbol": True,
        "lineStyle": {"color": colour, "width": 2, "type": dash},
        "itemStyle": {"color": colour},
        "emphasis": kit.STILL,
        "z": 5,
    }


def _tip(point: WealthPoint) -> list[str]:
    return [
        f"After {point.n:,} call{'' if point.n == 1 else 's'}",
        f"wealth {words.wealth(point.wealth)}, mirrored {words.wealth(point.mirror)}",
        f"mean {words.points(point.mean)} points ({words.points_range(point.low, point.high)})",
    ]


def _band(ends: Sequence[tuple[int, float, float]]) -> list[Option]:
    """The interval as an area between two unseen lines."""
    shared = {
        "type": "line",
        "stack": "band",
        "stackStrategy": "all",
        "symbol": "none",
        "lineStyle": {"width": 0},
        "silent": True,
        "emphasis": kit.STILL,
    }
    area = {"color": "var(--t-share)", "opacity": 0.22}
    return [
        {**shared, "data": [[n, low] for n, low, _ in ends], "itemStyle": {"color": "var(--paper)"}},
        {
            **shared,
            "data": [[n, high - low] for n, low, high in ends],
            "areaStyle": area,
            "itemStyle": {"color": "var(--t-share)"},
        },
    ]


def _power_of_ten(value: float) -> float:
    """The next power of ten from `value` on, at most 1e9.

    >>> _power_of_ten(80.0), _power_of_ten(100.0)
    (100.0, 100.0)
    """
    found = 1.0
    while found < min(value, 1e9):
        found *= 10
    return found


def _ceiling(value: float) -> float:
    """A round end of an axis of points: the next 1, 2 or 5 times a power of ten."""
    size = 0.1
    while True:
        for step in (1, 2, 5):
            if size * step >= value:
                return round(size * step, 6)
        size *= 10
