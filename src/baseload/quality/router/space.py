"""Prompts as rows of numbers: the space a router is fitted in and decides in, and how far from it a text lies."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.quality.router.features import (
    KNOWN_BUCKETS,
    SURFACE,
    bucket_counts,
    known_buckets,
    scaled_surface,
    shortened,
    surface,
    words,
)
from baseload.quality.router.units import Units

Floats = NDArray[np.float64]

_NOTHING: Final = np.zeros(0)
_MOST_LEVELS: Final = 300
_MOST_DEVIATIONS: Final = 3.0
_NOVEL_QUANTILE: Final = 0.995
_LEAST_NOVEL: Final = 0.25
_LONGER: Final = 4
"""A text so many times longer than any fitted one is a stranger, whatever its words."""
_ROWS_A_LEVEL: Final = 3
"""Levels that hold fewer rows than this on average are names, not kinds: a new one is nothing new."""


class Space(msgspec.Struct, frozen=True, kw_only=True):
    """How a prompt becomes numbers: inverse document frequencies, means and deviations of the surface, known levels.

    `known` are the words met at fitting, one bit a bucket, base64; `novel` the share of unknown words above which a
    text is a stranger; `kinds` says whether a category never fitted makes one.
    """

    idf: list[float]
    means: list[float]
    deviations: list[float]
    levels: list[str]
    number_names: list[str]
    level_names: list[str]
    known: str
    novel: float
    longest: int
    kinds: bool


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """The units' rows: text (BUCKETS columns), surface and numbers, levels; `strange` are texts unlike all others."""

    text: NDArray[np.float32]
    surface: Floats
    levels: Floats
    strange: NDArray[np.bool_]


def level_keys(category: str, names: Sequence[str], values: Sequence[str]) -> list[str]:
    """The levels of one prompt, as they are listed in a space."""
    found = [f"category={category}"] if category else []
    return found + [f"{name}={value}" for name, value in zip(names, values, strict=True) if value]


def learned_space(units: Units) -> tuple[Space, Design]:
    """The space of these prompts, and their place in it; strangers are told by all prompts but themselves."""
    texts = [shortened(text) for text in units.texts]
    hashed = [words(text) for text in texts]
    counts = np.array([bucket_counts(one) for one in hashed], dtype=np.float32)
    known = [known_buckets(one) for one in hashed]
    met = np.bincount(np.concatenate(known), minlength=KNOWN_BUCKETS)
    idf = np.log((1 + len(texts)) / (1 + (counts > 0).sum(axis=0))).astype(np.float64)
    unknown = np.array([float((met[one] == 1).mean()) if len(one) else 1.0 for one in known])
    novel = min(1.0, max(_LEAST_NOVEL, float(np.quantile(unknown, _NOVEL_QUANTILE))))
    raw = np.array([surface(text, len(whole)) for text, whole in zip(texts, units.texts, strict=True)])
    rows = np.hstack([scaled_surface(raw), np.log1p(np.abs(units.numbers))])
    keys = [level_keys(units.categories[at], units.level_names, units.levels[at]) for at in range(len(texts))]
    met_levels = Counter(key for named in keys for key in named)
    levels = [name for name, _ in sorted(met_levels.items(), key=_often)][:_MOST_LEVELS]
    kinds = len(set(units.categories)) * _ROWS_A_LEVEL <= len(texts)
    space = Space(
        idf=rounded(idf), means=rounded(rows.mean(axis=0)), deviations=rounded(np.maximum(rows.std(axis=0), 1e-6)),
        levels=levels, number_names=list(units.number_names), level_names=list(units.level_names),
        known=base64.b64encode(np.packbits(met > 0).tobytes()).decode(), novel=novel,
        longest=max(len(text) for text in units.texts), kinds=kinds and any(units.categories),
    )  # fmt: skip
    empty = np.array([not text.strip() for text in units.texts])
    place = {name: at for at, name in enumerate(levels)}
    ones = np.zeros((len(texts), len(levels)))
    for at, named in enumerate(keys):
        ones[at, [place[key] for key in named if key in place]] = 1
    return space, Design(
        text=normalised(counts, np.array(space.idf)), surface=standard(rows, space), levels=ones,
        strange=(unknown > novel) | empty,
    )  # fmt: skip


def _often(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def normalised(counts: NDArray[np.float32], idf: Floats) -> NDArray[np.float32]:
    """Rows of bucket counts as TF-IDF of length 1."""
    values = np.log1p(counts) * idf.astype(np.float32)
    values /= np.maximum(np.sqrt((values * values).sum(axis=1, keepdims=True)), np.float32(1e-9))
    return values


def standard(rows: Floats, space: Space) -> Floats:
    """Surface and numbers in deviations from the mean, never far out."""
    found: Floats = (rows - np.array(space.means)) / np.array(space.deviations)
    return found.clip(-_MOST_DEVIATIONS, _MOST_DEVIATIONS)


def rounded(values: Floats) -> list[float]:
    """Five significant digits are kept in the file; what is decided is decided from these."""
    return [float(f"{value:.5g}") for value in values.tolist()]


class Reader:
    """A space, ready to read one prompt after the other."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._idf = np.array(space.idf)
        self._means, self._deviations = np.array(space.means), np.array(space.deviations)
        self._known = np.unpackbits(np.frombuffer(base64.b64decode(space.known), dtype=np.uint8)).astype(bool)
        self._place = {name: at for at, name in enumerate(space.levels)}
        self._plain = len(SURFACE)

    def read(
        self, prompt: str, category: str, numbers: Sequence[float], levels: Sequence[str]
    ) -> tuple[Floats, Floats, list[int], str]:
        """Text row, surface row, places of the levels, and why the prompt is a stranger ("" if it is none)."""
        space, text = self._space, shortened(prompt)
        stranger = self._stranger(prompt, text, category)
        if stranger:
            return _NOTHING, _NOTHING, [], stranger
        hashed = words(text)
        found = np.log1p(bucket_counts(hashed)) * self._idf
        found /= max(float(np.sqrt(found @ found)), 1e-9)
        raw = scaled_surface(np.array(surface(text, len(prompt))))
        if numbers:
            raw = np.concatenate((raw, np.log1p(np.abs(np.array(numbers, dtype=np.float64)))))
        standardised = (raw - self._means) / self._deviations
        np.clip(standardised, -_MOST_DEVIATIONS, _MOST_DEVIATIONS, out=standardised)
        place = self._place
        keys = level_keys(category, space.level_names, levels)
        return (
            found,
            standardised,
            [place[key] for key in keys if key in place],
            self._unlike(hashed),
        )

    def _stranger(self, prompt: str, text: str, category: str) -> str:
        """What is told without reading the words; of a long text nothing but its beginning and its end is looked at."""
        space = self._space
        if not text or text.isspace():
            return "empty text"
        if space.kinds and f"category={category}" not in self._place and len(self._place) < _MOST_LEVELS:
            return "a category that was never fitted"
        return "far longer than any fitted prompt" if len(prompt) > _LONGER * space.longest else ""

    def _unlike(self, hashed: NDArray[np.uint64]) -> str:
        space = self._space
        buckets = hashed & np.uint64(KNOWN_BUCKETS - 1)
        unknown = 1 - float(self._known[buckets.astype(np.int64)].mean()) if len(buckets) else 1.0
        return "words unlike those that were fitted" if unknown > space.novel else ""
