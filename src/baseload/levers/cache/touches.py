"""Every touch of every segment in order of time: what blankets and the clairvoyant bound are computed on."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.levers.cache.paths import Ints, Paths
from baseload.levers.cache.price import InputPrices
from baseload.levers.cache.trace import Trace

FIRST_TOUCH = 1 << 62
"""The gap before a segment's first touch: longer than any life."""


class Touches(msgspec.Struct, frozen=True, kw_only=True):
    """One entry a touch, sorted by segment, then time. `gap_us` is the time since the segment's touch before."""

    request: NDArray[np.int64]
    segment: NDArray[np.int32]
    tokens: Ints
    gap_us: Ints


def touches(trace: Trace, paths: Paths, prices: InputPrices) -> Touches:
    """The touches of all requests whose cacheable length reaches their model's minimum.

    A blanket marks the end of the request, so a request is cached as a whole or not at all: one that is too short
    neither reads, nor writes, nor keeps anything alive.
    """
    long_enough = paths.cached_length() >= prices.minimums(trace)
    request = np.repeat(np.arange(len(trace)), np.diff(paths.first))
    kept = long_enough[request]
    request, segment = request[kept], paths.steps[kept]
    order = np.argsort(segment, kind="stable")  # requests of a scope are in order of time already
    request, segment = request[order], segment[order]
    gap: Ints = np.full(len(request), FIRST_TOUCH, dtype=np.int64)
    again = np.flatnonzero(segment[1:] == segment[:-1]) + 1
    gap[again] = trace.start_us[request[again]] - trace.start_us[request[again - 1]]
    return Touches(request=request, segment=segment, tokens=paths.tokens[segment], gap_us=gap)
