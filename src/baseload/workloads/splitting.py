"""The second half of the cascade: several programs behind one key, told apart by system prompt, template and tools.

Only calls can be split; an aggregate row stays with its owner, and so does what no part explains. A part must differ
in more than its words: openings that are alike in tools, cues and size are one program fed with different data.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from baseload.workloads.alike import Member, clusters
from baseload.workloads.key import Key

MIN_SHARE_PERCENT = 5
"""A part must hold this share of its owner's spend, or it stays with the owner: fewer decisions than prompts."""
MIN_CALLS = 10
"""…and this many calls, so that a folder of experiments is not a list of workloads."""
EXPLAINED_PERCENT = 80
"""A system prompt is one template's when that holds this share of its calls, and several when big ones do together:
the first messages of a chat never do."""

_WHY = {
    "template": "{calls} calls of {owner} share one prompt opening once numbers, dates and ids are masked.",
    "near_duplicate": "{calls} calls of {owner}: {versions} openings alike in blocks, or in tools, words and size.",
    "system": "{calls} calls of {owner} share one system prompt, whatever data follows it.",
    "project": "{calls} calls of {owner} in one project, which holds a good part of its spend.",
    "structure": "{calls} calls of {owner} share one set of tools and request features; no prompt text was seen.",
}
_STAGES = {"system": "template", "project": "owner"}


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
    group = _Group(base, calls, pinned)
    units = group.units()
    keys = _keys_of(base, calls, units)
    if not group.worth_it(units, keys):
        return {member.row.signature: base for member in members}
    return {member.row.signature: keys.get(units.get(member.row.signature, Unit("", "")), base) for member in members}


class _Group:
    """The calls of one base group and what they weigh: spend, or their number where nothing of it is priced."""

    def __init__(self, base: Key, calls: Sequence[Member], pinned: AbstractSet[str]) -> None:
        self._base = base
        self._calls = calls
        self._pinned = pinned
        self._priced = any(member.spend_nano for member in calls)
        self._total = self._weight(calls)

    def units(self) -> dict[str, Unit]:
        """Signature -> its part, for the parts that are material: the finest level a call can be told apart at."""
        if self._base.splits == "projects":
            wanted = {member.row.signature: _project_unit(member) for member in self._calls}
            return self._material(self._calls, wanted)
        found = self._material(self._calls, self._by_prompt())
        left = [member for member in self._calls if member.row.signature not in found]
        return found | self._material(left, {member.row.signature: _structure_unit(member) for member in left})

    def worth_it(self, units: Mapping[str, Unit], keys: Mapping[Unit, Key]) -> bool:
        """Two parts, or one beside a material rest; one part that is nearly everything is the owner itself."""
        if len(keys) >= 2 or any(key.id in self._pinned for key in keys.values()):
            return True
        return bool(keys) and self._is_material([one for one in self._calls if one.row.signature not in units])

    def _material(self, calls: Sequence[Member], wanted: Mapping[str, Unit | None]) -> dict[str, Unit]:
        groups: defaultdict[Unit, list[Member]] = defaultdict(list)
        for member in calls:
            unit = wanted[member.row.signature]
            if unit is not None:
                groups[unit].append(member)
        return {
            member.row.signature: unit
            for unit, group in groups.items()
            if self._is_pinned(unit) or self._is_material(group)
            for member in group
        }

    def _by_prompt(self) -> dict[str, Unit | None]:
        """The part a call's prompt puts it in: its template, its system prompt, or neither."""
        found: dict[str, Unit | None] = {}
        for system, calls in _grouped(self._calls, lambda member: member.row.system_fp).items():
            inside = self._inside_system(system, calls) if system else self._without_system(calls)
            found.update(inside)
        for member in self._calls if self._pinned else ():
            named = (Unit("template", member.family), Unit("system", member.row.system_fp))
            found[member.row.signature] = next(filter(self._is_pinned, named), found[member.row.signature])
        return found

    def _inside_system(self, system: str, calls: Sequence[Member]) -> dict[str, Unit | None]:
        """One template's where that is nearly all of it; else the system prompt's own, unless its templates are of
        several kinds."""
        templates = _grouped(calls, lambda member: member.family)
        top = max(templates, key=lambda template: (self._weight(templates[template]), template))
        if top and self._holds(templates[top], calls, EXPLAINED_PERCENT):
            return {member.row.signature: Unit("template", top) for member in calls}
        kinds = self._kinds(templates)
        big = [member for member in calls if member.family in kinds]
        if len(set(kinds.values())) < 2 or not self._holds(big, calls, EXPLAINED_PERCENT):
            return {member.row.signature: Unit("system", system) for member in calls}
        return {
            member.row.signature: Unit("template", kinds[member.family])
            if member.family in kinds
            else Unit("system", system)
            for member in calls
        }

    def _without_system(self, calls: Sequence[Member]) -> dict[str, Unit | None]:
        kinds = self._kinds(_grouped(calls, lambda member: member.family))
        return {
            member.row.signature: Unit("template", kinds[member.family]) if member.family in kinds else None
            for member in calls
        }

    def _kinds(self, templates: Mapping[str, Sequence[Member]]) -> dict[str, str]:
        """Material template -> the oldest template that is alike."""
        named = (Unit("template", template) for template in templates if template)
        return clusters(
            {unit.value: templates[unit.value] for unit in named if self._is_material(templates[unit.value])}
        )

    def _weight(self, calls: Iterable[Member]) -> int:
        return sum(member.spend_nano if self._priced else member.calls for member in calls)

    def _holds(self, part: Sequence[Member], whole: Sequence[Member], percent: int) -> bool:
        return 100 * self._weight(part) >= percent * self._weight(whole)

    def _is_material(self, group: Sequence[Member]) -> bool:
        enough_calls = sum(member.calls for member in group) >= MIN_CALLS
        return enough_calls and 100 * self._weight(group) >= MIN_SHARE_PERCENT * self._total

    def _is_pinned(self, unit: Unit) -> bool:
        return bool(self._pinned) and self._base.within(unit.kind, unit.kind, unit.value, "").id in self._pinned


