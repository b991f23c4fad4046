"""Requests folded into trees of shared prefixes: each request becomes a short path of segments.

    request 1   [======a======]                     Two requests of a scope share a cache exactly as far as their
    request 2   [======a======|==b==]               blocks agree from the start, so a scope's requests form a tree. A
    request 3   [======a======|==b==|=====c====]    segment is a stretch of blocks between two places where a request
    request 4   [======a======|=d=]                 ends or two part: all its blocks are touched by the same requests.

A conversation of a thousand blocks is then a path of as many segments as it had turns, and every figure that the
blocks would give one by one is had from the segments at once, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.levers.cache.rules import Prompt
from baseload.levers.cache.trace import Trace

NO_SEGMENT: Final = -1

Ints = NDArray[np.int64]


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    """The segments of a trace and each request's path over them.

    `scope[i]` is what request i shares a cache in: its lane and model. Request i's path, from the start of the prompt
    to its last whole block, is `steps[first[i]:first[i + 1]]`; it is empty for a request without a whole block.
    `end[s]` counts the tokens of the prefix up to the end of segment s, `tokens[s]` those of the segment alone.
    `born[s]` is the first request whose last whole block ends the segment, `len(trace)` where none does; `parted[s]`
    the first that was seen to part there from an earlier one.
    """

    scope: Ints
    first: Ints
    steps: NDArray[np.int32]
    end: Ints
    tokens: Ints
    born: Ints
    parted: Ints
    prompt_tokens: Ints

    def path(self, request: int) -> NDArray[np.int32]:
        """The segments of a request's prefix, in order."""
        return self.steps[self.first[request] : self.first[request + 1]]

    def cached_length(self) -> Ints:
        """The tokens of each request's whole blocks: the longest prefix of it that can be cached."""
        length: Ints = np.zeros(len(self.scope), dtype=np.int64)
        some = np.diff(self.first) > 0
        length[some] = self.end[self.steps[self.first[1:][some] - 1]]
        return length

    def prompt(self, request: int, *, partings: bool = False) -> Prompt:
        """A request as the exact rules take it. Its positions are the ends of requests known by then, its own the last.

        Of a trace nothing else is known: a position stands where an earlier request of the scope, or this one, ends.
        With `partings` also where two requests were seen to part by then, this one among them: some content block
        ends there, or inside the whole block that follows.
        """
        path = self.path(request)
        since = np.minimum(self.born[path], self.parted[path]) if partings else self.born[path]
        known = path[since <= request]
        return Prompt(
            scope=int(self.scope[request]),
            prefix_ids=known.tolist(),
            ends=self.end[known].tolist(),
            prompt_tokens=int(self.prompt_tokens[request]),
        )


Memory = Literal["last", "all"]
"""What a lane still knows: its `last` request, which is how recorded sessions are judged, or `all` of them."""


def memory_of(trace: Trace) -> Memory:
    """Sessions grow from one request to the next; requests of many callers in one lane part and come back."""
    return "all" if len(trace) and int(trace.group.min()) < 0 else "last"


def fold(trace: Trace, memory: Memory | None = None) -> Paths:
    """The paths of a trace's requests.

    With memory of `all`, each scope (lane and model) is a tree. With memory of the `last`, a request of a lane shares
    what it has in common with the request before it, nothing after a change of model, and what older requests left on
    other branches is never found again. None: as `memory_of` says.
    """
    forest = _Forest(trace)
    if (memory or memory_of(trace)) == "last":
        scope = trace.lane.astype(np.int64)
        for members in _grouped(scope):
            forest.add_chain(members)
        return forest.paths(scope)
    scope = trace.lane.astype(np.int64) * len(trace.models) + trace.model
    for members in _grouped(scope):
        forest.add_scope(members)
    return forest.paths(scope)


def _grouped(scope: Ints) -> Iterator[list[int]]:
    """The requests of each scope, in order of time as the trace has them."""
    order = np.argsort(scope, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(scope[order])) + 1):
        yield members.tolist()


