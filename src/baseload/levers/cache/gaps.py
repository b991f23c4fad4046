"""How long calls wait for the next one that could read what they wrote: what a time to live is chosen by."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal

import msgspec
import numpy as np

from baseload.levers.cache.chances import Floats
from baseload.levers.cache.prompts import TAIL, Flags, Ints, Requests, Slot, Unit, layout_of

_SECOND_US: Final = 1_000_000
BOUNDS_US: Final = tuple(seconds * _SECOND_US for seconds in (10, 60, 300, 900, 3_600, 14_400, 86_400))
"""A gap belongs to the first bound it does not exceed; five minutes and the hour are two of them."""

Since = Literal["session", "start"]


class GapCount(msgspec.Struct, frozen=True, kw_only=True):
    """Calls whose gap is at most `up_to_us` (None: any longer), and their prompt tokens, both scaled for sampling."""

    up_to_us: int | None
    calls: int
    prompt_tokens: int


class Gaps(msgspec.Struct, frozen=True, kw_only=True):
    """Gaps since the last call of the same session, or since the last that began with the same prompt.

    Counted from start to start, as entries live. `first_calls` have no call before them. Where calls between two were
    not kept, the gap seen is of several: such a gap stands for calls that come at random, as often as were left out
    between them (`estimated`).
    """

    since: Since
    first_calls: int
    counts: tuple[GapCount, ...]
    estimated: bool = False


def gaps_of(requests: Requests, slots: Sequence[Slot], moved: Collection[Unit] = ()) -> tuple[Gaps, ...]:
    """Both kinds, where there are calls of that kind.

    What calls begin with is the prefix up to the last of `slots` before the tail, with `moved` parts taken out.
    """
    found = []
    if requests.has_session.any():
        found.append(_counted("session", requests, requests.lane, requests.has_session))
    starts = [slot for slot in slots if slot != TAIL]
    if starts and len(requests):
        ids = layout_of(requests, starts, moved).ids[:, -1]
        if ids.any():
            found.append(_counted("start", requests, ids, ids != 0))
    return tuple(found)


def _counted(since: Since, requests: Requests, key: Ints, known: Flags) -> Gaps:
    """Gaps between calls of one key on one model: entries are private to both."""
    order = np.flatnonzero(known)
    order = order[np.lexsort((requests.start_us[order], requests.model[order], key[order]))]
    before, after = order[:-1], order[1:]
    same = (key[before] == key[after]) & (requests.model[before] == requests.model[after])
    again, earlier = after[same], before[same]
    missing = requests.thinned[again] | (requests.whole[again] & (requests.lane[again] != requests.lane[earlier]))
    factor = np.where(missing, requests.rate[again], 1)
    shares = _shares(requests.start_us[again] - requests.start_us[earlier], factor)
    calls = requests.rate[again] @ shares
    prompt = (requests.prompt_tokens[again] * requests.rate[again]) @ shares
    first = np.setdiff1d(order, again)
    bounds: tuple[int | None, ...] = (*BOUNDS_US, None)
    return Gaps(
        since=since,
        first_calls=int(np.where(requests.thinned[first], 1, requests.rate[first]).sum()),
        counts=tuple(
            GapCount(up_to_us=bound, calls=round(count), prompt_tokens=round(sent))
            for bound, count, sent in zip(bounds, calls.tolist(), prompt.tolist(), strict=True)
        ),
        estimated=bool((factor > 1).any()),
    )


def _shares(gap_us: Ints, factor: Ints) -> Floats:
    """A row a gap, a column a bound: how much of the calls it stands for comes within that bound, not the one before.

    A gap between neighbours lies in one; one of `factor` gaps together is spread as arrivals at random are.
    """
    within: Floats = np.ones((len(gap_us), len(BOUNDS_US) + 1))
    bounds = np.array(BOUNDS_US, dtype=np.float64)
    mean = np.maximum(gap_us, 1)[:, None] / factor[:, None]
    exact = gap_us[:, None] <= bounds
    within[:, :-1] = np.where(factor[:, None] > 1, -np.expm1(-bounds / mean), exact)
    return np.diff(within, axis=1, prepend=0.0)
