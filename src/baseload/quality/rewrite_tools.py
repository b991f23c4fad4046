"""Tools as another model takes them. A computer tool of another version is not touched: its handler changes with it."""

from __future__ import annotations

from typing import Any

from baseload.prices.book import Model
from baseload.prices.capabilities import cell
from baseload.quality.blocks import tools_of
from baseload.quality.legality import DIRECT_FROM
from baseload.quality.rewrite_thinking import Change


def fit_tools(body: dict[str, Any], after: Model) -> list[Change]:
    """Web tools that would call each other from code are told not to, where the model cannot (Haiku 4.5)."""
    if "allowed_callers direct" not in cell(after, "server_tools"):
        return []
    late = {id(tool.fields) for tool in tools_of(body) if tool.needs_direct(DIRECT_FROM)}
    if not late:
        return []
    body["tools"] = [
        {**tool, "allowed_callers": ["direct"]} if isinstance(tool, dict) and id(tool) in late else tool
        for tool in body["tools"]
    ]
    return [Change(feature="server_tools", action=f'set allowed_callers ["direct"] on {len(late)} web tools')]
