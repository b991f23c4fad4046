"""What a planner learns: when a request comes, what became of the lane's earlier ones is counted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

from baseload.levers.cache.choices import Choice, Rates, choice_for
from baseload.levers.cache.keep_alive import touches_worth
from baseload.levers.cache.lane import WAITED_US, Lane, Place
from baseload.levers.cache.pauses import PauseCounts, Pauses
from baseload.levers.cache.price import TTL_1H_US, TTL_5M_US
from baseload.levers.cache.reuse import Reuse, ReuseCounts
from baseload.levers.options import Ttl

EVERY: Final = 64
"""Requests after which choices are made anew from the counts."""
SHARES: Final = 20
"""Steps in which the share of a prefix that would be lost is told apart."""
_ALL: Final = len(WAITED_US)
UNPROVEN: Final = Choice(new_5m=-1, new_1h=-1, old_5m=-1, old_1h=-1, anchor=0)
"""Write nothing: the prior is about coding sessions, and nothing says that this is one."""


class Learner:
    """Counts, and the choices that follow from them.

    `expected` is what the planner still expects to save by what it wrote in the last five minutes, in the unit of the
    rates: taken back as it saves, or fails to.
    """

    def __init__(self, reuse: Reuse | None, pauses: Pauses | None) -> None:
        self.reuse = ReuseCounts(reuse)
        self.pauses = PauseCounts(pauses)
        self.expected = 0.0
        self._requests = 0
        self._choices: dict[tuple[int, Rates], Choice] = {}
        self._reads: dict[tuple[Ttl, int, int, Rates], int] = {}

    def choice(self, kind: int, rates: Rates) -> Choice:
        """What to do with requests of a kind."""
        if not self.reuse.believes(kind):
            return UNPROVEN
        key = (kind, rates)
        choice = self._choices.get(key)
        if choice is None:
            choice = self._choices[key] = choice_for(self.reuse.again(kind), rates)
        return choice

    def reads_worth(self, ttl: Ttl, wait: int, share: int, rates: Rates) -> int:
        """Keep-alive reads worth their price where this share (in SHARES) of the prefix would be lost."""
        key = (ttl, wait, share, rates)
        most = self._reads.get(key)
        if most is None:
            saved = (rates.write_5m - rates.read) / rates.plain * share / SHARES
            chances = self.pauses.chances(ttl, wait)
            most = self._reads[key] = touches_worth(chances, rates.read / rates.plain, saved)
        return most

    def look_back(self, lane: Lane, ids: Sequence[int], ends: Sequence[int], seen: int, now_us: int) -> None:
        """Count what a request that was seen up to there says about the lane's earlier ones."""
        last = lane.last
        if last is not None:
            reread = ends[seen] if seen >= 0 else 0
            self.pauses.heard(max(last.wait, 0), last.prompt_tokens, reread, now_us - last.start_us)
            lane.last = None
        if seen >= 0:
            met = lane.places[ids[seen]]
            if TTL_5M_US < now_us - met.seen_us <= TTL_1H_US:
                self.pauses.paused(met.depth, met.paused_tokens)
                met.paused_tokens = met.depth
        for position in range(seen, max(seen - 2, -1), -1):
            self._returned(lane.places[ids[position]], now_us)
        for stage in range(_ALL):
            self._waited(lane, stage, now_us)

    def met(self, lane: Lane, prefix_id: int, tokens: int, now_us: int) -> None:
        """A request shares so many tokens with the one that ended there, and parts from it before its end."""
        place = lane.places.get(prefix_id)
        if place is not None and place.kind >= 0:
            self._count(place, _ALL)
            again = max(0, tokens - place.depth + place.new_tokens)
            self.reuse.returned(place.kind, again, tokens, now_us - place.seen_us)
            place.kind = -1

    def _returned(self, place: Place, now_us: int) -> None:
        if place.kind >= 0:
            self._count(place, _ALL)
            self.reuse.returned(place.kind, place.new_tokens, place.depth, now_us - place.seen_us)
            place.kind = -1

    def _waited(self, lane: Lane, stage: int, now_us: int) -> None:
        waiting = lane.waiting[stage]
        while waiting:
            place = lane.places.get(waiting[0])
            if place is not None and place.kind >= 0 and place.stage == stage:
                if now_us - place.seen_us <= WAITED_US[stage]:
                    return
                self._count(place, stage + 1)
                if stage + 1 < _ALL:
                    lane.waiting[stage + 1].append(waiting[0])
            waiting.popleft()

    def _count(self, place: Place, stage: int) -> None:
        """Count a request as sent by the share of the time in which it might have been wanted again."""
        if stage <= place.stage:
            return
        new = place.new_tokens * stage // _ALL - place.new_tokens * place.stage // _ALL
        whole = place.depth * stage // _ALL - place.depth * place.stage // _ALL
        self.reuse.sent(place.kind, new, whole, first=not place.stage)
        self._expect(place, place.expected * (_ALL - stage) / (_ALL - place.stage))
        place.stage = stage

    def _expect(self, place: Place, expected: float) -> None:
        self.expected += expected - place.expected
        place.expected = expected

    def wait_for(self, lane: Lane, prefix_id: int, kind: int, new_tokens: int) -> None:
        """Wait for what becomes of a request that ends there."""
        place = lane.places[prefix_id]
        if place.kind < 0:
            place.kind, place.stage, place.new_tokens = kind, 0, new_tokens
            lane.waiting[0].append(prefix_id)
        self._requests += 1
        if self._requests % EVERY == 0:
            self._forget_choices()

    def written(self, place: Place, tokens: int, choice: Choice, rates: Rates) -> None:
        """So many tokens of a request were written in the hope that they are wanted again."""
        gain = choice.new_5m + rates.write_5m / rates.plain - 1
        self._expect(place, tokens * max(0.0, gain) * rates.plain if place.kind >= 0 else 0.0)

    def close(self, lane: Lane) -> None:
        """The lane has ended, as far as can be known."""
        if lane.last is not None:
            self.pauses.lost(max(lane.last.wait, 0), lane.last.prompt_tokens)
        for prefix_id in chain.from_iterable(lane.waiting):
            place = lane.places.get(prefix_id)
            if place is not None and place.kind >= 0:
                self._count(place, _ALL)
        for place in lane.places.values():
            self._expect(place, 0.0)
        self._forget_choices()

    def _forget_choices(self) -> None:
        self._choices.clear()
        self._reads.clear()
