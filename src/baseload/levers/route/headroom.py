"""Rate-limit pools: whether the pool a workload would move to takes its busiest minute.

Models of one pool share its limits, so moving traffic changes the pool (anthropic-facts section 7). Limits are known
only where the company says its usage tier or its own limits; without them nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from baseload.ledger.peaks import Peak
from baseload.levers.options import RouteOption
from baseload.prices.book import PriceBook
from baseload.values import Problem


class PoolLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a pool takes a minute. `input_tokens` are all but cache reads; 0 = no limit."""

    requests: int
    input_tokens: int
    output_tokens: int


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the company declares: its usage tier (start | build | scale) and limits of single pools, which win."""

    tier: str = ""
    pools: dict[str, PoolLimit] = msgspec.field(default_factory=dict)


class PoolLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What chosen options ask of one pool together. `share` is over the pool's tightest limit, 1 = full.

    The busiest minutes of the workloads are added as if they fell together: an upper bound. `arriving` moved there.
    """

    pool: str
    workloads: tuple[str, ...]
    arriving: tuple[str, ...]
    share: float


def limit_of(pool: str, limits: Limits | None, book: PriceBook) -> PoolLimit | None:
    """The limits of a pool, as declared or by the declared tier; None where neither says."""
    if limits is None or not pool:
        return None
    if pool in limits.pools:
        return limits.pools[pool]
    row = book.rate_limits.get((pool, limits.tier))
    if row is None:
        return None
    return PoolLimit(requests=row.requests, input_tokens=row.input_tokens, output_tokens=row.output_tokens)


def unknown_pools(limits: Limits | None, book: PriceBook) -> list[Problem]:
    """One problem for each declared pool that no model of the book draws on: its limits hold nothing back."""
    known = sorted({model.pool for model in book.models.values()} - {""})
    return [
        Problem(
            source="baseload.toml",
            file="baseload.toml",
            row=0,
            code="pool-unknown",
            message="Limits are declared for a pool that no model draws on; they hold nothing back.",
            value=f"limits.pool.{name}"[:60],
            expected=f"one of {', '.join(known)}",
            next_step="Rename the pool in [limits.pool], or remove it.",
        )
        for name in (sorted(limits.pools) if limits else ())
        if name not in known
    ]


def asked(peak: Peak, option: RouteOption) -> tuple[float, float, float]:
    """Requests, input and output tokens a minute at the busiest, as the option's model would count them (likely)."""
    growth, output = float(option.growth_likely), float(option.output_likely)
    return float(peak.requests), peak.input_tokens * growth, peak.output_tokens * growth * output


def headroom(peak: Peak | None, option: RouteOption, limits: Limits | None, book: PriceBook) -> float | None:
    """The busiest minute over the pool's tightest limit: above 1 it does not fit. None where either is not known."""
    limit = limit_of(option.pool, limits, book)
    return None if limit is None or peak is None else _fill(asked(peak, option), limit)


def pool_load(
    chosen: Mapping[str, RouteOption], peaks: Mapping[str, Peak], limits: Limits | None, book: PriceBook
) -> tuple[PoolLoad, ...]:
    """Every pool with a known limit that the chosen options draw on, fullest first.

    `chosen` holds one option for each workload, those that stay too, because their traffic is in the pool already; a
    workload without a known peak adds nothing.
    """
    groups: dict[str, list[str]] = {}
    for workload, option in chosen.items():
        if workload in peaks:
            groups.setdefault(option.pool, []).append(workload)
    found = []
    for pool, members in groups.items():
        limit = limit_of(pool, limits, book)
        if limit is None:
            continue
        loads = [asked(peaks[workload], chosen[workload]) for workload in members]
        requests, given, taken = (sum(column) for column in zip(*loads, strict=True))
        arriving = tuple(workload for workload in members if not chosen[workload].today)
        found.append(
            PoolLoad(
                pool=pool, workloads=tuple(members), arriving=arriving, share=_fill((requests, given, taken), limit)
            )
        )
    return tuple(sorted(found, key=lambda load: (-load.share, load.pool)))


def pool_problems(loads: Iterable[PoolLoad], book: PriceBook, names: Mapping[str, str]) -> list[Problem]:
    """One problem for each pool that moving workloads would fill beyond its limit. `names` are those of workloads."""
    return [_overfull(load, book, names) for load in loads if load.share > 1 and load.arriving]


def _overfull(load: PoolLoad, book: PriceBook, names: Mapping[str, str]) -> Problem:
    models = ", ".join(model.display_name for model in book.models.values() if model.pool == load.pool) or load.pool
    count = len(load.arriving)
    moving = "this workload" if count == 1 else f"these {count} workloads"
    return Problem(
        source="plan",
        file="",
        row=0,
        code="pool-overfull",
        message=f"Moving {moving} fills {load.share:.0%} of the rate limits of {models}, if their busiest minutes "
        f"fall together: {', '.join(names.get(one, one) for one in load.arriving[:5])}{' …' if count > 5 else ''}.",
        value=f"{load.share:.2f}",
        expected="at most 1.00 of the pool's requests, input and output tokens a minute",
        next_step="Ask for a higher limit before the move, move fewer workloads, or shift them over several weeks.",
    )


def _fill(load: tuple[float, float, float], limit: PoolLimit) -> float:
    caps = (limit.requests, limit.input_tokens, limit.output_tokens)
    return max((amount / cap for amount, cap in zip(load, caps, strict=True) if cap), default=0.0)
