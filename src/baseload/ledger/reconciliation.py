"""Calls against control totals, cell by cell: what agreed, what differed, what one side did not have."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec
import numpy as np

from baseload.ledger.attribution import LEVELS, Groups, Ints, codes_of
from baseload.ledger.frame import Frame
from baseload.ledger.statements import Flags
from baseload.ledger.working import Claim
from baseload.values import NANO_PER_CENT

GATE: Final = 0.005
"""Agreement: within half a per cent (anthropic-facts section 9.2), or a cent."""


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """One cell: list nano-dollars that its calls and its control total claim, before one was fitted to the other.

    `day` is the first day of a period's cell. Tokens are given because a model without a price has no dollars.
    """

    platform: str
    account: str
    day: int
    model: str
    scope: str  # "account, day, model[, workspace][, api_key]": what both sides say
    calls_nano: int
    control_nano: int
    calls_tokens: int
    control_tokens: int
    verdict: str  # agrees | differs | calls-missing | control-missing
    note: str

    @property
    def difference_nano(self) -> int:
        """Control minus calls: negative where there are more calls than the total."""
        return self.control_nano - self.calls_nano

    @property
    def difference_share(self) -> float | None:
        """The difference as a share of the control total; None where that is 0."""
        return self.difference_nano / self.control_nano if self.control_nano else None


def reconcile(frame: Frame, claims: Iterable[Claim]) -> tuple[Reconciliation, ...]:
    """Every cell of accounts that have calls and control totals both; by account, day and model."""
    used = [claim for claim in claims if claim.report.any() and claim.calls.any()]
    if not used:
        return ()
    with_reports = np.isin(frame.owner, np.unique(np.concatenate([frame.owner[claim.report] for claim in used])))
    with_calls = np.isin(frame.owner, np.unique(frame.owner[used[0].calls]))
    uncovered = used[0].calls & with_reports
    found: list[Reconciliation] = []
    for claim in used:
        covered = claim.report & with_calls
        cells = np.unique(claim.cell[covered])
        inside = claim.calls & np.isin(claim.cell, cells)
        uncovered &= ~inside
        found += _cells(frame, claim, covered | inside)
    bare = used[0]._replace(cell=frame.cell, report=np.zeros(frame.size, dtype=bool))
    found += _cells(frame, bare, uncovered)
    return tuple(sorted(found, key=lambda cell: (cell.platform, cell.account, cell.day, cell.model)))


class _Cell(NamedTuple):
    """Sums of one cell's rows, and where to read its names."""

    row: int
    day: int
    level: int
    calls_nano: int
    control_nano: int
    calls_tokens: int
    control_tokens: int
    calls: int
    reports: int
    sampled: int  # calls that a sample drew, unscaled


def _cells(frame: Frame, claim: Claim, rows: Flags) -> list[Reconciliation]:
    places = np.flatnonzero(rows)
    codes, count = codes_of([claim.cell[places]])
    groups = Groups(codes, count)
    calls, report = claim.calls[places], claim.report[places]
    ones = np.ones(len(places), dtype=np.int64)
    member = np.zeros(count, dtype=np.int64)
    member[codes[::-1]] = places[::-1]
    columns = (
        member,
        _least(codes, count, frame.day[places]),
        _least(codes, count, np.where(calls, claim.level[places], len(LEVELS))),
        groups.sums(np.where(calls, claim.calls_nano[places], 0)),
        groups.sums(np.where(report, claim.report_nano[places], 0)),
        groups.sums(np.where(calls, claim.tokens[places], 0)),
        groups.sums(np.where(report, claim.tokens[places], 0)),
        groups.sums(np.where(calls, ones, 0)),
        groups.sums(np.where(report, ones, 0)),
        groups.sums(np.where(calls & claim.sampled[places], claim.rows[places], 0)),
    )
    cells = zip(*(column.tolist() for column in columns), strict=True)
    return [_record(frame, _Cell(*cell), period=claim.period) for cell in cells]


def _least(codes: Ints, count: int, values: Ints) -> Ints:
    least = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(least, codes, values)
    return least


def _record(frame: Frame, cell: _Cell, *, period: bool) -> Reconciliation:
    platform, account = frame.owners[int(frame.owner[cell.row])]
    names = LEVELS[cell.level] if cell.level < len(LEVELS) else ()
    priced = bool(cell.calls_nano or cell.control_nano)
    tolerance = max(GATE, 3 / math.sqrt(cell.sampled)) if cell.sampled else GATE
    notes = []
    if cell.sampled:
        notes.append(f"sampled calls, scaled: agreement within {tolerance:.1%}")
    if not priced:
        notes.append("no price: compared by tokens")
    claimed = (cell.calls_nano, cell.control_nano) if priced else (cell.calls_tokens, cell.control_tokens)
    return Reconciliation(
        platform=platform,
        account=account,
        day=cell.day,
        model=frame.model.values[int(frame.model.codes[cell.row])],
        scope=", ".join(("account", "period" if period else "day", "model", *names)),
        calls_nano=cell.calls_nano,
        control_nano=cell.control_nano,
        calls_tokens=cell.calls_tokens,
        control_tokens=cell.control_tokens,
        verdict=_verdict(*claimed, tolerance, has_calls=cell.calls > 0, has_report=cell.reports > 0),
        note="; ".join(notes),
    )


def _verdict(calls: int, control: int, tolerance: float, *, has_calls: bool, has_report: bool) -> str:
    if not has_calls:
        return "calls-missing"
    if not has_report:
        return "control-missing"
    difference = abs(control - calls)
    return "agrees" if difference <= max(tolerance * control, NANO_PER_CENT) else "differs"
