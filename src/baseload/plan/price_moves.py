"""What a dated price change does to the plan: each workload's tokens at two books or two days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from baseload.levers.position import Position, by_workload
from baseload.plan.span import Span, around
from baseload.prices.impact import Side, Usage, annual, impact
from baseload.values import nano_from_usd


class PriceMove(msgspec.Struct, frozen=True, kw_only=True):
    """One workload's annual list nano-dollars before and after; `delta` is positive where it gets dearer.

    `likely` of a span is its low end: a range is open only where a TTL or a prompt band is unknown. `unpriced` are
    price keys that one side has no price for: they are in neither figure.
    """

    workload: str
    before: Span
    after: Span
    delta: Span
    unpriced: tuple[str, ...] = ()


def price_moves(positions: Iterable[Position], before: Side, after: Side, *, window_days: int) -> list[PriceMove]:
    """Every workload's move, largest first; those whose price stays have a delta of 0. Tokens stay as they are:
    whether another model is now the cheapest is a question for a new plan."""
    found = [
        _move(workload, members, before, after, window_days) for workload, members in by_workload(positions).items()
    ]
    return sorted(found, key=lambda move: (-max(abs(move.delta.low), abs(move.delta.high)), move.workload))


def _move(workload: str, members: Sequence[Position], before: Side, after: Side, window_days: int) -> PriceMove:
    rows = impact(map(_usage, members), before, after)
    unpriced = tuple(sorted({row.price_key for row in rows if row.before is None or row.after is None}))
    both = [(row.before, row.after, row.delta) for row in rows if row.before and row.after and row.delta]
    return PriceMove(
        workload=workload,
        before=_annual([(one.low, one.high) for one, _, _ in both], window_days),
        after=_annual([(two.low, two.high) for _, two, _ in both], window_days),
        delta=_annual([(delta.low, delta.high) for _, _, delta in both], window_days),
        unpriced=unpriced,
    )


def _usage(position: Position) -> Usage:
    counts = msgspec.structs.asdict(position.tokens)
    return Usage(price_key=position.key.text, counts=counts, ttl_unknown=position.ttl_unknown)


def _annual(ends: Iterable[tuple[Decimal, Decimal]], window_days: int) -> Span:
    """USD of the window as a year's nano-dollars."""
    pairs = list(ends)
    low = nano_from_usd(annual(sum((low for low, _ in pairs), Decimal(0)), window_days))
    high = nano_from_usd(annual(sum((high for _, high in pairs), Decimal(0)), window_days))
    return around(low, (high,))
