"""Names and literals that may stand in SQL text: the only two ways anything variable gets into a query."""

from __future__ import annotations

import re

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")


def identifier(name: str) -> str:
    """The name itself, when it is a plain lower-case identifier that needs no quotes on any engine.

    >>> identifier("price_id")
    'price_id'
    """
    if not _IDENTIFIER.fullmatch(name):
        raise ValueError(f"{name!r} is not a plain identifier (lower-case letters, digits, underscores)")
    return name


def quoted(text: str) -> str:
    """A SQL text literal.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
