"""Names as logs write them, fit to be stored and shown: no key that slipped in, no text without end."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

MOST_CHARS: Final = 200
"""No model, profile or deployment has a longer name."""
_KEY: Final = re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{8,}")


def masked(text: str) -> str:
    """The text with anything that looks like an API key replaced.

    >>> masked("claude via sk-ant-api03-abcdefgh")
    'claude via sk-…'
    """
    return _KEY.sub("sk-…", text) if "sk-" in text else text


@lru_cache(maxsize=4096)
def model_text(raw: str) -> str:
    """A model's name as logged, without key material and at most 200 characters long.

    >>> model_text("claude-haiku-4-5"), len(model_text("x" * 1000))
    ('claude-haiku-4-5', 200)
    """
    text = masked(raw[: 20 * MOST_CHARS])
    return text if len(text) <= MOST_CHARS else text[: MOST_CHARS - 1] + "…"
