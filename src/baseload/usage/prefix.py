"""A request as the cache sees it: its rendered prefix block by block, each a keyed hash and an estimate of its tokens.

Render order is tools, system, messages; a block is one position of the API's look-back, and a run of tool calls, or of
tool results, is one too (anthropic-facts section 3). Long blocks come in pieces, so that two that differ late still
share their start. Two requests share a cacheable prefix exactly as far as their entries agree from the start: no entry
depends on what follows it. Settings that make the API start a section afresh stand before it as entries of no tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from baseload.usage.prefix_settings import is_web_search, of_messages, of_system, of_tools
from baseload.usage.prefix_text import HASH_DIGITS, MARKS, SETTINGS, Entry, entries_of, joined, written
from baseload.usage.volatile import volatile_cues
from baseload.values import OrgKey

PIECE_CHARS: Final = 2048
"""About 512 tokens: the smallest minimum a model caches. A piece ends at the next line end, within twice as many."""
PIECES_PER_SIZE: Final = 64
"""After so many pieces the piece size doubles, so that the longest text stays under a few hundred pieces."""
CHARS_PER_TOKEN: Final = 4
MEDIA_TOKENS: Final = 1_500
"""Estimate for one image or document page set; its base64 text says nothing about its tokens."""
MOST_ENTRIES: Final = 768
"""A longer prompt keeps so many: those between its beginning and its end become one, but for the marked ones."""
_KEPT_AT_START: Final = 256

_KIND_OF_TYPE: Final = {
    "tool_use": "c",
    "server_tool_use": "c",
    "mcp_tool_use": "c",
    "tool_result": "r",
    "thinking": "h",
    "redacted_thinking": "h",
}
_KIND_OF_ROLE: Final = {"assistant": "a", "system": "y"}
_MEDIA_WEIGHT: Final = MEDIA_TOKENS * CHARS_PER_TOKEN
_UNMARKABLE: Final = SETTINGS + "h"


def prefix_blocks(
    request: Mapping[str, Any], org_key: OrgKey, *, prompt_tokens: int = 0, cached_tokens: int = 0
) -> str:
    """The prefix of a request in the form of `prefix_text`; "" for an empty request.

    Tokens are shares by length of `prompt_tokens` and add up to it; without it, four characters a token. With
    `cached_tokens` (read and written) what lies up to the last cache mark adds up to these.
    """
    prefix = Prefix(org_key)
    prefix.render(request)
    return prefix.text(prompt_tokens, cached_tokens)


def text_in(content: object) -> str:
    """All text of a content value (a string, or blocks), joined; "" when there is none."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [block.get("text") for block in content if isinstance(block, dict) and block.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str))


