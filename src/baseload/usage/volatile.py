"""What changes from call to call in a text: dates, times, ids, counters, recognised by their form.

Texts are compared by what is left when these words are masked, and by one fingerprint per kind of word: so "only the
time of day differs" can be said of two calls without keeping a word of either.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from baseload.values import OrgKey

VOLATILE_KINDS: Final = {"t": "time stamp", "d": "date", "i": "id", "e": "e-mail address", "n": "number"}
MASKED_CUE: Final = "#"
"""The cue of an entry's text with all these words masked."""
MOST_CHARS: Final = 8_192
"""Longer texts are not looked through: what changes in them is seldom a date."""

CHANGES_PER_CALL: Final = re.compile(r"[\d@]").search
_CALENDAR_WORDS = (
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tue Wed Thu Fri Sat Sun January February March April "
    "June July August September October November December Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec"
)
CALENDAR: Final = frozenset(_CALENDAR_WORDS.split())

_HEX_DIGITS = 6
_CLOCK = re.compile(r"\d{1,2}:\d{2}|\dT\d{2}|(?<!\d)1[5-9]\d{8}(?:\d{3})?(?!\d)").search
_DATE = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)|(?<!\d)\d{1,2}[./]\d{1,2}[./]\d{2,4}(?!\d)").search
_ID = re.compile(r"\d{5,}|(?=[^\d\s]*\d)(?=[\d_\-]*[A-Za-z])[0-9A-Za-z]*[0-9A-Za-z_\-]{8,}").search


def is_volatile(word: str) -> bool:
    """Whether a word is of a kind that changes per call."""
    return CHANGES_PER_CALL(word) is not None or word.rstrip(",.;:") in CALENDAR


def kind_of(word: str) -> str:
    """The letter of `VOLATILE_KINDS` of a volatile word.

    >>> [kind_of(word) for word in ("09:30:00", "2026-11-22", "Monday,", "ada@example.com", "8841-77421", "3.")]
    ['t', 'd', 'd', 'e', 'i', 'n']
    """
    if "@" in word:
        return "e"
    if _CLOCK(word):
        return "t"
    if _DATE(word) or not CHANGES_PER_CALL(word):
        return "d"
    return "i" if _ID(word) else "n"


@lru_cache(maxsize=512)  # system prompts repeat
def volatile_cues(text: str, org_key: OrgKey) -> str:
    """Cues of a text as `prefix_text` writes them: one per kind of volatile word in it, and its masked form.

    "" for a text without such words, or a longer one than `MOST_CHARS`.
    """
    if len(text) > MOST_CHARS:
        return ""
    words: dict[str, list[str]] = {}
    masked = []
    for word in text.split():
        if is_volatile(word):
            words.setdefault(kind_of(word), []).append(word)
            masked.append("#")
        else:
            masked.append(word)
    if not words:
        return ""
    cues = [MASKED_CUE + _short(org_key, " ".join(masked))]
    cues += [kind + _short(org_key, " ".join(found)) for kind, found in sorted(words.items())]
    return "".join(cues)


def _short(org_key: OrgKey, text: str) -> str:
    return org_key.fingerprint("cue", text)[:_HEX_DIGITS]
