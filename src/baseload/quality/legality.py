"""Whether a request is legal for a model by the capability table: the one check that rewrites are held to.

It knows the rules of anthropic-facts 5.4 and nothing else of the API: shapes of messages and tools are not looked at.
A rule that needs what a body does not hold (tokens of the prompt, zero data retention) takes it as an argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from baseload.prices.book import Model
from baseload.prices.capabilities import LEVELS, cell, legal_efforts, most_media, takes, thinks_by_default
from baseload.quality.blocks import citing, count_media, history_blocks, objects, tools_of
from baseload.usage.capabilities import request_features

ApiVersion = Literal["2023-06-01", "2026-10-21"]
SAMPLING: Final = ("temperature", "top_p", "top_k")
LEAST_BUDGET: Final = 1024
"""Of manual thinking, in tokens; it must be less than max_tokens."""
DIRECT_FROM: Final = 20260209
"""Web tools of this day and later call each other from code; where that is not offered they must say "direct"."""

_BY_NAME: Final = (
    "thinking_budget", "thinking_adaptive", "thinking_disabled", "thinking_between_tools", "prefill", "forced_tool",
    "prompt_over_200k", "fast", "system_in_messages", "task_budget", "compaction",
    "structured_outputs", "programmatic_tools", "server_tools", "cache_control", "fallbacks",
)  # fmt: skip


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a model refuses: a name of the capability table, and why. Never a word of the request's text."""

    feature: str
    reason: str


def faults(
    request: Mapping[str, Any],
    model: Model,
    *,
    api_version: ApiVersion = "2023-06-01",
    prompt_tokens: int = 0,
    zdr: bool = False,
) -> tuple[Fault, ...]:
    """What the API would refuse `request` for on `model`; () where it is legal as far as the table says.

    `prompt_tokens` 0 = not known. A model without a row in the table refuses nothing here.
    """
    if not model.capabilities:
        return ()
    asked = set(filter(None, request_features(request, prompt_tokens=prompt_tokens).split(",")))
    if zdr:
        asked.add("zdr")
    found = [_refused(name, model) for name in (*_BY_NAME, "zdr") if name in asked and not takes(model, name)]
    found += _sampling(request, model, api_version)
    found += _thinking(request, model)
    found += _effort(request, model, asked)
    found += _limits(request, model, prompt_tokens)
    found += _tools(request, model)
    return tuple(found)


def _refused(name: str, model: Model) -> Fault:
    return Fault(feature=name, reason=cell(model, name))


def _sampling(request: Mapping[str, Any], model: Model, api_version: ApiVersion) -> Iterator[Fault]:
    given = [name for name in SAMPLING if request.get(name) is not None]
    if not given:
        return
    if api_version == "2026-10-21":
        yield Fault(feature="sampling_2026_10_21", reason="400 in this API version")
        return
    if not takes(model, "sampling"):
        if any(not is_default(name, request[name]) for name in given):
            yield _refused("sampling", model)
        return
    if "temperature" in given and "top_p" in given:
        yield Fault(feature="sampling", reason="temperature or top_p, not both")
    if thinking_type(request) == "enabled" and not _beside_thinking(request):
        yield Fault(feature="sampling", reason="manual thinking takes no temperature and no top_k, and top_p from 0.95")


def is_default(name: str, value: object) -> bool:
    """Values that every model takes: temperature 1, top_p 1; top_k has no default."""
    return name != "top_k" and value in (1, 1.0)


def _beside_thinking(request: Mapping[str, Any]) -> bool:
    top_p = request.get("top_p")
    return (
        request.get("temperature") in (None, 1)
        and request.get("top_k") is None
        and (top_p is None or (isinstance(top_p, (int, float)) and 0.95 <= top_p <= 1))
    )


def thinking_type(request: Mapping[str, Any]) -> str:
    """As asked; "" where the request does not mention thinking."""
    thinking = request.get("thinking")
    found = thinking.get("type") if isinstance(thinking, Mapping) else None
    return found if isinstance(found, str) else ""


