"""Text and values made comparable: what counts as the same before anybody grades."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from baseload.quality.graders.answers import Answer

_AROUND: Final = " \t\r\n\"'`*_.,:;!?()[]{}<>“”‘’«»"
_JOINED: Final = re.compile(r"(?<=\w)(?:-|_)+(?=\w)|_")
_SPACE: Final = re.compile(r"\s+")


def plain(text: str) -> str:
    """Text without differences nobody reads: Unicode compatibility forms, case, runs of white space.

    >>> plain("  Ｒefund\\u00a0 DUE ")
    'refund due'
    """
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def label(text: str) -> str:
    """A class name as it is compared: plain, without quotes, marks and underscores around and between words.

    >>> label('**"Card_Payment  fee"**.')
    'card payment fee'
    >>> label("-1"), label("+"), label("!")
    ('-1', '+', '!')
    """
    found = plain(text)
    return _SPACE.sub(" ", _JOINED.sub(" ", found.strip(_AROUND))).strip() or found


def same_text(a: Answer, b: Answer) -> bool:
    """Equal but for white space at line ends, and the same tool calls."""
    return lines(a.text) == lines(b.text) and same_value(
        [(call.name, call.input) for call in a.tool_calls], [(call.name, call.input) for call in b.tool_calls]
    )


def lines(text: str) -> tuple[str, ...]:
    """The lines of a text in composed Unicode, without white space at their ends nor empty ones around."""
    return tuple(line.rstrip() for line in unicodedata.normalize("NFC", text).strip().splitlines())


def same_value(a: Any, b: Any) -> bool:
    """Equal JSON values: true is not 1, 1 is 1.0, keys in any order."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_value(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same_value, a, b))
    return bool(a == b) and (isinstance(a, (int, float)) == isinstance(b, (int, float)))
