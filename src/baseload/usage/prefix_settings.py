"""Settings of a request that make the API start a section of its prefix afresh (anthropic-facts section 3).

Each has a letter, under which its value is compared between calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

SETTING_NAMES: Final = {
    "f": "output format",
    "b": "task budget",
    "s": "speed",
    "w": "web search",
    "q": "citations",
    "c": "tool choice",
    "k": "thinking",
    "e": "effort",
    "i": "images",
}
_WEB_SEARCH: Final = "web_search"
_DEFAULT_CHOICE: Final = {"type": "auto"}


def is_web_search(tool: object) -> bool:
    """Web search is switched on in `tools` and changes what follows them."""
    return isinstance(tool, dict) and str(tool.get("type", "")).startswith(_WEB_SEARCH)


def of_tools(request: Mapping[str, Any]) -> str:
    """Settings whose change is said to invalidate, not how far: taken to be everything. "" when at their defaults."""
    config = _object(request, "output_config")
    return _text(f=config.get("format") or request.get("output_format"), b=config.get("task_budget"))


def of_system(request: Mapping[str, Any], *, cites: bool) -> str:
    """Settings whose change invalidates system and messages, as text; "" when all are at their defaults."""
    tools = request.get("tools")
    searches = [tool for tool in tools if is_web_search(tool)] if isinstance(tools, list) else None
    return _text(s="fast" if request.get("speed") == "fast" else None, w=searches, q=cites)


def of_messages(request: Mapping[str, Any], *, has_images: bool) -> str:
    """Settings whose change invalidates messages, as text; "" when all are at their defaults."""
    choice = request.get("tool_choice")
    return _text(
        c=None if choice == _DEFAULT_CHOICE else choice,
        k=request.get("thinking"),
        e=_object(request, "output_config").get("effort"),
        i=has_images,
    )


def _text(**settings: object) -> str:
    found = [(letter, value) for letter, value in settings.items() if value]
    return "\n".join(letter + msgspec.json.encode(value, order="sorted").decode() for letter, value in sorted(found))


def _object(record: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = record.get(field)
    return value if isinstance(value, dict) else {}
