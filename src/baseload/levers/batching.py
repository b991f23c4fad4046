"""What the same calls would have cost through batch processing: half price where nobody waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from baseload.levers.position import Position, by_workload, cost_nano, cost_today, rates_at
from baseload.prices.book import PriceBook
from baseload.values import Opportunity, Workload

UNBATCHABLE_TASKS = ("agentic",)
"""A batch item is one request: a client tool loop cannot run inside one (anthropic-facts section 4)."""


def batch_opportunities(
    positions: Iterable[Position], workloads: Mapping[str, Workload], book: PriceBook, day: int
) -> list[Opportunity]:
    """One row per workload whose calls could be batched where it runs; interactive ones have none.

    Tolerant by evidence: the whole difference. Latency unknown: between nothing and the whole difference.
    """
    found = []
    for workload, members in by_workload(positions).items():
        facts = workloads[workload]
        if facts.latency == "interactive" or facts.task in UNBATCHABLE_TASKS:
            continue
        saving = sum(_saving(position, book, day) for position in members)
        if saving <= 0:
            continue
        tolerant = facts.latency == "tolerant"
        found.append(
            Opportunity(
                workload=workload,
                lever="batch",
                candidate="batch",
                low_nano=saving if tolerant else 0,
                high_nano=saving,
                grade="assumed",
                assumption=(
                    f"tolerant by its traffic ({facts.latency_evidence}); deadline not confirmed"
                    if tolerant
                    else "whether anybody waits is unknown; cache hits inside a batch are best effort"
                ),
            )
        )
    return found


def _saving(position: Position, book: PriceBook, day: int) -> int:
    """List nano-dollars saved at batch rates; 0 where the position is batch already or batch is not sold there."""
    if position.key.tier != "standard" or position.key.speed != "standard":
        return 0
    rates = rates_at(book, position, day, tier="batch")
    if rates is None:
        return 0
    return cost_today(position, book, day)[0] - cost_nano(position.tokens, rates.low)
