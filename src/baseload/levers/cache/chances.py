"""How a workload's prompts bill under marks at given places, all calls at once.

The rules are those of `levers.cache.rules`; only marks that mean the same in every call are considered, which makes an
entry's life a matter of the gaps between the calls that share it. Where every call is known the answer is theirs to
the token (a test compares). Where one call in N was kept, a gap g between two of them stands for arrivals at the rate
N / g, of which the share 1 - exp(-N TTL / g) finds the entry alive (Poisson arrivals, anthropic-facts section 3); where
whole sessions were, that holds for gaps between sessions only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.levers.cache.price import TTL_1H_US, TTL_5M_US
from baseload.levers.cache.prompts import TAIL, Flags, Ints, Layout, Requests, Slot
from baseload.levers.options import Ttl

Floats = NDArray[np.float64]
Marks = tuple[tuple[Slot, Ttl], ...]
"""Places and lifetimes, in render order."""

TTLS: tuple[Ttl, Ttl] = ("5m", "1h")
_TTL_US = (TTL_5M_US, TTL_1H_US)


class Chances(msgspec.Struct, frozen=True, kw_only=True):
    """Per call and place: up to where a mark there would find an entry, with what chance, and where it would write.

    First axis calls, second places (as `slots`). `found[k]` and `alive[k]` are for an entry of `TTLS[k]`; `writes` is 0
    where a mark would do nothing: no such place in the call, or a prefix below the model's minimum.
    """

    slots: tuple[Slot, ...]
    prompt: Ints
    writes: Ints
    found: tuple[Ints, Ints]
    alive: tuple[Floats, Floats]


class Bill(NamedTuple):
    """Tokens by class, one entry a call (expected ones where calls were sampled)."""

    uncached: Floats
    read: Floats
    write_5m: Floats
    write_1h: Floats


def chances(requests: Requests, layout: Layout, usable: Ints) -> Chances:
    """The chances of every place of a layout. `usable[i]` is the shortest prefix of call i that can be cached."""
    size, width = len(requests), len(layout.slots)
    prompt = requests.prompt_tokens
    writes = np.zeros((size, width), dtype=np.int64)
    found = (np.zeros_like(writes), np.zeros_like(writes))
    alive = (np.zeros((size, width)), np.zeros((size, width)))
    for column, slot in enumerate(layout.slots):
        if slot == TAIL:
            ends = layout.last_ends[:, -1]
            writes[:, column] = np.where((layout.last_ids[:, -1] != 0) & (ends >= usable), ends, 0)
            for index, ttl_us in enumerate(_TTL_US):
                _tails(requests, layout, writes[:, column], ttl_us, found[index][:, column], alive[index][:, column])
            continue
        writes[:, column] = np.where((layout.ids[:, column] != 0) & (layout.ends[:, column] >= usable),
                                     layout.ends[:, column], 0)  # fmt: skip
        for index, ttl_us in enumerate(_TTL_US):
            found[index][:, column] = writes[:, column]
            _shared(requests, layout.ids[:, column], writes[:, column] > 0, ttl_us, alive[index][:, column])
    return Chances(slots=layout.slots, prompt=prompt, writes=writes, found=found, alive=alive)


def billed(given: Chances, marks: Marks, chosen: Flags | None = None) -> Bill:
    """How the calls bill under marks; of the `chosen` calls only, where given.

    With entries that live and die together (a longer prefix was never sent later than a shorter one), the tokens read
    are the sum over marks of what each adds to the one before, times the chance that it or a later one is found.
    """
    rows = slice(None) if chosen is None else chosen
    prompt = given.prompt[rows].astype(np.float64)
    columns = [(given.slots.index(slot), TTLS.index(ttl)) for slot, ttl in marks]
    chance, chances_back = np.zeros_like(prompt), []
    for column, index in reversed(columns):
        chance = np.maximum(chance, given.alive[index][rows, column])
        chances_back.append(chance)
    last_1h = _furthest(given, [column for column, index in columns if index == 1], rows, prompt)
    last = _furthest(given, [column for column, _ in columns], rows, prompt)
    read, below_1h, reached = np.zeros_like(prompt), np.zeros_like(prompt), np.zeros_like(prompt)
    for (column, index), likely in zip(columns, reversed(chances_back), strict=True):
        upto = np.maximum(given.found[index][rows, column] * (given.alive[index][rows, column] > 0), reached)
        read += likely * (upto - reached)
        below_1h += likely * (np.minimum(upto, last_1h) - np.minimum(reached, last_1h))
        reached = upto
    write_1h = last_1h - below_1h
    return Bill(prompt - last, read, last - read - write_1h, write_1h)


def _furthest(given: Chances, columns: Sequence[int], rows: slice | Flags, like: Floats) -> Floats:
    furthest = np.zeros_like(like)
    for column in columns:
        furthest = np.maximum(furthest, given.writes[rows, column])
    return furthest


def _thinned_alive(rate: int, ttl_us: int, gap_us: int) -> float:
    return 1.0 if gap_us <= 0 else -math.expm1(-rate * ttl_us / gap_us)


class _Node:
    """One prefix: when it was last sent, from when it can be read, and when another session last sent it."""

    __slots__ = ("lane", "last_us", "other_us", "readable_us")

    def __init__(self, start_us: int, begins_us: int, lane: int) -> None:
        self.last_us = start_us
        self.readable_us = begins_us
        self.lane = lane
        self.other_us = -1

    def chance(self, start_us: int, lane: int, rate: int, ttl_us: int, *, thinned: bool, whole: bool) -> float:
        """That its entry is alive and readable now."""
        gap = start_us - self.last_us
        if thinned:
            return _thinned_alive(rate, ttl_us, gap)
        if gap <= ttl_us and start_us >= self.readable_us and not (whole and lane != self.lane):
            return 1.0
        other_us = self.last_us if lane != self.lane else self.other_us
        if whole and rate > 1 and other_us >= 0:
            return _thinned_alive(rate, ttl_us, start_us - other_us)
        return 0.0

    def sent(self, start_us: int, begins_us: int, lane: int, ttl_us: int, *, was_read: bool) -> None:
        """Sent again: refreshed where it was read, written where it was not."""
        if not was_read:
            in_time = start_us - self.last_us <= ttl_us
            self.readable_us = min(self.readable_us, begins_us) if in_time else begins_us
        if lane != self.lane:
            self.other_us, self.lane = self.last_us, lane
        self.last_us = start_us


def _shared(requests: Requests, ids: Ints, is_marked: Flags, ttl_us: int, alive: Floats) -> None:
    """Fill the chance that the mark of each call at one place finds its own prefix."""
    nodes: dict[int, _Node] = {}
    columns = (requests.start_us, requests.begins_us, requests.lane, requests.rate, requests.thinned, requests.whole)
    rows = zip(ids.tolist(), is_marked.tolist(), *(column.tolist() for column in columns), strict=True)
    for call, (prefix, marked, start, begins, lane, rate, thinned, whole) in enumerate(rows):
        if not marked:
            continue
        node = nodes.get(prefix)
        if node is None:
            nodes[prefix] = _Node(start, begins, lane)
            continue
        chance = node.chance(start, lane, rate, ttl_us, thinned=thinned, whole=whole)
        alive[call] = chance
        node.sent(start, begins, lane, ttl_us, was_read=chance == 1.0)


def _tails(requests: Requests, layout: Layout, writes: Ints, ttl_us: int, found: Ints, alive: Floats) -> None:
    """Fill how far back from its tail each call finds the tail of an earlier one.

    Calls of which single ones were sampled find none: what came before them was not kept.
    """
    nodes: dict[int, _Node] = {}
    starts, begins = requests.start_us.tolist(), requests.begins_us.tolist()
    lanes, rates = requests.lane.tolist(), requests.rate.tolist()
    whole, thinned = requests.whole.tolist(), requests.thinned.tolist()
    ids, ends = layout.last_ids.tolist(), layout.last_ends.tolist()
    for call, own in enumerate(writes.tolist()):
        if not own or thinned[call]:
            continue
        start, lane, row = starts[call], lanes[call], ids[call]
        was_read = False
        for place in range(len(row) - 1, -1, -1):
            if not row[place]:
                break
            node = nodes.get(row[place])
            if node is None:
                continue
            chance = node.chance(start, lane, rates[call], ttl_us, thinned=False, whole=whole[call])
            if chance > alive[call]:
                found[call], alive[call] = ends[call][place], chance
            if chance == 1.0:
                node.sent(start, begins[call], lane, ttl_us, was_read=True)
                was_read = place == len(row) - 1
                break
        if not was_read:
            held = nodes.get(row[-1])
            if held is None:
                nodes[row[-1]] = _Node(start, begins[call], lane)
            else:
                held.sent(start, begins[call], lane, ttl_us, was_read=False)
