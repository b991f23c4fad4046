"""The cache planner: what it decides for a request, and for the silence after it.

    facts of a request ──decide──> marks           before it is sent
    its answer ends    ──answered──> keep-alive     until the lane's next request
    the next request   ──decide──> what became of the last one is counted

Nothing looks ahead: a decision rests on requests that started before it. The same steps learn a plan from a training
trace, replay it, and run in the gateway, where a plan goes on learning.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import chain
from typing import Final, NamedTuple

import msgspec

from baseload.levers.cache.choices import Choice, Rates, is_anchor, is_kept_for_hour
from baseload.levers.cache.lane import Found, Lane, Sent
from baseload.levers.cache.learning import SHARES, Learner
from baseload.levers.cache.pauses import STEP_US, Pauses, wait_of
from baseload.levers.cache.price import TTL_5M_US
from baseload.levers.cache.reuse import BESIDE_US, Reuse, Step, kind_of
from baseload.levers.cache.rules import MOST_MARKS, Mark
from baseload.levers.cache.shadow import Asked, Bills, Rule
from baseload.levers.cache.trace import Stop

MOST_LANES: Final = 5_000
MOST_PLACES: Final = 200_000
"""Conversations, and prefixes of all of them, kept in mind: the conversation unheard for longest is closed first."""
_RULES: Final[dict[Rule, Choice]] = {
    "none": Choice(new_5m=-1, new_1h=-2, old_5m=-1, old_1h=-2, anchor=0),
    "all_5m": Choice(new_5m=2, new_1h=1, old_5m=2, old_1h=1, anchor=0),
    "all_1h": Choice(new_5m=1, new_1h=2, old_5m=1, old_1h=2, anchor=2),
}
"""The simple rules as choices: only the order of the gains matters."""


class LearntPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a planner was taught: counts, no thresholds, so that it holds for any model's prices. JSON-able.

    `hour_covers` is false once a cache was seen that forgets what was before an hour's mark (`Planner.covers`).
    """

    schema: str = "baseload.cache-plan/1"
    reuse: Reuse | None = None
    pauses: Pauses | None = None
    hour_covers: bool = True


class Facts(NamedTuple):
    """A request as a gateway knows it before sending it. `lane` is what it shares a cache with, model included.

    `prefix_ids` and `ends` as in `rules.Prompt`; `minimum_tokens`: a shorter prefix is never cached. `met_id`: the
    last prefix of the earlier request that shares most with this one, where block hashes tell (-1: not known), and
    `met_tokens` how much.
    """

    lane: Hashable
    prefix_ids: Sequence[int]
    ends: Sequence[int]
    prompt_tokens: int
    ends_with: int
    start_us: int
    rates: Rates
    minimum_tokens: int = 0
    met_id: int = -1
    met_tokens: int = 0


class Decision(NamedTuple):
    """The marks of a request, in order of position, and what `answered` needs of it."""

    marks: tuple[Mark, ...]
    sent: Sent | None


class KeepAlive(NamedTuple):
    """Reads that keep an entry alive: the first after `every_us` from the request's start, at most `most` of them.

    The lane's next request ends them. Each is billed as a read of `tokens`.
    """

    prefix_id: int
    tokens: int
    every_us: int
    most: int


