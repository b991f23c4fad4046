"""The request a workload sends, before the plan and after it: structure with placeholders, never a word of a prompt.

What the ledger knows of a request is which features it relies on; the rest is the shape every request has. The result
is a sketch to edit by, not a copy of anybody's call.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from baseload.levers.options import CacheMark
from baseload.plan.planned import Planned

Request = dict[str, Any]

MAX_TOKENS: Final = 4096
"""Stands where the workload's own limit goes."""
RAISED_MAX_TOKENS: Final = 4 * MAX_TOKENS
"""Stands where thinking, which cannot be turned off, counts toward the workload's own limit."""
_CONTROL: Final = {"5m": {"type": "ephemeral"}, "1h": {"type": "ephemeral", "ttl": "1h"}}
_DROPPED: Final = {
    "sampling": "temperature",
    "sampling_2026_10_21": "temperature",
    "fast": "speed",
    "thinking_adaptive": "thinking",
    "thinking_disabled": "thinking",
    "cache_control": "cache_control",
}
_ADAPTIVE: Final = ("thinking_budget", "thinking_between_tools")


def requests_of(planned: Planned) -> tuple[Request, Request]:
    """(before, after) of one workload's request."""
    cache = planned.cache
    marks = cache.marks if cache else ()
    before = _skeleton(planned, marks)
    after = _rewritten(copy.deepcopy(before), planned)
    if cache is not None and marks:
        _without_marks(after)
        for name in cache.move_after_prefix:
            _move_back(before, after, name)
        for mark in marks:
            place_mark(after, mark)
    return before, after


def place_mark(request: Request, mark: CacheMark) -> None:
    """Put `cache_control` where a mark says, in place. The part must exist: the skeleton is built to hold it."""
    _marked(request, mark)["cache_control"] = dict(_CONTROL[mark.ttl])


def _skeleton(planned: Planned, marks: Sequence[CacheMark]) -> Request:
    """As billed: the model of today, the features in use, and as many blocks and messages as the marks name."""
    features = planned.workload.request_features
    request: Request = {"model": planned.today.model or "<model of today>", "max_tokens": MAX_TOKENS}
    request |= _parameters(features, planned.today.effort)
    if any(mark.section == "tools" for mark in marks) or "forced_tool" in features:
        request["tools"] = [_tool(0), _tool(1)]
    if "forced_tool" in features:
        request["tool_choice"] = {"type": "any"}
    request["system"] = [_text(f"<system prompt, block {index}>") for index in range(_most(marks, "system:") + 1)]
    request["messages"] = _messages(_most(marks, "message:") + 1)
    return request


def _parameters(features: Sequence[str], effort: str) -> Request:
    found: Request = {}
    if "sampling" in features:
        found["temperature"] = 0
    if "thinking_budget" in features:
        found["thinking"] = {"type": "enabled", "budget_tokens": 2048}
    for name in ("adaptive", "disabled", "between_tools"):
        if f"thinking_{name}" in features:
            found["thinking"] = {"type": name}
    if effort:
        found["output_config"] = {"effort": effort}
    if "fast" in features:
        found["speed"] = "fast"
    return found


def _rewritten(request: Request, planned: Planned) -> Request:
    """With the plan's model and effort, and what the new model needs changed; fixes taken."""
    if planned.choice.route:
        for rewrite in planned.route.rewrites:
            _rewrite(request, rewrite.feature)
        request["model"] = planned.route.model
        request.pop("output_config", None)
        if planned.route.effort:
            request["output_config"] = {"effort": planned.route.effort}
    if any(planned.menu.fixes[index].kind == "speed" for index in planned.choice.fixes):
        request.pop("speed", None)
    return {name: request[name] for name in _ORDER if name in request}


_ORDER: Final = (
    *("model", "max_tokens", "temperature", "thinking", "output_config", "speed"),
    *("tools", "tool_choice", "system", "messages"),
)


def _rewrite(request: Request, feature: str) -> None:
    if feature == "thinking_omitted":
        request["thinking"] = {"type": "disabled"}
    if feature == "max_tokens":
        request["max_tokens"] = RAISED_MAX_TOKENS
    if feature in _ADAPTIVE:
        request["thinking"] = {"type": "adaptive"}
    request.pop(_DROPPED.get(feature, ""), None)


def _move_back(before: Request, after: Request, name: str) -> None:
    """Show a volatile part where it stands and where it goes: out of the system prompt, behind the static part."""
    first = before["system"][0]
    first["text"] = first["text"].removesuffix(">") + f" with {_short(name)}>"
    content = after["messages"][-1]["content"]
    content.append(_text(f"<{_short(name)}>"))


def _marked(request: Request, mark: CacheMark) -> dict[str, Any]:
    kind, _, index = mark.after.partition(":")
    if kind == "last_tool":
        part = request["tools"][-1]
    elif kind == "system":
        part = request["system"][int(index)]
    else:
        part = request["messages"][int(index) if index else -1]["content"][-1]
    found: dict[str, Any] = part
    return found


def _without_marks(part: Any) -> None:
    if isinstance(part, dict):
        part.pop("cache_control", None)
    for inner in part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ():
        _without_marks(inner)


def _most(marks: Sequence[CacheMark], kind: str) -> int:
    """The highest index marks of a kind name, at most 50 so that a sketch stays one; 0 where there is none."""
    named = (int(mark.after.removeprefix(kind)) for mark in marks if mark.after.startswith(kind))
    return min(50, max(named, default=0))


def _messages(least: int) -> list[dict[str, Any]]:
    """A conversation of at least so many messages that ends with the user's."""
    count = least if least % 2 else least + 1
    return [
        {"role": "assistant" if index % 2 else "user", "content": [_text(f"<message {index}>")]}
        for index in range(count)
    ]


def _tool(index: int) -> dict[str, Any]:
    return {"name": f"tool_{index}", "description": "<description>", "input_schema": {"type": "object"}}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _short(name: str) -> str:
    """A part's name without anything that could break out of a placeholder."""
    return "".join(char for char in " ".join(name.split())[:60] if char.isprintable() and char not in '<>"\\')
