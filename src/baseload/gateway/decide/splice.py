"""Editing a JSON object without reading it whole: only the bytes that are meant to change do.

    locate(body, members) -> Located     where each member of the object stands
    spliced(body, cuts)                  the body with these stretches replaced

What a body is not known to say exactly (a name twice, a name in escapes) is not located, and so never edited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from msgspec import Raw

_NAME: Final = rb'[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*'
_first_name: Final = re.compile(rb"[ \t\n\r]*\{" + _NAME).match
_next_name: Final = re.compile(rb"[ \t\n\r]*," + _NAME).match
_closing: Final = re.compile(rb"[ \t\n\r]*\}").match
_first_item: Final = re.compile(rb"[ \t\n\r]*\[[ \t\n\r]*").match
_next_item: Final = re.compile(rb"[ \t\n\r]*,[ \t\n\r]*").match


class Cut(NamedTuple):
    """Bytes from `start` to `end` (exclusive) become `text`; an insertion where both are equal."""

    start: int
    end: int
    text: bytes


Place = tuple[int, int, int]
"""One member: where its name begins, and where its value begins and ends (exclusive)."""
Located = dict[str, Place]
"""The members of one object by name, in order; there is at least one."""


def locate(body: bytes, members: Mapping[str, Raw], at: int = 0, end: int = -1) -> Located | None:
    """Where the members of the object from `at` (blanks before it count) to `end` (exclusive; -1 = the last) stand.

    `members` is that object as it was decoded, in order. None where the two do not agree to the byte: a name given
    twice, or written with escapes.
    """
    return _located_as_usual(body, members, at, len(body) if end < 0 else end) or _located(body, members, at)


def _located_as_usual(body: bytes, members: Mapping[str, Raw], at: int, stop: int) -> Located | None:
    """The same for the two ways encoders write objects, with and without a space after signs; None for any other.

    No value is compared: names stand where they would, and the lengths of all of it add up to the object's. A name
    given twice, or a blank more, would be left over.
    """
    first = len(next(iter(members), "")) + at + 4
    spaced = body[first : first + 1] == b" "
    places: Located = {}
    position, opening = at, True
    for name, raw in members.items():
        head = _head(name, spaced, opening)
        if not body.startswith(head, position):
            return None
        start = position + len(head)
        end = start + len(memoryview(raw))
        places[name] = (position + (1 if opening or not spaced else 2), start, end)
        position, opening = end, False
    return places if places and position + 1 == stop and body.startswith(b"}", position) else None


@lru_cache(maxsize=1024)
def _head(name: str, spaced: bool, opening: bool) -> bytes:
    """What stands before a member's value."""
    sign, colon = b"{" if opening else b", " if spaced else b",", b'": ' if spaced else b'":'
    return sign + b'"' + name.encode("utf-8", "surrogatepass") + colon


def _located(body: bytes, members: Mapping[str, Raw], at: int) -> Located | None:
    places: Located = {}
    position, named = at, _first_name
    for name, raw in members.items():
        found = named(body, position)
        if found is None or found[1] != name.encode("utf-8", "surrogatepass"):
            return None
        start, value = found.end(), bytes(raw)
        if not body.startswith(value, start):
            return None
        position = start + len(value)
        places[name] = (found.start(1) - 1, start, position)
        named = _next_name
    return places if places and _closing(body, position) else None


def elements(body: bytes, items: Sequence[Raw], start: int) -> Iterator[tuple[int, int]]:
    """Where each item of the array that begins at `start` begins and ends; ends early where the two do not agree."""
    position, separated = start, _first_item
    for raw in items:
        found, value = separated(body, position), bytes(raw)
        if found is None or not body.startswith(value, found.end()):
            return
        position = found.end() + len(value)
        yield found.end(), position
        separated = _next_item


def element(body: bytes, items: Sequence[Raw], start: int, wanted: int) -> tuple[int, int] | None:
    """Where one item of that array stands; None where it cannot be said."""
    return next(islice(elements(body, items, start), wanted, None), None)


def last_element(body: bytes, item: Raw, end: int) -> tuple[int, int] | None:
    """Where the last item of an array that ends at `end` (exclusive, after its bracket) stands."""
    value = bytes(item)
    stop = end - 1
    while body[stop - 1] in b" \t\n\r":
        stop -= 1
    return (stop - len(value), stop) if body.endswith(value, 0, stop) else None


def member_cuts(located: Located, values: Mapping[str, bytes | None]) -> list[Cut]:
    """Cuts that set members to values (as JSON), add those that are missing, and drop those that become None.

    At least one member must be kept.
    """
    cuts: list[Cut] = []
    added = b""
    dropped: set[str] = set()
    for name, value in values.items():
        place = located.get(name)
        if value is None:
            dropped.add(name)
        elif place is None:
            added += b'"' + name.encode() + b'":' + value + b","
        else:
            cuts.append(Cut(place[1], place[2], value))
    if added:
        first = next(iter(located.values()))[0]
        cuts.append(Cut(first, first, added))
    return cuts + _drops(located, dropped & located.keys()) if dropped else cuts


def _drops(places: Located, dropped: set[str]) -> list[Cut]:
    """A dropped member goes with the comma after it; those at the end go with the comma before the first of them."""
    names = list(places)
    last_kept = max((at for at, name in enumerate(names) if name not in dropped), default=-1)
    cuts = [
        Cut(places[name][0], places[names[at + 1]][0], b"")
        for at, name in enumerate(names[:last_kept])
        if name in dropped
    ]
    if last_kept + 1 < len(names):
        cuts.append(Cut(places[names[last_kept]][2], places[names[-1]][2], b""))
    return cuts


def spliced(body: bytes, cuts: Sequence[Cut]) -> bytes:
    """The body with the cuts made. They must not overlap; insertions in one place keep their order."""
    if not cuts:
        return body
    parts: list[bytes | memoryview] = []
    position, view = 0, memoryview(body)  # a long body is copied once
    for start, end, text in sorted(cuts, key=_where) if len(cuts) > 1 else cuts:
        parts += view[position:start], text
        position = end
    parts.append(view[position:])
    return b"".join(parts)


def _where(cut: Cut) -> tuple[int, int]:
    return cut[:2]
