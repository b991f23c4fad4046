"""One rule for everything: cache nothing, or cache every whole block for five minutes or for an hour.

Per block: a block touched within the lifetime of its last touch in the same lane and model is read, every other is
written. The last partial block is plain input. Look-back and the limit of four marks do not bind a blanket: it stands
for the best that marking everything could do.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from baseload.levers.cache.paths import Ints
from baseload.levers.cache.price import TTL_1H_US, TTL_5M_US, InputPrices, PolicyResult, policy_result
from baseload.levers.cache.touches import Touches
from baseload.levers.cache.trace import Trace

_TTL_US: Final = {"all_5m": TTL_5M_US, "all_1h": TTL_1H_US}


def cache_nothing(trace: Trace, prices: InputPrices) -> PolicyResult:
    """Every prompt token as plain input."""
    return policy_result("none", trace, prices)


def cache_all(name: Literal["all_5m", "all_1h"], trace: Trace, prices: InputPrices, touched: Touches) -> PolicyResult:
    """Every block read where its last touch is no longer ago than the lifetime, else written."""
    alive = touched.gap_us <= _TTL_US[name]
    read = _by_request(touched, alive, len(trace))
    written = _by_request(touched, ~alive, len(trace))
    if name == "all_5m":
        return policy_result(name, trace, prices, read=read, write_5m=written)
    return policy_result(name, trace, prices, read=read, write_1h=written)


def _by_request(touched: Touches, chosen: NDArray[np.bool_], requests: int) -> Ints:
    """The chosen touches' tokens by request; sums of whole numbers under 2^53, so floats hold them exactly."""
    tokens = np.bincount(touched.request[chosen], weights=touched.tokens[chosen], minlength=requests)
    exact: Ints = tokens.astype(np.int64)
    return exact
