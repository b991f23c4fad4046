"""How long calls wait for the next one that could read what they wrote: what a time to live is chosen by."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.levers.cache.prompts import TAIL, Ints, Requests, Slot, Unit, layout_of

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

    Counted from start to start, as entries live. `first_calls` have no call before them. Gaps between calls of which
    some were not kept are longer than they were.
    """

    since: Since
    first_calls: int
    counts: tuple[GapCount, ...]


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


def _counted(since: Since, requests: Requests, key: Ints, known: NDArray[np.bool_]) -> Gaps:
    """Gaps between calls of one key on one model: entries are private to both."""
    key, model, start = key[known], requests.model[known], requests.start_us[known]
    weight, tokens = requests.rate[known], requests.prompt_tokens[known] * requests.rate[known]
    order = np.lexsort((start, model, key))
    same = (key[order][1:] == key[order][:-1]) & (model[order][1:] == model[order][:-1])
    gap = np.diff(start[order])[same]
    again = order[1:][same]
    place = np.searchsorted(np.array(BOUNDS_US), gap, side="left")
    size = len(BOUNDS_US) + 1
    calls = np.zeros(size, dtype=np.int64)
    prompt = np.zeros(size, dtype=np.int64)
    np.add.at(calls, place, weight[again])
    np.add.at(prompt, place, tokens[again])
    bounds: tuple[int | None, ...] = (*BOUNDS_US, None)
    return Gaps(
        since=since,
        first_calls=int(weight.sum() - calls.sum()),
        counts=tuple(
            GapCount(up_to_us=bound, calls=count, prompt_tokens=sent)
            for bound, count, sent in zip(bounds, calls.tolist(), prompt.tolist(), strict=True)
        ),
    )
