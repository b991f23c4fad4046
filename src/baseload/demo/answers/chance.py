"""Draws that depend on nothing but what they are for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, TypeVar

Option = TypeVar("Option")
_RANGE: Final = 1 << 64


class Chance:
    """An endless row of draws; the same parts give the same row on every machine."""

    def __init__(self, *parts: object) -> None:
        self._name = "/".join(map(str, parts)).encode()
        self._drawn = 0

    def share(self) -> float:
        """From 0 to below 1."""
        self._drawn += 1
        digest = hashlib.blake2b(self._name + b"/%d" % self._drawn, digest_size=8).digest()
        return int.from_bytes(digest) / _RANGE

    def whole(self, least: int, below: int) -> int:
        """From `least` to `below`, exclusive."""
        return least + int(self.share() * (below - least))

    def one_of(self, options: Sequence[Option]) -> Option:
        return options[self.whole(0, len(options))]

    def other_than(self, taken: Option, options: Sequence[Option]) -> Option:
        """One of the options that is not `taken`."""
        return self.one_of([option for option in options if option != taken])

    def shuffled(self, values: Sequence[Option]) -> list[Option]:
        return [value for _, value in sorted(((self.share(), place), value) for place, value in enumerate(values))]
