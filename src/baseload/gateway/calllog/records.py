"""The records of the call log. They are defined beside their reader, in `baseload.usage.gateway_records`."""

from __future__ import annotations

import secrets
from typing import Final

from baseload.usage.gateway_records import (
    SCHEMA,
    End,
    Head,
    LogRecord,
    Note,
    Outcome,
    Purpose,
    Seal,
    Start,
    booked_nano,
    line_of,
)

__all__ = [
    "SCHEMA",
    "End",
    "Head",
    "LogRecord",
    "Note",
    "Outcome",
    "Purpose",
    "Seal",
    "Start",
    "booked_nano",
    "line_of",
    "new_replica_id",
]

_RANDOM_BYTES: Final = 6


def new_replica_id(name: str) -> str:
    """The id of one process start: a name people know it by, and random digits, since (replica_id, seq) never repeats.

    Letters, digits, `-` and `_` of the name are kept: it becomes part of file names.
    """
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in name)[:60] or "gateway"
    return f"{kept}.{secrets.token_hex(_RANDOM_BYTES)}"
