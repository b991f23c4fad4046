"""Which rows depend on each other, and which prompts a router has met: by what it says, not by its id alone.

Prompts that say the same are one draw, under whatever ids they come: one cluster, inside one fold, one bet. A session
is told by the prompt that decides for it, its first: "continue" in the middle of two sessions makes them no twins.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from baseload.quality.router.table import Row

_PRINT_BYTES: Final = 16
_FITTED_BYTES: Final = 4


def digest(text: str, salt: str) -> int:
    """A stable number of a text; of no row's place and of no model's name."""
    return int.from_bytes(hashlib.blake2b(_bytes(text), digest_size=8, salt=salt.encode()).digest())


def identity(row: Row, text: str) -> str:
    """What makes this prompt the same as another: its words, whatever their case and spaces; without any, its id."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if not plain:
        return f"p\x1f{row.dataset}\x1f{row.prompt_id}"
    return "t\x1f" + hashlib.blake2b(_bytes(plain), digest_size=_PRINT_BYTES).hexdigest()


def clusters(rows: Sequence[Row], identities: Sequence[str]) -> list[int]:
    """A number a row, equal where rows depend on each other: by session, by prompt_id, or by what decides for them.

    The number is the least hash of the cluster's members, so that the order of rows changes nothing.
    """
    parent = list(range(len(rows)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    first: dict[str, int] = {}
    for at, (row, same) in enumerate(zip(rows, identities, strict=True)):
        for name in (_prompt(row), same, *([f"s\x1f{row.session}"] if row.session else [])):
            parent[root(at)] = root(first.setdefault(name, at))
    least: dict[int, int] = {}
    roots = [root(at) for at in range(len(rows))]
    for row, at in zip(rows, roots, strict=True):
        place = digest(f"s\x1f{row.session}" if row.session else _prompt(row), "order")
        least[at] = min(least.get(at, place), place)
    return [least[at] for at in roots]


def fitted_key(identities: Sequence[str]) -> str:
    """The key under which these prompts are noted: of all of them together, so that no two routers can be matched."""
    whole = hashlib.blake2b(digest_size=_PRINT_BYTES)
    for one in sorted(set(identities)):
        whole.update(_bytes(one))
    return whole.hexdigest()


def fitted_hashes(identities: Sequence[str], key: str) -> NDArray[np.uint32]:
    """32 bits of every prompt: enough to leave out what was fitted, too few to read a prompt from."""
    secret = key.encode()
    found = b"".join(hashlib.blake2b(_bytes(one), digest_size=_FITTED_BYTES, key=secret).digest() for one in identities)
    return np.frombuffer(found, dtype="<u4").astype(np.uint32)


def _prompt(row: Row) -> str:
    return f"p\x1f{row.dataset}\x1f{row.prompt_id}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
