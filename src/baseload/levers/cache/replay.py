"""A plan at work on a trace: learnt on one, replayed on another, or learning while it goes. Billed by the exact rules.

Lanes and models are caches apart. Requests of a session are taken in order of time and sessions one after the other,
in order of their names: a trace does not say when one began beside another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from baseload.levers.cache.choices import Rates
from baseload.levers.cache.paths import Ints, Paths, fold
from baseload.levers.cache.planner import Facts, KeepAlive, LearntPlan, Planner
from baseload.levers.cache.price import InputPrices, PolicyResult, policy_result
from baseload.levers.cache.rules import Cache, Prompt
from baseload.levers.cache.trace import Trace


class _Request(NamedTuple):
    index: int
    facts: Facts
    begins_us: int
    stop: int


class _Silence(NamedTuple):
    """Keep-alive reads that are sent until the lane's next request."""

    facts: Facts
    plan: KeepAlive


def learn(train: Trace, prices: InputPrices) -> LearntPlan:
    """A plan from past requests; of none, the plan that only believes its priors."""
    planner = Planner(learns=True)
    paths = fold(train)
    session = -1
    for request in _requests(train, paths, prices):
        if train.group[request.index] != session:
            planner.close_all()
            session = int(train.group[request.index])
        planner.decide(request.facts)
        planner.answered(request.facts, request.begins_us, request.stop)
    if session >= 0:  # a recording without sessions was cut, its conversations have not ended
        planner.close_all()
    return planner.learnt()


def replay(
    plan: LearntPlan, judged: Trace, prices: InputPrices, paths: Paths | None = None, *, hour_covers: bool = False
) -> PolicyResult:
    """The bill of a trace under a plan that was learnt elsewhere, and goes on learning from what it has seen."""
    return _billed("plan", Planner(plan, learns=True), judged, prices, paths or fold(judged), hour_covers)


def replay_online(
    judged: Trace, prices: InputPrices, paths: Paths | None = None, *, hour_covers: bool = False
) -> PolicyResult:
    """The bill of a trace under a planner that starts with its priors and learns as it goes."""
    return _billed("online", Planner(learns=True), judged, prices, paths or fold(judged), hour_covers)


class _Tally:
    """Tokens by request and class."""

    def __init__(self, size: int) -> None:
        self.read, self.write_5m, self.write_1h, self.kept = ([0] * size for _ in range(4))

    def result(self, name: str, trace: Trace, prices: InputPrices) -> PolicyResult:
        read, short, long, kept = (np.array(row, dtype=np.int64) for row in (self.read, self.write_5m, self.write_1h, self.kept))
        return policy_result(name, trace, prices, read=read, write_5m=short, write_1h=long, keep_alive=kept)


def _billed(name: str, planner: Planner, trace: Trace, prices: InputPrices, paths: Paths, hour_covers: bool) -> PolicyResult:
    tally, session = _Tally(len(trace)), -1
    caches: dict[int, Cache] = {}
    silences: dict[int, tuple[int, _Silence]] = {}
    groups = trace.group.tolist()

    def end_session() -> None:
        for scope, (index, silence) in silences.items():
            tally.kept[index] += _kept(planner, caches[scope], silence, None)
        caches.clear()
        silences.clear()
        planner.close_all()

    for request in _requests(trace, paths, prices):
        if groups[request.index] != session:
            end_session()
            session = groups[request.index]
        facts, scope = request.facts, int(paths.scope[request.index])
        cache = caches.get(scope)
        if cache is None:
            cache = caches[scope] = Cache(hour_covers=hour_covers)
        if scope in silences:
            index, silence = silences.pop(scope)
            tally.kept[index] += _kept(planner, cache, silence, facts.start_us)
        marks, read = planner.decide(facts), 0
        if marks:
            prompt = Prompt(
                scope=scope, prefix_ids=facts.prefix_ids, ends=facts.ends, prompt_tokens=facts.prompt_tokens
            )
            served = cache.serve(prompt, marks, facts.start_us, request.begins_us, facts.minimum_tokens)
            tally.read[request.index] = read = served.read_tokens
            tally.write_5m[request.index] = served.write_5m_tokens
            tally.write_1h[request.index] = served.write_1h_tokens
        keep_alive = planner.answered(facts, request.begins_us, request.stop, read)
        if keep_alive is not None:
            silences[scope] = (request.index, _Silence(facts, keep_alive))
    end_session()
    return tally.result(name, trace, prices)


def _kept(planner: Planner, cache: Cache, silence: _Silence, until_us: int | None) -> int:
    """Send the keep-alive reads that fall before this time; the tokens they read."""
    facts, plan = silence
    tokens = 0
    for count in range(1, plan.most + 1):
        now_us = facts.start_us + count * plan.every_us
        if until_us is not None and now_us >= until_us:
            break
        planner.touched(facts, plan, now_us)
        if not cache.touch(facts.lane, plan.prefix_id, now_us):  # type: ignore[arg-type]  # a trace's lane is its scope
            break
        tokens += plan.tokens
    return tokens


def _requests(trace: Trace, paths: Paths, prices: InputPrices) -> Iterator[_Request]:
    """Session by session, in order of time."""
    order = np.lexsort((trace.start_us, trace.group))
    owner = np.repeat(np.arange(len(trace)), np.diff(paths.first))
    known = paths.born[paths.steps] <= owner
    ids = paths.steps[known].tolist()
    ends = paths.end[paths.steps[known]].tolist()
    first: Ints = np.zeros(len(trace) + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner[known], minlength=len(trace)), out=first[1:])
    starts, begins, minimums = trace.start_us.tolist(), trace.begins_us.tolist(), prices.minimums(trace).tolist()
    prompts, stops, last_parts = trace.prompt_tokens.tolist(), trace.stop.tolist(), trace.ends_with.tolist()
    scopes, rates, priced = paths.scope.tolist(), _rates(prices), prices.positions(trace).tolist()
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
        )
        yield _Request(index, facts, begins[index], stops[index])


def _rates(prices: InputPrices) -> list[Rates]:
    return [
        Rates(float(each.uncached), float(each.read), float(each.write_5m), float(each.write_1h))
        for each in prices.all_rates()
    ]
