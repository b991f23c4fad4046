"""What the small members of a body say: everything but its prompt. Most requests of a caller say the same."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Raw

from baseload.gateway.decide.notes import Params
from baseload.workloads.tags import tag_name

PROMPT: Final = ("messages", "system", "tools")
NOT_SKETCHED: Final = frozenset({*PROMPT, "model", "metadata", "stream", "stop_sequences"})
"""Members that decide nothing about which models take a request, or that are looked at by themselves."""
MOST_TAGS: Final = 32
MOST_CHARS: Final = 500
_MOST_MODEL_CHARS: Final = 200
_MOST_EFFORT_CHARS: Final = 40

_str = msgspec.json.Decoder(str).decode
_int = msgspec.json.Decoder(int).decode
_object = msgspec.json.Decoder(dict[str, Any]).decode


def read_params(members: Mapping[str, Raw]) -> Params:
    """What they say, the prompt not being among them. Raises nothing: what is of another type says nothing."""
    user, tags = _metadata(members.get("metadata"))
    return Params(
        model=_model(members.get("model")),
        effort=_effort(members.get("output_config")),
        fast=_is(members.get("speed"), b'"fast"'),
        thread=_asked(members, "store") or _asked(members, "previous_thread_event_id"),
        marked=_asked(members, "cache_control"),
        stream=_is(members.get("stream"), b"true"),
        max_tokens=_count(members.get("max_tokens")),
        user=user,
        tags=tags,
        special=tuple([(name, bytes(raw)) for name, raw in members.items() if name not in NOT_SKETCHED]),
    )


@lru_cache(maxsize=4096)
def tag_of(name: str) -> str:
    """A tag's name in its one spelling."""
    return tag_name(name)


def _metadata(raw: Raw | None) -> tuple[str, tuple[tuple[str, str], ...]]:
    """`metadata.user_id`, "" without one; what else metadata says in plain words becomes tags."""
    if raw is None:
        return "", ()
    try:
        found = _object(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return "", ()
    tags: dict[str, str] = {}
    for name, value in found.items() if len(found) > 1 else ():
        if isinstance(value, str) and value.strip() and name != "user_id" and len(tags) < MOST_TAGS:
            tags.setdefault(tag_of(name[:MOST_CHARS]), value.strip()[:MOST_CHARS])
    user = found.get("user_id")
    return user if isinstance(user, str) else "", tuple(tags.items())


def _model(raw: Raw | None) -> str:
    """The model asked for; "" for what is no name: it is written into records and answer headers as it is."""
    try:
        model = _str(raw) if raw is not None else ""
    except (msgspec.MsgspecError, UnicodeError):
        return ""
    return model if len(model) <= _MOST_MODEL_CHARS and model.isprintable() else ""


def _count(raw: Raw | None) -> int | None:
    try:
        return found if raw is not None and 0 <= (found := _int(raw)) < 2**53 else None
    except msgspec.MsgspecError:
        return None


def _effort(raw: Raw | None) -> str:
    if raw is None:
        return ""
    try:
        effort = _object(raw).get("effort")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""
    return effort if isinstance(effort, str) and len(effort) <= _MOST_EFFORT_CHARS else ""


def _is(raw: Raw | None, text: bytes) -> bool:
    return raw is not None and bytes(raw) == text


def _asked(members: Mapping[str, Raw], name: str) -> bool:
    """Null and false ask for nothing."""
    raw = members.get(name)
    return raw is not None and bytes(raw) not in (b"null", b"false")
