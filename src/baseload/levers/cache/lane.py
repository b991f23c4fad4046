"""What a planner remembers of one lane and model: prefixes it saw, entries it believes alive by the rules.

A gateway sees what it sent and what came back, never the cache itself; this is its picture of it. It is bounded: dead
entries are dropped, and the places longest unseen are forgotten when there are too many.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from baseload.levers.cache.price import TTL_1H_US, TTL_5M_US
from baseload.levers.cache.rules import LOOK_BACK, Mark
from baseload.levers.cache.shadow import LaneShadow

MOST_PLACES: Final = 20_000
"""Prefix ends remembered in one lane; beyond it the half that was not seen for longest is forgotten."""
MOST_FORKS: Final = 8
"""Places where conversations parted, and one-hour entries, that are kept in mind."""
WAITED_US: Final = (15_000_000, 60_000_000, 140_000_000, 300_000_000)
"""A request not wanted again for so long counts as sent by a quarter, a half, … : counting it at once would make reuse
look rarer than it is in young traffic, counting it after five minutes more frequent."""
NOT_YET_US: Final = 1 << 62
"""When an entry can be read whose response has not begun."""


class Place:
    """The end of a prefix that was seen. `kind` is that of a request that ended here and was not heard of since, -1 for
    none; `stage` how far it waited (`WAITED_US`). `paused_tokens` were read again after its conversation's last pause;
    `expected` is what writing it is still believed to save.
    """

    __slots__ = ("depth", "expected", "followed_by", "kind", "new_tokens", "paused_tokens", "seen_us", "stage")

    def __init__(self, depth: int, seen_us: int) -> None:
        self.depth = depth
        self.seen_us = seen_us
        self.followed_by = -1
        self.kind = -1
        self.new_tokens = 0
        self.stage = 0
        self.expected = 0.0
        self.paused_tokens = 0


class _Entry:
    """Alive to `expires_us` inclusive, readable from `readable_us`. `layered`: an hour behind a shorter life."""

    __slots__ = ("expires_us", "layered", "readable_us", "ttl_us")

    def __init__(self, ttl_us: int, expires_us: int, layered: bool) -> None:
        self.ttl_us = ttl_us
        self.expires_us = expires_us
        self.readable_us = NOT_YET_US
        self.layered = layered


class Found(NamedTuple):
    """Where a request meets the past, as positions (-1 = nowhere).

    `seen`: the last position an earlier request had; `read`: the last with a living entry; `anchor`: the last with one
    that lives for an hour.
    """

    seen: int
    read: int
    anchor: int


class Sent(NamedTuple):
    """A request that was sent: the lane's last, until the next one tells what became of it."""

    start_us: int
    prompt_tokens: int
    written: tuple[int, ...]  # prefix ids of its marks
    prefix_id: int  # of its last mark
    depth: int
    anchor_id: int
    anchored: int  # tokens whose entry lives for an hour
    expected: int  # tokens it should have read
    hopeful: bool  # it should have read an entry that has its hour from a mark behind a shorter life
    wait: int = -1  # -1: its answer has not ended


