"""A request as the cache sees it: its rendered prefix in pieces, each a keyed hash and an estimate of its tokens.

Render order is tools, system, messages (anthropic-facts section 3). Two requests share a cacheable prefix exactly as
far as their pieces agree from the start, so the pieces never depend on what follows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from baseload.values import OrgKey

PIECE_CHARS: Final = 2048
"""About 512 tokens: the smallest minimum a model caches."""
PIECES_PER_SIZE: Final = 64
"""After so many pieces the piece size doubles, so that the longest prompt stays under a few hundred pieces."""
CHARS_PER_TOKEN: Final = 4
MEDIA_TOKENS: Final = 1_500
"""Estimate for one image or document page set; its base64 text says nothing about its tokens."""
_HASH_DIGITS: Final = 16


def prefix_blocks(request: Mapping[str, Any], org_key: OrgKey, *, prompt_tokens: int = 0) -> str:
    """`hash:tokens hash:tokens …` in render order; "" for an empty request.

    Tokens are shares by length of `prompt_tokens` and add up to it; without it, four characters a token.
    """
    pieces = list(_pieces(_sections(request)))
    if not pieces:
        return ""
    weights = [weight for _, weight in pieces]
    whole = sum(weights)
    total = prompt_tokens or -(-whole // CHARS_PER_TOKEN)
    parts, passed, given = [], 0, 0
    for text, weight in pieces:
        passed += weight
        upto = passed * total // whole
        parts.append(f"{org_key.fingerprint('block', text)[:_HASH_DIGITS]}:{upto - given}")
        given = upto
    return " ".join(parts)


def text_in(content: object) -> str:
    """All text of a content value (a string, or blocks), joined; "" when there is none."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [block.get("text") for block in content if isinstance(block, dict) and block.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str))


def _sections(request: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """(rendered block, weight if it is media else 0) in render order, without cache marks."""
    tools = request.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        yield _rendered("tool", tool)
    for block in _blocks(request.get("system")):
        yield _rendered("system", block)
    messages = request.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):
            role = str(message.get("role", ""))
            for block in _blocks(message.get("content")):
                yield _rendered(role, block)


def _blocks(content: object) -> list[Any]:
    """Content as blocks: a plain string is one text block, however it was spelled."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content if isinstance(content, list) else []


def _rendered(role: str, block: object) -> tuple[str, int]:
    if not isinstance(block, dict):
        return f"{role}\n{block}\n", 0
    kind, text = block.get("type"), block.get("text")
    if kind == "text" and isinstance(text, str):
        return f"{role}\ntext\n{text}\n", 0
    bare = {key: value for key, value in block.items() if key != "cache_control"}
    rendered = msgspec.json.encode(bare, order="sorted").decode()
    return f"{role}\n{rendered}\n", MEDIA_TOKENS * CHARS_PER_TOKEN if kind in ("image", "document") else 0


def _pieces(sections: Iterator[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """(text, weight) of pieces of one size whatever the blocks; media stand alone. No cut depends on what follows."""
    size, count, held = PIECE_CHARS, 0, ""
    for text, media_weight in sections:
        if media_weight:
            if held:
                yield held, len(held)
            yield text, media_weight
            held = ""
            continue
        held += text
        start = 0
        while len(held) - start >= size:
            yield held[start : start + size], size
            start += size
            count += 1
            if count % PIECES_PER_SIZE == 0:
                size *= 2
        held = held[start:]
    if held:
        yield held, len(held)
