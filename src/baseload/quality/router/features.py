"""What a router sees of a prompt: hashed words and word pairs, its surface, its levels (category, tools, session).

Nothing here reads an answer or its token counts: they are not known when the route is chosen. Text is cut to its
beginning and its end, so that a decision costs the same however long the prompt is.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BUCKETS: Final = 1024
"""Hashed words and pairs share so many buckets; 2,048 gained nothing on the tables at hand."""
KNOWN_BUCKETS: Final = 1 << 16
"""Words are remembered, for novelty, in so many."""
NUMBERS: Final = ("turn", "messages", "tools", "tool_results", "attachments", "max_tokens")
"""Optional columns, counts known before the call."""
LEVELS: Final = ("agent", "system_fp", "tools_fp")
"""Optional columns, names known before the call."""
_HEAD: Final = 750
_TAIL: Final = 250
"""Characters of a prompt that are looked at, in fitting and in deciding: hashing words is most of a decision's time."""
_WORD: Final = re.compile(r"\w+|[^\w\s]")
_MEMORY: Final = 200_000


class _Hashes(dict[str, int]):
    """Hashes of words already met; emptied when it grows large, so that its memory is bounded."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _MEMORY:
            self.clear()
        found = self[word] = zlib.crc32(word.encode("utf-8", "surrogatepass"))
        return found


_HASHES: Final = _Hashes()
_FIRST, _SECOND, _SPREAD = np.uint64(0x85EBCA6B), np.uint64(0xC2B2AE35), np.uint64(0x9E3779B97F4A7C15)
_HALF, _FOLD, _PAIR = np.uint64(16), np.uint64(29), np.uint64(7)


def shortened(text: str) -> str:
    """The text itself, or its beginning and its end."""
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n{text[-_TAIL:]}"


def words(text: str) -> NDArray[np.uint64]:
    """Hashes of the words and signs of a shortened text, in order."""
    return np.fromiter(map(_HASHES.__getitem__, _WORD.findall(text.lower())), dtype=np.uint64)


def bucket_counts(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """How often each bucket is met by a word or a pair of neighbours."""
    pairs = hashes[:-1] * _FIRST + hashes[1:] * _SECOND + _PAIR
    mixed = np.concatenate((hashes, pairs))
    mixed = (mixed ^ (mixed >> _HALF)) * _SPREAD
    return np.bincount(((mixed ^ (mixed >> _FOLD)) & np.uint64(BUCKETS - 1)).astype(np.int64), minlength=BUCKETS)


def known_buckets(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The distinct buckets of the words, for novelty."""
    return np.unique((hashes & np.uint64(KNOWN_BUCKETS - 1)).astype(np.int64))


SURFACE: Final = (
    "characters", "words", "characters_a_word", "digit_share", "digits", "lines", "questions", "formulas", "brackets",
    "commas", "upper_share", "quotes",
)  # fmt: skip
LENGTH: Final = 2
"""The first so many features of the surface are the length alone."""


def surface(text: str, whole: int) -> list[float]:
    """The features of `SURFACE` of a shortened text whose whole length is `whole` characters."""
    size = len(text) or 1
    found = np.frombuffer(text.encode("ascii", "ignore"), dtype=np.uint8)
    spaces, lines, digits, upper, questions, formulas, brackets, commas, quotes = (
        _COUNTS @ np.bincount(found, minlength=_ASCII)
    ).tolist()
    return [
        float(whole), spaces + 1, size / (spaces + 1), digits / size, digits, lines, questions, formulas, brackets,
        commas, upper / size, quotes,
    ]  # fmt: skip


_ASCII: Final = 128


def _counts() -> Floats:
    """Which signs count for which feature: a row a feature, a column a sign."""
    kinds = (
        " \n", "\n", "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "?", "$\\", "{([", ",.", "\"'",
    )  # fmt: skip
    found = np.zeros((len(kinds), _ASCII))
    for at, signs in enumerate(kinds):
        found[at, [ord(sign) for sign in signs]] = 1
    return found


_COUNTS: Final = _counts()
_COUNTED: Final = np.array([name not in ("characters_a_word", "digit_share", "upper_share") for name in SURFACE])


def scaled_surface(values: Floats) -> Floats:
    """Counts by their logarithm, shares as they are; rows or one row."""
    return np.where(_COUNTED, np.log1p(values), values)