class _Forest:
    """Segments by number: their parent, their depth in blocks, and a request that passes through them."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._parent: list[int] = []
        self._depth: list[int] = []
        self._witness: list[int] = []
        self._last: list[int] = [NO_SEGMENT] * len(trace)
        self._offset: list[int] = trace.offset.tolist()

    def add_scope(self, members: Sequence[int]) -> None:
        """The tree of one scope: requests in order of their blocks, so that neighbours share the most."""
        blocks, offset = self._trace.blocks, self._offset
        rows = {member: blocks[offset[member] : offset[member + 1]] for member in members}
        keys = {member: row.tobytes() for member, row in rows.items()}
        stack: list[int] = []
        before = -1
        for member in sorted((member for member in members if len(rows[member])), key=keys.__getitem__):
            shared = _agreement(rows[before], rows[member]) if before >= 0 else 0
            self._climb(stack, shared)
            if not stack or self._depth[stack[-1]] < len(rows[member]):
                self._push(stack, len(rows[member]), member)
            self._last[member] = stack[-1]
            before = member

    def add_chain(self, members: Sequence[int]) -> None:
        """One lane in order of time: each request goes on from what it shares with the one before it."""
        blocks, offset, model = self._trace.blocks, self._offset, self._trace.model
        stack: list[int] = []
        before = -1
        for member in members:
            row = blocks[offset[member] : offset[member + 1]]
            shared = 0
            if before >= 0 and model[before] == model[member]:
                shared = _agreement(blocks[offset[before] : offset[before + 1]], row)
            self._climb(stack, shared)
            if len(row) and (not stack or self._depth[stack[-1]] < len(row)):
                self._push(stack, len(row), member)
            if stack:
                self._last[member] = stack[-1]
            before = member

    def _climb(self, stack: list[int], depth: int) -> None:
        """Back to the segment that ends at `depth`; where none does, one is put in."""
        left = NO_SEGMENT
        while stack and self._depth[stack[-1]] > depth:
            left = stack.pop()
        above = self._depth[stack[-1]] if stack else 0
        if left != NO_SEGMENT and above < depth:
            self._push(stack, depth, self._witness[left])
            self._parent[left] = stack[-1]

    def _push(self, stack: list[int], depth: int, witness: int) -> None:
        self._parent.append(stack[-1] if stack else NO_SEGMENT)
        self._depth.append(depth)
        self._witness.append(witness)
        stack.append(len(self._depth) - 1)

    def paths(self, scope: Ints) -> Paths:
        parent = np.array(self._parent, dtype=np.int32)
        last = np.array(self._last, dtype=np.int32)
        end = self._ends()
        tokens = end.copy()
        inner = parent != NO_SEGMENT
        tokens[inner] -= end[parent[inner]]
        born: Ints = np.full(len(parent), len(last), dtype=np.int64)
        ends_here = np.flatnonzero(last != NO_SEGMENT)
        np.minimum.at(born, last[ends_here], ends_here)
        first, steps = _expanded(parent, last)
        return Paths(
            scope=scope,
            first=first,
            steps=steps,
            end=end,
            tokens=tokens,
            born=born,
            parted=_parted(first, steps, len(parent)),
            prompt_tokens=self._trace.prompt_tokens,
        )

    def _ends(self) -> Ints:
        """Tokens of the prefix up to the end of each segment."""
        depth: Ints = np.array(self._depth, dtype=np.int64)
        if self._trace.sizes is None:
            even: Ints = depth * self._trace.block_tokens
            return even
        passed: Ints = np.zeros(len(self._trace.sizes) + 1, dtype=np.int64)
        np.cumsum(self._trace.sizes, out=passed[1:])
        start = self._trace.offset[np.array(self._witness, dtype=np.int64)]
        ends: Ints = passed[start + depth] - passed[start]
        return ends


def _parted(first: Ints, steps: NDArray[np.int32], segments: int) -> Ints:
    """The first request that goes on from the end of each segment otherwise than an earlier one, or ends there."""
    requests = len(first) - 1
    parted: Ints = np.full(segments, requests, dtype=np.int64)
    if not len(steps):
        return parted
    following: Ints = np.append(steps[1:], NO_SEGMENT).astype(np.int64)
    following[first[1:][np.diff(first) > 0] - 1] = NO_SEGMENT
    ways, place = np.unique(steps.astype(np.int64) * (segments + 1) + following + 1, return_index=True)
    segment, request = ways // (segments + 1), np.repeat(np.arange(requests), np.diff(first))[place]
    order = np.lexsort((request, segment))
    segment, request = segment[order], request[order]
    again = np.flatnonzero(segment[1:] == segment[:-1]) + 1
    np.minimum.at(parted, segment[again], request[again])
    return parted


def _agreement(before: NDArray[np.int64] | NDArray[np.int32], after: NDArray[np.int64] | NDArray[np.int32]) -> int:
    """How many blocks two requests share from the start."""
    most = min(len(before), len(after))
    if not most:
        return 0
    differs = before[:most] != after[:most]
    place = int(differs.argmax())
    return place if differs[place] else most


def _expanded(parent: NDArray[np.int32], last: NDArray[np.int32]) -> tuple[Ints, NDArray[np.int32]]:
    """Where each request's path begins, and all paths one after the other, each from the start of the prompt."""
    first: Ints = np.zeros(len(last) + 1, dtype=np.int64)
    np.cumsum(_levels(parent)[last] if len(parent) else np.zeros(len(last), np.int64), out=first[1:])
    steps = np.empty(int(first[-1]), dtype=np.int32)
    place = first[1:] - 1
    going = np.flatnonzero(last != NO_SEGMENT)
    place, segment = place[going], last[going]
    while len(segment):
        steps[place] = segment
        segment = parent[segment]
        more = segment != NO_SEGMENT
        place, segment = place[more] - 1, segment[more]
    return first, steps


def _levels(parent: NDArray[np.int32]) -> Ints:
    """How many segments lead to the end of each, itself included; one entry more, 0, for no segment."""
    levels: Ints = np.zeros(len(parent) + 1, dtype=np.int64)
    going = np.arange(len(parent))
    segment = going.astype(np.int32)
    while len(going):
        levels[going] += 1
        segment = parent[segment]
        more = segment != NO_SEGMENT
        going, segment = going[more], segment[more]
    return levels
