"""Random numbers with names: each purpose has its own stream, so that one more workload or event moves no other."""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np

DATES: Final = "dates"
DRIFT: Final = "drift"


def stream(seed: int, *purpose: str) -> np.random.Generator:
    """The stream of a purpose under a seed (0 or more). The same words give the same numbers, on every machine."""
    return np.random.Generator(np.random.PCG64([seed, *(zlib.crc32(word.encode()) for word in purpose)]))