class Prefix:
    """The entries of one request: `render` it before it is sent, ask for the `text` when its bill is known."""

    def __init__(self, org_key: OrgKey) -> None:
        self._digests: list[str] = []
        self._codes: list[str] = []  # with cues: what follows the tokens in the text form
        self._weights: list[int] = []
        self._marked = 0  # entries up to the last cache mark
        self._after_tools = self._after_system = 0  # entries
        self._org_key = org_key
        self._hasher = _hasher(org_key)
        self._piece_size = PIECE_CHARS
        self._pieces = 0
        self._run: list[str] = []  # rendered blocks of the open run of tool calls or results
        self._run_kind = ""
        self._run_weight = 0
        self._run_mark = ""
        self._has_images = False
        self._cites = False

    def render(self, request: Mapping[str, Any]) -> None:
        """Everything the API renders, in its order; settings entries where they take effect."""
        self.begin(request.get("tools"), request.get("system"))
        self.go_on(request)

    def begin(self, tools: object, system: object) -> None:
        """What stands before the messages."""
        for tool in tools if isinstance(tools, list) else ():
            if not is_web_search(tool):
                text = f"tool\n{_encoded(tool)}\n"
                self._add("t", text, len(text), _mark(tool))
        self._after_tools = len(self._digests)
        for block in _blocks(system):
            self._block("s", "system", block, with_cues=True)
        self._after_system = len(self._digests)

    def copy(self) -> Prefix:
        """Another that goes on from here."""
        other = Prefix(self._org_key)
        other._digests, other._codes, other._weights = self._digests.copy(), self._codes.copy(), self._weights.copy()
        other._after_tools, other._after_system = self._after_tools, self._after_system
        other._marked, other._piece_size, other._pieces = self._marked, self._piece_size, self._pieces
        other._run, other._run_kind = self._run.copy(), self._run_kind
        other._run_weight, other._run_mark = self._run_weight, self._run_mark
        other._has_images, other._cites = self._has_images, self._cites
        return other

    def go_on(self, request: Mapping[str, Any]) -> None:
        """The messages, and what holds for all of it; the request's tools and system were begun with."""
        messages = request.get("messages")
        if isinstance(messages, list):
            self._conversation(messages)
            self._settings("M", of_messages(request, has_images=self._has_images), self._after_system)
        self._settings("S", of_system(request, cites=self._cites), self._after_tools)
        self._settings("T", of_tools(request), 0)
        if mark := _mark(request):
            self._mark_last(mark)

    def text(self, prompt_tokens: int, cached_tokens: int) -> str:
        """The entries with tokens: what was cached up to the last mark, the rest after it; else by length alone."""
        weights, marked = self._weights, self._marked
        if not weights:
            return ""
        if 0 < cached_tokens < prompt_tokens and marked and sum(weights[:marked]) and sum(weights[marked:]):
            shares = _shares(weights[:marked], cached_tokens)
            shares += _shares(weights[marked:], prompt_tokens - cached_tokens)
        else:
            shares = _shares(weights, prompt_tokens or -(-sum(weights) // CHARS_PER_TOKEN))
        columns = zip(self._digests, shares, self._codes, strict=True)
        whole = " ".join([f"{digest}:{tokens}:{code}" for digest, tokens, code in columns])
        return whole if len(weights) <= MOST_ENTRIES else written(_shortened(list(entries_of(whole))))

    def _conversation(self, messages: Sequence[Any]) -> None:
        last = len(messages) - 1
        is_opening = True
        for number, message in enumerate(messages):
            if not isinstance(message, dict):
                continue
            role, content = str(message.get("role", "")), message.get("content")
            kind = _KIND_OF_ROLE.get(role, "u")
            is_opening = is_opening and kind != "a"
            if isinstance(content, str):
                if content:
                    self._text(kind, role, content, "", with_cues=is_opening and number != last)
                continue
            blocks = _blocks(content)
            final = len(blocks) - 1 if number == last else len(blocks)
            for place, block in enumerate(blocks):
                self._block(kind, role, block, with_cues=is_opening and place < final)
        self._close_run()

    def _block(self, kind: str, role: str, block: object, *, with_cues: bool) -> None:
        if not isinstance(block, dict):
            self._add(kind, text := f"{role}\n{block}\n", len(text), "")
            return
        mark = _mark(block) if "cache_control" in block else ""
        type_, words = block.get("type"), block.get("text")
        if type_ == "text" and isinstance(words, str):
            self._text(kind, role, words, mark, with_cues=with_cues)
            return
        text = f"{role}\n{_encoded(block)}\n"
        weight = self._weight(block, len(text))
        kind = _KIND_OF_TYPE.get(type_, kind) if isinstance(type_, str) else kind
        if kind in "cr":
            self._add_to_run(kind, text, weight, mark)
        else:
            self._add(kind, text, weight, mark)

    def _text(self, kind: str, role: str, words: str, mark: str, *, with_cues: bool) -> None:
        text = f"{role}\ntext\n{words}\n"
        self._add(kind, text, len(text), mark, with_cues)

    def _weight(self, block: Mapping[str, Any], length: int) -> int:
        """Length of a block's text; media weigh an estimate, also inside a tool's result."""
        kind, content = block.get("type"), block.get("content")
        cites = block.get("citations")
        self._cites = self._cites or (isinstance(cites, dict) and bool(cites.get("enabled")))
        self._has_images = self._has_images or kind == "image"
        if kind in ("image", "document"):
            return _MEDIA_WEIGHT
        if kind == "tool_result" and isinstance(content, list):
            for item in content:
                if isinstance(item, dict) and item.get("type") in ("image", "document"):
                    self._has_images = self._has_images or item.get("type") == "image"
                    length += _MEDIA_WEIGHT - len(_encoded(item))
        return max(length, 1)

    def _add_to_run(self, kind: str, text: str, weight: int, mark: str) -> None:
        if kind != self._run_kind:
            self._close_run()
            self._run_kind = kind
        self._run.append(text)
        self._run_weight += weight
        self._run_mark = mark or self._run_mark

    def _close_run(self) -> None:
        if self._run_kind:
            text, weight, mark, kind = "".join(self._run), self._run_weight, self._run_mark, self._run_kind
            self._run, self._run_weight, self._run_mark, self._run_kind = [], 0, "", ""
            self._add(kind, text, weight, mark)

    def _add(self, kind: str, text: str, weight: int, mark: str, with_cues: bool = False) -> None:
        """A block as one entry, or as several where its text is long; an open run ends before it."""
        if self._run_kind:
            self._close_run()
        start, length = 0, len(text)
        while weight == length and length - start > 2 * self._piece_size:  # media weigh less than their text
            end = self._cut(text, start)
            self._append(kind, text[start:end], end - start, "", with_cues, goes_on=True)
            start = end
        self._append(kind, text[start:] if start else text, weight - start, mark, with_cues, goes_on=False)

    def _cut(self, text: str, start: int) -> int:
        """The end of the piece that starts here: at a line end where one is near. Independent of what follows it."""
        most = start + 2 * self._piece_size
        line = text.find("\n", start + self._piece_size - 1, most)
        self._pieces += 1
        if self._pieces % PIECES_PER_SIZE == 0:
            self._piece_size *= 2
        return line + 1 if line >= 0 else most

    def _append(self, kind: str, text: str, weight: int, mark: str, with_cues: bool, *, goes_on: bool) -> None:
        hasher = self._hasher.copy()
        hasher.update(text.encode("utf-8", "surrogatepass"))
        self._digests.append(hasher.hexdigest())
        self._weights.append(weight)
        code = kind + "+" if goes_on else kind
        if mark:
            code += mark
            self._marked = len(self._weights)
        if with_cues and (cues := volatile_cues(text, self._org_key)):
            code = f"{code}:{cues}"
        self._codes.append(code)

    def _settings(self, kind: str, text: str, place: int) -> None:
        """A settings entry, with a cue per setting: its letter and a fingerprint of its value."""
        if text:
            hasher = self._hasher.copy()
            hasher.update(f"{kind}\n{text}".encode("utf-8", "surrogatepass"))
            cues = "".join(line[0] + self._org_key.fingerprint("cue", line)[:6] for line in text.split("\n"))
            self._digests.insert(place, hasher.hexdigest())
            self._weights.insert(place, 0)
            self._codes.insert(place, f"{kind}:{cues}")
            self._marked += self._marked > place

    def _mark_last(self, mark: str) -> None:
        """What a top-level `cache_control` does: it marks the last block that can carry a mark."""
        for place in range(len(self._codes) - 1, -1, -1):
            code, _, cues = self._codes[place].partition(":")
            if code[0] not in _UNMARKABLE:
                if code[-1] not in MARKS:
                    self._codes[place] = f"{code}{mark}:{cues}" if cues else code + mark
                self._marked = max(self._marked, place + 1)
                return


@lru_cache(maxsize=8)
def _hasher(org_key: OrgKey) -> Any:
    """A keyed hash that is copied for every block: setting one up costs more than hashing a block."""
    return hashlib.blake2b(digest_size=HASH_DIGITS // 2, key=org_key.secret[:64], person=b"block")


def _blocks(content: object) -> Sequence[Any]:
    """Content as blocks: a plain string is one text block, however it was spelled."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content if isinstance(content, list) else []


def _encoded(block: object) -> str:
    """Canonical JSON without cache marks."""
    if isinstance(block, dict) and "cache_control" in block:
        block = {key: value for key, value in block.items() if key != "cache_control"}
    return msgspec.json.encode(block, order="sorted").decode()


def _mark(block: object) -> str:
    """The letter of a block's cache mark in the text form; "" without one."""
    control = block.get("cache_control") if isinstance(block, dict) else None
    if not isinstance(control, dict):
        return ""
    return "1" if control.get("ttl") == "1h" else "5"


def _shares(weights: Sequence[int], total: int) -> list[int]:
    """`total` shared out by weight, whole numbers that add up to it; all of it to the last where none weighs."""
    whole = sum(weights)
    if not whole:
        return [0] * (len(weights) - 1) + [total]
    found, passed, given = [], 0, 0
    for weight in weights:
        passed += weight
        upto = passed * total // whole
        found.append(upto - given)
        given = upto
    return found


def _shortened(entries: list[Entry]) -> list[Entry]:
    """At most about MOST_ENTRIES: of the middle only marked entries stay, and runs between them become one each."""
    if len(entries) <= MOST_ENTRIES:
        return entries
    end = len(entries) - (MOST_ENTRIES - _KEPT_AT_START)
    found: list[Entry] = entries[:_KEPT_AT_START]
    held: list[Entry] = []
    for entry in entries[_KEPT_AT_START:end]:
        held.append(entry)
        if entry.mark:
            found.append(joined(held)._replace(mark=entry.mark))
            held = []
    if held:
        found.append(joined(held))
    return found + entries[end:]
