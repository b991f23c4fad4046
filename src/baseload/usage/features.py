"""The content pass: what a request is like, as fingerprints, names and counts; never its text.

Computed once by a reader; `FEATURES_VERSION` goes up when any rule here changes. All hashes are keyed by the
organisation's key, so equal prompts join across machines and cannot be guessed from outside. Malformed parts are
passed over: content never costs a record. Rules: usage-sources section 7, anthropic-facts 3 and 5.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from baseload.usage.capabilities import request_features
from baseload.usage.cues import task_cues
from baseload.usage.fields import UNDECODABLE
from baseload.usage.prefix import prefix_blocks, text_in
from baseload.usage.volatile import is_volatile
from baseload.values import OrgKey

FEATURES_VERSION: Final = 2
TEMPLATE_CHARS: Final = 256
SYSTEM_CHARS: Final = 512
_MASK_MARGIN: Final = 3  # masks shorten text, so this many times the wanted characters are looked at

_SESSION = re.compile(r"_session_([0-9a-f-]{8,})")
NOT_CONTENT: Final = frozenset({"metadata", "stream"})
"""Members that say nothing of what is asked."""


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """What one request is like; names and meanings are those of the fields of `values.Call`."""

    tools_fp: str = ""
    system_fp: str = ""
    template_id: str = ""
    request_hash: str = ""
    request_features: str = ""
    task_cues: str = ""
    prefix_blocks: str = ""
    messages: int | None = None
    max_tokens: int | None = None
    stream: bool | None = None
    effort: str = ""
    user_id: str = ""  # keyed fingerprint of metadata.user_id
    session_id: str = ""  # keyed fingerprint, where the client puts its session into metadata.user_id


NO_FEATURES: Final = Features()


def features_of(
    request: Mapping[str, Any],
    org_key: OrgKey,
    *,
    response: Mapping[str, Any] | None = None,
    prompt_tokens: int = 0,
    cached_tokens: int = 0,
) -> Features:
    """Features of a Messages request body (Messages, Batches params, Bedrock invoke, Vertex rawPredict).

    `response` (a message body) adds cues of the output; `prompt_tokens` (all four input classes) and `cached_tokens`
    (those read and written) make the block sizes add up to what was billed.
    """
    system = text_in(request.get("system"))
    first_user = first_user_text(request)
    user = _user_of(request)
    return Features(
        tools_fp=tools_fp(request, org_key),
        system_fp=org_key.fingerprint("system", masked(system, SYSTEM_CHARS)) if system else "",
        template_id=template_id(system, first_user, org_key),
        request_hash=request_hash(request, org_key),
        request_features=request_features(request, prompt_tokens=prompt_tokens),
        task_cues=task_cues(request, response, system=system, first_user=first_user),
        prefix_blocks=prefix_blocks(request, org_key, prompt_tokens=prompt_tokens, cached_tokens=cached_tokens),
        messages=len(messages) if isinstance(messages := request.get("messages"), list) else None,
        max_tokens=_count(request.get("max_tokens")),
        stream=stream if isinstance(stream := request.get("stream"), bool) else None,
        effort=_effort(request),
        user_id=org_key.fingerprint("user", user) if user else "",
        session_id=session_fp(org_key, session_in(user)),
    )


def session_fp(org_key: OrgKey, session_id: str) -> str:
    """The keyed fingerprint of a session id, the same from every source; "" for none."""
    return org_key.fingerprint("session", session_id) if session_id else ""


def template_id(system: str, first_user: str, org_key: OrgKey) -> str:
    """Groups prompts written by one program: hash of the first 256 masked characters of system + first user text."""
    text = f"{system}\n\n{first_user}" if system else first_user
    return org_key.fingerprint("template", masked(text, TEMPLATE_CHARS)) if text else ""


def masked(text: str, chars: int) -> str:
    """The first `chars` characters with every word that changes per call (numbers, ids, dates, e-mails) as `#`.

    >>> masked("Ticket 8841 of ada@example.com, Monday 2026-11-22T09:30:00Z: refund", 99)
    'Ticket # of # # # refund'
    """
    return _masked_start(text[: chars * _MASK_MARGIN])[:chars]


@lru_cache(maxsize=1024)  # system prompts repeat
def _masked_start(start: str) -> str:
    return " ".join("#" if is_volatile(word) else word for word in start.split())


def tools_fp(request: Mapping[str, Any], org_key: OrgKey) -> str:
    """Fingerprint of the tool definitions whatever their order and cache marks; "" without tools."""
    tools = request.get("tools")
    if not isinstance(tools, list) or not tools:
        return ""
    bare = [
        {key: value for key, value in tool.items() if key != "cache_control"}
        for tool in tools
        if isinstance(tool, dict)
    ]
    return org_key.fingerprint("tools", b"\n".join(sorted(msgspec.json.encode(tool, order="sorted") for tool in bare)))


def request_hash(request: Mapping[str, Any], org_key: OrgKey) -> str:
    """Equal for identical repeats: the whole request but `metadata` and `stream`, whatever its key order."""
    content = {key: value for key, value in request.items() if key not in NOT_CONTENT}
    return org_key.fingerprint("request", msgspec.json.encode(content, order="sorted"))


def first_user_text(request: Mapping[str, Any]) -> str:
    """The text of the first user message that has any; the prompt of the old completions API too."""
    messages = request.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and message.get("role") == "user" and (text := text_in(message.get("content"))):
            return text
    prompt = request.get("prompt")
    return prompt if isinstance(prompt, str) else ""


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**53 else None


def _effort(request: Mapping[str, Any]) -> str:
    config = request.get("output_config")
    effort = config.get("effort") if isinstance(config, dict) else None
    return effort if isinstance(effort, str) else ""


def _user_of(request: Mapping[str, Any]) -> str:
    metadata = request.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    return user if isinstance(user, str) else ""


def session_in(user: str) -> str:
    """Claude Code's session id inside `metadata.user_id`, in both forms it has had; "" elsewhere."""
    if user.startswith("{"):
        try:
            session = msgspec.json.decode(user, type=dict[str, Any]).get("session_id")
        except UNDECODABLE:
            return ""
        return session if isinstance(session, str) else ""
    found = _SESSION.search(user)
    return found.group(1) if found else ""
