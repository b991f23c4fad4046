"""Calls of the ledger as a prompt cache sees them: where a mark could stand in each, and which prefix ends there.

Two kinds of calls. Where the source had the request's body, its blocks are the positions, exactly. Where it had only
token counts and a session (coding transcripts), a session is taken to be one prompt that grows: a call starts with
what its predecessor had cached, as long as the billed reads do not say otherwise. That is a model of the prompt, not
the prompt; who uses it says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.levers.cache.growing import NO_PREFIX, Chain, in_scope
from baseload.levers.cache.rules import LOOK_BACK, Prompt
from baseload.levers.cache.trace import Stop
from baseload.levers.options import Section
from baseload.usage.prefix_text import Entry, chained, entries_of
from baseload.usage.source_note import SAMPLED_WHOLE
from baseload.values import Table

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MOST_SYSTEM_BLOCKS = 6
"""More blocks of a system prompt than these are not told apart as places for a mark."""
_LONGEST_ANSWER_US = 600_000_000


class Slot(NamedTuple):
    """A place for a cache mark that means the same in every call of a workload; `after` as in `options.CacheMark`."""

    section: Section
    after: str


TAIL = Slot("messages", "tail")
TOOLS = Slot("tools", "last_tool")


class Unit(NamedTuple):
    """A piece of the system prompt by its place: the block, and the piece inside it."""

    block: int
    piece: int


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one workload in order of their start, one array entry each.

    `scope` is what a cache is private to besides the model. `lane` numbers sessions; a call without one is a lane of
    its own. `begins_us` is when its response began, its end where that is not known, its start where neither is.
    `thinned`: single calls were sampled, so that gaps are `rate` times too long; `whole`: sessions were, so that gaps
    between sessions are. Where prefixes were sampled whole, neither.
    `billed` has the four input classes in the order of `values.TOKEN_CLASSES`. `prefixes` are texts of `prefix_text`.
    """

    start_us: Ints
    begins_us: Ints
    scope: Ints
    lane: Ints
    has_session: Flags
    rate: Ints
    thinned: Flags
    whole: Flags
    billed: Ints
    model: NDArray[np.int16]  # index into `models`
    stop: NDArray[np.int8]  # trace.Stop
    models: tuple[str, ...]
    prefixes: Sequence[str]

    def __len__(self) -> int:
        return len(self.start_us)

    @property
    def prompt_tokens(self) -> Ints:
        total: Ints = self.billed.sum(axis=1)
        return total


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where marks could stand, one row per call.

    `ids[i, s]` names the prefix of call i that ends at `slots[s]`, `ends[i, s]` counts its tokens; 0 where a call has
    no such place. `last_ids` and `last_ends` are the positions within reach of a mark at the tail, the tail itself in
    the last column.
    """

    slots: tuple[Slot, ...]
    ids: Ints
    ends: Ints
    last_ids: Ints
    last_ends: Ints


class Position(NamedTuple):
    """One position of a request: its place, and the prefix that ends there."""

    slot: Slot
    prefix: int
    end: int
    can_be_marked: bool = True


def requests_of(rows: Table) -> Requests:
    """The calls of `cache_calls_sql` rows, sorted by start."""
    order = np.lexsort((rows["id_key"], rows["start_us"]))
    columns = {name: np.ma.asarray(column)[order] for name, column in rows.items()}
    start: Ints = np.asarray(columns["start_us"], dtype=np.int64)
    flags = [set(text.split(",")) for text in columns["flags"].tolist()]
    whole = np.array([SAMPLED_WHOLE in each for each in flags], dtype=bool)
    rate: Ints = np.asarray(columns["sampling_rate"], dtype=np.int64)
    names = sorted(set(columns["model"].tolist()))
    index = {name: place for place, name in enumerate(names)}
    lane, has_session = _lanes(columns["session_id"].tolist(), columns["agent"].tolist())
    return Requests(
        start_us=start,
        begins_us=_begins(start, columns["first_token_us"], columns["end_us"]),
        scope=np.asarray(columns["scope"], dtype=np.int64),
        lane=lane,
        has_session=has_session,
        rate=rate,
        thinned=(rate > 1) & ~whole,
        whole=whole & has_session,
        billed=np.stack([np.asarray(columns[name], dtype=np.int64) for name in _INPUT_CLASSES], axis=1),
        model=np.array([index[name] for name in columns["model"].tolist()], dtype=np.int16),
        stop=np.array([_STOPS.get(text, Stop.OTHER) for text in columns["stop_reason"].tolist()], dtype=np.int8),
        models=tuple(names),
        prefixes=columns["prefix_blocks"].tolist(),
    )


def part_of(requests: Requests, chosen: Flags) -> Requests:
    """The chosen calls alone."""
    arrays = {
        name: getattr(requests, name)[chosen]
        for name in (
            "start_us", "begins_us", "scope", "lane", "has_session", "rate", "thinned", "whole", "billed", "model",
            "stop",
        )
    }  # fmt: skip
    prefixes = [text for text, is_chosen in zip(requests.prefixes, chosen.tolist(), strict=True) if is_chosen]
    return Requests(**arrays, models=requests.models, prefixes=prefixes)


def has_positions(text: str) -> bool:
    """Whether a prefix text tells blocks apart; those of features version 1 do not."""
    return text.count(":", 0, text.find(" ") if " " in text else None) >= 2


def positions_of(entries: Sequence[Entry], moved: Collection[Unit] = ()) -> Iterator[Position]:
    """The positions of a prompt; pieces of the system prompt in `moved` are taken out, as if they came last."""
    prefix = end = 0
    block = piece = message = 0
    role = ""
    last = len(entries) - 1
    for place, entry in enumerate(entries):
        kind = entry.kind
        stays = not (kind == "s" and moved and Unit(block, piece) in moved)
        if stays:
            prefix = chained(prefix, entry.digest, entry.stands_for)
            end += entry.tokens
        if entry.is_settings:
            continue
        if kind == "s":
            piece += 1
            closes = not entry.goes_on or not _stays_after(entries, place, moved, block, piece)
            if stays and closes:
                yield Position(Slot("system", f"system:{block}"), prefix, end)
            if not entry.goes_on:
                block, piece = block + 1, 0
        elif not entry.goes_on:
            if kind == "t":
                following = entries[place + 1].kind if place < last else ""
                yield Position(TOOLS if following != "t" else Slot("tools", ""), prefix, end)
                continue
            side = "a" if kind in "ach" else kind if kind == "y" else "u"
            message += 0 if side == role or not role else 1
            role = side
            yield Position(Slot("messages", f"message:{message}"), prefix, end, can_be_marked=kind != "h")


def _stays_after(entries: Sequence[Entry], place: int, moved: Collection[Unit], block: int, piece: int) -> bool:
    """Whether a later piece of the same block stays where it is."""
    while entries[place].goes_on:
        if Unit(block, piece) not in moved:
            return True
        place, piece = place + 1, piece + 1
    return False


def layout_of(requests: Requests, slots: Sequence[Slot], moved: Collection[Unit] = ()) -> Layout:
    """Where marks at `slots` and at the tail would stand. Calls without a body are followed by their session."""
    size = len(requests)
    index = {slot: place for place, slot in enumerate(slots)}
    layout = Layout(
        slots=tuple(slots),
        ids=np.full((size, len(slots)), NO_PREFIX, dtype=np.int64),
        ends=np.zeros((size, len(slots)), dtype=np.int64),
        last_ids=np.full((size, LOOK_BACK), NO_PREFIX, dtype=np.int64),
        last_ends=np.zeros((size, LOOK_BACK), dtype=np.int64),
    )
    scopes = requests.scope.tolist()
    for call, text in enumerate(requests.prefixes):
        if not has_positions(text):
            continue
        found = list(positions_of(list(entries_of(text)), moved))
        while found and not found[-1].can_be_marked:
            found.pop()
        _place(layout, index, call, scopes[call], found)
    column = index.get(SHARED_START)
    for call, chain in _transcripts(requests):
        if column is not None and chain.shared_id and chain.shared_end <= chain.positions[-1][1]:
            layout.ids[call, column], layout.ends[call, column] = chain.shared_id, chain.shared_end
        reach = chain.positions[-LOOK_BACK:]
        layout.last_ids[call, -len(reach) :] = [prefix for prefix, _ in reach]
        layout.last_ends[call, -len(reach) :] = [end for _, end in reach]
    return layout


def paths_of(requests: Requests) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """(place of a call, its positions as (prefix in its scope, tokens up to its end)), for calls that have any."""
    for call, text in enumerate(requests.prefixes):
        if has_positions(text):
            scope = int(requests.scope[call])
            yield call, [(in_scope(scope, place.prefix), place.end) for place in positions_of(list(entries_of(text)))]
    for call, chain in _transcripts(requests):
        yield call, list(chain.positions)


def _place(layout: Layout, index: Mapping[Slot, int], call: int, scope: int, found: Sequence[Position]) -> None:
    for position in found:
        column = index.get(position.slot)
        if column is not None:  # of several positions of one message the last counts
            layout.ids[call, column] = in_scope(scope, position.prefix)
            layout.ends[call, column] = position.end
    reach = found[-LOOK_BACK:]
    if reach:
        layout.last_ids[call, -len(reach) :] = [in_scope(scope, position.prefix) for position in reach]
        layout.last_ends[call, -len(reach) :] = [position.end for position in reach]


SHARED_START = Slot("system", "system:0")
"""The place of the one mark a transcript shows: the end of what all sessions of a program start with."""


def _transcripts(requests: Requests) -> Iterator[tuple[int, Chain]]:
    """Each call without a body, in order, and its session as it stands with it.

    A call starts with all that its predecessor had cached; where it read less although the entry must have been
    alive (a gap of under four minutes), its prefix changed after what it read. What the first call of a session read
    was written by another one: sessions that start with the same number of tokens read start with the same prefix.
    """
    without = np.array([not has_positions(text) for text in requests.prefixes], dtype=bool) & requests.has_session
    chains: dict[int, Chain] = {}
    for call in np.flatnonzero(without).tolist():
        lane = int(requests.lane[call])
        chain = chains.get(lane)
        if chain is None:
            scope, model = int(requests.scope[call]), int(requests.model[call])
            chain = chains[lane] = Chain(lane, scope, model, int(requests.billed[call, 1]))
        chain.grow(int(requests.start_us[call]), *requests.billed[call].tolist())
        yield call, chain


def prompt_at(layout: Layout, requests: Requests, call: int, marked: Sequence[Slot]) -> tuple[Prompt, dict[Slot, int]]:
    """A call as the exact rules take it, and the position of each place in it that has one.

    Positions are those within reach of the tail and the other marked places before them: what else lies between can
    carry no entry, because no mark is ever set there.
    """
    known: dict[int, int] = {}
    for slot in marked:
        if slot != TAIL:
            column = layout.slots.index(slot)
            if layout.ids[call, column]:
                known[int(layout.ends[call, column])] = int(layout.ids[call, column])
    last = zip(layout.last_ids[call].tolist(), layout.last_ends[call].tolist(), strict=True)
    known |= {end: prefix for prefix, end in last if prefix}
    ends = sorted(known)
    places: dict[Slot, int] = {}
    for slot in marked:
        column = -1 if slot == TAIL else layout.slots.index(slot)
        prefix = layout.last_ids[call, -1] if slot == TAIL else layout.ids[call, column]
        end = layout.last_ends[call, -1] if slot == TAIL else layout.ends[call, column]
        if prefix:
            places[slot] = ends.index(int(end))
    total = int(requests.billed[call].sum())
    return Prompt(scope=0, prefix_ids=[known[end] for end in ends], ends=ends, prompt_tokens=total), places


_STOPS = {"": Stop.UNKNOWN, "tool_use": Stop.TOOL_USE, "end_turn": Stop.END_TURN}
_INPUT_CLASSES = ("uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")


def _begins(start: Ints, first: Any, end: Any) -> Ints:
    """When a response began: its first token, else its end, where these lie within ten minutes of the start."""
    found = start.copy()
    for column in (end, first):
        known = np.ma.filled(np.ma.asarray(column), -1).astype(np.int64)
        found = np.where((known >= start) & (known - start <= _LONGEST_ANSWER_US), known, found)
    return found


def _lanes(sessions: Sequence[str], agents: Sequence[str]) -> tuple[Ints, Flags]:
    """A number per session and agent; a call without a session has its own."""
    numbers: dict[tuple[str, str], int] = {}
    lanes = []
    for call, (session, agent) in enumerate(zip(sessions, agents, strict=True)):
        lanes.append(numbers.setdefault((session, agent), len(numbers)) if session else -1 - call)
    return np.array(lanes, dtype=np.int64), np.array([bool(session) for session in sessions], dtype=bool)
