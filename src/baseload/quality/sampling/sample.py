"""Draw a trial's sample: population, repeats, time split, sessions, order, all from one seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from baseload.errors import UsageError
from baseload.quality.sampling.duplicates import SIMILAR, deduplicated
from baseload.quality.sampling.order import BLOCK, Chosen, choose, permuted
from baseload.quality.sampling.population import Population, Stratum
from baseload.quality.sampling.split import time_split

HEAVIEST: Final = 3.0
"""No difference counts more than three times: a bet must shrink with the largest weight (quality.md section 4)."""
Redaction = Literal["raw", "redacted"]


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the sample, in its order."""

    call_id: str
    session: str
    stratum: str
    weight: float


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial replays, in order. Kept in its evidence; with the population and the seed anybody draws it again.

    `redaction` holds for both arms: a redacted request is another task. `capped_share` is the share of calls whose
    weight was cut to `HEAVIEST`: 0, or the estimate is not quite the mean of all calls. `bound` is the largest weight:
    D x weight lies within it. `groups` names repeats: the call that stays -> all of them.
    """

    query: str
    population_sha256: str
    seed: str
    unit: Literal["session"] = "session"
    redaction: Redaction
    calls: int  # of the population, repeats counted
    sessions: int
    order: tuple[Drawn, ...]
    held_back: tuple[str, ...]  # newest calls, for the canary's baseline
    groups: dict[str, tuple[str, ...]]
    strata: dict[str, int]  # of the sample
    bound: float
    capped_share: float
    left_out: dict[str, int]


def draw(
    population: Population,
    most: int,
    *,
    seed: str,
    key: bytes,
    redaction: Redaction,
    user_texts: Mapping[str, str] | None = None,
    similar: float = SIMILAR,
    held_back_days: int = 0,
    block: int = BLOCK,
) -> Sample:
    """At most `most` calls. The same population, seed and key give the same sample. Raises UsageError on bad numbers.

    `most` is the longest horizon of the trial: every beginning of the order is representative, so it may stop early.
    """
    if most < 1 or block < 1:
        raise UsageError(f"a sample of {most} in blocks of {block}; expected at least 1 each")
    older, newest = time_split(population.members, held_back_days)
    kept = deduplicated(older, user_texts, key=key, similar=similar)
    chance = random.Random(f"{seed}|{population.sha256}")  # noqa: S311 - a reproducible draw, no secret
    order = permuted(choose(kept.members, most, chance), chance, block) if kept.members else []
    weights = [min(item.weight, HEAVIEST) for item in order]
    return Sample(
        query=population.query,
        population_sha256=population.sha256,
        seed=seed,
        redaction=redaction,
        calls=sum(member.weight for member in kept.members),
        sessions=len({member.session for member in kept.members}),
        order=tuple(_drawn(item, weight) for item, weight in zip(order, weights, strict=True)),
        held_back=tuple(member.call_id for member in newest),
        groups=kept.groups,
        strata=_counts([item.member.stratum for item in order]),
        bound=max(weights, default=1.0),
        capped_share=_capped(order),
        left_out=population.left_out,
    )


def _drawn(item: Chosen, weight: float) -> Drawn:
    member = item.member
    return Drawn(call_id=member.call_id, session=member.session, stratum=member.stratum.text, weight=weight)


def _counts(strata: list[Stratum]) -> dict[str, int]:
    return {stratum.text: strata.count(stratum) for stratum in sorted(set(strata))}


def _capped(order: list[Chosen]) -> float:
    """Share of the weight that the cap took away."""
    total = sum(item.weight for item in order)
    return sum(max(0.0, item.weight - HEAVIEST) for item in order) / total if total else 0.0
