"""In scope, out of scope, unknown: dollars of every whole month, and the demand paths at both ends of the unknown.

A workload's paths are cut to the share of its recent dollars that the contract covers: `least` counts nothing unknown,
`most` all of it. Both ends are the same draws, so that a difference between them is the scope and not the luck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.commit.scope import ANSWERS, Answer, Scope, ScopeRule, scope_of
from baseload.demand.history import ALL, Floats
from baseload.demand.months import month_text
from baseload.demand.paths import Paths
from baseload.demand.volume import RECENT_MONTHS
from baseload.ledger.frame import ints
from baseload.project import Invoice
from baseload.values import Table, Window, date_of_day, nano_from_usd

End = Literal["least", "most"]
ENDS: Final[tuple[End, ...]] = ("least", "most")


class ScopedMonth(msgspec.Struct, frozen=True, kw_only=True):
    """List nano-dollars of one whole month (YYYY-MM) by answer; `seats_nano` are billed beside them and no usage."""

    month: str
    in_nano: int
    out_nano: int
    unknown_nano: int
    seats_nano: int = 0


class Scoped(msgspec.Struct, frozen=True, kw_only=True):
    """The split of a spend table. `months` are the whole ones, in order; `scope` is of all rows.

    `recent_nano`: workload -> dollars by answer in the last whole months, at the prices given.
    """

    scope: Scope
    months: tuple[ScopedMonth, ...]
    recent_nano: Mapping[str, Mapping[Answer, int]]

    def shares(self, names: Sequence[str], end: End) -> Floats:
        """The part of each workload's dollars that the contract covers, 0 to 1.

        A name the ledger does not know as a workload (`all`, the small ones carried on as one) is every workload
        that is not named. Without recent dollars nothing is known: 0 at the one end, 1 at the other.
        """
        others = [name for name in self.recent_nano if name not in names]
        return np.array([self._share([name] if name in self.recent_nano else others, end) for name in names])

    def _share(self, workloads: Sequence[str], end: End) -> float:
        sums = {answer: sum(self.recent_nano[name][answer] for name in workloads) for answer in ANSWERS}
        total = sum(sums.values())
        covered = sums["yes"] + (sums["unknown"] if end == "most" else 0)
        return covered / total if total else float(end == "most")


def scoped(
    rows: Table,
    workloads: Sequence[str],
    rules: Sequence[ScopeRule],
    complete: Window,
    *,
    cost_nano: NDArray[np.int64] | None = None,
    invoices: Sequence[Invoice] = (),
) -> Scoped:
    """Split settled spend rows (`ledger.scope.settle`) by the rules.

    `workloads` names each row's, as for `demand.volume.ledger_volume`; `cost_nano` are today's dollars
    (`demand.volume.today_nano`), by which shares are weighed (default: list dollars as they were).
    """
    scope = scope_of(rows, rules)
    first, last = _whole_months(complete)
    month = _months(rows)
    months = tuple(_month(rows, scope, month == place, place, invoices) for place in range(first, last))
    cost = ints(rows, "list_nano") if cost_nano is None else cost_nano
    inside = (month >= max(first, last - RECENT_MONTHS)) & (month < last)
    return Scoped(scope=scope, months=months, recent_nano=_recent(workloads, scope, np.where(inside, cost, 0)))


def paths_at(found: Scoped, paths: Paths, end: End) -> Paths:
    """The same paths with what the contract covers at one end of the unknown.

    A retirement takes from what is covered of its workload; a launch is covered whole at both ends.
    """
    share = found.shares(paths.names, end)[:, None, None]
    workloads = paths.workloads * share
    events = paths.events.copy()
    for place, name in enumerate(paths.event_workloads):
        if name in paths.names:
            events[place] *= share[paths.names.index(name)]
        elif name == ALL:
            before, after = paths.workloads.sum(axis=0), workloads.sum(axis=0)
            events[place] *= np.divide(after, before, out=np.ones_like(before), where=before > 0)
    return paths._replace(workloads=workloads, events=events)


def _month(rows: Table, scope: Scope, here: NDArray[Any], place: int, invoices: Sequence[Invoice]) -> ScopedMonth:
    listed = ints(rows, "list_nano")
    yes, no, unknown = (int(listed[here & (scope.answers == answer)].sum()) for answer in ANSWERS)
    name = month_text(place)
    seats = sum(nano_from_usd(one.seats) for one in invoices if one.month == name and one.currency == "USD")
    return ScopedMonth(month=name, in_nano=yes, out_nano=no, unknown_nano=unknown, seats_nano=seats)


def _recent(workloads: Sequence[str], scope: Scope, cost: NDArray[np.int64]) -> dict[str, dict[Answer, int]]:
    names = sorted(set(workloads))
    place = {name: index for index, name in enumerate(names)}
    codes = np.fromiter((place[name] for name in workloads), dtype=np.int64, count=len(workloads))
    sums: dict[Answer, list[int]] = {}
    for answer in ANSWERS:
        found = np.zeros(len(names), dtype=np.int64)
        np.add.at(found, codes, np.where(scope.answers == answer, cost, 0))
        sums[answer] = found.tolist()
    return {name: {answer: sums[answer][index] for answer in ANSWERS} for name, index in place.items()}


def _whole_months(complete: Window) -> tuple[int, int]:
    """First whole month, and the month after the last; as demand counts them."""
    start, end = date_of_day(complete.start_day), date_of_day(complete.end_day_exclusive)
    return start.year * 12 + start.month - 1 + (start.day > 1), end.year * 12 + end.month - 1


def _months(rows: Table) -> NDArray[np.int64]:
    days, places = np.unique(ints(rows, "day"), return_inverse=True)
    dates = [date_of_day(day) for day in days.tolist()]
    found: NDArray[np.int64] = np.array([one.year * 12 + one.month - 1 for one in dates] or [0], dtype=np.int64)[places]
    return found