def _structure_unit(member: Member) -> Unit | None:
    """Tools always; features only where no prompt was seen, because one prompt may use a feature now and then."""
    row = member.row
    features = "" if row.saw_prompt else row.request_features
    return Unit("structure", f"{row.tools_fp}|{features}") if row.tools_fp or features else None


def _project_unit(member: Member) -> Unit | None:
    """The project of a person's own transcripts. A company decides about a tool as a whole: where calls name a key or
    an account they are not told apart."""
    row = member.row
    return Unit("project", row.workspace) if row.workspace and not (row.api_key or row.account) else None


def _grouped(calls: Iterable[Member], label: Callable[[Member], str]) -> dict[str, list[Member]]:
    groups: defaultdict[str, list[Member]] = defaultdict(list)
    for member in calls:
        groups[label(member)].append(member)
    return groups


def _keys_of(base: Key, calls: Sequence[Member], units: Mapping[str, Unit]) -> dict[Unit, Key]:
    members: defaultdict[Unit, list[Member]] = defaultdict(list)
    for member in calls:
        if member.row.signature in units:
            members[units[member.row.signature]].append(member)
    keys = {}
    for unit, group in members.items():
        openings = Counter(member.row.template_id for member in group)
        kind = "near_duplicate" if unit.kind == "template" and _is_family(group) else unit.kind
        counted = f"{sum(member.calls for member in group):,}"
        why = _WHY[kind].format(owner=base.name, calls=counted, versions=len(openings))
        keys[unit] = base.within(_STAGES.get(kind, kind), unit.kind, unit.value, why)
    return keys


def _is_family(group: Sequence[Member]) -> bool:
    """Whether near-duplicates were joined, rather than one template seen under several system prompts."""
    return len({member.family for member in group}) > 1 or any(m.family != m.row.template_id for m in group)
