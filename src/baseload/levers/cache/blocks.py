"""The cache of a trace, block by block: what a recorded request can be billed under marks at its positions.

A trace has no content blocks, only hashes of equal stretches of the prompt. A real request carries marks where its
parts end (tools, system, turns), and requests part where a part ends; so what a marked request wrote is taken to be
readable up to wherever a later one parts from it, and every stretch keeps the lifetime it was written with. All else
is as in `rules`: writes only up to a mark, at most four, 20 positions back, the lifetime from the start of the request
and refreshed by reads, nothing readable before the writer's response begins.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from baseload.levers.cache.paths import Paths
from baseload.levers.cache.rules import LOOK_BACK, TTL_US, Mark, Served, checked

_NEVER: Final = -1


class BlockCache:
    """Every segment of a trace's paths with its lifetime; requests come in order of time inside a lane."""

    def __init__(self, paths: Paths, *, hour_covers: bool = True) -> None:
        self._steps, self._end, self._born = paths.steps, paths.end, paths.born
        self._first, self._prompt_tokens = paths.first.tolist(), paths.prompt_tokens.tolist()
        self._hour_covers = hour_covers
        size = len(paths.end)
        self._ttl: NDArray[np.int64] = np.zeros(size, dtype=np.int64)
        self._expires: NDArray[np.int64] = np.full(size, _NEVER, dtype=np.int64)
        self._readable: NDArray[np.int64] = np.zeros(size, dtype=np.int64)

    def serve(
        self,
        request: int,
        ends: Sequence[int],
        marks: Sequence[Mark],
        start_us: int,
        begins_us: int,
        minimum_tokens: int = 0,
    ) -> Served:
        """Bill a request with marks at its positions, which end after `ends` tokens. Raises IllegalMarks."""
        placed = checked(marks, len(ends))
        prompt = self._prompt_tokens[request]
        if not placed:
            return Served(0, 0, 0, prompt)
        path = self._path(request)
        depths: list[int] = self._end.take(path).tolist()
        read_to = self._alive(path, start_us)
        if not self._in_reach(path[read_to:], request):
            read_to = 0
        read_to = min(read_to, bisect_left(depths, ends[placed[-1].position]) + 1)
        read = reached = depths[read_to - 1] if read_to else 0
        if read_to:
            found = path[:read_to]
            self._expires[found] = self._ttl.take(found) + start_us
        written, at = {"5m": 0, "1h": 0}, read_to
        for mark in placed:
            end = ends[mark.position]
            if end <= reached or end < minimum_tokens:
                continue
            until = bisect_left(depths, end) + 1
            self._write(path[at:until], TTL_US[mark.ttl], start_us, begins_us)
            if mark.ttl == "1h" and self._hour_covers:
                self._cover(path[:at], start_us)
            written[mark.ttl] += end - reached
            reached, at = end, until
        return Served(read, written["5m"], written["1h"], prompt - reached)

    def _path(self, request: int) -> NDArray[np.int32]:
        return self._steps[self._first[request] : self._first[request + 1]]

    def _cover(self, before: NDArray[np.int32], start_us: int) -> None:
        """An hour's mark keeps what is before it for an hour."""
        self._ttl[before] = TTL_US["1h"]
        self._expires[before] = np.maximum(self._expires.take(before), start_us + TTL_US["1h"])

    def _write(self, fresh: NDArray[np.int32], ttl_us: int, start_us: int, begins_us: int) -> None:
        """Written anew. What a parallel request wrote first keeps the longer life and the earlier reading."""
        readable = self._readable.take(fresh)
        pending = readable > start_us
        if not pending.any():
            self._ttl[fresh] = ttl_us
            self._expires[fresh] = start_us + ttl_us
            self._readable[fresh] = begins_us
            return
        ttl, expires = self._ttl[fresh], self._expires[fresh]
        self._ttl[fresh] = np.where(pending, np.maximum(ttl, ttl_us), ttl_us)
        self._expires[fresh] = np.where(pending, np.maximum(expires, start_us + ttl_us), start_us + ttl_us)
        self._readable[fresh] = np.where(pending, np.minimum(readable, begins_us), begins_us)

    def touch(self, request: int, tokens: int, now_us: int) -> bool:
        """A keep-alive read of the first `tokens` of a request's prefix; False where not all of it is alive."""
        path = self._path(request)
        kept = path[: int(np.searchsorted(self._end[path], tokens)) + 1]
        if self._alive(kept, now_us) < len(kept):
            return False
        self._expires[kept] = now_us + self._ttl[kept]
        return True

    def _alive(self, path: NDArray[np.int32], now_us: int) -> int:
        """How many segments from the start can be read."""
        dead = (self._expires.take(path) < now_us) | (self._readable.take(path) > now_us)
        first = int(dead.argmax()) if len(dead) else 0
        return first if len(dead) and dead[first] else len(path)

    def _in_reach(self, unread: NDArray[np.int32], request: int) -> bool:
        """Whether a mark at the end finds what can be read: at most 19 ends of known requests lie between."""
        return len(unread) < LOOK_BACK or int((self._born.take(unread) <= request).sum()) < LOOK_BACK
