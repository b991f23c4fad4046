"""Which places of a workload's prompts to mark, and for how long: the cheapest legal way on the calls to learn on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from baseload.levers.cache.chances import Marks
from baseload.levers.cache.judge import Judge
from baseload.levers.cache.price import ModelPrices
from baseload.levers.cache.prompts import TAIL, TOOLS, Slot
from baseload.levers.cache.rules import MOST_MARKS
from baseload.levers.options import Ttl

MOST_STATIC_SLOTS = 3
"""Places besides the tail that all combinations are tried of: the best few on their own."""
WORTH_A_MARK = 0.002
"""One more mark, or a longer life, must save at least this share of the input's cost."""
WORTH_MOVING = 0.01
"""Moving a part costs somebody work: it must save at least this share of the input's cost."""

_SHORT: Ttl = "5m"
_LONG: Ttl = "1h"


class Plan(NamedTuple):
    """Where to mark, and whether the parts that change are moved first."""

    marks: Marks = ()
    moves: bool = False


def cheapest(learner: Judge, prices: ModelPrices) -> Plan:
    """The cheapest way on these calls, parts moved where that pays; no mark at all where none saves anything."""
    plan = as_sent(learner, prices)
    return edited(learner, prices, learner.sums(prices, plan).cost) or plan


def as_sent(learner: Judge, prices: ModelPrices) -> Plan:
    """The cheapest way to mark the requests as they are: nobody has to edit a prompt."""
    unmarked = learner.sums(prices, Plan()).cost
    return _cheapest(learner, prices, unmarked, unmarked, moves=False) or Plan()


def edited(learner: Judge, prices: ModelPrices, least: float) -> Plan | None:
    """The cheapest way once the parts that change are moved; None where that is not worth it against a cost."""
    return _cheapest(learner, prices, least, (1.0 - WORTH_MOVING) * least, moves=True) if learner.can_move else None


def _cheapest(learner: Judge, prices: ModelPrices, least: float, bar: float, *, moves: bool) -> Plan | None:
    """The cheapest marks that cost less than `bar`, each further one worth it; None where there are none."""
    best = None
    for marks in _ways(_promising(learner, prices, moves=moves)):
        cost = learner.sums(prices, Plan(marks, moves)).cost
        if cost < bar and cost < least * (1.0 - WORTH_A_MARK):
            best, least = Plan(marks, moves), cost
    return best


def blanket(slots: Sequence[Slot], ttl: Ttl) -> Plan:
    """What a rule that caches everything marks: the end of the tools, of the system prompt, and the tail."""
    system = [slot for slot in slots if slot.section == "system"][-1:]
    return Plan(tuple((slot, ttl) for slot in slots if slot in (TOOLS, TAIL, *system)))


def _promising(learner: Judge, prices: ModelPrices, *, moves: bool) -> list[Slot]:
    """The tail and the few other places that are worth most on their own, in render order."""
    static = [slot for slot in learner.slots if slot != TAIL]
    if len(static) > MOST_STATIC_SLOTS:
        alone = {
            slot: min(learner.sums(prices, Plan(((slot, ttl),), moves)).cost for ttl in (_SHORT, _LONG))
            for slot in static
        }
        static = sorted(static, key=alone.__getitem__)[:MOST_STATIC_SLOTS]
    return [slot for slot in learner.slots if slot in static or slot == TAIL]


def _ways(slots: Sequence[Slot]) -> Iterator[Marks]:
    """Every legal set of marks, fewer and shorter first: at most four, 1h before 5m (anthropic-facts section 3)."""
    for count in range(1, min(len(slots), MOST_MARKS) + 1):
        for places in combinations(slots, count):
            for long in range(count + 1):
                ttls = [_LONG] * long + [_SHORT] * (count - long)
                yield tuple(zip(places, ttls, strict=True))
