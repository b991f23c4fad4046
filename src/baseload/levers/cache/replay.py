"""A plan at work on a trace: learnt on one, replayed on another, or learning while it goes; billed by `BlockCache`.

What a lane remembers is what its `paths` say. Requests of a session are taken in order of time and sessions one after
the other, in order of their names: a trace does not say when one began beside another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from baseload.levers.cache.blocks import BlockCache
from baseload.levers.cache.choices import Rates
from baseload.levers.cache.paths import Ints, Paths, fold
from baseload.levers.cache.planner import Facts, KeepAlive, LearntPlan, Planner
from baseload.levers.cache.price import InputPrices, PolicyResult, policy_result
from baseload.levers.cache.trace import Trace

MOST_LEARNT = 20_000
"""A plan is learnt on so many requests at most, the last ones: counts of older ones have faded by then."""


class Request(NamedTuple):
    row: int
    facts: Facts
    begins_us: int
    stop: int


class _Silence(NamedTuple):
    """Keep-alive reads that are sent until the lane's next request; `row` is the request they follow."""

    row: int
    facts: Facts
    plan: KeepAlive


def learn(train: Trace, prices: InputPrices) -> LearntPlan:
    """A plan from past requests; of none, the plan that only believes its priors."""
    planner = Planner()
    paths = fold(train)
    session = -1
    for request in requests_of(train, paths, prices, MOST_LEARNT):
        if train.group[request.row] != session:
            planner.close_all()
            session = int(train.group[request.row])
        planner.answered(request.facts, planner.decide(request.facts), request.begins_us, request.stop)
    if session >= 0:  # a recording without sessions was cut, its conversations have not ended
        planner.close_all()
    return planner.learnt()


def replay(
    plan: LearntPlan, judged: Trace, prices: InputPrices, paths: Paths | None = None, *, hour_covers: bool = True
) -> PolicyResult:
    """The bill of a trace under a plan that was learnt elsewhere, and goes on learning from what it has seen.

    `hour_covers`: an hour's mark keeps the whole prefix for an hour, as the published billing reads; False: no longer
    than the entry that was read before it lives, which a planner finds out at the first pause.
    """
    return _billed("plan", Planner(plan), judged, prices, paths or fold(judged), hour_covers)


def replay_online(
    judged: Trace, prices: InputPrices, paths: Paths | None = None, *, hour_covers: bool = True
) -> PolicyResult:
    """The bill of a trace under a planner that starts with its priors and learns as it goes; see `replay`."""
    return _billed("online", Planner(), judged, prices, paths or fold(judged), hour_covers)


class _Tally:
    """Tokens by request and class."""

    def __init__(self, size: int) -> None:
        self.read, self.write_5m, self.write_1h, self.kept = ([0] * size for _ in range(4))

    def result(self, name: str, trace: Trace, prices: InputPrices) -> PolicyResult:
        read, short, long, kept = (
            np.array(row, dtype=np.int64) for row in (self.read, self.write_5m, self.write_1h, self.kept)
        )
        return policy_result(name, trace, prices, read=read, write_5m=short, write_1h=long, keep_alive=kept)


def _billed(
    name: str, planner: Planner, trace: Trace, prices: InputPrices, paths: Paths, hour_covers: bool
) -> PolicyResult:
    tally, session = _Tally(len(trace)), -1
    cache = BlockCache(paths, hour_covers=hour_covers)
    silences: dict[int, _Silence] = {}
    groups = trace.group.tolist()

    def end_session() -> None:
        for silence in silences.values():
            tally.kept[silence.row] += _kept(planner, cache, silence, None)
        silences.clear()
        planner.close_all()

    for request in requests_of(trace, paths, prices):
        if groups[request.row] != session:
            end_session()
            session = groups[request.row]
        facts, scope = request.facts, int(paths.scope[request.row])
        if scope in silences:
            silence = silences.pop(scope)
            tally.kept[silence.row] += _kept(planner, cache, silence, facts.start_us)
        decision, read = planner.decide(facts), 0
        if decision.marks:
            served = cache.serve(
                request.row, facts.ends, decision.marks, facts.start_us, request.begins_us, facts.minimum_tokens
            )
            tally.read[request.row] = read = served.read_tokens
            tally.write_5m[request.row] = served.write_5m_tokens
            tally.write_1h[request.row] = served.write_1h_tokens
        keep_alive = planner.answered(facts, decision, request.begins_us, request.stop, read)
        if keep_alive is not None:
            silences[scope] = _Silence(request.row, facts, keep_alive)
    end_session()
    return tally.result(name, trace, prices)


