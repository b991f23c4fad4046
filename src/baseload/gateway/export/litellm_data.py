"""A LiteLLM request (`data` of its hooks) as this gateway reads requests, and edits written back into it.

Two forms: Messages (`/v1/messages`) is edited as it is. Chat completions are looked at in the Messages form, as the
ledger's LiteLLM reader does, and only what both forms say alike is edited; all else leaves the request as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from baseload.gateway.exchange import Header
from baseload.levers.options import CacheMark
from baseload.plan.policy_match import RequestFacts
from baseload.usage.litellm_labels import labels_of
from baseload.usage.openai_shape import messages_request
from baseload.usage.reader import ReadContext
from baseload.workloads.naming import readable
from baseload.workloads.tags import read_tags

Form = Literal["messages", "chat"]
FORMS: Final[Mapping[str, Form]] = {"anthropic_messages": "messages", "acompletion": "chat", "completion": "chat"}
"""LiteLLM's call types that are decided on."""

_OWN: Final = frozenset({
    "litellm_metadata", "proxy_server_request", "secret_fields", "provider_specific_header", "litellm_call_id",
    "litellm_logging_obj", "litellm_session_id", "litellm_trace_id", "guardrails", "tags",
})  # fmt: skip
"""Members that LiteLLM keeps for itself and sends to nobody."""
_ALIKE: Final = frozenset({"temperature", "top_p", "thinking", "max_tokens", "output_config", "stream"})
"""Parameters that both forms have, with one meaning, and that LiteLLM passes on as they are."""
_CHAT: Final = _ALIKE | {
    "model", "messages", "max_completion_tokens", "stream_options", "stop", "tools", "tool_choice", "user", "metadata",
    "parallel_tool_calls",
}  # fmt: skip
"""What a chat-completions request may say so that another model is asked; LiteLLM words the rest for each model."""
_CONTROL: Final[Mapping[str, Mapping[str, str]]] = {
    "5m": {"type": "ephemeral"},
    "1h": {"type": "ephemeral", "ttl": "1h"},
}


class Read(NamedTuple):
    """`request` is the Messages form of what the caller sent; `plain` false: it says what only LiteLLM can translate.

    `strange` names the first such member.
    """

    form: Form
    request: Mapping[str, Any]
    headers: tuple[Header, ...]
    strange: str = ""

    def __repr__(self) -> str:
        return f"Read({self.form})"


def read(data: Mapping[str, Any], call_type: str) -> Read | None:
    """The request in `data`; None where it is none that is decided on."""
    form = FORMS.get(call_type)
    sent = data.get("proxy_server_request")
    if form is None or not isinstance(sent, Mapping):
        return None
    body = sent.get("body")
    names = [name for name in body if name in data and name not in _OWN] if isinstance(body, Mapping) else []
    if "model" not in names or "messages" not in names:
        return None
    headers = _headers(sent.get("headers"))
    if form == "messages":
        return Read(form, {name: data[name] for name in names}, headers)
    request = {name: data[name] for name in names if name != "metadata"}  # LiteLLM writes its own into that one
    strange = next((name for name in request if name not in _CHAT and request[name] is not None), "")
    return Read(form, messages_request(request), headers, strange)


def _headers(given: object) -> tuple[Header, ...]:
    if not isinstance(given, Mapping):
        return ()
    return tuple(
        (name.encode("utf-8"), value.encode("utf-8"))
        for name, value in given.items()
        if isinstance(name, str) and isinstance(value, str)
    )


def labels(data: Mapping[str, Any], context: ReadContext) -> tuple[str, RequestFacts]:
    """The caller's key as the ledger's LiteLLM reader names it, and what LiteLLM says beside it.

    Its alias, else LiteLLM's hash of it; the team is the workspace; request tags and spend-log metadata are tags.
    """
    metadata = _metadata(data)
    tags = metadata.get("tags") or data.get("tags")
    found = labels_of({"request_tags": tags, "agent_id": metadata.get("agent_id")}, metadata, context)
    agent = found["agent"]
    facts = RequestFacts(
        tags=read_tags(found["tags"]),
        agents=(readable(agent), agent) if agent else (),
        workspace=found["workspace"],
    )
    return found["api_key"], facts


def _metadata(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where LiteLLM keeps who calls: beside the caller's own metadata on Messages, in it on chat completions."""
    for name in ("litellm_metadata", "metadata"):
        found = data.get(name)
        if isinstance(found, Mapping) and found:
            return found
    return {}


def joined(said: RequestFacts, beside: RequestFacts) -> RequestFacts:
    """What the request says itself, then what LiteLLM says of its caller."""
    return msgspec.structs.replace(
        said,
        tags={**beside.tags, **said.tags},
        agents=(*said.agents, *(agent for agent in beside.agents if agent not in said.agents)),
        workspace=said.workspace or beside.workspace,
    )


def is_marked(data: Mapping[str, Any]) -> bool:
    """Whether tools or turns carry a cache mark where the chat form has them and the Messages form has not."""
    parts = (part for name in ("tools", "messages") for part in _list(data.get(name)))
    has_points = bool(data.get("cache_control_injection_points"))
    return has_points or any(isinstance(part, Mapping) and part.get("cache_control") for part in parts)


def may_set(values: Mapping[str, bytes | None]) -> bool:
    """Whether a chat-completions request can be told all of this."""
    return values.keys() <= _ALIKE | {"model"}


def marked(data: Mapping[str, Any], marks: Sequence[CacheMark]) -> dict[str, Any]:
    """Members of a chat-completions request with these marks set; places that the form has no word for are left out."""
    turns = [dict(turn) for turn in _list(data.get("messages"))]
    system = [turn for turn in turns if turn.get("role") in ("system", "developer")]
    others = [turn for turn in turns if turn.get("role") not in ("system", "developer")]
    changed: dict[str, Any] = {}
    for mark in marks:
        if mark.section == "tools":
            tools = [dict(tool) for tool in _list(data.get("tools"))]
            if tools:
                tools[-1]["cache_control"] = _CONTROL[mark.ttl]
                changed["tools"] = tools
        elif _mark_turn(system if mark.section == "system" else others, mark):
            changed["messages"] = turns
    return changed


def _mark_turn(turns: list[dict[str, Any]], mark: CacheMark) -> bool:
    number = int(mark.after.partition(":")[2])
    if mark.section == "system":  # a system turn in several blocks is left alone: blocks are counted across turns
        if any(not isinstance(turn.get("content"), str) for turn in turns):
            return False
    elif number < len(turns) and (turns[number].get("role") == "tool" or turns[number].get("tool_calls")):
        return False
    if number >= len(turns):
        return False
    turn, content = turns[number], turns[number].get("content")
    if isinstance(content, str) and content:
        turn["content"] = [{"type": "text", "text": content, "cache_control": _CONTROL[mark.ttl]}]
        return True
    if isinstance(content, list) and content and isinstance(content[-1], Mapping) and content[-1].get("type") == "text":
        turn["content"] = [*content[:-1], {**content[-1], "cache_control": _CONTROL[mark.ttl]}]
        return True
    return False


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
