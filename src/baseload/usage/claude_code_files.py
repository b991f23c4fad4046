"""Claude Code transcript files: how one is recognised, and which project it belongs to."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePath

_KINDS = re.compile(rb'"type": ?"(?:assistant|user|summary|file-history-snapshot|queue-operation)"')
_OWN_FIELDS = (b'"parentUuid"', b'"isSidechain"', b'"costUSD"', b'"requestId":"req')
_NOT_SLUG = re.compile(r"[^A-Za-z0-9]")


def recognise(head: bytes, name: str) -> int:
    """2 for lines with a transcript's own fields, 1 for lines that merely could be some."""
    if b'"sessionId"' in head and any(mark in head for mark in _OWN_FIELDS):
        return 2
    if not _KINDS.search(head):
        return 0
    has_usage = b'"usage"' in head or b'"leafUuid"' in head
    return int(name.lower().endswith((".jsonl", ".jsonl.gz")) and has_usage)


def project_slug(path: str) -> str:
    """The project folder of a transcript: what follows `projects`, else the folder the session's file is in.

    >>> project_slug("/u/.claude/projects/-src-shop/5f/subagents/agent-1.jsonl"), project_slug("-src-shop/5f.jsonl")
    ('-src-shop', '-src-shop')
    """
    parts = PurePath(path).parts[:-1]
    if "projects" in parts[:-1]:
        return parts[parts.index("projects") + 1]
    if len(parts) >= 3 and parts[-1] == "subagents":
        return parts[-3]
    return parts[-1] if parts else ""


@lru_cache(maxsize=1024)
def workspace_of(slug: str, cwd: str) -> str:
    """A readable name of the project: the folder of `cwd` that the slug was made of, else the slug itself.

    >>> workspace_of("-home-ada-my-shop", "/home/ada/my-shop/src")
    'my-shop'
    """
    folder = PurePath(cwd.replace("\\", "/"))
    for candidate in (folder, *folder.parents):
        if candidate.name and _NOT_SLUG.sub("-", str(candidate)) == slug:
            return candidate.name
    return slug if slug.startswith("-") or not folder.name else folder.name
