"""The cache planner: what it knows, what it decides for a request, what it learns from what came of it.

    facts of a request ──decide──> marks            before it is sent
    its answer ends    ──answered──> keep-alive      until the lane's next request
    the next request   ──decide──> what became of the last one is counted

Nothing looks ahead: a decision rests on requests that started before it. The same steps learn a plan from a training
trace, replay it, and run in the gateway, where the plan goes on learning.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import chain
from typing import Final, NamedTuple

import msgspec

from baseload.levers.cache.choices import Choice, Rates, choice_for, is_anchor, is_kept_for_hour
from baseload.levers.cache.keep_alive import touches_worth
from baseload.levers.cache.lane import WAITED_US, Found, Lane, Last, Place
from baseload.levers.cache.pauses import STEP_US, PauseCounts, Pauses, wait_of
from baseload.levers.cache.price import TTL_1H_US, TTL_5M_US
from baseload.levers.cache.reuse import Reuse, ReuseCounts, kind_of
from baseload.levers.cache.rules import MOST_MARKS, Mark
from baseload.levers.cache.shadow import Asked, Bills, Rule
from baseload.levers.options import Ttl

MOST_LANES: Final = 5_000
"""Conversations a planner keeps in mind; the one unheard for longest is closed when there are more."""
LEARN_EVERY: Final = 64
"""Requests after which choices are made anew from the counts."""
_SHARES: Final = 20
_RULES: Final[dict[Rule, Choice]] = {
    "none": Choice(new_5m=-1, new_1h=-2, old_5m=-1, old_1h=-2, anchor=0),
    "all_5m": Choice(new_5m=2, new_1h=1, old_5m=2, old_1h=1, anchor=0),
    "all_1h": Choice(new_5m=1, new_1h=2, old_5m=1, old_1h=2, anchor=2),
}
"""The simple rules as choices: only the order of the gains matters."""


class LearntPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a planner was taught: counts, no thresholds, so that it holds for any model's prices. JSON-able."""

    schema: str = "baseload.cache-plan/1"
    requests: int = 0
    reuse: Reuse | None = None
    pauses: Pauses | None = None


class Facts(NamedTuple):
    """A request as a gateway knows it before sending it. `lane` is what it shares a cache with, model included.

    `prefix_ids` and `ends` as in `rules.Prompt`; `minimum_tokens`: a shorter prefix is never cached.
    """

    lane: Hashable
    prefix_ids: Sequence[int]
    ends: Sequence[int]
    prompt_tokens: int
    ends_with: int
    start_us: int
    rates: Rates
    minimum_tokens: int = 0


class KeepAlive(NamedTuple):
    """Reads that keep an entry alive: the first after `every_us` from the request's start, at most `most` of them.

    The lane's next request ends them. Each is billed as a read of `tokens`.
    """

    prefix_id: int
    tokens: int
    every_us: int
    most: int


def _depth(ends: Sequence[int], position: int) -> int:
    return ends[position] if position >= 0 else 0


