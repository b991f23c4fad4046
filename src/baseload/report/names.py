"""Text that came from outside, made safe to read: one line, no control or direction characters, shortened.

Escaping for HTML is the template's job; this is about what a *reader* would be misled by. U+FFFD marks each removed
character, so that two names which differ only in invisible ones do not look alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

SHOWN = 64
"""Characters of a name on a page."""
TITLE = 300
"""Characters of the longer form: a tooltip, a sentence, a path."""
PROSE = 500
"""Characters of a sentence."""
_LEADING = 4_000  # a longer text is cut before it is cleaned, so that cost stays bounded
_SPACES = re.compile(r"[ \t\r\n\f\v]+")  # not the no-break space: it holds a figure and its unit together
_NOT_ANCHOR = re.compile(r"[^A-Za-z0-9_-]+")
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format (direction marks, zero width), lone surrogates, breaks
_JOINERS = "\u200c\u200d"  # needed to spell some languages and emoji


def clean(text: str, most: int = TITLE) -> str:
    """`text` on one line without hidden characters, at most `most` characters long.

    >>> clean("pay\u202eroll\\n\\tteam")
    'pay�roll team'
    """
    return legible(text.strip(), most)


def legible(text: str, most: int) -> str:
    """As `clean`, with the spaces at both ends kept: for pieces that are put together."""
    one_line = _SPACES.sub(" ", text[:_LEADING])
    visible = "".join("�" if _is_hidden(character) else character for character in one_line)
    cut = len(visible) > most or len(text) > _LEADING
    return visible[: most - 1].rstrip() + "…" if cut else visible


def shorten(text: str) -> str:
    """A name as a page shows it."""
    return clean(text, SHOWN)


def sentence(text: str) -> str:
    """Text as a sentence of its own: a capital first, a full stop last.

    >>> sentence("no invoice was given"), sentence("100 %?"), sentence("")
    ('No invoice was given.', '100 %?', '')
    """
    read = clean(text, PROSE)
    ended = not read or read[-1] in ".!?…"
    return read[:1].upper() + read[1:] + ("" if ended else ".")


def readers(sources: Iterable[str]) -> str:
    """The names of readers without the columns each was grouped by, each said once.

    >>> readers(["analytics_api/key+model", "analytics_api/model", "messages"])
    'analytics_api, messages'
    """
    return clean(", ".join(dict.fromkeys(source.partition("/")[0] for source in sources)))


def path(text: str) -> str:
    """A path as a page shows it: its end tells most, so the beginning gives way.

    >>> path("a/" + "long/" * 20 + "calls.jsonl")
    '…/long/long/long/long/long/long/long/long/long/long/calls.jsonl'
    """
    read = clean(text, _LEADING)
    if len(read) <= SHOWN:
        return read
    end = read[-(SHOWN - 1) :]
    return "…" + (end[end.index("/") :] if "/" in end[:-1] else end)


def anchor(prefix: str, identity: str) -> str:
    """A fragment for links, the same on every run.

    >>> anchor("w", "9f2c <x>")
    'w-9f2c-x-'
    """
    return f"{prefix}-{_NOT_ANCHOR.sub('-', identity)[:64]}"


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN and character not in _JOINERS
