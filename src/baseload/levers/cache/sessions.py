"""Calls of the ledger as a trace for the planner that decides request by request."""

from __future__ import annotations

import msgspec
import numpy as np

from baseload.levers.cache.judge import NANO_PER_FEMTO, Judge, Sums
from baseload.levers.cache.planner import LearntPlan
from baseload.levers.cache.price import InputPrices, ModelPrices
from baseload.levers.cache.prompts import Ints, Requests, paths_of
from baseload.levers.cache.replay import learn, replay
from baseload.levers.cache.trace import EndsWith, Stop, Trace

MOST_CALLS = 8_000
"""The planner is tried on workloads of so many calls at most: it takes them one by one, once for each model."""


def trace_of(requests: Requests, model: str, ratio: float = 1.0) -> Trace:
    """The calls as requests of one model that makes `ratio` tokens of one of today's. A lane and a group is a session.

    A session shares nothing with another here, which never makes a plan look better than it is.
    """
    paths = dict(paths_of(requests))
    order = np.lexsort((requests.start_us, requests.lane)).tolist()
    _, lanes = np.unique(requests.lane, return_inverse=True)
    blocks, sizes, offset = [], [], [0]
    for call in order:
        reached = 0
        for prefix, end in paths.get(call, ()):
            blocks.append(prefix)
            sizes.append(round(end * ratio) - reached)
            reached = round(end * ratio)
        offset.append(len(blocks))
    lane = lanes[order].astype(np.int32)
    return Trace(
        lane=lane,
        group=lane,
        start_us=requests.start_us[order],
        begins_us=requests.begins_us[order],
        model=np.zeros(len(order), dtype=np.int16),
        models=(model,),
        prompt_tokens=np.rint(requests.prompt_tokens[order] * ratio).astype(np.int64),
        output_tokens=np.zeros(len(order), dtype=np.int64),
        ends_with=_ends_with(requests)[order],
        stop=requests.stop[order],
        blocks=np.array(blocks, dtype=np.int64),
        offset=np.array(offset, dtype=np.int64),
        block_tokens=1,
        sizes=np.array(sizes, dtype=np.int64),
    )


def _ends_with(requests: Requests) -> Ints:
    """What each request ends with: its last block, else what its session's call before it stopped for."""
    found: list[EndsWith] = []
    stops: dict[int, Stop] = {}
    after = {Stop.TOOL_USE: EndsWith.TOOL_RESULT, Stop.END_TURN: EndsWith.HUMAN}
    for lane, stop, text in zip(requests.lane.tolist(), requests.stop.tolist(), requests.prefixes, strict=True):
        kind = text.rpartition(" ")[2].split(":")[2:3]
        if kind:
            found.append(EndsWith.TOOL_RESULT if kind[0].startswith("r") else EndsWith.HUMAN)
        else:
            found.append(after.get(stops.get(lane, Stop.UNKNOWN), EndsWith.UNKNOWN))
        stops[lane] = Stop(stop)
    return np.array(found, dtype=np.int8)


class PerRequest:
    """The per-request plan of one workload: learnt once, replayed on any model.

    Dollars of a bill rest on it, so it counts on nothing unmeasured: an hour's mark keeps only what it wrote.
    """

    def __init__(self, learner: Judge, judge: Judge) -> None:
        self._learner = learner
        self._judge = judge
        self._learnt: LearntPlan | None = None

    def learnt_on(self, prices: ModelPrices) -> Sums:
        """The calls it was learnt on."""
        return self._replayed(self._learner, prices)

    def judged_on(self, prices: ModelPrices) -> Sums:
        """The calls it is judged on."""
        return self._replayed(self._judge, prices)

    def _replayed(self, part: Judge, prices: ModelPrices) -> Sums:
        given = InputPrices(models=(prices,), day=0)
        if self._learnt is None:
            self._learnt = learn(trace_of(self._learner.requests, prices.model), given)
        ratio = part.growth(prices.model)
        careful = msgspec.structs.replace(self._learnt, hour_covers=False)
        found = replay(careful, trace_of(part.requests, prices.model, ratio), given, hour_covers=False)
        return Sums(
            found.uncached_tokens,
            found.read_tokens,
            found.write_5m_tokens,
            found.write_1h_tokens,
            found.femto_usd * NANO_PER_FEMTO,
            found.keep_alive_tokens,
        )


def per_request(learner: Judge, judge: Judge) -> PerRequest | None:
    """The per-request plan, None where a session's calls are not all known or there are too many."""
    parts = (learner.requests, judge.requests)
    if sum(map(len, parts)) > MOST_CALLS:
        return None
    known = all(bool(part.has_session.all()) and not (part.rate > 1).any() for part in parts)
    return PerRequest(learner, judge) if known else None