class Planner:
    """The state of the planner: no clock, no network, bounded memory."""

    def __init__(self, plan: LearntPlan | None = None) -> None:
        plan = plan or LearntPlan()
        self.covers = plan.hour_covers
        """An hour's mark keeps all before it for an hour: what the published billing says, until a cache disagrees."""
        self._learner = Learner(plan.reuse, plan.pauses)
        self._bills = Bills()
        self._lanes: dict[Hashable, Lane] = {}  # the latest heard last
        self._places = 0

    def decide(self, facts: Facts) -> Decision:
        """The marks of a request that is about to be sent."""
        lane = self._lane(facts.lane)
        ids, ends, now_us = facts.prefix_ids, facts.ends, facts.start_us
        asked = _asked(facts)
        if not ids:
            self._bills.add(lane.shadow, asked, -1, 0.0)
            return Decision((), None)
        found = lane.find(ids, ends, now_us)
        kind = kind_of(facts.ends_with, facts.prompt_tokens, _step(lane, ids, found.seen, now_us))
        self._learner.look_back(lane, ids, ends, found.seen, now_us)
        if facts.met_tokens > _depth(ends, found.seen):
            self._learner.met(lane, facts.met_id, facts.met_tokens, now_us)
        lapsed = found.seen >= 0 and now_us - lane.places[ids[found.seen]].seen_us > TTL_5M_US
        self._remember(lane, facts, found.seen)
        self._learner.wait_for(lane, ids[-1], kind, ends[-1] - _depth(ends, found.seen))
        own = self._learner.choice(kind, facts.rates)
        target = _target(ends, found, own)
        rule = self._bills.follows(self._learner.expected, facts.rates)
        choice = own if rule is None else _RULES[rule]
        marks = self._marks(lane, facts, found, choice, lapsed)
        sent, paid = self._sent(lane, facts, marks)
        self._bills.add(lane.shadow, asked, target, paid)
        if target == len(ids) - 1:
            self._learner.written(lane.places[ids[-1]], ends[-1] - _depth(ends, found.read), own, facts.rates)
        return Decision(marks, sent)

    def _lane(self, key: Hashable) -> Lane:
        lane = self._lanes.pop(key, None) or Lane()
        self._lanes[key] = lane
        while len(self._lanes) > 1 and (len(self._lanes) > MOST_LANES or self._places > MOST_PLACES):
            self.close(next(iter(self._lanes)))
        return lane

    def _remember(self, lane: Lane, facts: Facts, seen: int) -> None:
        before = len(lane.places)
        lane.note(facts.prefix_ids, facts.ends, seen, facts.start_us)
        self._places += len(lane.places) - before

    def _marks(self, lane: Lane, facts: Facts, found: Found, choice: Choice, lapsed: bool) -> tuple[Mark, ...]:
        """Where to mark: what is written, what is read, the anchor, places where conversations parted."""
        ends = facts.ends
        target = _target(ends, found, choice)
        if target < 0 or ends[target] < facts.minimum_tokens:
            return ()
        hour = self._hour(facts, found, choice, target, lapsed)
        places = {target}
        lapsed_end = found.seen if found.read < found.seen <= target else -1
        keepsakes = lane.keepsakes(facts.prefix_ids, ends, min(found.seen, target))
        for place in chain((found.read, found.anchor, lapsed_end), keepsakes):
            if place >= 0 and ends[place] >= facts.minimum_tokens:
                places.add(place)
                if len(places) == MOST_MARKS:
                    break
        return tuple(Mark(place, "1h" if place <= hour else "5m") for place in sorted(places))

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
        if lapsed and found.read < found.seen and is_kept_for_hour(self._learner.pauses.again(), facts.rates):
            return max(found.anchor, min(found.seen, target))
        return fresh

    def _sent(self, lane: Lane, facts: Facts, marks: tuple[Mark, ...]) -> tuple[Sent, float]:
        """What the request leaves in the cache, and what its input costs."""
        ids, ends, rates = facts.prefix_ids, facts.ends, facts.rates
        read_to = lane.serve(ids, marks, facts.start_us, covers=self.covers)
        reached = _depth(ends, read_to)
        paid = reached * rates.read
        for mark in marks:
            if mark.position > read_to and ends[mark.position] >= facts.minimum_tokens:
                rate = rates.write_1h if mark.ttl == "1h" else rates.write_5m
                paid += (ends[mark.position] - reached) * rate
                reached = ends[mark.position]
        last = marks[-1].position if marks else -1
        hours = [mark.position for mark in marks if lane.lives_for_hour(ids[mark.position], facts.start_us)]
        lane.last = Sent(
            start_us=facts.start_us,
            prompt_tokens=facts.prompt_tokens,
            written=tuple(ids[mark.position] for mark in marks),
            prefix_id=ids[last] if marks else -1,
            depth=_depth(ends, last),
            anchor_id=ids[hours[-1]] if hours else -1,
            anchored=ends[hours[-1]] if hours else 0,
            expected=_depth(ends, read_to),
            hopeful=read_to >= 0 and lane.layered(ids[read_to]),
        )
        return lane.last, paid + (facts.prompt_tokens - reached) * rates.plain

    def answered(
        self, facts: Facts, decision: Decision, begins_us: int, stop: int, read_tokens: int | None = None
    ) -> KeepAlive | None:
        """The request's answer has ended: what it wrote can be read, and whether to keep it alive in silence.

        None also where the lane has moved on. `begins_us`: when the answer began. `read_tokens` as billed, where known:
        a cache that does not keep what is before an hour's mark shows it there.
        """
        lane, sent = self._lanes.get(facts.lane), decision.sent
        if lane is None or sent is None:
            return None
        lane.begun(sent.written, begins_us)
        if read_tokens is not None:
            self._bills.corrected(sent.expected - read_tokens, facts.rates)
            if sent.hopeful and read_tokens < sent.expected:
                self._disappoint()
        if lane.last is not sent:
            return None
        wait = wait_of(stop)
        lane.last = sent._replace(wait=wait)
        if stop == Stop.UNKNOWN and not self._learner.pauses.outlived:
            return None  # what is believed of silences is about coding sessions too
        return self._keep_alive(sent, wait, facts.rates)

    def _keep_alive(self, sent: Sent, wait: int, rates: Rates) -> KeepAlive | None:
        if not sent.depth or self._bills.following is not None:  # the simple rules keep nothing alive
            return None
        share = round(SHARES * (sent.depth - sent.anchored) / sent.depth)
        most = self._learner.reads_worth("5m", wait, share, rates)
        if most:
            return KeepAlive(sent.prefix_id, sent.depth, STEP_US["5m"], most)
        most = self._learner.reads_worth("1h", wait, SHARES, rates) if sent.anchored else 0
        return KeepAlive(sent.anchor_id, sent.anchored, STEP_US["1h"], most) if most else None

    def _disappoint(self) -> None:
        """An hour's mark did not keep what was before it: never count on it again."""
        self.covers = False
        for lane in self._lanes.values():
            lane.forget_layers()

    def touched(self, facts: Facts, keep_alive: KeepAlive, now_us: int) -> None:
        """A keep-alive read was sent."""
        lane = self._lanes.get(facts.lane)
        if lane is not None:
            lane.touch(keep_alive.prefix_id, now_us)
            self._bills.kept_alive(keep_alive.tokens * facts.rates.read)

    def close(self, key: Hashable) -> None:
        """The lane has ended, as far as can be known."""
        lane = self._lanes.pop(key, None)
        if lane is not None:
            self._places -= len(lane.places)
            self._learner.close(lane)

    def close_all(self) -> None:
        """Every lane has ended."""
        for key in list(self._lanes):
            self.close(key)

    def learnt(self) -> LearntPlan:
        """What it knows by now, to keep or to hand on."""
        learner = self._learner
        return LearntPlan(reuse=learner.reuse.frozen(), pauses=learner.pauses.frozen(), hour_covers=self.covers)


