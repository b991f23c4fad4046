"""The upstream's prompt cache: which prompt tokens are read, written and plain (anthropic-facts section 3).

Prefixes are of one workspace and one model. A mark reads the longest prefix still alive up to 20 block positions back
and writes the rest up to itself; a prefix below the model's minimum is neither read nor written. Entries count from
the start of the request and are kept only when the answer begins, so that parallel first requests all write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from baseload.demo.upstream.answers import CHARS_PER_TOKEN
from baseload.demo.upstream.api_errors import invalid

LOOK_BACK: Final = 20
MOST_MARKS: Final = 4
DEFAULT_MINIMUM: Final = 1024
FRAME_TOKENS: Final = 12
_TTL_S: Final[Mapping[str, int]] = {"5m": 300, "1h": 3600}
_MOST_ENTRIES: Final = 100_000


class Split(NamedTuple):
    """Prompt tokens of one request by class, and the prefixes it keeps: (hash, ttl in seconds)."""

    uncached: int
    read: int
    written_5m: int
    written_1h: int
    keeps: tuple[tuple[str, int], ...]


class Block(NamedTuple):
    """One block in render order: tools, system, messages."""

    chars: int
    prefix: str  # hash of everything up to and with it
    mark: str  # "", "5m" or "1h"


def blocks_of(request: Mapping[str, Any], scope: str) -> list[Block]:
    """The prompt as blocks. Raises ApiError on marks the API refuses."""
    digest = hashlib.sha256(scope.encode())
    found = []
    for kind, block in _rendered(request):
        plain = {key: value for key, value in block.items() if key != "cache_control"}
        text = msgspec.json.encode(plain, order="sorted")
        digest.update(kind.encode() + text)
        found.append(Block(_chars(plain), digest.copy().hexdigest(), _mark(block.get("cache_control"))))
    automatic = _mark(request.get("cache_control"))
    if automatic and found:
        found[-1] = found[-1]._replace(mark=found[-1].mark or automatic)
    marks = [block.mark for block in found if block.mark]
    if len(marks) > MOST_MARKS:
        raise invalid(f"A maximum of {MOST_MARKS} blocks with cache_control may be provided. Found {len(marks)}.")
    if "1h" in marks and "5m" in marks and marks.index("5m") < len(marks) - 1 - marks[::-1].index("1h"):
        raise invalid("cache_control: a ttl='1h' block must not come after a ttl='5m' block.")
    return found


def _rendered(request: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for tool in request.get("tools") or ():
        yield "tool", tool
    for block in _as_blocks(request.get("system")):
        yield "system", block
    for message in request.get("messages") or ():
        for block in _as_blocks(message.get("content")):
            yield str(message.get("role")), block


def _as_blocks(content: Any) -> list[Mapping[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, Mapping)] if isinstance(content, list) else []


def _chars(block: Mapping[str, Any]) -> int:
    text = block.get("text")
    return len(text) if isinstance(text, str) else len(msgspec.json.encode(block))


def _mark(control: Any) -> str:
    if not isinstance(control, Mapping):
        return ""
    ttl = control.get("ttl", "5m")
    if ttl not in _TTL_S:
        raise invalid("cache_control.ttl: must be '5m' or '1h'")
    return str(ttl)


def prompt_tokens(blocks: Sequence[Block], tokenizer: str) -> int:
    """What the server counts for them; a dozen a request for its frame."""
    return FRAME_TOKENS + round(sum(block.chars for block in blocks) / CHARS_PER_TOKEN[tokenizer])


def cumulative(blocks: Sequence[Block], tokenizer: str, total: int) -> list[int]:
    """Prompt tokens up to and with each block, scaled so that the last is `total`."""
    counted, found, chars = prompt_tokens(blocks, tokenizer), [], 0
    for block in blocks:
        chars += block.chars
        sofar = FRAME_TOKENS + round(chars / CHARS_PER_TOKEN[tokenizer])
        found.append(total * sofar // counted)
    return found


class PromptCache:
    """Prefixes alive, by hash."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def split(self, blocks: Sequence[Block], sizes: Sequence[int], minimum: int, now: float) -> Split:
        """How the prompt tokens divide; `sizes` are those of `cumulative`, `minimum` 0 = the model caches nothing."""
        total = sizes[-1] if sizes else 0
        marks = [place for place, block in enumerate(blocks) if block.mark and sizes[place] >= (minimum or 1)]
        if not marks or not minimum:
            return Split(total, 0, 0, 0, ())
        hit = self._longest(blocks, marks, sizes, minimum, now)
        read, keeps = (sizes[hit] if hit >= 0 else 0), []
        written, at = {"5m": 0, "1h": 0}, read
        for place in marks:
            keeps.append((blocks[place].prefix, _TTL_S[blocks[place].mark]))
            if sizes[place] > at:
                written[blocks[place].mark] += sizes[place] - at
                at = sizes[place]
        if hit >= 0 and hit not in marks:
            keeps.append((blocks[hit].prefix, _TTL_S["5m"]))
        return Split(total - at, read, written["5m"], written["1h"], tuple(keeps))

    def _longest(
        self, blocks: Sequence[Block], marks: Sequence[int], sizes: Sequence[int], minimum: int, now: float
    ) -> int:
        for mark in reversed(marks):
            for place in range(mark, max(mark - LOOK_BACK, -1), -1):
                if sizes[place] >= minimum and self._until.get(blocks[place].prefix, 0) > now:
                    return place
        return -1

    def keep(self, split: Split, started: float) -> None:
        """Called when the answer begins; a read refreshes an entry, for its own time to live at least."""
        if len(self._until) > _MOST_ENTRIES:
            self._until = {key: until for key, until in self._until.items() if until > started}
        for prefix, ttl in split.keeps:
            self._until[prefix] = max(self._until.get(prefix, 0), started + ttl)
