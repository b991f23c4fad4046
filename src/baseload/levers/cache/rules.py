"""The prompt cache by its published rules, one request at a time (anthropic-facts section 3).

    position     1   2   3   4   5   6          a request is a row of positions; each ends a cacheable prefix
    entry            *                          left by an earlier request
    marks                *       *              this request's breakpoints
    billed       read |write |write  |uncached  read to the longest entry found, write to each mark after it

What the rules leave open is decided against the plan: an entry keeps the lifetime it was written with, and lives no
longer than the entry it was read on top of; only entries that a mark finds are refreshed; a mark at or before the read
point leaves no entry of its own.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

import msgspec

from baseload.errors import BaseloadError
from baseload.levers.cache.price import TTL_1H_US, TTL_5M_US
from baseload.levers.options import Ttl

MOST_MARKS = 4
LOOK_BACK = 20
"""Positions a mark looks back over, itself the first."""
TTL_US: dict[Ttl, int] = {"5m": TTL_5M_US, "1h": TTL_1H_US}

_WORKSPACE_SCOPED = frozenset({"anthropic", "anthropic_aws", "google_anthropic", "foundry"})


class IllegalMarks(BaseloadError):
    """Marks the API would refuse: more than four, 1h after 5m, two in one place, or outside the request."""

    exit_code = 2


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the cache sees it.

    `scope` is what a cache is private to (`scope_of`). `prefix_ids[p]` names the whole prefix up to and including
    position p, `ends[p]` counts its tokens (not falling). `prompt_tokens` may be more than the last end: what follows
    the last position can never be cached.
    """

    scope: int
    prefix_ids: Sequence[int]
    ends: Sequence[int]
    prompt_tokens: int


class Mark(NamedTuple):
    """A breakpoint after a position of the prompt, from 0."""

    position: int
    ttl: Ttl


class Served(NamedTuple):
    """How one request's prompt tokens bill; the four add to `prompt_tokens`."""

    read_tokens: int
    write_5m_tokens: int
    write_1h_tokens: int
    uncached_tokens: int


class _Entry:
    """One cached prefix: alive while a start is at most `expires_us`, readable from `readable_us`."""

    __slots__ = ("expires_us", "readable_us", "ttl_us")

    def __init__(self, ttl_us: int, expires_us: int, readable_us: int) -> None:
        self.ttl_us = ttl_us
        self.expires_us = expires_us
        self.readable_us = readable_us


_Key = tuple[int, int]


