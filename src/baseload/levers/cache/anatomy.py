"""What a workload's request looks like, part by part, today and under a plan: sizes and kinds, never a word of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from baseload.levers.cache.chances import Marks
from baseload.levers.cache.prompts import TAIL, TOOLS, Slot, Unit, has_positions, positions_of
from baseload.levers.cache.structure import MOST_LOOKED_AT, Part, Structure, listed
from baseload.levers.options import Section
from baseload.usage.prefix_text import Entry, entries_of
from baseload.usage.volatile import VOLATILE_KINDS

OFTEN = 0.5
"""A mark is shown where at least this share of the calls carries it."""
STEADY = 0.9
"""A part is called the same in every call when a typical call's piece occurs in at least this share of them."""


class RequestPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a request: its mean size in a call that has it, what is said of it, and the mark behind it."""

    section: Section
    name: str
    tokens: int
    said: str
    mark: str = ""  # "5m" | "1h" | ""
    repeat_share: float | None = None  # of its calls, how many have a typical call's very text; None: not counted
    volatile: bool = False  # it changes although a later part repeats


class Anatomy(msgspec.Struct, frozen=True, kw_only=True):
    """A request before and after, and the difference line by line (`-` goes, `+` comes, a blank stays)."""

    before: tuple[RequestPart, ...]
    after: tuple[RequestPart, ...]
    diff: tuple[str, ...]


def anatomy_of(prefixes: Sequence[str], structure: Structure, marks: Marks, *, moves: bool) -> Anatomy:
    """The anatomy of calls with bodies; empty where there are none."""
    step = max(1, len(prefixes) // MOST_LOOKED_AT)
    calls = [list(entries_of(text)) for text in prefixes[::step] if has_positions(text)]
    if not calls:
        return Anatomy(before=(), after=(), diff=())
    today, planned = _marks_today(calls), dict(marks)
    before = _parts(calls, structure, today, frozenset())
    after = _parts(calls, structure, planned, structure.moved_units if moves else frozenset())
    return Anatomy(before=before, after=after, diff=tuple(_diff(before, after)))


def _parts(
    calls: Sequence[Sequence[Entry]], structure: Structure, marks: Mapping[Slot, str], moved: frozenset[Unit]
) -> tuple[RequestPart, ...]:
    found = []
    tools = _mean(calls, "t")
    if tools:
        found.append(
            RequestPart(
                section="tools",
                name="tools",
                tokens=tools,
                said="definitions",
                mark=marks.get(TOOLS, ""),
                repeat_share=_repeated(calls, "t"),
            )
        )
    last = {part.unit.block: part.unit for part in structure.parts if part.unit not in moved}
    for part in structure.parts:
        if part.unit not in moved:
            ends = last[part.unit.block] == part.unit
            mark = marks.get(Slot("system", f"system:{part.unit.block}"), "") if ends else ""
            found.append(_system(part, mark, structure.moved_units))
    messages = _mean(calls, "urachy")
    mark = marks.get(TAIL, "")
    for slot, ttl in marks.items():
        if slot.section == "messages" and slot != TAIL:
            found.append(RequestPart(section="messages", name=slot.after, tokens=0, said="ends here", mark=ttl))
    found.append(
        RequestPart(
            section="messages",
            name="messages",
            tokens=messages,
            said="all of the conversation",
            mark=mark,
            repeat_share=_repeated(calls, "urachy"),
        )
    )
    found += [_system(part, "", structure.moved_units) for part in structure.parts if part.unit in moved]
    return tuple(found)


def _system(part: Part, mark: str, volatile: frozenset[Unit]) -> RequestPart:
    piece = f", piece {part.unit.piece + 1}" if part.unit.piece else ""
    if part.repeats >= STEADY * part.calls:
        said = "the same in every call"
    elif part.kinds:
        said = f"{listed([VOLATILE_KINDS[kind] for kind in part.kinds])} change"
    else:
        said = f"a typical text comes in {part.repeats / part.calls:.0%} of the calls"
    return RequestPart(
        section="system",
        name=f"system block {part.unit.block + 1}{piece}",
        tokens=part.tokens,
        said=said,
        mark=mark,
        repeat_share=part.repeats / part.calls,
        volatile=part.unit in volatile,
    )


def _mean(calls: Sequence[Sequence[Entry]], kinds: str) -> int:
    """Mean tokens of these kinds in the calls that have any."""
    sums = [sum(entry.tokens for entry in entries if entry.kind in kinds) for entries in calls]
    having = [tokens for tokens in sums if tokens]
    return sum(having) // len(having) if having else 0


def _repeated(calls: Sequence[Sequence[Entry]], kinds: str) -> float | None:
    """Of the calls with entries of these kinds, how many have the very ones of a typical call; None of none."""
    texts = [tuple(entry.digest for entry in entries if entry.kind in kinds) for entries in calls]
    counts = Counter(text for text in texts if text)
    having = counts.total()
    return sum(count * count for count in counts.values()) / having**2 if having else None


def _marks_today(calls: Sequence[Sequence[Entry]]) -> dict[Slot, str]:
    """The marks most calls carry, by place; one on the last position counts as the tail."""
    counts: Counter[tuple[Slot, str]] = Counter()
    for entries in calls:
        placed = [entry for entry in entries if not entry.goes_on and not entry.is_settings]
        positions = list(positions_of(entries))
        for entry, position in zip(placed, positions, strict=True):
            if entry.mark:
                is_tail = position is positions[-1]
                counts[TAIL if is_tail else position.slot, entry.mark] += 1
    return {slot: ttl for (slot, ttl), count in sorted(counts.items()) if count >= OFTEN * len(calls)}


def _diff(before: Sequence[RequestPart], after: Sequence[RequestPart]) -> list[str]:
    """Lines of both, told apart by name: a part that moved goes and comes."""
    order = [part.name for part in after]
    kept = [part for part in before if part.name in order and order.index(part.name) <= _place(before, part)]
    names = {part.name for part in kept}
    old = {part.name: part for part in before}
    lines = [f"- {_line(part)}" for part in before if part.name not in names]
    for part in after:
        if part.name not in names:
            lines.append(f"+ {_line(part)}")
        elif part.mark == old[part.name].mark:
            lines.append(f"  {_line(part)}")
        else:
            lines += [f"- {_line(old[part.name])}", f"+ {_line(part)}"]
    return lines


def _place(parts: Sequence[RequestPart], part: RequestPart) -> int:
    return [other.name for other in parts].index(part.name)


def _line(part: RequestPart) -> str:
    size = f"about {part.tokens:,} tokens, " if part.tokens else ""
    return f"{part.name}: {size}{part.said}" + (f"  [cache mark {part.mark}]" if part.mark else "")
