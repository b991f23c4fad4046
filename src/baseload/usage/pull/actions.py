"""What the pull asks its shell to do, and what the shell brings back."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from baseload.usage.pull.state import PullState


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for one page. The shell adds the key and sends back a Reply."""

    path: str
    params: tuple[tuple[str, str], ...]
    beta: str = ""


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Pause."""

    seconds: float
    why: str


class Save(msgspec.Struct, frozen=True, kw_only=True):
    """Write a page (name "" = none), then the state, each atomically and in this order."""

    state: PullState
    name: str = ""
    content: bytes = b""


class Remove(msgspec.Struct, frozen=True, kw_only=True):
    """Write the state, then remove pages that it no longer names."""

    state: PullState
    names: tuple[str, ...]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, or why there is none (`status` 0: refused, torn or timed out)."""

    status: int
    body: bytes = b""
    retry_after: float | None = None  # seconds
    organization_id: str = ""
    date: str = ""  # the server's clock, ISO 8601 UTC
    error: str = ""


Action: TypeAlias = Send | Wait | Save | Remove