def _depth(ends: Sequence[int], position: int) -> int:
    return ends[position] if position >= 0 else 0


def _step(lane: Lane, ids: Sequence[int], seen: int, now_us: int) -> Step:
    if lane.end < 0:
        return Step.FIRST
    if seen >= 0 and ids[seen] == lane.end:
        return Step.GOES_ON
    if now_us - lane.places[lane.end].seen_us < BESIDE_US:
        return Step.RETURNS_BESIDE if seen >= 0 else Step.PARTS_BESIDE
    return Step.RETURNS if seen >= 0 else Step.PARTS


def _asked(facts: Facts) -> Asked:
    cacheable = facts.ends and facts.ends[-1] >= facts.minimum_tokens
    ids = facts.prefix_ids if cacheable else ()
    return Asked(ids, facts.ends, facts.prompt_tokens, facts.start_us, facts.rates)


def _target(ends: Sequence[int], found: Found, choice: Choice) -> int:
    """The last position to mark: the end, or what of it was seen before, or only what can be read."""
    held, seen = _depth(ends, found.read), _depth(ends, found.seen)
    old = (seen - held) * choice.old
    whole = old + (ends[-1] - seen) * choice.new
    if whole >= old and whole >= 0:
        return len(ends) - 1
    return found.seen if old > 0 else found.read
