"""What the prompts of a workload are made of: places a mark may stand, and parts that change too early.

A part is *moved* when a later part of the system prompt is repeated far more often than it: as long as it stands
before, nothing after it can be read. Where it changes is told by its place, so that what is learnt on some calls holds
for others; what it is, by comparing two calls whose texts agree once dates, times, ids and numbers are masked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from baseload.levers.cache.prompts import (
    MOST_SYSTEM_BLOCKS,
    SHARED_START,
    TAIL,
    TOOLS,
    Slot,
    Unit,
    has_positions,
    positions_of,
)
from baseload.usage.prefix_text import Entry, entries_of
from baseload.usage.volatile import MASKED_CUE, VOLATILE_KINDS

MOST_LOOKED_AT = 4_000
"""So many calls, evenly spread, tell a workload's structure."""
TIMES_AS_REPEATED = 2.0
"""A part is moved when a later part is repeated at least so many times as often."""
WORTH_MOVING_TOKENS = 100
"""…and that part has at least so many tokens."""
COMMON_SHARE = 0.3
"""A place for a mark is one that at least this share of the calls has."""
_MOST_MESSAGE_POSITIONS = 40
_KIND_SHARE = 0.2  # of compared pairs of calls: rarer differences are not named


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of the system prompt across calls. `repeats`: in how many calls the piece of a typical call occurs."""

    unit: Unit
    tokens: int
    calls: int
    repeats: float
    kinds: tuple[str, ...]  # letters of `VOLATILE_KINDS`; empty where the text itself differs


class Structure(msgspec.Struct, frozen=True, kw_only=True):
    """The places for marks of a workload's calls, in render order (the tail last), and the parts to move."""

    slots: tuple[Slot, ...]
    moved: tuple[Part, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def moved_units(self) -> frozenset[Unit]:
        return frozenset(part.unit for part in self.moved)


def structure_of(prefixes: Sequence[str], lanes: Sequence[int]) -> Structure:
    """The structure of some calls' prefix texts; calls without a body have a shared start and a tail only."""
    step = max(1, len(prefixes) // MOST_LOOKED_AT)
    looked_at = [(prefixes[at], lanes[at]) for at in range(0, len(prefixes), step)]
    known = [(list(entries_of(text)), lane) for text, lane in looked_at if has_positions(text)]
    if not known:
        return Structure(slots=(SHARED_START, TAIL))
    parts = _parts([entries for entries, _ in known])
    return Structure(slots=_slots(known), moved=_moved(parts), parts=parts)


def named(part: Part) -> str:
    """What a moved part is, in words.

    >>> named(Part(unit=Unit(0, 0), tokens=61, calls=9, repeats=1.0, kinds=("t", "n")))
    'time stamp and number in system block 1 (about 61 tokens)'
    """
    what = listed([VOLATILE_KINDS[kind] for kind in part.kinds]) or "text that changes"
    where = f"system block {part.unit.block + 1}" + (f", piece {part.unit.piece + 1}" if part.unit.piece else "")
    return f"{what} in {where} (about {part.tokens} tokens)"


def kinds_between(one: Entry, other: Entry) -> tuple[str, ...]:
    """Which kinds of words differ where two texts agree otherwise; () where the text itself differs or is unknown."""
    mine, theirs = one.aspects(), other.aspects()
    if MASKED_CUE not in mine or mine.get(MASKED_CUE) != theirs.get(MASKED_CUE):
        return ()
    return tuple(kind for kind in VOLATILE_KINDS if mine.get(kind) != theirs.get(kind))


def _slots(known: Sequence[tuple[list[Entry], int]]) -> tuple[Slot, ...]:
    """Places that enough calls have: end of tools, ends of system blocks, the last message many sessions share."""
    having: Counter[Slot] = Counter()
    lanes_of: dict[int, set[int]] = {}
    shared: list[list[tuple[Slot, int]]] = []
    for entries, lane in known:
        positions = list(positions_of(entries))
        having.update({position.slot for position in positions})
        messages = [each for each in positions if each.slot.section == "messages"][:_MOST_MESSAGE_POSITIONS]
        for position in messages:
            lanes_of.setdefault(position.prefix, set()).add(lane)
        shared.append([(position.slot, position.prefix) for position in messages if position.can_be_marked])
    least = COMMON_SHARE * len(known)
    found = [TOOLS] if having[TOOLS] >= least else []
    system = [Slot("system", f"system:{block}") for block in range(MOST_SYSTEM_BLOCKS)]
    found += [slot for slot in system if having[slot] >= least]
    common = Counter(slot for places in shared for slot in {slot for slot, at in places if len(lanes_of[at]) > 1})
    stable = [slot for slot, calls in common.items() if calls >= least]
    found += sorted(stable, key=lambda slot: int(slot.after.partition(":")[2]))[-1:]
    return (*found, TAIL)


def _parts(calls: Sequence[Sequence[Entry]]) -> tuple[Part, ...]:
    """The pieces of the system prompts by place, in order."""
    at: dict[Unit, list[Entry]] = {}
    for entries in calls:
        block = piece = 0
        for entry in entries:
            if entry.kind == "s":
                at.setdefault(Unit(block, piece), []).append(entry)
                block, piece = (block, piece + 1) if entry.goes_on else (block + 1, 0)
    return tuple(_part(unit, found) for unit, found in sorted(at.items()))


def _part(unit: Unit, found: Sequence[Entry]) -> Part:
    counts = Counter(entry.digest for entry in found)
    pairs = [kinds_between(one, other) for one, other in _differing(found)]
    letters = Counter(kind for kinds in pairs for kind in kinds)
    told = sum(bool(kinds) for kinds in pairs)
    kinds = tuple(kind for kind in VOLATILE_KINDS if letters[kind] > _KIND_SHARE * len(pairs))
    return Part(
        unit=unit,
        tokens=sum(entry.tokens for entry in found) // len(found),
        calls=len(found),
        repeats=sum(count * count for count in counts.values()) / len(found),
        kinds=kinds if 2 * told >= len(pairs) else (),
    )


def _differing(found: Sequence[Entry]) -> Iterable[tuple[Entry, Entry]]:
    """Calls half of the time seen apart that differ in this piece: neighbours may share a date."""
    half = (len(found) + 1) // 2
    return [(one, other) for one, other in zip(found, found[half:], strict=False) if one.digest != other.digest]


def _moved(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Parts with a much more repeated part behind them."""
    found = []
    for place, part in enumerate(parts):
        later = [other for other in parts[place + 1 :] if other.tokens >= WORTH_MOVING_TOKENS]
        best = max((other.repeats * other.calls for other in later), default=0.0)
        if best >= TIMES_AS_REPEATED * part.repeats * part.calls:
            found.append(part)
    return tuple(found)


def after_moving(slot: Slot, structure: Structure) -> Slot:
    """The name of a place once the moved parts are gone: blocks that went whole are no longer counted."""
    if slot.section != "system":
        return slot
    pieces: dict[int, set[Unit]] = {}
    for part in structure.parts:
        pieces.setdefault(part.unit.block, set()).add(part.unit)
    gone = _gone(pieces, structure.moved_units)
    block = int(slot.after.partition(":")[2])
    return Slot("system", f"system:{block - sum(other < block for other in gone)}")


def _gone(pieces: Mapping[int, set[Unit]], moved: frozenset[Unit]) -> list[int]:
    return [block for block, units in pieces.items() if units <= moved]


def listed(words: Sequence[str]) -> str:
    """Words as a list.

    >>> listed(["date", "id", "number"])
    'date, id and number'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