def _kept(planner: Planner, cache: BlockCache, silence: _Silence, until_us: int | None) -> int:
    """Send the keep-alive reads that fall before this time; the tokens they read."""
    facts, plan = silence.facts, silence.plan
    tokens = 0
    for count in range(1, plan.most + 1):
        now_us = facts.start_us + count * plan.every_us
        if until_us is not None and now_us >= until_us:
            break
        planner.touched(facts, plan, now_us)
        if not cache.touch(silence.row, plan.tokens, now_us):
            break
        tokens += plan.tokens
    return tokens


def requests_of(trace: Trace, paths: Paths, prices: InputPrices, most: int | None = None) -> Iterator[Request]:
    """Session by session, in order of time; the last `most` of them."""
    order = np.lexsort((trace.start_us, trace.group))
    order = order if most is None else order[max(len(order) - most, 0) :]
    owner = np.repeat(np.arange(len(trace)), np.diff(paths.first))
    known = paths.born[paths.steps] <= owner
    ids = paths.steps[known].tolist()
    ends = paths.end[paths.steps[known]].tolist()
    first: Ints = np.zeros(len(trace) + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner[known], minlength=len(trace)), out=first[1:])
    starts, begins, minimums = trace.start_us.tolist(), trace.begins_us.tolist(), prices.minimums(trace).tolist()
    prompts, stops, last_parts = trace.prompt_tokens.tolist(), trace.stop.tolist(), trace.ends_with.tolist()
    scopes, rates, priced = paths.scope.tolist(), _rates(prices), prices.positions(trace).tolist()
    met_ids, met_tokens = _met(trace, paths, owner)
    cuts = first.tolist()
    for index in order.tolist():
        begin, end = cuts[index], cuts[index + 1]
        facts = Facts(
            lane=scopes[index],
            prefix_ids=ids[begin:end],
            ends=ends[begin:end],
            prompt_tokens=prompts[index],
            ends_with=last_parts[index],
            start_us=starts[index],
            rates=rates[priced[index]],
            minimum_tokens=minimums[index],
            met_id=met_ids[index],
            met_tokens=met_tokens[index],
        )
        yield Request(index, facts, begins[index], stops[index])


def _met(trace: Trace, paths: Paths, owner: Ints) -> tuple[list[int], list[int]]:
    """Per request, the end of the latest earlier one that shares most with it (-1 = none does), and how much."""
    order = np.argsort(paths.steps, kind="stable")  # requests of a scope are in order of time already
    before: Ints = np.full(len(paths.steps), -1, dtype=np.int64)
    again = np.flatnonzero(np.diff(paths.steps[order]) == 0)
    before[order[again + 1]] = owner[order[again]]
    shared = np.bincount(owner[before >= 0], minlength=len(trace))
    some = np.flatnonzero(shared)
    deepest = paths.first[some] + shared[some] - 1
    ids: Ints = np.full(len(trace), -1, dtype=np.int64)
    tokens: Ints = np.zeros(len(trace), dtype=np.int64)
    ids[some] = paths.steps[paths.first[before[deepest] + 1] - 1]
    tokens[some] = paths.end[paths.steps[deepest]]
    return ids.tolist(), tokens.tolist()


def _rates(prices: InputPrices) -> list[Rates]:
    return [
        Rates(float(each.uncached), float(each.read), float(each.write_5m), float(each.write_1h))
        for each in prices.all_rates()
    ]
