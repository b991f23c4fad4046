"""Which of a caller's own tags name a workload, and which only name who runs it."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

WHOLE = ("workload", "workload_name", "workload_id")
"""A tag that says it all: nothing else is looked at."""
PLACE = ("app", "application", "app_name", "service", "service_name", "product", "system")
"""Where the call is made; alone it names a workload, with a PART it names the place of the part."""
PART = (
    "use_case", "usecase", "feature", "job", "job_name", "pipeline", "workflow", "component", "module",
    "prompt_name", "endpoint", "task", "step",
)  # fmt: skip
"""What is done there, finest meaning first: the first one present is used."""
OWNER = ("project", "project_name", "project_id", "team", "team_id", "team_name", "team_alias", "squad", "department")
"""Who runs it: an owner, which may run several workloads."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATOR = re.compile(r"[\s.\-/]+")


class NamedBy(msgspec.Struct, frozen=True):
    """The tags of one call that name its workload or its owner, as (tag, value) with normalised tag names."""

    workload: tuple[tuple[str, str], ...] = ()
    owner: tuple[tuple[str, str], ...] = ()


@lru_cache(maxsize=4096)
def read_tags(tags: str) -> dict[str, str]:
    """Tags of a canonical JSON object, normalised names to text values; {} for "" and for anything unreadable.

    Lists and objects under a tag are not labels and are left out. Do not change the result: it is shared.
    """
    try:
        found = msgspec.json.decode(tags or "{}")
    except msgspec.DecodeError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {tag_name(key): _text(value) for key, value in sorted(found.items()) if _text(value)}


def tag_name(key: str) -> str:
    """One spelling for every tag: `useCase`, `use-case` and `Use Case` are `use_case`; a `x-`, `user.` head goes.

    >>> tag_name("useCase"), tag_name("service.name"), tag_name("X-App")
    ('use_case', 'service_name', 'app')
    """
    name = _SEPARATOR.sub("_", _CAMEL.sub("_", key.strip())).lower().strip("_")
    for head in ("x_", "user_metadata_", "metadata_", "helicone_property_"):
        name = name.removeprefix(head)
    return name


def named_by(tags: str) -> NamedBy:
    """The labels that define a group. Values are compared without case and outer blanks."""
    present = read_tags(tags)
    whole = _first(present, WHOLE)
    if whole:
        return NamedBy(workload=whole, owner=())
    return NamedBy(workload=_first(present, PLACE) + _first(present, PART), owner=_each(present, OWNER))


def _first(present: dict[str, str], names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return next((((name, present[name].casefold()),) for name in names if name in present), ())


def _each(present: dict[str, str], names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The first project-like and the first team-like tag: a project without its team is the same project."""
    return _first(present, names[:3]) or _first(present, names[3:])


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()