class Cache:
    """Entries of any number of scopes. Requests come in order of their start; memory is that of the live entries.

    `minimum_tokens`: a prefix shorter than it is never written, 0 = any length is; a model's own minimum may be passed
    with each request instead. `hour_covers`: an hour's mark keeps the whole prefix for an hour, whatever was read
    before it, instead of no longer than that lives.
    """

    def __init__(self, minimum_tokens: int = 0, *, hour_covers: bool = False) -> None:
        self._minimum = minimum_tokens
        self._hour_covers = hour_covers
        self._entries: dict[_Key, _Entry] = {}
        self._expiries: list[tuple[int, _Key]] = []  # one per entry; its time may be too early, never too late
        self._now_us: int | None = None

    def __len__(self) -> int:
        """Entries held; those that expired before the last request are gone."""
        return len(self._entries)

    def serve(
        self,
        prompt: Prompt,
        marks: Sequence[Mark],
        start_us: int,
        begins_us: int,
        minimum_tokens: int | None = None,
    ) -> Served:
        """Bill one request and leave its entries, readable by requests that start at `begins_us` or later.

        Raises IllegalMarks, and ValueError when a request starts before an earlier one.
        """
        placed = checked(marks, len(prompt.prefix_ids))
        self._advance(start_us)
        least = self._minimum if minimum_tokens is None else minimum_tokens
        read_to = self._read(prompt, placed, start_us)
        read, longest_us = 0, TTL_1H_US
        if read_to >= 0:
            read = prompt.ends[read_to]
            if not self._hour_covers:
                longest_us = self._entries[(prompt.scope, prompt.prefix_ids[read_to])].ttl_us
        reached, written = read, {"5m": 0, "1h": 0}
        for mark in placed:
            end = prompt.ends[mark.position]
            if mark.position <= read_to or end < least:
                continue
            key = (prompt.scope, prompt.prefix_ids[mark.position])
            self._write(key, min(TTL_US[mark.ttl], longest_us), start_us, begins_us)
            written[mark.ttl] += end - reached
            reached = end
        return Served(read, written["5m"], written["1h"], prompt.prompt_tokens - reached)

    def touch(self, scope: int, prefix_id: int, start_us: int) -> bool:
        """A keep-alive read of exactly one entry: refreshed and True, or False where it is dead or not yet readable."""
        self._advance(start_us)
        return self._refreshed((scope, prefix_id), start_us)

    def _read(self, prompt: Prompt, placed: Sequence[Mark], start_us: int) -> int:
        """The last position read, -1 for none; every entry that a mark finds is refreshed."""
        furthest = -1
        for mark in placed:
            last = max(mark.position - LOOK_BACK, -1)
            for position in range(mark.position, last, -1):
                if self._refreshed((prompt.scope, prompt.prefix_ids[position]), start_us):
                    furthest = max(furthest, position)
                    break
        return furthest

    def _refreshed(self, key: _Key, start_us: int) -> bool:
        entry = self._entries.get(key)
        if entry is None or entry.readable_us > start_us:
            return False
        entry.expires_us = max(entry.expires_us, start_us + entry.ttl_us)
        return True

    def _write(self, key: _Key, ttl_us: int, start_us: int, begins_us: int) -> None:
        """A written entry; beside one that is not readable yet, the longer life and the earlier reading hold."""
        entry = self._entries.get(key)
        if entry is None:
            self._entries[key] = _Entry(ttl_us, start_us + ttl_us, begins_us)
            heapq.heappush(self._expiries, (start_us + ttl_us, key))
            return
        entry.ttl_us = max(entry.ttl_us, ttl_us)
        entry.expires_us = max(entry.expires_us, start_us + ttl_us)
        entry.readable_us = min(entry.readable_us, begins_us)

    def _advance(self, start_us: int) -> None:
        """Forget what expired before this start."""
        if self._now_us is not None and start_us < self._now_us:
            raise ValueError(f"a request that starts at {start_us} after one at {self._now_us}; expected time order")
        self._now_us = start_us
        while self._expiries and self._expiries[0][0] < start_us:
            _, key = heapq.heappop(self._expiries)
            expires_us = self._entries[key].expires_us
            if expires_us < start_us:
                del self._entries[key]
            else:
                heapq.heappush(self._expiries, (expires_us, key))


def checked(marks: Sequence[Mark], positions: int) -> list[Mark]:
    """The marks in order of position. Raises IllegalMarks where the API answers 400."""
    placed = sorted(marks)
    if len(placed) > MOST_MARKS:
        raise IllegalMarks(f"{len(placed)} cache marks in one request; expected at most {MOST_MARKS}. Drop some.")
    for before, after in pairwise(placed):
        if before.position == after.position:
            raise IllegalMarks(f"two cache marks at position {after.position}; expected one. Drop one of them.")
        if (before.ttl, after.ttl) == ("5m", "1h"):
            raise IllegalMarks(
                f"a 1h mark at position {after.position} after a 5m mark at {before.position}; expected every 1h mark "
                "before the first 5m mark. Swap their lifetimes."
            )
    for mark in placed:
        if not 0 <= mark.position < positions:
            raise IllegalMarks(
                f"a cache mark at position {mark.position} of a request with {positions}; expected 0 to "
                f"{positions - 1}. Mark a position the request has."
            )
        if mark.ttl not in TTL_US:
            raise IllegalMarks(f"a cache mark with lifetime {mark.ttl[:20]!r}; expected 5m or 1h.")
    return placed


def scope_of(
    *, platform: str, model: str, workspace: str = "", account: str = "", geo: str = "", fork: str = ""
) -> int:
    """A number for everything a cache is private to; equal scopes may share entries, different ones never do.

    Entries belong to one model. They are shared inside a workspace on the Claude API, Claude Platform on AWS, Google
    Cloud managed by Anthropic and Foundry; inside the organisation (account) on Bedrock and Vertex (anthropic-facts
    sections 2 and 3). `fork` is whatever else separates caches where the caller knows it, such as a trace's lane.
    """
    within = workspace if platform in _WORKSPACE_SCOPED else ""
    named = msgspec.json.encode([platform, account, within, model, geo, fork])
    return int.from_bytes(blake2b(named, digest_size=7).digest(), "big")
