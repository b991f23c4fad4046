"""A month's settled rows as cells: what each workload used, by everything that decides its price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from baseload.ledger.attribution import Groups, codes_of
from baseload.ledger.frame import ints, key_parts, known, texts
from baseload.ledger.month_usage import CHANNELS
from baseload.plan.close.months import Owner
from baseload.prices.rates import RATE_FIELDS
from baseload.values import TOKEN_CLASSES, Table, Workload
from baseload.workloads.key import UNATTRIBUTED

NANO_CLASSES = tuple(f"{name}_nano" for name in RATE_FIELDS)


class Cell(NamedTuple):
    """Tokens and list nano-dollars of one workload at one price; both in the order of TOKEN_CLASSES."""

    owner: Owner
    model: str
    platform: str
    geo: str
    tier: str
    speed: str
    band: str
    tokens: tuple[int, ...]
    nano: tuple[int, ...]
    other_nano: int  # searches, code execution, sessions, dollars of a class without tokens


class WorkloadMonth(NamedTuple):
    """One workload in one month. `calls` is None as soon as one of its rows does not count them."""

    cells: tuple[Cell, ...]
    calls: int | None

    @property
    def list_nano(self) -> int:
        return sum(sum(cell.nano) + cell.other_nano for cell in self.cells)


class MonthCells(NamedTuple):
    """A month by workload id; what has tokens and no price is in none of it and counted apart."""

    workloads: Mapping[str, WorkloadMonth]
    names: Mapping[str, Workload]
    unpriced_tokens: int


def month_cells(
    rows: Table, workload_of: Mapping[str, Workload], owner_of: Callable[[Owner], Owner] = lambda owner: owner
) -> MonthCells:
    """Cells of some settled rows. `owner_of` joins accounts that one invoice is for. Order is that of the names."""
    tokens = sum((ints(rows, name) for name in TOKEN_CLASSES), np.zeros(len(rows["day"]), dtype=np.int64))
    unpriced = (tokens > 0) & (ints(rows, "priced") == 0) if "priced" in rows else np.zeros(len(tokens), dtype=bool)
    kept = {name: column[~unpriced] for name, column in rows.items()}
    signatures = texts(kept, "signature")
    found = [workload_of.get(name, UNATTRIBUTED) for name in signatures.values]
    names = {workload.id: workload for workload in found}
    order = sorted(names)
    workload = signatures.map([order.index(one.id) for one in found])
    return MonthCells(_by_workload(kept, workload, order, owner_of), names, int(tokens[unpriced].sum()))


def _by_workload(
    rows: Table, workload: np.ndarray[tuple[int], np.dtype[np.int64]], order: list[str],
    owner_of: Callable[[Owner], Owner],
) -> dict[str, WorkloadMonth]:  # fmt: skip
    keys, accounts = texts(rows, "price_key"), texts(rows, "account")
    codes, count = codes_of([workload, keys.codes, accounts.codes])
    groups = Groups(codes, count)
    member = np.zeros(count, dtype=np.int64)
    member[codes] = np.arange(len(codes))
    token_sums = np.array([groups.sums(ints(rows, name)) for name in TOKEN_CLASSES]).T.tolist()
    nano_sums = np.array([groups.sums(ints(rows, name)) for name in NANO_CLASSES]).T.tolist()
    listed = groups.sums(ints(rows, "list_nano")).tolist()
    cells: dict[str, list[Cell]] = {}
    for place, row in enumerate(member.tolist()):
        model, platform, geo, tier, speed, band = key_parts(keys.values[int(keys.codes[row])])
        owner = owner_of((CHANNELS.get(platform, platform), accounts.values[int(accounts.codes[row])]))
        tokens = tuple(token_sums[place])
        nano = tuple(amount if count else 0 for amount, count in zip(nano_sums[place], tokens, strict=True))
        other = listed[place] - sum(nano)
        cell = Cell(owner, model, platform, geo, tier, speed, band, tokens, nano, other)
        cells.setdefault(order[int(workload[row])], []).append(cell)
    calls = _calls(rows, workload, len(order))
    return {
        name: WorkloadMonth(tuple(sorted(found)), calls[order.index(name)]) for name, found in sorted(cells.items())
    }


def _calls(rows: Table, workload: np.ndarray[tuple[int], np.dtype[np.int64]], count: int) -> list[int | None]:
    """Calls of each workload; None where a row with tokens does not say how many it stands for."""
    tokens = sum((ints(rows, name) for name in TOKEN_CLASSES), np.zeros(len(workload), dtype=np.int64))
    unknown = ~known(rows, "requests")
    if "requests_known" in rows:
        unknown |= ints(rows, "requests_known") < ints(rows, "rows")
    groups = Groups(workload, count)
    silent = groups.sums((unknown & (tokens > 0)).astype(np.int64)).tolist()
    calls = groups.sums(np.where(unknown, 0, ints(rows, "requests"))).tolist()
    return [None if silent[place] else calls[place] for place in range(count)]