def thinks(request: Mapping[str, Any], model: Model) -> bool:
    """Whether the model thinks before it answers this request."""
    return thinking_type(request) in ("enabled", "adaptive") or (
        not thinking_type(request) and thinks_by_default(model)
    )


def _thinking(request: Mapping[str, Any], model: Model) -> Iterator[Fault]:
    kind = thinking_type(request)
    if kind == "enabled" and takes(model, "thinking_budget"):
        budget, most = request["thinking"].get("budget_tokens"), request.get("max_tokens")
        if not isinstance(budget, int) or not isinstance(most, int) or not LEAST_BUDGET <= budget < most:
            yield Fault(feature="thinking_budget", reason="1024 <= budget_tokens < max_tokens")
        if "not with manual thinking" in cell(model, "forced_tool") and forces_tool(request):
            yield Fault(feature="forced_tool", reason=cell(model, "forced_tool"))
    if "thinking off" in cell(model, "prefill") and is_prefilled(request) and thinks(request, model):
        yield Fault(feature="prefill", reason=cell(model, "prefill"))
    if kind == "between_tools" and takes(model, "thinking_between_tools"):
        if set(request["thinking"]) - {"type"}:
            yield Fault(feature="thinking_between_tools", reason="no other thinking key")
        if any("effort" in message for message in objects(request.get("messages"))):
            yield Fault(feature="thinking_between_tools", reason="no per-message effort change")


def forces_tool(request: Mapping[str, Any]) -> bool:
    choice = request.get("tool_choice")
    return isinstance(choice, Mapping) and choice.get("type") in ("any", "tool")


def is_prefilled(request: Mapping[str, Any]) -> bool:
    messages = list(objects(request.get("messages")))
    return bool(messages) and messages[-1].get("role") == "assistant"


def effort_of(request: Mapping[str, Any]) -> str:
    """The effort asked for; "" for none."""
    config = request.get("output_config")
    found = config.get("effort") if isinstance(config, Mapping) else None
    return found if isinstance(found, str) else ""


def _effort(request: Mapping[str, Any], model: Model, asked: set[str]) -> Iterator[Fault]:
    effort = effort_of(request)
    if not effort:
        return
    legal = legal_efforts(model, asked)
    if effort not in legal:
        known = effort if effort in LEVELS else "a level nobody knows"
        yield Fault(feature="effort", reason=f"{known}; takes {', '.join(legal) or 'none'}")


def _limits(request: Mapping[str, Any], model: Model, prompt_tokens: int) -> Iterator[Fault]:
    most, ceiling = request.get("max_tokens"), model.max_output_tokens
    if isinstance(most, int) and ceiling and most > ceiling:
        yield Fault(feature="max_tokens_ceiling", reason=f"at most {ceiling}")
    if model.context_tokens and prompt_tokens > model.context_tokens:
        yield Fault(feature="context", reason=f"at most {model.context_tokens} tokens of context")
    media = most_media(model)
    if media and count_media(request) > media:
        yield Fault(feature="images_pdf", reason=f"at most {media} images and PDF pages")
    if request.get("inference_geo") is not None and not takes(model, "inference_geo"):
        yield Fault(feature="inference_geo", reason="the parameter is refused")
    if "compaction" in {block.get("type") for block in history_blocks(request)} and not takes(model, "compaction"):
        yield Fault(feature="compaction", reason="the history was compacted by the server")


def _tools(request: Mapping[str, Any], model: Model) -> Iterator[Fault]:
    wanted = model.capabilities.get("computer_tool", "")
    for tool in tools_of(request):
        if wanted and tool.kind.startswith("computer") and not tool.kind.endswith(wanted):
            yield Fault(feature="computer_tool", reason=f"takes {wanted}")
        if "allowed_callers direct" in cell(model, "server_tools") and tool.needs_direct(DIRECT_FROM):
            yield Fault(feature="server_tools", reason=cell(model, "server_tools"))
    config = request.get("output_config")
    if isinstance(config, Mapping) and config.get("format") is not None and citing(request):
        yield Fault(feature="structured_outputs", reason="never together with citations")
