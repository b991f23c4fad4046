"""The plan's figures in whole cents, adding up across and down.

Columns first: the bill, and each lever's saving over all workloads, are rounded so that the savings add to the rounded
whole saving; then each column is divided among the workloads by largest remainder. What a workload costs after the
plan is its bill less its steps, so every row adds up too, and a workload that does not change shows no cent of change.
Shapley values of a row are rounded to that row's whole saving. No figure is further from its exact value than one cent
for each cell it was summed from.

The ends of a range are rounded as their distances from the likely figure, column by column in the same way: the lows of
the rows add to the low of the total, the highs to the high, and what has no range gets none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import msgspec

from baseload.plan.choice import LEVERS, Lever
from baseload.plan.planned import Planned
from baseload.plan.rounding import half_even, largest_remainder
from baseload.plan.span import Span
from baseload.values import NANO_PER_CENT, Grade, usd_text


class Reach(NamedTuple):
    """How far a range goes below and above its likely figure, in cents; never negative."""

    below: int = 0
    above: int = 0

    def around(self, likely: int) -> Span:
        return Span(low=likely - self.below, likely=likely, high=likely + self.above)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One workload in cents, or all of them; `unplanned` has no steps. `reach` is of the whole saving."""

    billed: int
    steps: dict[Lever, int]
    shapley: dict[Lever, int]
    reach: Reach
    step_reach: dict[Lever, Reach]

    @property
    def saving(self) -> int:
        return sum(self.steps.values())

    @property
    def optimized(self) -> int:
        return self.billed - self.saving

    @property
    def saving_span(self) -> Span:
        return self.reach.around(self.saving)

    @property
    def left_span(self) -> Span:
        """What is left of the bill: the highest saving leaves the least."""
        return Reach(self.reach.above, self.reach.below).around(self.optimized)

    def step_span(self, lever: Lever) -> Span:
        return self.step_reach[lever].around(self.steps[lever])


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Every workload's row, in the order given, the cents of the bill no workload holds, and the sums of both."""

    rows: tuple[Row, ...]
    unplanned: int
    total: Row


def in_cents(planned: Sequence[Planned], shapley: Sequence[Mapping[Lever, int]], whole_nano: int) -> Table:
    """The table of a plan. `shapley` are nano-dollars by lever for each workload; `whole_nano` is the whole bill."""
    unplanned = whole_nano - sum(one.billed_nano for one in planned)
    bill = _column([*(one.billed_nano for one in planned), unplanned], half_even(_cents(whole_nano)))
    spans = [{step.lever: step.saving for step in one.steps} for one in planned]
    by_lever = [{lever: span.likely for lever, span in steps.items()} for steps in spans]
    sums = [_cents(sum(steps.get(lever, 0) for steps in by_lever)) for lever in LEVERS]
    totals = dict(zip(LEVERS, largest_remainder(sums, half_even(sum(sums, Fraction(0)))), strict=True))
    columns = {lever: _column([steps.get(lever, 0) for steps in by_lever], totals[lever]) for lever in LEVERS}
    reach = _reaches([one.saving for one in planned])
    step_reach = {lever: _reaches([steps.get(lever, Span()) for steps in spans]) for lever in LEVERS}
    rows = []
    for place, values in enumerate(shapley):
        steps = {lever: columns[lever][place] for lever in LEVERS}
        exact = [_cents(values.get(lever, 0)) for lever in LEVERS]
        average = dict(zip(LEVERS, largest_remainder(exact, sum(steps.values())), strict=True))
        rows.append(
            Row(
                billed=bill[place],
                steps=steps,
                shapley=average,
                reach=reach[place],
                step_reach={lever: step_reach[lever][place] for lever in LEVERS},
            )
        )
    return Table(
        rows=tuple(rows),
        unplanned=bill[-1],
        total=Row(
            billed=sum(bill),
            steps=totals,
            shapley={lever: sum(row.shapley[lever] for row in rows) for lever in LEVERS},
            reach=_summed(reach),
            step_reach={lever: _summed(step_reach[lever]) for lever in LEVERS},
        ),
    )


def column_in_cents(spans: Sequence[Span]) -> list[Span]:
    """A column of ranges of nano-dollars in whole cents: its likely figures add to their rounded sum, its ends too."""
    likely = _column([span.likely for span in spans], nearest_cent(sum(span.likely for span in spans)))
    return [reach.around(cents) for reach, cents in zip(_reaches(spans), likely, strict=True)]


def _reaches(spans: Sequence[Span]) -> list[Reach]:
    below = [span.likely - span.low for span in spans]
    above = [span.high - span.likely for span in spans]
    ends = (_column(parts, nearest_cent(sum(parts))) for parts in (below, above))
    return [Reach(*pair) for pair in zip(*ends, strict=True)]


def _summed(reaches: Sequence[Reach]) -> Reach:
    return Reach(sum(reach.below for reach in reaches), sum(reach.above for reach in reaches))


class Effective(msgspec.Struct, frozen=True, kw_only=True):
    """Cents at an effective rate; the rows' savings add to the whole."""

    billed: int
    saving: int
    rows: tuple[int, ...]


def at_rate(table: Table, rate: Decimal) -> Effective:
    """A table's bill and savings times what a list dollar costs this customer."""
    factor = Fraction(rate)
    saving = half_even(table.total.saving * factor)
    rows = largest_remainder([row.saving * factor for row in table.rows], saving)
    return Effective(billed=half_even(table.total.billed * factor), saving=saving, rows=tuple(rows))


def divided(by_grade: Mapping[Grade, int], whole_cents: int) -> dict[Grade, int]:
    """Nano-dollars by grade as cents that add to a rounded figure."""
    grades = list(by_grade)
    if not grades:
        return {}
    return dict(zip(grades, largest_remainder([_cents(by_grade[grade]) for grade in grades], whole_cents), strict=True))


def cents_text(cents: int) -> str:
    """Cents as a `_usd` field."""
    return usd_text(cents * NANO_PER_CENT)


def nearest_cent(nano: int) -> int:
    """Nano-dollars in cents, rounded half-even."""
    return half_even(_cents(nano))


def _column(parts_nano: Sequence[int], whole_cents: int) -> list[int]:
    return largest_remainder([_cents(nano) for nano in parts_nano], whole_cents)


def _cents(nano: int) -> Fraction:
    return Fraction(nano, NANO_PER_CENT)