class Planner:
    """The state of the planner: pure of clock and network; memory bounded by MOST_LANES and `lane.MOST_PLACES`.

    With `learns` it counts what becomes of requests and follows the counts; without, it keeps to the plan.
    """

    def __init__(self, plan: LearntPlan | None = None, *, learns: bool) -> None:
        plan = plan or LearntPlan()
        self.learns = learns
        self._reuse = ReuseCounts(plan.reuse)
        self._pauses = PauseCounts(plan.pauses)
        self._requests = plan.requests
        self._lanes: dict[Hashable, Lane] = {}  # the latest heard last
        self._choices: dict[tuple[int, Rates], Choice] = {}
        self._keeps: dict[tuple[Ttl, int, int, Rates], int] = {}
        self.covers = True  # an hour's mark keeps what is before it for an hour, until a cache is seen that does not
        self._bills = Bills()

    def decide(self, facts: Facts) -> tuple[Mark, ...]:
        """The marks of a request that is about to be sent, in order of position."""
        lane = self._lane(facts.lane)
        if not facts.prefix_ids:
            self._bills.add(lane.shadow, self._asked(facts), -1, 0.0)
            return ()
        found = lane.find(facts.prefix_ids, facts.ends, facts.start_us)
        kind = kind_of(facts.ends_with, facts.prompt_tokens, found.seen >= 0)
        if self.learns:
            self._look_back(lane, facts, found.seen)
        lapsed = found.seen >= 0 and facts.start_us - lane.places[facts.prefix_ids[found.seen]].seen_us > TTL_5M_US
        place = lane.note(facts.prefix_ids, facts.ends, found.seen, facts.start_us)
        if self.learns:
            self._await(lane, facts, found.seen, kind, place)
        own = self._choice(kind, facts.rates)
        rule = self._bills.follows(facts.rates)
        marks = self._marks(lane, facts, found, own if rule is None else _RULES[rule], lapsed)
        paid = self._sent(lane, facts, marks)
        self._bills.add(lane.shadow, self._asked(facts), self._target(facts, found, own), paid)
        return marks

    @staticmethod
    def _asked(facts: Facts) -> Asked:
        cacheable = facts.ends and facts.ends[-1] >= facts.minimum_tokens
        return Asked(facts.prefix_ids if cacheable else (), facts.ends, facts.prompt_tokens, facts.start_us, facts.rates)

    def _lane(self, key: Hashable) -> Lane:
        lane = self._lanes.pop(key, None)
        if lane is None:
            lane = Lane()
            if len(self._lanes) >= MOST_LANES:
                self.close(next(iter(self._lanes)))
        self._lanes[key] = lane
        return lane

    def _choice(self, kind: int, rates: Rates) -> Choice:
        key = (kind, rates)
        choice = self._choices.get(key)
        if choice is None:
            choice = self._choices[key] = choice_for(self._reuse.again(kind), rates)
        return choice

    def _marks(self, lane: Lane, facts: Facts, found: Found, choice: Choice, lapsed: bool) -> tuple[Mark, ...]:
        """Where to mark: what is written, what is read, the anchor, places where conversations parted."""
        ends = facts.ends
        target = self._target(facts, found, choice)
        if target < 0 or ends[target] < facts.minimum_tokens:
            return ()
        hour = self._hour(facts, found, choice, target, lapsed)
        wanted = [target, found.read, found.anchor]
        if found.read < found.seen <= target:
            wanted.append(found.seen)
        wanted += lane.keepsakes(facts.prefix_ids, ends, min(found.seen, target))
        places = list(dict.fromkeys(place for place in wanted if place >= 0))[:MOST_MARKS]
        return tuple(Mark(place, "1h" if place <= hour else "5m") for place in sorted(places))

    def _target(self, facts: Facts, found: Found, choice: Choice) -> int:
        """The last position to mark: the end, or what of it was seen before, or only what can be read."""
        ends, tail = facts.ends, len(facts.ends) - 1
        held, seen = _depth(ends, found.read), _depth(ends, found.seen)
        old = (seen - held) * max(choice.old_5m, choice.old_1h)
        whole = old + (ends[tail] - seen) * max(choice.new_5m, choice.new_1h)
        return tail if whole >= max(old, 0.0) else found.seen if old > 0 else found.read

    def _hour(self, facts: Facts, found: Found, choice: Choice, target: int, lapsed: bool) -> int:
        """The last position to mark for an hour; the anchor where none more is."""
        ends = facts.ends
        held = _depth(ends, found.read)
        new = ends[target] - held
        if new <= 0:
            return found.anchor
        fresh = target if found.seen < 0 and choice.new_1h > choice.new_5m else found.anchor
        if self.covers:
            return target if is_anchor(choice, facts.rates, new, held - _depth(ends, found.anchor)) else fresh
        if found.anchor < found.read:
            return found.anchor  # what is behind a shorter life has no hour
        if lapsed and found.read < found.seen and is_kept_for_hour(self._pauses.again(), facts.rates):
            return max(found.anchor, min(found.seen, target))
        return fresh

    def _sent(self, lane: Lane, facts: Facts, marks: tuple[Mark, ...]) -> float:
        """Remember what the request leaves in the cache; what its input costs."""
        ids, ends, rates = facts.prefix_ids, facts.ends, facts.rates
        read_to = lane.serve(ids, marks, facts.start_us, covers=self.covers)
        reached = _depth(ends, read_to)
        paid = reached * rates.read
        anchored = lane.last_anchor(ids, ends, facts.start_us) if marks else (-1, 0)
        for mark in marks:
            if mark.position > read_to and ends[mark.position] >= facts.minimum_tokens:
                rate = rates.write_1h if mark.ttl == "1h" else rates.write_5m
                paid += (ends[mark.position] - reached) * rate
                reached = ends[mark.position]
        last = marks[-1].position if marks else -1
        lane.last = Last(
            start_us=facts.start_us,
            prompt_tokens=facts.prompt_tokens,
            written=tuple(ids[mark.position] for mark in marks),
            prefix_id=ids[last] if marks else -1,
            depth=ends[last] if marks else 0,
            anchor_id=anchored[0],
            anchored=anchored[1],
            expected=_depth(ends, read_to),
            hopeful=read_to >= 0 and lane.layered(ids[read_to]),
        )
        return paid + (facts.prompt_tokens - reached) * rates.plain

    def answered(self, facts: Facts, begins_us: int, stop: int, read_tokens: int | None = None) -> KeepAlive | None:
        """The answer of the lane's last request: what it wrote can be read, and whether to keep it alive in silence.

        `read_tokens` as billed, where it is known: a cache that does not keep what is before an hour's mark shows it.
        """
        lane = self._lanes.get(facts.lane)
        if lane is None or lane.last is None or lane.last.start_us != facts.start_us:
            return None
        last = lane.last
        lane.begun(last.written, begins_us)
        if read_tokens is not None and last.hopeful and read_tokens < last.expected:
            self._disappoint()
        wait = wait_of(stop)
        lane.last = last._replace(wait=wait)
        if not last.depth:
            return None
        share = round(_SHARES * (last.depth - last.anchored) / last.depth)
        most = self._kept("5m", wait, share, facts.rates)
        if most:
            return KeepAlive(last.prefix_id, last.depth, STEP_US["5m"], most)
        if last.anchored:
            most = self._kept("1h", wait, _SHARES, facts.rates)
            if most:
                return KeepAlive(last.anchor_id, last.anchored, STEP_US["1h"], most)
        return None

    def _disappoint(self) -> None:
        """An hour's mark did not keep what was before it: never count on it again."""
        self.covers = False
        for lane in self._lanes.values():
            lane.forget_layers()

    def _kept(self, ttl: Ttl, wait: int, share: int, rates: Rates) -> int:
        """Keep-alive reads that are worth it where this share (in _SHARES) of the prefix would be lost."""
        key = (ttl, wait, share, rates)
        most = self._keeps.get(key)
        if most is None:
            read = rates.read / rates.plain
            saved = (rates.write_5m - rates.read) / rates.plain * share / _SHARES
            most = self._keeps[key] = touches_worth(self._pauses.chances(ttl, wait), read, saved)
        return most

    def touched(self, facts: Facts, keep_alive: KeepAlive, now_us: int) -> None:
        """A keep-alive read was sent."""
        lane = self._lanes.get(facts.lane)
        if lane is not None:
            lane.touch(keep_alive.prefix_id, now_us)
            self._bills.kept_alive(keep_alive.tokens * facts.rates.read)

    def _look_back(self, lane: Lane, facts: Facts, seen: int) -> None:
        """Count what this request says about the lane's earlier ones."""
        now_us = facts.start_us
        last = lane.last
        if last is not None:
            reread = facts.ends[seen] if seen >= 0 else 0
            silent_us = now_us - last.start_us
            self._pauses.heard(max(last.wait, 0), last.prompt_tokens, reread, silent_us)
            if TTL_5M_US < silent_us <= TTL_1H_US and reread:
                self._pauses.paused(reread, lane.paused_tokens)
                lane.paused_tokens = reread
            lane.last = None
        for position in range(seen, max(seen - 2, -1), -1):
            place = lane.places[facts.prefix_ids[position]]
            if place.kind >= 0:
                self._wait_out(place, len(WAITED_US))
                self._reuse.returned(place.kind, place.new_tokens, place.depth, now_us - place.seen_us)
                place.kind = -1
        for stage, waited_us in enumerate(WAITED_US):
            waiting = lane.waiting[stage]
            while waiting:
                early = lane.places.get(waiting[0])
                if early is not None and early.kind >= 0 and early.stage == stage:
                    if now_us - early.seen_us <= waited_us:
                        break
                    self._wait_out(early, stage + 1)
                    if stage + 1 < len(WAITED_US):
                        lane.waiting[stage + 1].append(waiting[0])
                waiting.popleft()

    def _wait_out(self, place: Place, stage: int) -> None:
        """Count a request as sent by the share of the time in which it might have been wanted again."""
        stages = len(WAITED_US)
        new, whole = (tokens * stage // stages - tokens * place.stage // stages for tokens in (place.new_tokens, place.depth))
        if stage > place.stage:
            self._reuse.sent(place.kind, new, whole, first=not place.stage)
        place.stage = stage

    def _await(self, lane: Lane, facts: Facts, seen: int, kind: int, place: Place) -> None:
        """Wait for what becomes of this request."""
        if place.kind < 0:
            place.kind, place.stage = kind, 0
            place.new_tokens = facts.ends[-1] - _depth(facts.ends, seen)
            lane.waiting[0].append(facts.prefix_ids[-1])
        self._requests += 1
        if self._requests % LEARN_EVERY == 0:
            self._choices.clear()
            self._keeps.clear()

    def close(self, key: Hashable) -> None:
        """The lane has ended, as far as can be known."""
        lane = self._lanes.pop(key, None)
        if lane is None or not self.learns:
            return
        if lane.last is not None:
            self._pauses.lost(max(lane.last.wait, 0), lane.last.prompt_tokens)
        for prefix_id in chain.from_iterable(lane.waiting):
            place = lane.places.get(prefix_id)
            if place is not None and place.kind >= 0:
                self._wait_out(place, len(WAITED_US))
        self._choices.clear()
        self._keeps.clear()

    def close_all(self) -> None:
        """Every lane has ended."""
        for key in list(self._lanes):
            self.close(key)

    def learnt(self) -> LearntPlan:
        """What it knows by now, to keep or to hand on."""
        return LearntPlan(requests=self._requests, reuse=self._reuse.frozen(), pauses=self._pauses.frozen())
