"""What a request relies on: capability rows of the price book (anthropic-facts 5.4), and what batches refuse (4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

LONG_PROMPT_TOKENS: Final = 200_000

API_FEATURES: Final = ("cache_hint", "context_hint", "research_preview", "thread")
"""Those that say nothing about a model: every model that takes them takes them alike, and no batch does."""

REQUEST_FEATURES: Final = (
    "cache_control",
    "cache_hint",
    "compaction",
    "computer_tool",
    "context_hint",
    "effort",
    "fallbacks",
    "fast",
    "forced_tool",
    "images_pdf",
    "inference_geo",
    "prefill",
    "programmatic_tools",
    "prompt_over_200k",
    "research_preview",
    "sampling",
    "server_tools",
    "structured_outputs",
    "system_in_messages",
    "task_budget",
    "thinking_adaptive",
    "thinking_between_tools",
    "thinking_budget",
    "thinking_disabled",
    "thread",
)
"""Every name `request_features` may give, sorted."""

_THINKING = {
    "enabled": "thinking_budget",
    "adaptive": "thinking_adaptive",
    "disabled": "thinking_disabled",
    "between_tools": "thinking_between_tools",
}
_SERVER_TOOLS = ("web_search", "web_fetch", "code_execution", "tool_search", "advisor", "mcp_toolset")


def request_features(request: Mapping[str, Any], *, prompt_tokens: int = 0) -> str:
    """Sorted, comma-joined names of what the request asks of a model; "" for a plain request."""
    found = set(chain(_of_parameters(request), _of_tools(request), message_features(request)))
    if prompt_tokens > LONG_PROMPT_TOKENS:
        found.add("prompt_over_200k")
    return ",".join(sorted(found))


def _of_parameters(request: Mapping[str, Any]) -> Iterator[str]:
    config, thinking, choice = (_object(request, name) for name in ("output_config", "thinking", "tool_choice"))
    asked = {
        "sampling": _samples(request),
        "effort": config.get("effort") is not None,
        "task_budget": config.get("task_budget") is not None,
        "structured_outputs": (config.get("format") or request.get("output_format")) is not None,
        "forced_tool": choice.get("type") in ("any", "tool"),
        "inference_geo": request.get("inference_geo") not in (None, "global"),
        "fast": request.get("speed") == "fast",
        "fallbacks": bool(request.get("fallbacks")),
        "compaction": _compacts(request),
        "server_tools": bool(request.get("mcp_servers")),
        "cache_control": request.get("cache_control") is not None,
        "thread": _is_asked(request, "store") or _is_asked(request, "previous_thread_event_id"),
    }
    asked |= {name: _is_asked(request, name) for name in ("cache_hint", "context_hint", "research_preview")}
    yield from (name for name, is_asked in asked.items() if is_asked)
    kind = thinking.get("type")
    if isinstance(kind, str) and kind in _THINKING:
        yield _THINKING[kind]


def _is_asked(request: Mapping[str, Any], field: str) -> bool:
    """Null and false ask for nothing."""
    return request.get(field) not in (None, False)


def _samples(request: Mapping[str, Any]) -> bool:
    """A sampling parameter away from its default: temperature 1, top_p 1, no top_k."""
    return (
        request.get("temperature") not in (None, 1)
        or request.get("top_p") not in (None, 1)
        or request.get("top_k") is not None
    )


def _compacts(request: Mapping[str, Any]) -> bool:
    edits = _object(request, "context_management").get("edits")
    return request.get("compaction") is not None or any(
        str(edit.get("type", "")).startswith("compact") for edit in _objects(edits)
    )


def _of_tools(request: Mapping[str, Any]) -> Iterator[str]:
    for tool in _objects(request.get("tools")):
        kind = tool.get("type")
        if isinstance(kind, str):
            if kind.startswith("computer"):
                yield "computer_tool"
            elif kind.startswith(_SERVER_TOOLS):
                yield "server_tools"
        callers = tool.get("allowed_callers")
        if isinstance(callers, list) and any(str(caller).startswith("code_execution") for caller in callers):
            yield "programmatic_tools"
        if tool.get("cache_control") is not None:
            yield "cache_control"


def message_features(request: Mapping[str, Any]) -> set[str]:
    """Those that its system and its messages ask for."""
    found: set[str] = set()
    messages = request.get("messages")
    last: Mapping[str, Any] = {}
    _of_content(request.get("system"), found)
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):
            last = message
            if message.get("role") == "system":
                found.add("system_in_messages")
            _of_content(message.get("content"), found)
    if last.get("role") == "assistant":
        found.add("prefill")
    return found


def _of_content(content: object, found: set[str]) -> None:
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict):
            if block.get("cache_control") is not None:
                found.add("cache_control")
            kind = block.get("type")
            if kind == "image" or kind == "document" or (kind == "tool_result" and _holds_media(block)):
                found.add("images_pdf")


def _holds_media(block: Mapping[str, Any]) -> bool:
    """Images and documents a tool returned."""
    return any(inner.get("type") in ("image", "document") for inner in _objects(block.get("content")))


def _object(record: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = record.get(field)
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Iterator[dict[str, Any]]:
    """The objects of a list; nothing when it is not one."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
