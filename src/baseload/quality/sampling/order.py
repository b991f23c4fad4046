"""One call of each session, chosen so that calls count alike; every beginning of the order is representative."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from baseload.quality.sampling.population import Member, Stratum

BLOCK: Final = 50
"""Calls of one permuted block: the smallest look of a trial, so that looks fall on the ends of blocks."""


class Chosen(NamedTuple):
    """One call of the sample. `weight` x D has the mean of all calls; 1 but for sessions that hold too many of them."""

    member: Member
    weight: float


def choose(members: Sequence[Member], most: int, chance: random.Random) -> list[Chosen]:
    """At most `most` sessions, each with one of its calls, so that the weighted mean is that of all calls.

    Within a session a call is chosen by its weight, and sessions by theirs (systematic sampling with probability
    proportional to calls, along the strata, so that each stratum gets its share to within one). A session with more
    than 1/`most` of all calls is surely in it, with a weight above 1. The weights add up to the sample's size.
    """
    sessions: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        sessions[member.session].append(member)
    picked = [(_one_of(calls, chance), sum(call.weight for call in calls)) for _, calls in sorted(sessions.items())]
    chance.shuffle(picked)
    picked.sort(key=lambda pick: pick[0].stratum)
    total, size = sum(calls for _, calls in picked), min(most, len(picked))
    sure = _sure(picked, size)
    left = size - len(sure)
    others = [(member, calls) for place, (member, calls) in enumerate(picked) if place not in sure]
    calls_left = sum(calls for _, calls in others)
    weight = Fraction(size * calls_left, total * left) if left else Fraction(0)
    return [Chosen(picked[place][0], float(Fraction(size * picked[place][1], total))) for place in sorted(sure)] + [
        Chosen(member, float(weight)) for member in _systematic(others, left, chance)
    ]


def _one_of(calls: Sequence[Member], chance: random.Random) -> Member:
    ordered = sorted(calls, key=lambda member: member.call_id)
    return chance.choices(ordered, weights=[member.weight for member in ordered])[0]


def _sure(picked: Sequence[tuple[Member, int]], size: int) -> set[int]:
    """Places of the sessions that hold so many calls that each is surely in the sample."""
    order = sorted(range(len(picked)), key=lambda place: -picked[place][1])
    sure: set[int] = set()
    left = sum(calls for _, calls in picked)
    for place in order:
        calls = picked[place][1]
        if len(sure) >= size or calls * (size - len(sure)) < left:
            break
        sure.add(place)
        left -= calls
    return sure


def _systematic(sessions: Sequence[tuple[Member, int]], count: int, chance: random.Random) -> list[Member]:
    """`count` of the sessions: every so many calls from a random start, in the order given; none holds a whole step."""
    if not count:
        return []
    step = Fraction(sum(calls for _, calls in sessions), count)
    start = Fraction(chance.random()) * step
    chosen: list[Member] = []
    passed = 0
    for member, calls in sessions:
        passed += calls
        if len(chosen) < count and start + len(chosen) * step < passed:
            chosen.append(member)
    return chosen


def permuted(chosen: Sequence[Chosen], chance: random.Random, block: int = BLOCK) -> list[Chosen]:
    """An order in which every block holds its share of each stratum, shuffled within blocks.

    After each whole block a stratum's count is within one of its share (Tijdeman's rule), anywhere else within one and
    what the begun block may add.
    """
    waiting: dict[Stratum, list[Chosen]] = defaultdict(list)
    for item in sorted(chosen, key=lambda item: item.member.call_id):
        waiting[item.member.stratum].append(item)
    for items in waiting.values():
        chance.shuffle(items)
    slots = apportioned({stratum: len(items) for stratum, items in waiting.items()}, chance)
    order = [waiting[stratum].pop() for stratum in slots]
    blocks = [order[start : start + block] for start in range(0, len(order), block)]
    for part in blocks:
        chance.shuffle(part)
    return [item for part in blocks for item in part]


def apportioned(counts: Mapping[Stratum, int], chance: random.Random) -> list[Stratum]:
    """A sequence with each stratum as often as counted, of which any beginning is within one of every share.

    Tijdeman's chairman assignment: of the strata that may come next, the one whose share runs out first.
    """
    total = sum(counts.values())
    strata = sorted(counts)
    chance.shuffle(strata)
    parts = max(1, 2 * len(strata) - 2)  # a stratum may come once its share is 1 / parts ahead of its count
    given: Counter[Stratum] = Counter()
    order: list[Stratum] = []
    for place in range(1, total + 1):
        due = [s for s in strata if (counts[s] * place - given[s] * total) * parts >= total]
        # proportional to the place by which one more must have come
        following = min(due or strata, key=lambda s: (parts * (given[s] + 1) - 1) / counts[s])
        given[following] += 1
        order.append(following)
    return order
