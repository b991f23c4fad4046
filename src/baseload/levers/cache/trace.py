"""Requests as a cache sees them: when, on which model, and which prefix in hashed blocks. No text."""

from __future__ import annotations

from enum import IntEnum

import msgspec
import numpy as np
from numpy.typing import NDArray


class EndsWith(IntEnum):
    """What the last part of a request is, known when it is sent."""

    UNKNOWN = 0
    TOOL_RESULT = 1
    HUMAN = 2


class Stop(IntEnum):
    """How its response ended, known only after it."""

    UNKNOWN = 0
    TOOL_USE = 1
    END_TURN = 2
    OTHER = 3


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """Requests sorted by (lane, start); one array entry each unless said otherwise.

    `lane`: requests share a cache only inside a lane. `group`: the session (or recording) a request belongs to,
    numbered in the order of its name, -1 throughout where time alone orders the trace. `begins_us`: when its response
    begins, from which its entry can be read; equal to `start_us` where unknown. `blocks`: ids of the request's whole
    blocks, in order; equal ids at equal places mean equal content. Request i has `blocks[offset[i]:offset[i + 1]]`
    of `block_tokens` tokens each; where blocks differ in size, `sizes` has one count per entry of `blocks`.
    `prompt_tokens - (its blocks' tokens)` is the last partial block, never cached in a trace.
    """

    lane: NDArray[np.int32]
    group: NDArray[np.int32]
    start_us: NDArray[np.int64]
    begins_us: NDArray[np.int64]
    model: NDArray[np.int16]  # index into `models`
    models: tuple[str, ...]  # resolved ids of the price book; "" unknown
    prompt_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]
    ends_with: NDArray[np.int8]  # EndsWith
    stop: NDArray[np.int8]  # Stop
    blocks: NDArray[np.int64] | NDArray[np.int32]
    offset: NDArray[np.int64]  # one more entry than requests
    block_tokens: int
    sizes: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.start_us)


def without_blocks(trace: Trace) -> Trace:
    """The same requests for whoever has their paths already: a thousandth of the bytes."""
    return msgspec.structs.replace(
        trace, blocks=np.empty(0, dtype=np.int32), offset=np.zeros(len(trace) + 1, dtype=np.int64), sizes=None
    )
