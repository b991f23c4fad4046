"""Repeats and near-repeats of one request: one stays and counts for all."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.errors import UsageError
from baseload.quality.sampling.population import Member

HASHES: Final = 128
ROWS: Final = 4
"""Hashes of one band: in 32 bands of 4, texts of similarity 0.8 meet with a chance above 0.9999, of 0.3 with 0.23."""
SHINGLE_WORDS: Final = 3
SIMILAR: Final = 0.8
MOST_WORDS: Final = 5_000
"""Of a text; a longer one is compared by its beginning."""
MOST_COMPARED: Final = 20
"""Texts of one bucket that each further one is compared with: what is alike meets in other bands too."""


class Deduplicated(msgspec.Struct, frozen=True, kw_only=True):
    """What stays, each member with the weight of its group, and the groups of more than one: kept call -> all of it."""

    members: tuple[Member, ...]
    groups: dict[str, tuple[str, ...]]


def deduplicated(
    members: Sequence[Member], user_texts: Mapping[str, str] | None = None, *, key: bytes, similar: float = SIMILAR
) -> Deduplicated:
    """Merge calls of the same request hash, then those whose user text is nearly the same.

    `user_texts` (call -> text) may lack calls: these are only compared by hash. Near-repeats merge within a stratum, so
    that no merge changes a stratum's share. The oldest call of a group stays. `key` keeps the hashes unguessable.
    """
    if not 0 < similar <= 1:
        raise UsageError(f"similar {similar}; expected a number above 0, at most 1")
    groups = _Groups()
    first: dict[tuple[object, str], str] = {}
    for member in members:
        if member.request_hash:
            groups.join(first.setdefault((member.stratum, member.request_hash), member.call_id), member.call_id)
    by_stratum: dict[object, dict[str, str]] = defaultdict(dict)
    for member in members:
        text = (user_texts or {}).get(member.call_id, "")
        if text.strip():
            by_stratum[member.stratum][member.call_id] = text
    for texts in by_stratum.values():
        for a, b in near_duplicates(texts, key=key, similar=similar):
            groups.join(a, b)
    return _merged(members, groups)


def near_duplicates(texts: Mapping[str, str], *, key: bytes, similar: float = SIMILAR) -> list[tuple[str, str]]:
    """Pairs of names whose texts are nearly the same: estimated Jaccard similarity of word triples >= `similar`.

    MinHash with 128 hashes: the estimate's standard error is at most 0.045. Meeting in a band finds the pairs, so that
    the time grows with the texts and not with their square.
    """
    signatures: dict[str, NDArray[np.uint64]] = {}
    equal: dict[bytes, str] = {}
    found: set[tuple[str, str]] = set()
    for name in sorted(texts):
        signed = signature(texts[name], key)
        first = equal.setdefault(signed.tobytes(), name)
        if first == name:
            signatures[name] = signed
        else:
            found.add((first, name))
    for band in range(0, HASHES, ROWS):
        buckets: dict[bytes, list[str]] = defaultdict(list)
        for name, signed in signatures.items():
            buckets[signed[band : band + ROWS].tobytes()].append(name)
        found |= {pair for bucket in buckets.values() for pair in _alike(bucket, signatures, similar)}
    return sorted(found)


def _alike(
    bucket: Sequence[str], signatures: Mapping[str, NDArray[np.uint64]], similar: float
) -> Iterator[tuple[str, str]]:
    for place, name in enumerate(bucket):
        for other in bucket[: min(place, MOST_COMPARED)]:
            if similarity(signatures[other], signatures[name]) >= similar:
                yield other, name


def signature(text: str, key: bytes) -> NDArray[np.uint64]:
    """The 128 smallest hashes of a text's word triples."""
    words = text.casefold().split(maxsplit=MOST_WORDS)[:MOST_WORDS]
    count = max(1, len(words) - SHINGLE_WORDS + 1)
    shingles = {" ".join(words[place : place + SHINGLE_WORDS]) for place in range(count)}
    hashes = np.array([_hash(shingle, key) for shingle in shingles], dtype=np.uint64)
    factors, shifts = _permutations(key)
    smallest: NDArray[np.uint64] = (hashes[:, None] * factors + shifts).min(axis=0)  # modulo 2**64
    return smallest


def similarity(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> float:
    """Share of equal hashes: an unbiased estimate of the Jaccard similarity."""
    return float((a == b).mean())


def _hash(text: str, key: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=key[:64]).digest())


def _permutations(key: bytes) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    numbers = np.frombuffer(
        b"".join(hashlib.blake2b(bytes([n]), digest_size=16, key=key[:64]).digest() for n in range(HASHES)),
        dtype=np.uint64,
    )
    return numbers[::2] | np.uint64(1), numbers[1::2]


class _Groups:
    """Sets that are joined (union-find)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def top(self, name: str) -> str:
        while (above := self._above.get(name, name)) != name:
            self._above[name] = self._above.get(above, above)
            name = above
        return name

    def join(self, a: str, b: str) -> None:
        self._above[self.top(b)] = self.top(a)


def _merged(members: Sequence[Member], groups: _Groups) -> Deduplicated:
    together: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        together[groups.top(member.call_id)].append(member)
    kept = []
    listed = {}
    for group in together.values():
        oldest = min(group, key=lambda member: (member.start_us, member.call_id))
        kept.append(msgspec.structs.replace(oldest, weight=sum(member.weight for member in group)))
        if len(group) > 1:
            listed[oldest.call_id] = tuple(sorted(member.call_id for member in group))
    return Deduplicated(members=tuple(sorted(kept, key=lambda member: member.call_id)), groups=listed)
