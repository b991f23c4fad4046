"""Where cache marks go in a body: the policy's places found, and what the API refuses left out.

At most four, 1h before 5m, never on thinking or empty blocks, none below what the model caches (anthropic-facts 3).
A caller that set any mark of its own is left alone; that is decided before this is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

import msgspec
from msgspec import UNSET, Raw

from baseload.gateway.decide.facts import BYTES_PER_TOKEN, Facts
from baseload.gateway.decide.notes import SystemNote, ToolsNote
from baseload.gateway.decide.params import PROMPT
from baseload.gateway.decide.shape import Block, Message
from baseload.gateway.decide.splice import Cut, Located, Place, element, last_element, locate
from baseload.levers.options import CacheMark, Ttl
from baseload.plan.policy import MOST_MARKS

_BLANK: Final = re.compile(rb'null|"(?:\s|\xc2\xa0|\xe3\x80\x80|\\[nrtf]|\\u(?:00(?:09|0[aAdDcC]|20|[aA]0)|3000))*"')
"""A text that is empty, or that has nothing but space in it: the API takes no mark there."""
MARKABLE: Final = frozenset({"text", "image", "document", "tool_use", "tool_result"})
"""Kinds of blocks that are known to carry a mark."""
_LOOK_AT: Final = 40
"""Messages looked at from the end for one whose end can be marked."""
_CONTROL: Final[dict[str, bytes]] = {
    "5m": b',"cache_control":{"type":"ephemeral"}',
    "1h": b',"cache_control":{"type":"ephemeral","ttl":"1h"}',
}
_OPENING: Final = b'[{"type":"text","text":'
_items = msgspec.json.Decoder(list[Raw]).decode
_members = msgspec.json.Decoder(dict[str, Raw]).decode


class Page(NamedTuple):
    """A body with what is known of it."""

    body: bytes
    members: Mapping[str, Raw]
    located: Located
    tools: ToolsNote
    system: SystemNote
    messages: Sequence[Message]

    def __repr__(self) -> str:
        return f"Page({len(self.body)} bytes)"


class Spot(NamedTuple):
    """Where one mark goes: its place in the order a request is read, the bytes of the prompt up to it, and the value it
    stands in: an object that ends at `end`, or, from `start` on, a plain text that becomes a block."""

    order: tuple[int, int, int]
    prompt_bytes: int
    end: int
    start: int = -1


class Online(Protocol):
    """A planner of marks that learns from what it sees; the second of what it gives is for its own `answered`."""

    def marks(
        self, page: Page, facts: Facts, model: str, minimum_tokens: int
    ) -> tuple[Sequence[tuple[Spot, Ttl]], object]:
        """Where a request to `model` is marked, and what its planner is told once it was answered."""


class Placed(NamedTuple):
    """The cuts, and the marks they set, each by the place it came to: the tail by the number of its message."""

    cuts: list[Cut]
    marks: tuple[CacheMark, ...]


NOTHING: Final = Placed([], ())


def placed(page: Page, marks: Sequence[CacheMark], minimum_tokens: int) -> Placed:
    """The marks that can be set. `minimum_tokens` is what the serving model caches at least; 0 = it caches nothing.

    Raises nothing: a place the request does not have is passed over.
    """
    least = minimum_tokens * BYTES_PER_TOKEN
    if not least or sum([bytes_of(page, name) for name in PROMPT]) < least:
        return NOTHING  # no place of a prompt so short is far enough in it
    found = [(spot, mark.ttl) for mark in marks if (spot := spot_of(page, mark)) is not None]
    return set_at(found, minimum_tokens)


def set_at(spots: Sequence[tuple[Spot, Ttl]], minimum_tokens: int) -> Placed:
    """Marks at these places, as far as the API takes them: at most four, none too early, none after a shorter life."""
    least = minimum_tokens * BYTES_PER_TOKEN
    kept: list[tuple[Spot, Ttl]] = []
    for spot, ttl in sorted(spots, key=_order) if len(spots) > 1 else spots:
        if spot.prompt_bytes < least or (kept and kept[-1][0].order == spot.order):
            continue  # of two in one place the first has the longer life
        if ttl == "1h" and kept and kept[-1][1] == "5m":
            continue
        kept.append((spot, ttl))
    if not least or not kept:
        return NOTHING
    del kept[MOST_MARKS:]
    cuts: list[Cut] = []
    for spot, ttl in kept:
        control = _CONTROL[ttl]
        if spot.start < 0:
            cuts.append(Cut(spot.end - 1, spot.end - 1, control))
        else:  # the API reads one text block as the same prompt
            cuts.append(Cut(spot.start, spot.start, _OPENING))
            cuts.append(Cut(spot.end, spot.end, control + b"}]"))
    return Placed(cuts, tuple([_mark(spot.order[0], spot.order[1], ttl) for spot, ttl in kept]))


def _order(one: tuple[Spot, Ttl]) -> tuple[int, int, int]:
    return one[0].order


@lru_cache(maxsize=1024)
def _mark(section: int, number: int, ttl: Ttl) -> CacheMark:
    if section == 0:
        return CacheMark(section="tools", after="last_tool", ttl=ttl)
    if section == 1:
        return CacheMark(section="system", after=f"system:{number}", ttl=ttl)
    return CacheMark(section="messages", after=f"message:{number}", ttl=ttl)


def spot_of(page: Page, mark: CacheMark) -> Spot | None:
    """Where a mark goes; None where the request has no such place, or the place carries none."""
    if mark.section == "tools":
        return _after_tools(page)
    if mark.section == "system":
        return _after_system(page, int(mark.after.partition(":")[2]))
    if mark.after == "tail":
        return _tail(page)
    return _after_message(page, int(mark.after.partition(":")[2]))


def _after_tools(page: Page) -> Spot | None:
    place, end = page.located.get("tools"), page.tools.end
    return Spot((0, 0, 0), end, place[1] + end) if place and end else None


def _after_system(page: Page, number: int) -> Spot | None:
    place, ends = page.located.get("system"), page.system.ends
    if place is None or number >= len(ends) or not ends[number]:
        return None
    end = ends[number]
    start = place[1] if page.system.is_text else -1
    return Spot((1, number, 0), bytes_of(page, "tools") + end, place[1] + end, start)


def _tail(page: Page) -> Spot | None:
    """After the end of the last message that can carry a mark."""
    count = len(page.messages)
    if count and isinstance(page.messages[-1].content, str) and _last_markable(page.messages[-1]) is not None:
        spot = _after_last_text(page, count - 1)
        if spot is not None:
            return spot
    for number in range(count - 1, max(count - 1 - _LOOK_AT, -1), -1):
        if _last_markable(page.messages[number]) is not None:
            return _after_message(page, number)
    return None


def _after_last_text(page: Page, number: int) -> Spot | None:
    """After the last message, a plain text that stands last in it; None where that is not plain to see.

    A quote inside a text is escaped. So what follows the last `"content":` up to the message's end is that text alone,
    where it begins with a quote and holds no other before its end.
    """
    body = page.body
    place = page.located.get("messages")
    if place is None or not body.endswith(b'"}]', 0, place[2]):
        return None
    last = place[2] - 3
    name = body.rfind(b'"content":', place[1], last)
    start = body.find(b'"', name + 10, last)
    if name < 0 or start < 0 or body[name + 10 : start].strip(b" ") or body.find(b'"', start + 1) != last:
        return None
    before = bytes_of(page, "tools") + bytes_of(page, "system") - place[1]
    return Spot((2, number, 0), before + last + 1, last + 1, start)


def _after_message(page: Page, number: int) -> Spot | None:
    """After the last block of one message that can carry a mark."""
    place = page.located.get("messages")
    block = _last_markable(page.messages[number]) if number < len(page.messages) else None
    if place is None or block is None:
        return None
    items = _items(page.members["messages"])
    span = _item_at(page.body, items, number, place)
    if span is None:
        return None
    members = _members(items[number])
    located = locate(page.body, members, *span)
    content = located.get("content") if located else None
    if content is None:
        return None
    _, start, end = content
    before = bytes_of(page, "tools") + bytes_of(page, "system") - place[1]
    if isinstance(page.messages[number].content, str):
        return Spot((2, number, 0), before + end, end, start)
    within = _item_at(page.body, _items(members["content"]), block, content)
    return None if within is None else Spot((2, number, block), before + within[1], within[1])


def _item_at(body: bytes, items: Sequence[Raw], number: int, place: Place) -> tuple[int, int] | None:
    """Where one item of an array stands: the last is found from its end, however long the array."""
    if number == len(items) - 1:
        return last_element(body, items[number], place[2])
    return element(body, items, place[1], number)


def _last_markable(message: Message) -> int | None:
    """The number of the last block that can carry a mark; 0 for plain text that is not empty."""
    content = message.content
    if message.role not in ("user", "assistant"):
        return None
    if isinstance(content, str):
        return 0 if content.strip() else None
    return next((at for at in range(len(content) - 1, -1, -1) if _carries(content[at])), None)


def _carries(block: Block) -> bool:
    if block.type not in MARKABLE or block.cache_control is not UNSET:
        return False
    return block.type != "text" or (isinstance(block.text, Raw) and not _BLANK.fullmatch(bytes(block.text)))


def bytes_of(page: Page, name: str) -> int:
    """The length of one member as it was sent; 0 without it."""
    place = page.located.get(name)
    return place[2] - place[1] if place else 0
