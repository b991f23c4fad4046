"""Walking through a Messages request without trusting its shape: what has the wrong type is passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final, NamedTuple

_DAY: Final = re.compile(r"_(\d{8})$")
_WEB_TOOLS: Final = ("web_search", "web_fetch")
MEDIA: Final = ("image", "document")
THOUGHTS: Final = ("thinking", "redacted_thinking")


def objects(value: object) -> Iterator[Mapping[str, Any]]:
    """The objects of a list; nothing when it is not one."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def history_blocks(request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Content blocks of system and messages, those inside tool results too."""
    contents = [request.get("system"), *(message.get("content") for message in objects(request.get("messages")))]
    for block in chain.from_iterable(objects(content) for content in contents):
        yield block
        if block.get("type") == "tool_result":
            yield from objects(block.get("content"))


def count_media(request: Mapping[str, Any]) -> int:
    """Images and documents; a document counts as one page, since its pages cannot be seen."""
    return sum(block.get("type") in MEDIA for block in history_blocks(request))


def citing(request: Mapping[str, Any]) -> bool:
    """Whether a document asks for citations."""
    asked = (block.get("citations") for block in history_blocks(request) if block.get("type") in MEDIA)
    return any(isinstance(one, Mapping) and bool(one.get("enabled")) for one in asked)


class Tool(NamedTuple):
    """A tool definition: its versioned type ("" for a client tool without one) and all its fields."""

    kind: str
    fields: Mapping[str, Any]

    def needs_direct(self, since: int) -> bool:
        """A web tool of that day or later that does not say who may call it."""
        found = _DAY.search(self.kind)
        if not self.kind.startswith(_WEB_TOOLS) or found is None or int(found.group(1)) < since:
            return False
        return self.fields.get("allowed_callers") != ["direct"]


def tools_of(request: Mapping[str, Any]) -> Iterator[Tool]:
    for tool in objects(request.get("tools")):
        kind = tool.get("type")
        yield Tool(kind if isinstance(kind, str) else "", tool)