class Lane:
    """Places and entries of one lane and model."""

    __slots__ = ("_anchors", "_entries", "_first", "_forks", "end", "last", "places", "shadow", "waiting")

    def __init__(self) -> None:
        self.places: dict[int, Place] = {}  # the latest seen last
        self.waiting: tuple[deque[int], ...] = tuple(deque() for _ in WAITED_US)  # ends of requests not heard of
        self.last: Sent | None = None
        self.end = -1  # of the last request that had a position
        self.shadow = LaneShadow()
        self._entries: dict[int, _Entry] = {}
        self._anchors: dict[int, int] = {}  # ends of prefixes kept for an hour -> depth
        self._forks: dict[int, int] = {}  # ends where conversations parted -> depth, the latest last
        self._first: tuple[int, int] | None = None  # the shortest that was continued, and its depth

    def seen(self, ids: Sequence[int]) -> int:
        """The last position an earlier request had, -1 for none."""
        position = len(ids) - 1
        while position >= 0 and ids[position] not in self.places:
            position -= 1
        return position

    def find(self, ids: Sequence[int], ends: Sequence[int], now_us: int) -> Found:
        """Look a request up, from its end backwards."""
        seen = read = self.seen(ids)
        while read >= 0 and not self.alive(ids[read], now_us):
            read -= 1
        anchor = -1
        for prefix_id, depth in self._anchors.items():
            position = self._position(prefix_id, depth, ids, ends)
            if anchor < position <= read and self.alive(prefix_id, now_us):
                anchor = position
        return Found(seen, read, anchor)

    def lives_for_hour(self, prefix_id: int, now_us: int) -> bool:
        """Whether the prefix has an entry for an hour, readable or not yet."""
        entry = self._entries.get(prefix_id)
        return entry is not None and entry.ttl_us == TTL_1H_US and entry.expires_us >= now_us

    def alive(self, prefix_id: int, now_us: int) -> bool:
        """Whether the prefix has an entry that can be read now."""
        entry = self._entries.get(prefix_id)
        return entry is not None and entry.readable_us <= now_us <= entry.expires_us

    def keepsakes(self, ids: Sequence[int], ends: Sequence[int], seen: int) -> Iterator[int]:
        """Seen positions whose entries deserve a mark of their own: where conversations parted, then the first."""
        for prefix_id, depth in reversed(self._forks.items()):
            position = self._position(prefix_id, depth, ids, ends)
            if 0 <= position <= seen:
                yield position
        if self._first is not None:
            position = self._position(*self._first, ids, ends)
            if 0 <= position <= seen:
                yield position

    @staticmethod
    def _position(prefix_id: int, depth: int, ids: Sequence[int], ends: Sequence[int]) -> int:
        """Where a prefix of this depth ends in the request; -1 where it is not one of its prefixes."""
        position = bisect_left(ends, depth)
        return position if position < len(ids) and ids[position] == prefix_id else -1

    def note(self, ids: Sequence[int], ends: Sequence[int], seen: int, now_us: int) -> None:
        """Remember a request that was seen up to there."""
        tail, paused = len(ids) - 1, self.places[ids[seen]].paused_tokens if seen >= 0 else 0
        if 0 <= seen < tail:
            self._followed(ids[seen], ids[tail], self.places[ids[seen]])
        for position in range(max(seen, 0), tail + 1):
            place = self.places.pop(ids[position], None) or Place(ends[position], now_us)
            place.seen_us, place.paused_tokens = now_us, max(place.paused_tokens, paused)
            self.places[ids[position]] = place
        self.end = ids[tail]
        if len(self.places) > MOST_PLACES:
            self._forget_places()

    def _forget_places(self) -> None:
        """The longest unseen half, but for those that are still waited for."""
        for prefix_id in list(self.places)[: MOST_PLACES // 2]:
            if self.places[prefix_id].expected == 0:
                del self.places[prefix_id]

    def _followed(self, prefix_id: int, next_id: int, place: Place) -> None:
        if place.followed_by not in (-1, next_id):
            self._forks.pop(prefix_id, None)
            self._forks[prefix_id] = place.depth
            if len(self._forks) > MOST_FORKS:
                del self._forks[next(iter(self._forks))]
        if self._first is None or place.depth < self._first[1]:
            self._first = (prefix_id, place.depth)
        place.followed_by = next_id

    def serve(self, ids: Sequence[int], marks: Sequence[Mark], now_us: int, *, covers: bool) -> int:
        """Apply marks in order of position as `rules.Cache` does; the last position read, -1 for none.

        What is written can be read once `begun` says so. `covers`: an hour's mark keeps all before it for an hour;
        otherwise an entry lives no longer than the one it was read on top of.
        """
        read_to = -1
        for mark in marks:
            for position in range(mark.position, max(mark.position - LOOK_BACK, -1), -1):
                if self.touch(ids[position], now_us):
                    read_to = max(read_to, position)
                    break
        longest_us = self._entries[ids[read_to]].ttl_us if read_to >= 0 else TTL_1H_US
        for mark in marks:
            if mark.position > read_to:
                self._write(ids[mark.position], mark, now_us, longest_us, covers=covers)
        self._drop_dead(now_us)
        return read_to

    def touch(self, prefix_id: int, now_us: int) -> bool:
        """A read of one entry: whether it was alive; it lives on."""
        entry = self._entries.get(prefix_id)
        if entry is None or not entry.readable_us <= now_us <= entry.expires_us:
            return False
        entry.expires_us = max(entry.expires_us, now_us + entry.ttl_us)
        return True

    def _write(self, prefix_id: int, mark: Mark, now_us: int, longest_us: int, *, covers: bool) -> None:
        ttl_us = TTL_1H_US if mark.ttl == "1h" else TTL_5M_US
        layered = ttl_us > longest_us
        if layered and not covers:
            ttl_us = longest_us
        entry = self._entries.get(prefix_id)
        if entry is None or entry.expires_us < now_us:
            self._entries[prefix_id] = _Entry(ttl_us, now_us + ttl_us, layered)
        else:
            entry.ttl_us = max(entry.ttl_us, ttl_us)
            entry.expires_us = max(entry.expires_us, now_us + ttl_us)
        if ttl_us == TTL_1H_US and prefix_id in self.places:
            self._anchors[prefix_id] = self.places[prefix_id].depth

    def forget_layers(self) -> None:
        """An hour did not cover what was before it: drop every entry that was believed to."""
        self._entries = {key: entry for key, entry in self._entries.items() if not entry.layered}

    def layered(self, prefix_id: int) -> bool:
        """Whether the prefix's entry has its hour from a mark behind a shorter life."""
        entry = self._entries.get(prefix_id)
        return entry is not None and entry.layered

    def begun(self, prefix_ids: Sequence[int], begins_us: int) -> None:
        """The response began: what the request wrote can be read from then."""
        for prefix_id in prefix_ids:
            entry = self._entries.get(prefix_id)
            if entry is not None:
                entry.readable_us = min(entry.readable_us, begins_us)

    def _lives(self, prefix_id: int, now_us: int) -> bool:
        entry = self._entries.get(prefix_id)
        return entry is not None and entry.expires_us >= now_us

    def _drop_dead(self, now_us: int) -> None:
        if len(self._entries) > MOST_PLACES:
            self._entries = {key: entry for key, entry in self._entries.items() if entry.expires_us >= now_us}
        if len(self._anchors) > MOST_FORKS:
            living = {key: depth for key, depth in self._anchors.items() if self._lives(key, now_us)}
            self._anchors = dict(list(living.items())[-MOST_FORKS:])
