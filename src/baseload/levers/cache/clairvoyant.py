"""The least any cache could cost: each block's own optimum, knowing the future, with breakpoints without number.

After every touch a block is in one of three states: not cached, cached for five minutes, cached for an hour. Its next
touch is read while the entry lives (and lives on), or sent as plain input, or written anew. A dynamic programme over
its touches finds the cheapest way. docs/decisions/cache-simulator.md proves that no policy under the published rules
costs less; with keep-alive, reads that nobody asked for may bridge a gap.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from baseload.levers.cache.paths import Ints
from baseload.levers.cache.price import TTL_1H_US, TTL_5M_US, InputPrices, PolicyResult, RateColumns
from baseload.levers.cache.touches import FIRST_TOUCH, Touches
from baseload.levers.cache.trace import Trace

# Rows of a state: what it cost so far per token, then how often the token was billed in each class.
_COST, _READ, _WRITE_5M, _WRITE_1H, _KEPT = range(5)
_IMPOSSIBLE: Final = 1 << 61


def clairvoyant(
    name: Literal["clairvoyant", "clairvoyant_keep_alive"], trace: Trace, prices: InputPrices, touched: Touches
) -> PolicyResult:
    """The bound over these touches; what is not touched (partial blocks, short requests) is plain input."""
    best, tokens = _best(trace, prices, touched, keep_alive=name == "clairvoyant_keep_alive")
    counts = [sum(map(int.__mul__, row, tokens)) for row in best.tolist()]
    plain = _untouched_femto(trace, prices, touched)
    prompt = int(trace.prompt_tokens.sum())
    return PolicyResult(
        name=name,
        requests=len(trace),
        femto_usd=counts[_COST] + plain,
        uncached_tokens=prompt - counts[_READ] - counts[_WRITE_5M] - counts[_WRITE_1H],
        read_tokens=counts[_READ],
        write_5m_tokens=counts[_WRITE_5M],
        write_1h_tokens=counts[_WRITE_1H],
        keep_alive_tokens=counts[_KEPT],
    )


def _untouched_femto(trace: Trace, prices: InputPrices, touched: Touches) -> int:
    """What everything outside the touches costs as plain input."""
    rest = trace.prompt_tokens.copy()
    np.subtract.at(rest, touched.request, touched.tokens)
    return sum(map(int.__mul__, rest.tolist(), prices.columns(trace).uncached.tolist()))


def _best(trace: Trace, prices: InputPrices, touched: Touches, *, keep_alive: bool) -> tuple[Ints, list[int]]:
    """The cheapest final state of every segment, per token, and how many tokens each segment has.

    The k-th touches of all segments are one step, so that a step is a few operations on whole columns.
    """
    starts = np.flatnonzero(np.diff(touched.segment, prepend=-1))
    counts = np.diff(np.append(starts, len(touched.segment)))
    longest_first = np.argsort(-counts, kind="stable")
    starts, counts = starts[longest_first], counts[longest_first]
    rates, kept_rate = prices.columns(trace), prices.cheapest_reads(trace)
    states: Ints = np.zeros((3, 5, len(starts)), dtype=np.int64)
    states[1:, _COST] = _IMPOSSIBLE
    going = np.searchsorted(-counts, -np.arange(1, counts[0] + 1 if len(counts) else 1), side="right")
    for step, active in enumerate(going.tolist()):
        at = starts[:active] + step
        request = touched.request[at]
        states[:, :, :active] = _after(
            states[:, :, :active], touched.gap_us[at], _rates_at(rates, request), kept_rate[request], keep_alive
        )
    return _cheapest(states), touched.tokens[starts].tolist()


def _rates_at(rates: RateColumns, request: NDArray[np.int64]) -> RateColumns:
    return RateColumns(
        uncached=rates.uncached[request],
        read=rates.read[request],
        write_5m=rates.write_5m[request],
        write_1h=rates.write_1h[request],
    )


def _after(states: Ints, gap_us: Ints, rates: RateColumns, kept_rate: Ints, keep_alive: bool) -> Ints:
    """The three states after one more touch of every segment."""
    base = _cheapest(states)
    after = np.empty_like(states)
    after[0] = base
    after[0, _COST] += rates.uncached
    lives = ((1, TTL_5M_US, rates.write_5m, _WRITE_5M), (2, TTL_1H_US, rates.write_1h, _WRITE_1H))
    for state, ttl_us, write_rate, write_class in lives:
        bridges = np.maximum(-(-gap_us // ttl_us) - 1, 0)
        reachable = gap_us < FIRST_TOUCH if keep_alive else gap_us <= ttl_us
        bridges[~reachable] = 0
        read_cost = rates.read + bridges * kept_rate
        reads = reachable & (states[state, _COST] + read_cost <= base[_COST] + write_rate)
        after[state] = np.where(reads, states[state], base)
        after[state, _COST] += np.where(reads, read_cost, write_rate)
        after[state, _READ] += reads
        after[state, _KEPT] += np.where(reads, bridges, 0)
        after[state, write_class] += ~reads
    return after


def _cheapest(states: Ints) -> Ints:
    """The cheapest of the three states, column by column; the less cached one of equals."""
    best = np.where(states[1, _COST] < states[0, _COST], states[1], states[0])
    cheapest: Ints = np.where(states[2, _COST] < best[_COST], states[2], best)
    return cheapest
