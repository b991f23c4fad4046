"""A conversation as far as a decision looks into it: roles, types of blocks and marks, not its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from baseload.quality.blocks import MEDIA, THOUGHTS


class Block(msgspec.Struct, gc=False):
    """One content block; what is inside a tool's result too."""

    type: str = ""
    text: Raw | UnsetType = UNSET
    cache_control: dict[str, Any] | UnsetType | None = UNSET
    content: str | list[Block] | Block | None = None

    def __repr__(self) -> str:
        return f"Block({self.type[:20]})"


class Message(msgspec.Struct, gc=False):
    """One message; `content` as it was spelled."""

    role: str = ""
    content: str | list[Block] = ""
    effort: Raw | UnsetType = UNSET

    def __repr__(self) -> str:
        return f"Message({self.role[:20]})"


_MEDIA: Final = frozenset(MEDIA)
_THOUGHTS: Final = frozenset(THOUGHTS)
_PLAIN: Final = frozenset({"text", "tool_use", "tool_result"})
_text = msgspec.json.Decoder(str).decode
messages_in = msgspec.json.Decoder(list[Message]).decode


class Shape(NamedTuple):
    """What of a conversation decides which models take it. `open_loop`: its end answers a tool, or several.

    `special`: it holds something besides text, tool calls and results, or an effort of its own; then only the whole
    request can say whether another model takes it.
    """

    messages: int
    turns: int  # of the assistant
    last_role: str
    marked: bool
    special: bool
    open_loop: bool
    system_role: bool
    results: int
    media: int


NO_MESSAGES: Final = Shape(0, 0, "", False, False, False, False, 0, 0)


def shape_of(messages: Sequence[Message]) -> Shape:
    """The shape of a conversation."""
    kinds: set[str] = set()
    turns = results = media = 0
    marked = special = system_role = False
    for message in messages:
        role, content = message.role, message.content
        if role == "assistant":
            turns += 1
        elif role == "system":
            system_role = True
        if message.effort is not UNSET:
            special = True
        if content.__class__ is not list:
            continue
        for block in content:
            if block.cache_control:
                marked = True
            kind = block.type
            if kind == "text":
                continue
            kinds.add(kind)
            if kind == "tool_result":
                results += 1
                inner = block.content
                if inner.__class__ is list:
                    kinds.update(one.type for one in inner)
                    marked = marked or any(one.cache_control for one in inner)
                    media += sum(one.type in _MEDIA for one in inner)
            elif kind in _MEDIA:
                media += 1
    last = messages[-1] if messages else Message()
    open_loop = results > 0 and last.role == "user" and any(one.type == "tool_result" for one in _blocks(last))
    special = special or not kinds <= _PLAIN
    return Shape(len(messages), turns, last.role, marked, special, open_loop, system_role, results, media)


def first_text(messages: Sequence[Message]) -> str:
    """The text of the first user message that has any, as `usage.features.first_user_text` reads it."""
    for message in messages:
        if message.role == "user" and (text := text_of(message)):
            return text
    return ""


def text_of(message: Message) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    texts = [block.text for block in content if block.type == "text"]
    return "\n".join([_text(text) for text in texts if isinstance(text, Raw) and bytes(text)[:1] == b'"'])


def _blocks(message: Message) -> list[Block]:
    return message.content if isinstance(message.content, list) else []
