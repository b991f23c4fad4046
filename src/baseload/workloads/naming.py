"""Readable names: short, from the caller's own words, and never two alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

MAX_NAME = 48
_OPAQUE = re.compile(r"(apikey|wrkspc|sk|key|proj|org|user)[_-]\S{8,}|[0-9a-fA-F-]{16,}")
_ARN_TAIL = re.compile(r"arn:[^/]*[:/](?:assumed-role/|role/|user/|application-inference-profile/)?([^/]+).*")


def readable(value: str, kind: str = "id") -> str:
    """A label as part of a name: letters and digits of any script, the rest hyphens; opaque ids by their last six.

    >>> readable("Ticket Triage (prod)"), readable("apikey_01AbCdEfGhIjKl", "api_key")
    ('ticket-triage-prod', 'key-ghijkl')
    """
    value = _arn_tail(value.strip())
    if is_opaque(value):
        return f"{kind.removeprefix('api_')}-{slug(value)[-6:].strip('-')}"
    return slug(value)


def is_opaque(value: str) -> bool:
    """Whether a label is an id that nobody knows by heart."""
    return bool(_OPAQUE.fullmatch(value))


def slug(text: str) -> str:
    """Lower-case letters and digits joined by single hyphens, at most 48 characters; "unnamed" when nothing is left."""
    kept = "".join(char if char.isalnum() else "-" for char in text.casefold())
    joined = "-".join(part for part in kept.split("-") if part)
    return joined[:MAX_NAME].strip("-") or "unnamed"


def distinct(wanted: Mapping[str, str]) -> dict[str, str]:
    """A name for every id: the wanted one, or with digits of its id where two ids want the same.

    All that collide get digits, so that no name depends on which came first; more digits until none collide.
    """
    for digits in range(4, 13, 4):
        counts = Counter(wanted.values())
        names = {id_: name if counts[name] == 1 else f"{name}-{id_[2 : 2 + digits]}" for id_, name in wanted.items()}
        if len(set(names.values())) == len(names):
            return names
    return {id_: f"{name}-{id_}" for id_, name in wanted.items()}


def _arn_tail(value: str) -> str:
    found = _ARN_TAIL.fullmatch(value) if value.startswith("arn:") else None
    return found[1] if found else value
