"""What all charts share: a chart record, and the plain ECharts pieces every option is made of.

Colours are `var(--…)` names of the style sheet, so that one drawing serves light, dark and paper. A string that
starts with `fn:` under `formatter`, `renderItem` or `labelLayout` names one of the few functions of
static/report.js; text that comes from outside only ever stands in `name`, `text` and `tip`, which are drawn as text.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

Option: TypeAlias = dict[str, Any]

INK, SOFT, RULE = "var(--ink)", "var(--ink-2)", "var(--rule)"
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
PHONE = 560
STILL: Option = {"disabled": True}
"""Hovering repaints nothing: a computed highlight colour needs a literal colour, and print needs none."""

_ENDS_A_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: `option` draws it, `description` says in words what it shows (its accessible name)."""

    option: Option
    description: str


def embedded(drawn: dict[str, Chart]) -> str:
    """The options as JSON that cannot end its script element, whatever the names in it are."""
    text = msgspec.json.encode({name: _with_aria(chart) for name, chart in drawn.items()}).decode()
    for character, escape in _ENDS_A_SCRIPT.items():
        text = text.replace(character, escape)
    return text


def base() -> Option:
    """No animation: the page must print and be photographed as it stands."""
    return {"animation": False, "textStyle": {"fontFamily": FONT, "color": INK}, "backgroundColor": "transparent"}


def grid() -> Option:
    """Room for the axis labels, whatever they are."""
    return {"left": 8, "right": 12, "top": 24, "bottom": 4, "containLabel": True}


def axis(kind: str, **more: Any) -> Option:
    """A `category` axis with a line, or a `value` axis with rules; `label` adds to its labels."""
    label = {"color": SOFT, "fontSize": 11, **more.pop("label", {})}
    return {
        "type": kind,
        "axisLine": {"show": kind == "category", "lineStyle": {"color": "var(--rule-strong)"}},
        "axisTick": {"show": False},
        "axisLabel": label,
        "splitLine": {"show": kind == "value", "lineStyle": {"color": RULE}},
        "nameTextStyle": {"color": SOFT, "align": "left", "fontSize": 11},
        "nameGap": 10,
        **more,
    }


def tooltip(trigger: str) -> Option:
    """The tip lists `tip` of the mark under the pointer; its look is the style sheet's."""
    return {
        "trigger": trigger,
        "formatter": "fn:tip",
        "confine": True,
        "transitionDuration": 0,
        "axisPointer": {"type": "shadow", "shadowStyle": {"color": "var(--shade)"}},
        "className": "tip",
    }


def rule_at(axis_name: str, value: float, label: Option | None = None) -> Option:
    """A thin line across the plot at one value."""
    return {
        "silent": True,
        "symbol": "none",
        "data": [{axis_name: value}],
        "lineStyle": {"color": SOFT, "type": "dashed" if label else "solid", "width": 1},
        "label": {"color": SOFT, "fontSize": 11, **label} if label else {"show": False},
    }


def with_narrow(option: Option, narrow: Option, below: int = PHONE) -> Option:
    """The option, with changes for a chart that is drawn narrower than `below` pixels."""
    return {"baseOption": option, "media": [{"option": {}}, {"query": {"maxWidth": below}, "option": narrow}]}


def _with_aria(chart: Chart) -> Option:
    aria = {"enabled": True, "label": {"enabled": True, "description": chart.description}}
    if "baseOption" in chart.option:
        return {**chart.option, "baseOption": {**chart.option["baseOption"], "aria": aria}}
    return {**chart.option, "aria": aria}
