"""The second half of the cascade: several programs behind one key, told apart by template, system prompt and tools.

Only calls can be split; an aggregate row stays with its owner, and so does what no part explains.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from baseload.workloads.key import Key
from baseload.workloads.signature import Signature

MIN_SHARE = 0.05
"""A part must hold this share of its owner's spend, or it stays with the owner: fewer decisions than prompts."""
MIN_CALLS = 10
"""…and this many calls, so that a folder of experiments is not a list of workloads."""
EXPLAINED = 0.8
"""A template is a program's and not a popular opening line when big templates hold this share of the calls that
have the same system prompt and tools: a chat application's first messages never do."""

_WHY = {
    "template": "{calls} calls of {owner} share one prompt opening once numbers, dates and ids are masked.",
    "near_duplicate": "Prompts of {owner} whose leading blocks are mostly the same text: versions of one prompt.",
    "system": "{calls} calls of {owner} share one system prompt; their messages have nothing in common.",
    "project": "{calls} calls of {owner} in one project, which holds a good part of its spend.",
    "structure": "{calls} calls of {owner} share one set of tools and request features; no prompt text was seen.",
}
_STAGES = {"system": "template", "project": "owner"}


class Member(NamedTuple):
    """One signature with what it weighs."""

    row: Signature
    spend_nano: int
    calls: int
    family: str  # template id of its near-duplicate family's oldest member; its own template id without one
    family_size: int = 1


class Unit(NamedTuple):
    """A possible part of a group: what kind, and the value that defines it."""

    kind: str  # template | system | structure | project
    value: str


def split(base: Key, members: Sequence[Member], pinned: AbstractSet[str]) -> dict[str, Key]:
    """Signature -> key for the members of one base group: the base itself, or a part of it.

    `pinned` ids are parts that `baseload.toml` names: they stay parts however small they have become.
    """
    calls = [member for member in members if member.row.is_call]
    if not base.splits or not calls:
        return {member.row.signature: base for member in members}
    weigh = _weigher(calls)
    units = _units(base, calls, weigh, pinned)
    keys = _keys_of(base, calls, units)
    if not _worth_it(set(keys.values()), calls, units, weigh, pinned):
        return {member.row.signature: base for member in members}
    return {member.row.signature: keys.get(units.get(member.row.signature, Unit("", "")), base) for member in members}


def _weigher(calls: Sequence[Member]) -> Callable[[Member], int]:
    """Spend; calls where nothing of the group is priced, so that unknown models still split."""
    if any(member.spend_nano for member in calls):
        return lambda member: member.spend_nano
    return lambda member: member.calls


def _units(
    base: Key, calls: Sequence[Member], weigh: Callable[[Member], int], pinned: AbstractSet[str]
) -> dict[str, Unit]:
    """Signature -> its unit, finest that is material: template, else system prompt, else tools and features.

    The calls of a tool that works on many projects are told apart by project alone: its prompts are all alike.
    """
    total = sum(map(weigh, calls))
    assigned: dict[str, Unit] = {}
    left = list(calls)
    for unit_of, test in _LEVELS[base.splits]:
        groups = _grouped(left, unit_of)
        material = {
            unit for unit, group in groups.items() if _is_material(group, weigh, total) or unit_id(base, unit) in pinned
        }
        if test:
            explained = test(left, material, weigh)
            material = {unit for unit in material if unit in explained or unit_id(base, unit) in pinned}
        for unit in material:
            assigned.update((member.row.signature, unit) for member in groups[unit])
        left = [member for member in left if member.row.signature not in assigned]
    return assigned


def unit_id(base: Key, unit: Unit) -> str:
    """The id a part of a base group has or would have."""
    return base.within(unit.kind, unit.kind, unit.value, "").id


def _is_material(group: Sequence[Member], weigh: Callable[[Member], int], total: int) -> bool:
    enough_calls = sum(member.calls for member in group) >= MIN_CALLS
    return enough_calls and sum(map(weigh, group)) >= MIN_SHARE * total


def _explains(calls: Sequence[Member], material: AbstractSet[Unit], weigh: Callable[[Member], int]) -> set[Unit]:
    """Templates that are programs: among calls of their context, material templates hold EXPLAINED of the weight."""
    weight: defaultdict[str, int] = defaultdict(int)
    solid: defaultdict[str, int] = defaultdict(int)
    for member in calls:
        context = _context(member.row)
        weight[context] += weigh(member)
        if _template_unit(member) in material:
            solid[context] += weigh(member)
    around: defaultdict[Unit, set[str]] = defaultdict(set)
    for member in calls:
        unit = _template_unit(member)
        if unit is not None and unit in material:
            around[unit].add(_context(member.row))
    return {
        unit
        for unit, contexts in around.items()
        if contexts == {""} or sum(solid[c] for c in contexts) >= EXPLAINED * sum(weight[c] for c in contexts)
    }


def _context(row: Signature) -> str:
    """What surrounds a template: the system prompt, else the tools; "" where there is neither."""
    return row.system_fp or (f"tools:{row.tools_fp}" if row.tools_fp else "")


def _template_unit(member: Member) -> Unit | None:
    return Unit("template", member.family) if member.family else None


def _system_unit(member: Member) -> Unit | None:
    return Unit("system", member.row.system_fp) if member.row.system_fp else None


def _structure_unit(member: Member) -> Unit | None:
    """Tools always; features only where no prompt was seen, because one prompt may use a feature now and then."""
    row = member.row
    features = "" if row.saw_prompt else row.request_features
    return Unit("structure", f"{row.tools_fp}|{features}") if row.tools_fp or features else None


def _project_unit(member: Member) -> Unit | None:
    return Unit("project", member.row.workspace) if member.row.workspace else None


_LEVELS: dict[str, tuple[tuple[Callable[[Member], Unit | None], Callable[..., set[Unit]] | None], ...]] = {
    "prompts": ((_template_unit, _explains), (_system_unit, None), (_structure_unit, None)),
    "projects": ((_project_unit, None),),
}


def _grouped(calls: Iterable[Member], unit_of: Callable[[Member], Unit | None]) -> Mapping[Unit, list[Member]]:
    groups: defaultdict[Unit, list[Member]] = defaultdict(list)
    for member in calls:
        unit = unit_of(member)
        if unit is not None:
            groups[unit].append(member)
    return groups


def _worth_it(
    parts: AbstractSet[Key],
    calls: Sequence[Member],
    units: Mapping[str, Unit],
    weigh: Callable[[Member], int],
    pinned: AbstractSet[str],
) -> bool:
    """Two parts, or one part beside a material rest; one part that is nearly everything is the owner itself."""
    if len(parts) >= 2 or any(part.id in pinned for part in parts):
        return True
    rest = [member for member in calls if member.row.signature not in units]
    return bool(parts) and _is_material(rest, weigh, sum(map(weigh, calls)))


def _keys_of(base: Key, calls: Sequence[Member], units: Mapping[str, Unit]) -> dict[Unit, Key]:
    members: defaultdict[Unit, list[Member]] = defaultdict(list)
    for member in calls:
        if member.row.signature in units:
            members[units[member.row.signature]].append(member)
    keys = {}
    for unit, group in members.items():
        versions = max(member.family_size for member in group)
        kind = "near_duplicate" if unit.kind == "template" and versions > 1 else unit.kind
        why = _WHY[kind].format(owner=base.name, calls=f"{sum(member.calls for member in group):,}")
        keys[unit] = base.within(_STAGES.get(kind, kind), unit.kind, unit.value, why)
    return keys
