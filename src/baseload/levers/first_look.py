"""All first opportunities of one window, in acting order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from baseload.levers.batching import batch_opportunities
from baseload.levers.caching import (
    losing_cache_opportunities,
    missed_read_opportunities,
    realised_savings,
    shared_prefix_opportunities,
)
from baseload.levers.position import Position
from baseload.levers.routing import route_opportunities, successor
from baseload.levers.summary import LEVERS
from baseload.levers.waste import repeat_opportunities, retirement_opportunities, surcharge_opportunities
from baseload.prices.book import PriceBook, PriceKey
from baseload.values import TOKEN_CLASSES, Opportunity, Tokens, Workload


class CallEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What only single calls show, already summed by workload and price key; empty for aggregate sources.

    `repeats`: workload -> (excess calls, their list nano-dollars). `missed_reads`: tokens sent again, as billed.
    `prefixes`: tokens that could have been read, and those that had to be written for it.
    """

    repeats: Mapping[str, tuple[int, int]] = msgspec.field(default_factory=dict)
    missed_reads: tuple[tuple[str, PriceKey, Tokens], ...] = ()
    prefixes: tuple[tuple[str, PriceKey, int, int], ...] = ()

    def part(self, share: Mapping[str, Decimal]) -> CallEvidence:
        """The evidence of a part of the window, by each workload's share of spend in it (missing = none)."""
        nothing = Decimal(0)
        return CallEvidence(
            repeats={
                workload: (round(calls * share.get(workload, nothing)), round(nano * share.get(workload, nothing)))
                for workload, (calls, nano) in self.repeats.items()
            },
            missed_reads=tuple(
                (workload, key, _times(tokens, share.get(workload, nothing)))
                for workload, key, tokens in self.missed_reads
            ),
            prefixes=tuple(
                (workload, key, round(read * share.get(workload, nothing)), round(write * share.get(workload, nothing)))
                for workload, key, read, write in self.prefixes
            ),
        )


def _times(tokens: Tokens, factor: Decimal) -> Tokens:
    return Tokens(**{name: round(getattr(tokens, name) * factor) for name in TOKEN_CLASSES})


def first_opportunities(
    positions: Sequence[Position],
    workloads: Mapping[str, Workload],
    evidence: CallEvidence,
    book: PriceBook,
    day: int,
) -> list[Opportunity]:
    """Every lever's rows, those that cost no quality first, dearest first inside a lever."""
    realised = realised_savings(positions, book, day)
    found = [
        *surcharge_opportunities(positions, book, day),
        *repeat_opportunities(evidence.repeats),
        *retirement_opportunities(positions, book, day),
        *route_opportunities(positions, workloads, book, day),
        *losing_cache_opportunities(realised),
        *missed_read_opportunities(evidence.missed_reads, book, day),
        *shared_prefix_opportunities(evidence.prefixes, realised, book, day),
        *batch_opportunities(positions, workloads, book, day),
    ]
    return sorted(found, key=lambda row: (LEVERS.index(row.lever), -row.high_nano, row.workload, row.candidate))


def refreshes(positions: Iterable[Position], book: PriceBook, day: int) -> dict[str, frozenset[str]]:
    """Per workload, the models that only refresh the line it is on: the newest callable one of each of its lines."""
    found: dict[str, set[str]] = {}
    for position in positions:
        model = book.models.get(position.key.model)
        newer = successor(model, book, day) if model else None
        if newer is not None:
            found.setdefault(position.workload, set()).add(newer.id)
    return {workload: frozenset(models) for workload, models in found.items()}
