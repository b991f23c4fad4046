"""Thinking and effort as another model takes them: kept as they were asked for where the target can, else the nearest.

Who thought goes on thinking, who did not does not; where the target cannot stop, it thinks least (effort low) and gets
room for it in max_tokens, since thinking counts toward that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from baseload.prices.book import Model
from baseload.prices.capabilities import LEVELS, can_stop_thinking, cell, legal_efforts, takes, thinks_by_default
from baseload.quality.blocks import THOUGHTS, objects
from baseload.quality.legality import LEAST_BUDGET, effort_of, forces_tool, is_prefilled, thinking_type
from baseload.usage.capabilities import request_features

_BUDGETS: Final[Mapping[str, int]] = {"low": 2048, "medium": 8192, "high": 16_384, "xhigh": 32_768, "max": 65_536}
"""Effort of adaptive thinking as a budget, and back: the levels of a model are its own, so this is a convention."""
ROOM_TO_THINK: Final = 4096
"""Added to max_tokens where thinking turns on that nobody asked for: a max_tokens of 50 would hold nothing else."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing done to a request: a name of the capability table, and what. Structural values only."""

    feature: str
    action: str


def fit_thinking(body: dict[str, Any], before: Model | None, after: Model) -> list[Change]:
    """Sets `thinking` (and max_tokens, effort) in `body` so that `after` takes it; says what changed."""
    if body.get("thinking", ...) is None:
        del body["thinking"]
    kind = thinking_type(body)
    wanted = kind in ("enabled", "adaptive") if kind else before is not None and thinks_by_default(before)
    if not wanted:
        return _stop(body, after)
    if _must_not_think(body, after):
        return _set(body, {"type": "disabled"}, "thinking_disabled", "thinking off: not beside the prefill or the tool")
    return _go_on(body, kind, before, after)


def _must_not_think(body: Mapping[str, Any], after: Model) -> bool:
    """Where thinking and something else in the request exclude each other, the something else is the task."""
    if "thinking off" in cell(after, "prefill") and is_prefilled(body):
        return True
    if takes(after, "thinking_adaptive"):
        return False
    return forces_tool(body) or _open_tool_loop(body)


def _open_tool_loop(body: Mapping[str, Any]) -> bool:
    """The conversation stands between a tool use and its result: manual thinking would want its own block there."""
    messages = list(objects(body.get("messages")))
    if not messages or messages[-1].get("role") != "user":
        return False
    results = any(block.get("type") == "tool_result" for block in objects(messages[-1].get("content")))
    turns = [message for message in messages if message.get("role") == "assistant"]
    started = {block.get("type") for block in objects(turns[-1].get("content"))} if turns else set()
    return results and not started & set(THOUGHTS)


def _go_on(body: dict[str, Any], kind: str, before: Model | None, after: Model) -> list[Change]:
    """Thinking that was on stays on."""
    if kind == "enabled" and not takes(after, "thinking_budget"):
        budget = body["thinking"].get("budget_tokens")
        changes = _set(body, {**_display(body), "type": "adaptive"}, "thinking_budget", "budget -> adaptive thinking")
        level = effort_of(body) or _level_of(budget, after)
        return changes + _ask(body, level, "thinking_budget")
    if kind == "enabled":
        return _hold_budget(body)
    if not takes(after, "thinking_adaptive"):
        budget = _BUDGETS.get(effort_of(body), _BUDGETS["medium"])
        thinking = {**_display(body), "type": "enabled", "budget_tokens": budget}
        changes = _set(body, thinking, "thinking_adaptive", f"adaptive -> thinking with a budget of {budget}")
        return changes + _hold_budget(body)
    if not kind and not thinks_by_default(after) and before is not None:
        return _set(body, {"type": "adaptive"}, "thinking_omitted", "thinking on, as it was by default")
    return []


def _hold_budget(body: dict[str, Any]) -> list[Change]:
    """A budget must leave room for the answer; where not even the least does, thinking goes."""
    most, budget = body.get("max_tokens"), body["thinking"].get("budget_tokens")
    if not isinstance(most, int) or not isinstance(budget, int):
        return []
    if most <= LEAST_BUDGET:
        return _set(body, {"type": "disabled"}, "thinking_budget", "thinking off: max_tokens leaves no room for it")
    held = min(max(budget, LEAST_BUDGET), most - 1)
    if held == budget:
        return []
    thinking = {**body["thinking"], "budget_tokens": held}
    return _set(body, thinking, "thinking_budget", f"budget_tokens {budget} -> {held}")


