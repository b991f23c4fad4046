"""Ids that look like the providers' own and are the same for the same seed."""

from __future__ import annotations

import hashlib
import uuid
import zlib

import numpy as np

_ALPHABET = np.frombuffer(b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", dtype="S1")


def named_id(prefix: str, *parts: str) -> str:
    """A tagged id of one thing, such as `apikey_01…` of a key's name."""
    digest = hashlib.blake2b("/".join(parts).encode(), digest_size=22).digest()
    return f"{prefix}_01" + "".join(chr(_ALPHABET[byte % len(_ALPHABET)][0]) for byte in digest)


def generator(service: str, count: int) -> np.random.Generator:
    """The source of one service's random ids, no two services sharing one."""
    return np.random.default_rng([zlib.crc32(service.encode()), count])


def random_ids(rng: np.random.Generator, prefix: str, count: int, length: int = 22) -> list[str]:
    """`count` ids with a random tail."""
    letters = _ALPHABET[rng.integers(len(_ALPHABET), size=(count, length))]
    return [f"{prefix}{tail.decode()}" for tail in letters.view(f"S{length}").ravel().tolist()]


def random_uuids(rng: np.random.Generator, count: int) -> list[str]:
    data = rng.bytes(16 * count)
    return [str(uuid.UUID(bytes=data[16 * index : 16 * index + 16], version=4)) for index in range(count)]


def person_email(user: int) -> str:
    return f"dev{user:03d}@larkfield.example"
