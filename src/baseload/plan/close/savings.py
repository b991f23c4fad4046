"""Realised against planned savings: what each workload costs now, and what it would have cost as it was called then.

"Then" is the plan's window, "now" the month that is closed. The chain of `effects` is walked from one to the other; the
steps that are somebody's doing (model, tokenizer, cache, batch, options, and the length of answers where the plan moves
model or effort) are the saving, at this month's volume and text and the prices of then. Days, volume, prompt text and
price moves are not. It is measured on the bill's own rows, so a change made anywhere counts, not only the gateway's.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from baseload.plan.close.bridge import Months
from baseload.plan.close.cells import MonthCells, WorkloadMonth, month_cells
from baseload.plan.close.effects import Pair, Rates, effects
from baseload.plan.close.months import Owner, inside, month_window
from baseload.plan.close.prices import rates_of
from baseload.plan.close.promises import Promise, Promises
from baseload.values import Workload

SAVING_STEPS = ("model", "tokenizer", "cache", "batch", "options")
ANSWERS = "output"
LEAST_NANO = 10_000_000
"""A workload outside the plan is listed from a cent on."""


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """One workload, in list nano-dollars of the month. `realised_nano` is negative where it costs more than before.

    `before_nano` is what this month's usage would have cost as in the plan's window; None where the window has none of
    it, and then nothing is realised or planned.
    """

    workload: Workload
    promise: Promise | None
    now_nano: int
    before_nano: int | None
    planned_nano: int | None
    realised_nano: int
    effects: Mapping[str, int]
    calls: int | None


def savings(months: Months, month: str, promises: Promises) -> tuple[Saving, ...]:
    """Every workload the plan names, and every other that calls differently than then; largest promise first."""
    window = month_window(month)
    then = month_cells(inside(months.rows, promises.window), months.workload_of)
    now = month_cells(inside(months.rows, window), months.workload_of)
    nobody: dict[Owner, Decimal] = {}
    rates = rates_of(
        months.book, (promises.window, window), (nobody, nobody)
    )  # list dollars: every ratio of payment is 1
    by_id = {promise.workload: promise for promise in promises.promises}
    found = [_saving(name, then, now, rates, by_id.get(name)) for name in sorted({*now.workloads, *by_id})]
    kept = [saving for saving in found if saving.promise or abs(saving.realised_nano) >= LEAST_NANO]
    return tuple(sorted(kept, key=lambda one: (-(one.planned_nano or 0), -one.realised_nano, one.workload.id)))


def _saving(name: str, then: MonthCells, now: MonthCells, rates: Rates, promise: Promise | None) -> Saving:
    workload = now.names.get(name) or then.names.get(name) or _unseen(name, promise)
    before, after = then.workloads.get(name), now.workloads.get(name)
    if before is None or after is None or not before.list_nano:
        return _nothing(workload, promise, after)
    steps = (*SAVING_STEPS, ANSWERS) if promise is None or promise.shortens else SAVING_STEPS
    moved = effects(Pair(before, after, (1, 1)), rates)
    parts = {step: -round(moved[step]) for step in steps if round(moved[step])}
    realised = sum(parts.values())
    counterfactual = after.list_nano + realised
    planned = None if promise is None else _scaled(counterfactual, promise)
    return Saving(
        workload=workload,
        promise=promise,
        now_nano=after.list_nano,
        before_nano=counterfactual,
        planned_nano=planned,
        realised_nano=realised,
        effects=parts,
        calls=after.calls,
    )


def _scaled(counterfactual: int, promise: Promise) -> int:
    """The plan's saving as a share of its own bill, on what this month would have cost."""
    if not promise.billed_nano:
        return 0
    return round(Decimal(counterfactual) * promise.saved_nano / promise.billed_nano)


def _nothing(workload: Workload, promise: Promise | None, after: WorkloadMonth | None) -> Saving:
    return Saving(
        workload=workload,
        promise=promise,
        now_nano=after.list_nano if after else 0,
        before_nano=None,
        planned_nano=None,
        realised_nano=0,
        effects={},
        calls=after.calls if after else None,
    )


def _unseen(name: str, promise: Promise | None) -> Workload:
    """A workload of the plan that neither month has."""
    return Workload(id=name, name=promise.name if promise else name, stage="unattributed", why="only in the plan")