def _stop(body: dict[str, Any], after: Model) -> list[Change]:
    """Who does not think today does not there, as far as the target can stop."""
    kind = thinking_type(body)
    if kind == "between_tools" and takes(after, "thinking_between_tools"):
        return []
    if kind == "disabled" and can_stop_thinking(after):
        return []
    if not kind and not thinks_by_default(after):
        return []
    if can_stop_thinking(after):
        return _set(body, {"type": "disabled"}, _row_of(kind), "set thinking disabled")
    if takes(after, "thinking_between_tools") and not _effort_changes(body):
        return _set(body, {"type": "between_tools"}, _row_of(kind), "thinking only between tools: nearest to off")
    changes: list[Change] = []
    if kind:
        del body["thinking"]
        changes.append(Change(feature="thinking_disabled", action="dropped thinking: it cannot be turned off"))
    return changes + _think_least(body, after)


def _row_of(kind: str) -> str:
    return f"thinking_{kind or 'omitted'}"


def _effort_changes(body: Mapping[str, Any]) -> bool:
    return any("effort" in message for message in objects(body.get("messages")))


def _think_least(body: dict[str, Any], after: Model) -> list[Change]:
    most, ceiling = body.get("max_tokens"), after.max_output_tokens
    changes = _ask(body, "low", "thinking_disabled") if not effort_of(body) else []
    if isinstance(most, int) and (not ceiling or most < ceiling):
        raised = min(most + ROOM_TO_THINK, ceiling or most + ROOM_TO_THINK)
        body["max_tokens"] = raised
        changes.append(Change(feature="thinking_disabled", action=f"max_tokens {most} -> {raised}: room to think"))
    return changes


def fit_effort(body: dict[str, Any], after: Model, wanted: str) -> list[Change]:
    """The wanted level, or the request's own, as the target takes it: the nearest below, else the least."""
    asked = effort_of(body)
    changes = _ask(body, wanted, "effort") if wanted and wanted != asked else []
    level = effort_of(body)
    if not level:
        return changes
    legal = legal_efforts(after, request_features(body).split(","))
    if level in legal:
        return changes
    if not legal or level not in LEVELS:
        del body["output_config"]["effort"]
        return [*changes, Change(feature="effort", action="dropped effort: not taken")]
    below = [one for one in legal if LEVELS.index(one) <= LEVELS.index(level)]
    nearest = below[-1] if below else legal[0]
    body["output_config"]["effort"] = nearest
    return [*changes, Change(feature="effort", action=f"effort {level} -> {nearest}")]


def strip_thoughts(body: dict[str, Any]) -> list[Change]:
    """Takes thinking blocks out of the history; a turn that held nothing else goes."""
    kept, dropped = [], 0
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list) and message.get("role") == "assistant":
            left = [one for one in content if not (isinstance(one, dict) and one.get("type") in THOUGHTS)]
            dropped += len(content) - len(left)
            if content and not left:
                continue
            message = {**message, "content": left}
        kept.append(message)
    if not dropped:
        return []
    body["messages"] = kept
    return [Change(feature="edited_history", action=f"stripped {dropped} thinking blocks of another model")]


def _level_of(budget: object, after: Model) -> str:
    """The least effort whose budget is no smaller."""
    legal = legal_efforts(after)
    size = budget if isinstance(budget, int) else _BUDGETS["medium"]
    fitting = [level for level in legal if _BUDGETS[level] >= size]
    return fitting[0] if fitting else (legal[-1] if legal else "")


def _ask(body: dict[str, Any], level: str, feature: str) -> list[Change]:
    if not level or effort_of(body) == level:
        return []
    config = body.get("output_config")
    body["output_config"] = {**(config if isinstance(config, dict) else {}), "effort": level}
    return [Change(feature=feature, action=f"set effort {level}")]


def _set(body: dict[str, Any], thinking: dict[str, Any], feature: str, action: str) -> list[Change]:
    body["thinking"] = thinking
    return [Change(feature=feature, action=action)]


def _display(body: Mapping[str, Any]) -> dict[str, Any]:
    thinking = body.get("thinking")
    display = thinking.get("display") if isinstance(thinking, Mapping) else None
    return {} if display is None else {"display": display}
